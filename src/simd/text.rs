//! Text that carries its proof: only a validator can build these types.

use std::{
    fmt,
    ops::{Deref, Range},
};

use bytes::{Buf, Bytes, BytesMut};

use super::{Kernels, Mask, Utf8Error};

/// Exclusively borrowed bytes that are UTF-8.
///
/// Reads as `&str`. A parser that works in place takes the bytes with
/// [`into_bytes`](Self::into_bytes) and gives up the proof by that.
pub struct TextMut<'a>(&'a mut [u8]);

impl<'a> TextMut<'a> {
    /// For the validators of this module's siblings only.
    #[inline]
    pub(super) fn proven(bytes: &'a mut [u8]) -> Self {
        Self(bytes)
    }

    /// The text, for as long as the buffer is borrowed.
    #[inline]
    pub fn into_str(self) -> &'a str {
        // SAFETY: only a validator builds this type.
        unsafe { std::str::from_utf8_unchecked(self.0) }
    }

    /// The bytes, to be parsed or changed in place.
    #[inline]
    pub fn into_bytes(self) -> &'a mut [u8] {
        self.0
    }
}

impl Deref for TextMut<'_> {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        // SAFETY: only a validator builds this type.
        unsafe { std::str::from_utf8_unchecked(self.0) }
    }
}

impl fmt::Debug for TextMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for TextMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

/// Shared bytes that are UTF-8: a text that is cheap to clone.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Utf8Bytes(Bytes);

impl Utf8Bytes {
    /// A text that lives as long as the program; costs nothing.
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// Takes the bytes of `range` out of `buffer`, with those in front of them:
    /// unmasks them where they lie, checks them in the same pass and freezes them. A
    /// received text becomes a shared one without a copy. With [`Mask::NONE`] they are
    /// only checked. What of the range lies behind the end of the buffer is ignored.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] at the first byte of the range that is not UTF-8; the buffer is
    /// as long as before then.
    #[inline(always)]
    pub fn take_from(
        kernels: &Kernels,
        buffer: &mut BytesMut,
        range: Range<usize>,
        mask: Mask,
    ) -> Result<Self, Utf8Error> {
        let end = range.end.min(buffer.len());
        let start = range.start.min(end);
        match kernels.unmask_text(&mut buffer[start..end], mask) {
            Ok(_) => {
                let mut text = buffer.split_to(end).freeze();
                text.advance(start);
                Ok(Self(text))
            }
            Err(error) => Err(error),
        }
    }

    /// For the validators of this module's siblings only.
    pub(super) fn proven(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        // SAFETY: every constructor takes a `str` or asks a validator.
        unsafe { std::str::from_utf8_unchecked(&self.0) }
    }

    /// The bytes of the text, without a copy.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl Deref for Utf8Bytes {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Utf8Bytes {
    fn as_ref(&self) -> &str {
        self
    }
}

impl AsRef<[u8]> for Utf8Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for Utf8Bytes {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Utf8Bytes {
    fn from(text: String) -> Self {
        Self(Bytes::from(text))
    }
}

impl From<Utf8Bytes> for Bytes {
    fn from(text: Utf8Bytes) -> Self {
        text.0
    }
}

impl From<Utf8Bytes> for String {
    fn from(text: Utf8Bytes) -> Self {
        text.as_str().to_owned()
    }
}

impl TryFrom<Bytes> for Utf8Bytes {
    type Error = Utf8Error;

    fn try_from(bytes: Bytes) -> Result<Self, Utf8Error> {
        Kernels::active().validate(&bytes)?;
        Ok(Self(bytes))
    }
}

impl TryFrom<Vec<u8>> for Utf8Bytes {
    type Error = Utf8Error;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Utf8Error> {
        Self::try_from(Bytes::from(bytes))
    }
}

impl PartialEq<str> for Utf8Bytes {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Utf8Bytes {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Debug for Utf8Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Utf8Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}
