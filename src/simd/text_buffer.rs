//! A text put together from pieces, each validated as it arrives.

use bytes::BytesMut;

use super::{Kernels, Mask, TextMut, Utf8Bytes, Utf8Error, Utf8State};

/// A text that grows by validated pieces.
///
/// Its memory grows with what has arrived, by doubling. After an error the
/// contents are unspecified, and [`clear`](Self::clear) or
/// [`into_storage`](Self::into_storage) is all that is left to do.
#[derive(Debug, Default)]
pub struct Utf8Buffer {
    bytes: BytesMut,
    state: Utf8State,
    /// How many bytes from the start of `bytes` are known to be initialised. It may be
    /// less than the length, as after a reallocation: the text itself always is.
    initialized: usize,
}

impl Utf8Buffer {
    /// How many bytes behind a borrowed text ([`text_mut`](Self::text_mut)) are
    /// initialised memory of this buffer, for parsers that load whole vectors. A
    /// slice of the text does not cover them; they can be read through a raw pointer.
    pub const PADDING: usize = 64;

    /// An empty text that will be kept in `storage`, whose contents are dropped.
    pub fn new(mut storage: BytesMut) -> Self {
        let initialized = storage.len();
        storage.clear();
        Self { bytes: storage, state: Utf8State::default(), initialized }
    }

    /// Bytes received so far, an unfinished sequence included.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was received yet.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes that it takes without growing, the text and the padding included.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Forgets the text and keeps its memory.
    pub fn clear(&mut self) {
        self.initialized = self.initialized.max(self.bytes.len());
        self.bytes.clear();
        self.state = Utf8State::default();
    }

    /// Appends a piece, unmasked and checked on its way.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] at the first bad byte, counted from the start of the text.
    pub fn push(&mut self, kernels: &Kernels, piece: &[u8], mask: Mask) -> Result<(), Utf8Error> {
        self.reserve(piece.len());
        let written = kernels
            .copy_text_piece(&mut self.state, piece, self.bytes.spare_capacity_mut(), mask)?
            .len();
        // SAFETY: the kernel wrote the first `written` bytes of the spare capacity.
        unsafe { self.bytes.set_len(self.bytes.len() + written) };
        Ok(())
    }

    /// `len` bytes behind the text, for a producer that writes its output in
    /// place, such as an inflater; [`commit`](Self::commit) makes them text.
    /// What they hold before is unspecified.
    pub fn spare(&mut self, len: usize) -> &mut [u8] {
        self.reserve(len);
        self.initialize(len)
    }

    /// Checks the first `len` bytes of the last [`spare`](Self::spare) as the
    /// next piece of the text and appends them. A `len` beyond what `spare` gave
    /// takes unspecified bytes in, or is cut.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] at the first bad byte, counted from the start of the text.
    pub fn commit(&mut self, kernels: &Kernels, len: usize) -> Result<(), Utf8Error> {
        let start = self.bytes.len();
        let end = start.saturating_add(len).min(self.initialized).max(start);
        // SAFETY: `initialized` bytes lie within the capacity and are
        // initialised, and `end` is no more than that or than the old length.
        unsafe { self.bytes.set_len(end) };
        let checked =
            kernels.unmask_text_piece(&mut self.state, &mut self.bytes[start..], Mask::NONE);
        if checked.is_err() {
            self.bytes.truncate(start);
        }
        checked
    }

    /// Lends the finished text out, with [`PADDING`](Self::PADDING) bytes of
    /// initialised memory behind it. The buffer is empty from then on: it cannot
    /// know what the borrower makes of the bytes.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] if the last sequence is unfinished; the text stays then.
    pub fn text_mut(&mut self) -> Result<TextMut<'_>, Utf8Error> {
        self.state.finish()?;
        self.reserve(0);
        self.initialize(Self::PADDING);
        let len = self.bytes.len();
        self.clear();
        // All of it is initialised, so that none of it is zeroed.
        Ok(TextMut::proven(self.initialize(len)))
    }

    /// Takes the finished text out; what capacity is left stays for the next one.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] if the last sequence is unfinished.
    pub fn take(&mut self) -> Result<Utf8Bytes, Utf8Error> {
        self.state.finish()?;
        self.state = Utf8State::default();
        self.initialized = self.initialized.saturating_sub(self.bytes.len());
        Ok(Utf8Bytes::proven(self.bytes.split().freeze()))
    }

    /// Gives the storage back, as long as it is initialised: whoever uses it
    /// next need not do that again.
    pub fn into_storage(mut self) -> BytesMut {
        let len = self.initialized.max(self.bytes.len());
        // SAFETY: `initialized` bytes lie within the capacity and are
        // initialised, and so are those of the text.
        unsafe { self.bytes.set_len(len) };
        self.bytes
    }

    /// Makes room for `additional` bytes and the padding behind them.
    fn reserve(&mut self, additional: usize) {
        let wanted = additional.saturating_add(Self::PADDING);
        if self.bytes.capacity() - self.bytes.len() < wanted {
            self.bytes.reserve(wanted);
            self.initialized = 0; // the spare bytes may lie elsewhere now
        }
    }

    /// The first `len` spare bytes, which [`reserve`](Self::reserve) has made
    /// room for; those that were never written are zeroed.
    fn initialize(&mut self, len: usize) -> &mut [u8] {
        let known = self.initialized.saturating_sub(self.bytes.len()).min(len);
        self.initialized = self.initialized.max(self.bytes.len() + len);
        let spare = &mut self.bytes.spare_capacity_mut()[..len];
        for byte in &mut spare[known..] {
            byte.write(0);
        }
        // SAFETY: the first `known` bytes were initialised before, the rest now.
        unsafe { &mut *(std::ptr::from_mut(spare) as *mut [u8]) }
    }
}
