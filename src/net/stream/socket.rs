//! Sockets of the operating system.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;

use super::Duplex;

macro_rules! impl_duplex {
    ($socket:ty) => {
        impl Duplex for $socket {
            fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
                retry(|| Read::read(&mut &*self, buf))
            }

            fn write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
                retry(|| Write::write_vectored(&mut &*self, bufs))
            }

            fn shutdown_write(&self) -> io::Result<()> {
                unless_closed(<$socket>::shutdown(self, Shutdown::Write))
            }

            fn shutdown(&self) -> io::Result<()> {
                unless_closed(<$socket>::shutdown(self, Shutdown::Both))
            }

            fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
                <$socket>::set_read_timeout(self, timeout)
            }

            fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
                <$socket>::set_write_timeout(self, timeout)
            }

            fn wait_readable(&self, timeout: Option<Duration>) -> io::Result<bool> {
                wait(self, PollFlags::IN, timeout)
            }

            fn is_writable(&self) -> Option<bool> {
                wait(self, PollFlags::OUT, Some(Duration::ZERO)).ok()
            }
        }
    };
}

impl_duplex!(TcpStream);
#[cfg(unix)]
impl_duplex!(UnixStream);

/// Waits until `socket` is ready; `false` once `timeout` has passed.
fn wait(socket: &impl AsFd, ready: PollFlags, timeout: Option<Duration>) -> io::Result<bool> {
    // A timeout too long to be added or expressed is as good as none.
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut [PollFd::new(socket, ready)], left.as_ref()) {
            Ok(count) => return Ok(count > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn retry<R>(mut operation: impl FnMut() -> io::Result<R>) -> io::Result<R> {
    loop {
        match operation() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Some systems refuse to shut down what the peer has closed already.
fn unless_closed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        result => result,
    }
}
