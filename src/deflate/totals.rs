//! What compression has come to.

/// The compressed messages of one direction of a connection, and what compression
/// has made of them. Messages that went plain are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeflateTotals {
    /// Compressed messages.
    pub messages: u64,
    /// Their payloads before they were deflated, in bytes.
    pub inflated: u64,
    /// Their payloads as they were sent, in bytes.
    pub deflated: u64,
}

impl DeflateTotals {
    /// Deflated bytes for each inflated one; `None` before the first of them.
    pub fn ratio(&self) -> Option<f64> {
        (self.inflated > 0).then(|| self.deflated as f64 / self.inflated as f64)
    }

    pub(crate) fn add_message(&mut self, inflated: usize, deflated: usize) {
        self.messages += 1;
        self.add_bytes(inflated, deflated);
    }

    pub(crate) fn add_bytes(&mut self, inflated: usize, deflated: usize) {
        self.inflated += inflated as u64;
        self.deflated += deflated as u64;
    }
}
