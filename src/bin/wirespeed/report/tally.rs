//! What was received so far, how fast and how late.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Three significant digits of every latency.
const PRECISION: u8 = 3;

/// Latencies above a minute count as a minute.
const LONGEST_NANOS: u64 = 60_000_000_000;

/// Counts and latencies of received messages.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// Messages received.
    pub(crate) messages: u64,
    /// Payload bytes received.
    pub(crate) bytes: u64,
    /// The largest payload.
    pub(crate) largest: usize,
    /// Nanoseconds from the sender to here, of messages whose sending time is known.
    pub(crate) latency: Histogram<u64>,
    /// Nanoseconds from the read to here, of the other messages.
    pub(crate) in_buffer: Histogram<u64>,
}

/// How long a message took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delay {
    /// From its sender.
    SinceSent(u64),
    /// Only from the read that brought it.
    SinceRead(u64),
}

impl Tally {
    pub(crate) fn new() -> Self {
        let histogram = Histogram::new_with_max(LONGEST_NANOS, PRECISION)
            .expect("the bounds are constants that the histogram takes");
        Self { messages: 0, bytes: 0, largest: 0, latency: histogram.clone(), in_buffer: histogram }
    }

    /// Adds a message.
    pub(crate) fn add(&mut self, payload: usize, delay: Delay) {
        self.messages += 1;
        self.bytes += payload as u64;
        self.largest = self.largest.max(payload);
        match delay {
            Delay::SinceSent(nanos) => self.latency.saturating_record(nanos),
            Delay::SinceRead(nanos) => self.in_buffer.saturating_record(nanos),
        }
    }

    /// The delays that say most, and what they are.
    pub(crate) fn delays(&self) -> (&'static str, &Histogram<u64>) {
        if self.latency.is_empty() {
            ("time in the read buffer (no send stamps in this feed)", &self.in_buffer)
        } else {
            ("latency from the sender's hand to the receiver's, queues included", &self.latency)
        }
    }

    /// Messages a second over this time.
    pub(crate) fn message_rate(&self, over: Duration) -> f64 {
        per_second(self.messages, over)
    }

    /// Payload bytes a second over this time.
    pub(crate) fn byte_rate(&self, over: Duration) -> f64 {
        per_second(self.bytes, over)
    }
}

/// Events a second; zero over no time.
pub(crate) fn per_second(events: u64, over: Duration) -> f64 {
    if over.is_zero() { 0.0 } else { events as f64 / over.as_secs_f64() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up() {
        let mut tally = Tally::new();
        tally.add(100, Delay::SinceRead(5_000));
        assert!(tally.delays().0.starts_with("time in the read buffer"));
        tally.add(300, Delay::SinceSent(5_000));
        tally.add(200, Delay::SinceSent(u64::MAX));
        assert_eq!((tally.messages, tally.bytes, tally.largest), (3, 600, 300));
        assert_eq!((tally.delays().1.len(), tally.in_buffer.len()), (2, 1));
        assert!(tally.latency.max() >= LONGEST_NANOS);
        assert_eq!(tally.message_rate(Duration::from_millis(1_500)), 2.0);
        assert_eq!(tally.byte_rate(Duration::ZERO), 0.0);
    }
}
