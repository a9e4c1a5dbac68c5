//! Which attempts of a race may start now, each with its permit.

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use super::race::{Race, RaceStep};
use super::serial::Refusal;
use super::{ConnectingPermit, DialOptions, Remote};

/// What there is to do after [`start_due`].
pub(crate) enum Started {
    /// Attempts are running; another one is due at this time.
    Waiting(Option<Instant>),
    /// None is running, since other connections hold all the permits.
    AllTaken(Refusal),
    /// All have failed.
    Lost,
}

/// Starts the attempts that are due, by `connect`. With `serialize`, each gets
/// a permit for its address.
pub(crate) fn start_due<C>(
    race: &mut Race,
    running: &mut Vec<C>,
    options: &DialOptions,
    serialize: bool,
    now: Instant,
    mut connect: impl FnMut(SocketAddr, Option<ConnectingPermit>) -> io::Result<C>,
) -> Started {
    let mut refused = 0;
    let mut first_refusal = None;
    loop {
        match race.poll(now) {
            RaceStep::Wait(next) => return Started::Waiting(next),
            RaceStep::Lost => return Started::Lost,
            RaceStep::Start(address) => {
                let permit = match permit(address, serialize) {
                    Ok(permit) => permit,
                    Err(refusal) => {
                        race.postpone(address);
                        refused += 1;
                        let oldest = *first_refusal.get_or_insert(refusal);
                        if refused < race.remaining() {
                            continue;
                        }
                        if running.is_empty() {
                            // The oldest one misses no permit given back since.
                            return Started::AllTaken(oldest);
                        }
                        return Started::Waiting(now.checked_add(options.stagger));
                    }
                };
                match connect(address, permit) {
                    Ok(attempt) => running.push(attempt),
                    Err(error) => race.failed(address, error),
                }
            }
        }
    }
}

fn permit(address: SocketAddr, serialize: bool) -> Result<Option<ConnectingPermit>, Refusal> {
    if serialize {
        ConnectingPermit::try_acquire(Remote::Address(address)).map(Some)
    } else {
        Ok(None)
    }
}
