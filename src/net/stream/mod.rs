//! Byte streams whose two directions can be used at once.

mod adapter;
mod default;
mod socket;
#[cfg(feature = "tls")]
mod tls;

use std::io::{self, IoSlice};
use std::time::Duration;

pub use adapter::ReadWrite;
pub use default::Stream;
#[cfg(feature = "tls")]
pub use tls::TlsStream;

/// The longest wait that a system is asked for at once: some refuse one of 2^31
/// milliseconds.
pub(super) const LONGEST_POLL: Duration = super::A_DAY;

/// A byte stream, both of whose directions can be used at once through a
/// shared reference.
///
/// One thread may be blocked in [`read`](Self::read) while another writes,
/// where the stream is `Sync` as well. Several readers, or several writers,
/// are safe but share the bytes out between them as chance has it.
///
/// No method returns [`io::ErrorKind::Interrupted`]. A timeout that runs out
/// is [`WouldBlock`](io::ErrorKind::WouldBlock) or
/// [`TimedOut`](io::ErrorKind::TimedOut), as the operating system has it, and
/// loses no bytes.
pub trait Duplex: Send {
    /// Reads what there is, waiting for the first byte; 0 is the end of the
    /// stream (or an empty `buf`).
    ///
    /// # Errors
    ///
    /// Those of the transport. TLS cut off without a `close_notify` is
    /// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof).
    fn read(&self, buf: &mut [u8]) -> io::Result<usize>;

    /// Writes from the front of `bufs` and returns how many bytes the stream
    /// has taken over.
    ///
    /// # Errors
    ///
    /// Those of the transport; then none of these bytes were taken.
    fn write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Sends what the stream has taken over but not passed on, which is never
    /// anything unless a write timeout or a non-blocking transport cut a TLS
    /// record short, and what follows that.
    ///
    /// # Errors
    ///
    /// Those of the transport.
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }

    /// Closes the writing direction: `close_notify` for TLS, then FIN. Waits
    /// for a write in progress on another thread.
    ///
    /// # Errors
    ///
    /// Those of the transport. A stream that is closed already is none.
    fn shutdown_write(&self) -> io::Result<()>;

    /// Closes both directions at once and wakes threads blocked in them.
    ///
    /// # Errors
    ///
    /// Those of the transport. A stream that is closed already is none.
    fn shutdown(&self) -> io::Result<()>;

    /// Bounds each [`read`](Self::read) from now on; `None` is for ever.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a zero timeout,
    /// [`Unsupported`](io::ErrorKind::Unsupported) if the stream has none.
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;

    /// Bounds each write from now on; `None` is for ever.
    ///
    /// # Errors
    ///
    /// As for [`set_read_timeout`](Self::set_read_timeout).
    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;

    /// Waits until a read would not block (data, the end or an error), so
    /// that nobody has to hold a buffer meanwhile. `false` once `timeout` has
    /// passed; the read timeout plays no part.
    ///
    /// A stream that cannot tell returns `true` at once, which is the default;
    /// a TLS stream may return `true` for a record that is still incomplete.
    ///
    /// # Errors
    ///
    /// Those of the transport.
    fn wait_readable(&self, timeout: Option<Duration>) -> io::Result<bool> {
        let _ = timeout;
        Ok(true)
    }

    /// Writes from the front of `buf` what the stream takes without waiting, behind
    /// all that it holds back; 0 says that it held nothing back and `buf` is empty.
    /// `None`, the default, where the stream cannot but wait.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if it takes nothing now, and those of
    /// the transport; then none of these bytes were taken.
    fn try_write(&self, buf: &[u8]) -> Option<io::Result<usize>> {
        let _ = buf;
        None
    }
}
