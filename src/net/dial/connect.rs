//! The race for an address, run with non-blocking sockets on one thread.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use socket2::Socket;

use super::race::{Race, interleave};
use super::{ConnectingPermit, DialOptions, Started, Turns, start_due};
use crate::net::{Error, Phase, stream::LONGEST_POLL};

/// A connection, and the right to go on with its opening handshake.
pub(in crate::net) struct Dialled {
    pub(in crate::net) socket: TcpStream,
    pub(in crate::net) permit: Option<ConnectingPermit>,
}

/// Connects to one of the `addresses` of `host` by `deadline`; the losers are
/// closed.
///
/// With `serialize`, each attempt holds a permit for its address from its
/// start, and the winner passes it on.
pub(in crate::net) fn dial(
    host: &str,
    addresses: &[SocketAddr],
    options: &DialOptions,
    serialize: bool,
    deadline: Instant,
) -> Result<Dialled, Error> {
    let lost = |race: Race| Error::Connect { host: host.to_owned(), attempts: race.into_failed() };
    let mut race = Race::new(interleave(addresses), options.stagger);
    let mut running: Vec<Connecting> = Vec::new();
    let mut turns = serialize.then(Turns::default);
    loop {
        let now = Instant::now();
        if now >= deadline {
            for attempt in running {
                race.failed(attempt.address, io::ErrorKind::TimedOut.into());
            }
            return Err(lost(race));
        }
        let next_start =
            match start_due(&mut race, &mut running, options, &mut turns, now, |address, permit| {
                Connecting::start(address, options, permit, now)
            }) {
                Started::Waiting(next) => next,
                Started::AllTaken(turns) => {
                    if !turns.wait_for_any(deadline) {
                        return Err(Error::Timeout(Phase::Turn));
                    }
                    continue;
                }
                Started::Lost => return Err(lost(race)),
            };
        let wake = running
            .iter()
            .filter_map(|attempt| attempt.deadline)
            .chain(next_start)
            .fold(deadline, Instant::min);
        let ready = match wait(&running, wake) {
            Ok(ready) => ready,
            Err(error) => {
                // The system has no memory to wait with: no attempt can go on.
                for attempt in running.drain(..) {
                    race.failed(attempt.address, io::Error::from(error.kind()));
                }
                return Err(lost(race));
            }
        };
        let now = Instant::now();
        // From the back, so that the places of those before stay right.
        for index in (0..running.len()).rev() {
            let late = running[index].deadline.is_some_and(|deadline| deadline <= now);
            if !ready[index] && !late {
                continue;
            }
            let attempt = running.swap_remove(index);
            let address = attempt.address;
            let outcome =
                if ready[index] { attempt.finish() } else { Err(io::ErrorKind::TimedOut.into()) };
            match outcome {
                Ok(dialled) => return Ok(dialled),
                Err(error) => race.failed(address, error),
            }
        }
    }
}

/// An attempt under way.
struct Connecting {
    address: SocketAddr,
    socket: Socket,
    permit: Option<ConnectingPermit>,
    deadline: Option<Instant>,
}

impl Connecting {
    fn start(
        address: SocketAddr,
        options: &DialOptions,
        permit: Option<ConnectingPermit>,
        now: Instant,
    ) -> io::Result<Self> {
        let socket = options.socket(address)?;
        socket.set_nonblocking(true)?;
        match socket.connect(&address.into()) {
            Err(error) if !in_progress(&error) => return Err(error),
            _ => {}
        }
        let deadline = options.attempt_timeout.and_then(|timeout| now.checked_add(timeout));
        Ok(Self { address, socket, permit, deadline })
    }

    /// Looks at a socket that has become writable.
    fn finish(self) -> io::Result<Dialled> {
        if let Some(error) = self.socket.take_error()? {
            return Err(error);
        }
        self.socket.set_nonblocking(false)?;
        Ok(Dialled { socket: self.socket.into(), permit: self.permit })
    }
}

fn in_progress(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
        || Errno::from_io_error(error) == Some(Errno::INPROGRESS)
}

/// Waits until one of the attempts has an outcome, and says which have.
fn wait(running: &[Connecting], until: Instant) -> io::Result<Vec<bool>> {
    let mut sockets: Vec<_> =
        running.iter().map(|attempt| PollFd::new(&attempt.socket, PollFlags::OUT)).collect();
    // Rounded up, so as not to come back a little early and find nothing due.
    let left = until.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
    let left = left.min(LONGEST_POLL);
    match poll(&mut sockets, Timespec::try_from(left).ok().as_ref()) {
        Ok(_) => Ok(sockets.iter().map(|socket| !socket.revents().is_empty()).collect()),
        Err(Errno::INTR) => Ok(vec![false; running.len()]),
        Err(error) => Err(error.into()),
    }
}
