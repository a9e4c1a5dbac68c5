//! Any reader and writer as a [`Duplex`].

use std::cell::{RefCell, RefMut};
use std::io::{self, IoSlice, Read, Write};
use std::time::Duration;

use super::Duplex;

/// Any `Read + Write` as a [`Duplex`], for one thread at a time (it is `Send`
/// but not `Sync`).
///
/// It knows nothing of sockets: timeouts are
/// [`Unsupported`](io::ErrorKind::Unsupported), and closing either direction
/// does no more than flush; dropping the stream closes it.
#[derive(Debug)]
pub struct ReadWrite<T> {
    inner: RefCell<T>,
}

impl<T> ReadWrite<T> {
    /// Wraps `inner`.
    pub fn new(inner: T) -> Self {
        Self { inner: RefCell::new(inner) }
    }

    /// The stream that was wrapped.
    pub fn into_inner(self) -> T {
        self.inner.into_inner()
    }

    /// The stream that was wrapped.
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut()
    }

    /// Fails only if the wrapped stream calls back into its own wrapper.
    fn borrow(&self) -> io::Result<RefMut<'_, T>> {
        self.inner.try_borrow_mut().map_err(|_| io::ErrorKind::ResourceBusy.into())
    }
}

impl<T: Read + Write + Send> Duplex for ReadWrite<T> {
    fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        let mut inner = self.borrow()?;
        loop {
            match inner.read(buf) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut inner = self.borrow()?;
        loop {
            match inner.write_vectored(bufs) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn flush(&self) -> io::Result<()> {
        self.borrow()?.flush()
    }

    fn shutdown_write(&self) -> io::Result<()> {
        self.flush()
    }

    fn shutdown(&self) -> io::Result<()> {
        self.flush()
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        none_only(timeout)
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        none_only(timeout)
    }
}

fn none_only(timeout: Option<Duration>) -> io::Result<()> {
    match timeout {
        None => Ok(()),
        Some(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn reads_and_writes_what_it_wraps() {
        let stream = ReadWrite::new(Cursor::new(vec![1, 2, 3, 4]));
        let mut buf = [0; 2];
        assert_eq!(stream.read(&mut buf).unwrap(), 2);
        let bufs = [IoSlice::new(&[8]), IoSlice::new(&[9, 10])];
        assert_eq!(stream.write_vectored(&bufs).unwrap(), 3);
        assert!(stream.wait_readable(Some(Duration::ZERO)).unwrap());
        stream.set_read_timeout(None).unwrap();
        let refusal = stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap_err();
        assert_eq!(refusal.kind(), io::ErrorKind::Unsupported);
        assert_eq!(stream.into_inner().into_inner(), [1, 2, 8, 9, 10]);
    }
}
