//! Sockets of the operating system.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;

use super::{Duplex, LONGEST_POLL};

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

            fn try_write(&self, buf: &[u8]) -> Option<io::Result<usize>> {
                Some(if buf.is_empty() { Ok(0) } else { retry(|| send_at_once(self, buf)) })
            }
        }
    };
}

impl_duplex!(TcpStream);
#[cfg(unix)]
impl_duplex!(UnixStream);

/// Waits until `socket` is ready; `false` once `timeout` has passed.
fn wait(socket: &impl AsFd, ready: PollFlags, timeout: Option<Duration>) -> io::Result<bool> {
    // A timeout too long to be added is as good as none.
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let at_once = left.map_or(LONGEST_POLL, |left| left.min(LONGEST_POLL));
        let at_once = Timespec::try_from(at_once).ok();
        match poll(&mut [PollFd::new(socket, ready)], at_once.as_ref()) {
            Ok(0) if left.is_none_or(|left| left > LONGEST_POLL) => {}
            Ok(count) => return Ok(count > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Writes without waiting. To ask before whether the socket is writable would not do: it
/// is when much of its buffer is free, and takes a little long before.
#[cfg(all(unix, not(target_vendor = "apple")))]
fn send_at_once(socket: &impl AsFd, buf: &[u8]) -> io::Result<usize> {
    use rustix::net::SendFlags;

    Ok(rustix::net::send(socket, buf, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?)
}

/// Writes as little as does not have to wait, where there is no such flag.
#[cfg(not(all(unix, not(target_vendor = "apple"))))]
fn send_at_once<S: AsFd>(socket: &S, buf: &[u8]) -> io::Result<usize>
where
    for<'a> &'a S: Write,
{
    if wait(socket, PollFlags::OUT, Some(Duration::ZERO))? {
        (&*socket).write(&buf[..buf.len().min(1024)])
    } else {
        Err(io::ErrorKind::WouldBlock.into())
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_full_socket_takes_nothing_at_once_and_an_almost_full_one_a_little() {
        let (one, two) = UnixStream::pair().unwrap();
        assert_eq!(one.try_write(&[]).unwrap().unwrap(), 0);
        let full = loop {
            if let Err(error) = one.try_write(&[7; 1000]).unwrap() {
                break error;
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
        Duplex::read(&two, &mut [0; 10_000]).unwrap();
        assert!(!wait(&one, PollFlags::OUT, Some(Duration::ZERO)).unwrap());
        assert_eq!(one.try_write(&[7; 100]).unwrap().unwrap(), 100);
        drop(two);
        assert!(one.try_write(&[7; 100]).unwrap().is_err());
    }
}
