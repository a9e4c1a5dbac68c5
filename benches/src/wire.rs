//! A transport in memory: one read's bytes, again and again.

use std::{
    cell::RefCell,
    future::Future,
    hint::black_box,
    io::{self, Read, Write},
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::memory::Aligned;

/// What the peer sends, and what is sent to it. Clones are the same wire.
#[derive(Clone, Default)]
pub struct Wire(Rc<RefCell<Ends>>);

#[derive(Default)]
struct Ends {
    incoming: Option<Rc<Aligned>>,
    read: usize,
    /// What was written, if it is kept.
    outgoing: Option<Vec<u8>>,
    socket: Socket,
}

/// The place that a transport copies to what is written.
#[derive(Default)]
pub struct Socket(Option<Aligned>);

impl Socket {
    /// Takes bytes as a write does: with a copy.
    pub fn take(&mut self, bytes: &[u8]) {
        if self.0.as_ref().is_none_or(|place| place.len() < bytes.len()) {
            self.0 = Some(Aligned::new(bytes.len()));
        }
        if let Some(place) = black_box(&mut self.0) {
            place[..bytes.len()].copy_from_slice(bytes);
        }
    }
}

impl Wire {
    /// Lets `bytes` arrive.
    pub fn arrive(&self, bytes: &Rc<Aligned>) {
        let mut ends = self.0.borrow_mut();
        ends.incoming = Some(Rc::clone(bytes));
        ends.read = 0;
    }

    /// Keeps what is written from now on, to be looked at.
    pub fn keep(&self) {
        self.0.borrow_mut().outgoing = Some(Vec::new());
    }

    /// What was written since [`keep`](Self::keep).
    pub fn kept(&self) -> Vec<u8> {
        self.0.borrow_mut().outgoing.take().unwrap_or_default()
    }

    fn carry(&self, len: usize, put: impl FnOnce(&[u8])) -> usize {
        let mut ends = self.0.borrow_mut();
        let left = ends.incoming.as_ref().map_or(&[][..], |incoming| &incoming[ends.read..]);
        let carried = &left[..len.min(left.len())];
        put(carried);
        let len = carried.len();
        ends.read += len;
        len
    }

    /// Takes what is written.
    pub fn put(&self, bytes: &[u8]) {
        let mut ends = self.0.borrow_mut();
        ends.socket.take(bytes);
        if let Some(outgoing) = &mut ends.outgoing {
            outgoing.extend_from_slice(bytes);
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.carry(buffer.len(), |bytes| buffer[..bytes.len()].copy_from_slice(bytes)) {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            len => Ok(len),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.carry(buffer.remaining(), |bytes| buffer.put_slice(bytes)) {
            0 => Poll::Pending,
            _ => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.put(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        slices.iter().for_each(|bytes| self.put(bytes));
        Poll::Ready(Ok(slices.iter().map(|bytes| bytes.len()).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The output of a future that has nothing to wait for.
///
/// # Panics
///
/// If it waits.
#[inline]
pub fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("waits for what will not come"),
    }
}
