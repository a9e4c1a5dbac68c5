//! The race for an address, run by one task.

use std::{
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout_at,
};

use super::timer::now;
use crate::net::{
    Error, Phase,
    dial::{ConnectingPermit, DialOptions, Race, Started, Turns, interleave, start_due},
};

/// A connection, and the right to go on with its opening handshake.
pub(super) struct Dialled {
    pub(super) stream: TcpStream,
    pub(super) permit: Option<ConnectingPermit>,
}

/// Connects to one of the `addresses` of `host` by `deadline`; the losers are
/// closed.
///
/// With `serialize`, each attempt holds a permit for its address from its start,
/// and the winner passes it on.
pub(super) async fn dial(
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
        let now = now();
        if now >= deadline {
            fail_late(&mut race, &mut running, |_| true);
            return Err(lost(race));
        }
        fail_late(&mut race, &mut running, |attempt| attempt.is_late(now));
        let connect = |address, permit| Connecting::start(address, options, permit, now);
        let next_start = match start_due(&mut race, &mut running, options, &mut turns, now, connect)
        {
            Started::Waiting(next) => next,
            Started::AllTaken(turns) => {
                timeout_at(deadline.into(), poll_fn(|cx| turns.poll_any(cx)))
                    .await
                    .map_err(|_| Error::Timeout(Phase::Turn))?;
                continue;
            }
            Started::Lost => return Err(lost(race)),
        };
        let wake = running
            .iter()
            .filter_map(|attempt| attempt.deadline)
            .chain(next_start)
            .fold(deadline, Instant::min);
        // Nothing but the time, if it is over: the next turn looks at it.
        let Ok((index, outcome)) =
            timeout_at(wake.into(), poll_fn(|cx| poll_any(&mut running, cx))).await
        else {
            continue;
        };
        let attempt = running.swap_remove(index);
        match outcome {
            Ok(stream) => return Ok(Dialled { stream, permit: attempt.permit }),
            Err(error) => race.failed(attempt.address, error),
        }
    }
}

/// An attempt under way.
struct Connecting {
    address: SocketAddr,
    permit: Option<ConnectingPermit>,
    deadline: Option<Instant>,
    connecting: Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>,
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
        let connecting = Box::pin(TcpSocket::from_std_stream(socket.into()).connect(address));
        let deadline = options.attempt_timeout.and_then(|timeout| now.checked_add(timeout));
        Ok(Self { address, permit, deadline, connecting })
    }

    fn is_late(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }
}

fn fail_late(
    race: &mut Race,
    running: &mut Vec<Connecting>,
    is_late: impl Fn(&Connecting) -> bool,
) {
    for attempt in running.extract_if(.., |attempt| is_late(attempt)) {
        race.failed(attempt.address, io::ErrorKind::TimedOut.into());
    }
}

/// Waits for the first attempt that has an outcome, and says which one it is.
fn poll_any(
    running: &mut [Connecting],
    cx: &mut Context<'_>,
) -> Poll<(usize, io::Result<TcpStream>)> {
    for (index, attempt) in running.iter_mut().enumerate() {
        if let Poll::Ready(outcome) = attempt.connecting.as_mut().poll(cx) {
            return Poll::Ready((index, outcome));
        }
    }
    Poll::Pending
}
