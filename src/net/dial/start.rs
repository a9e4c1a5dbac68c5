//! Which attempts of a race may start now, each with its permit.

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use super::race::{Race, RaceStep};
use super::{ConnectingPermit, DialOptions, Turns};

/// What there is to do after [`start_due`].
pub(crate) enum Started<'a> {
    /// Attempts are running; another one is due at this time.
    Waiting(Option<Instant>),
    /// None is running, since it is the turn of other connections everywhere.
    AllTaken(&'a Turns),
    /// All have failed.
    Lost,
}

/// Starts the attempts that are due, by `connect`; with `turns`, each of them when it is
/// its turn at its address.
///
/// The turns are waited for only where nothing else can be done. Who has an attempt
/// running stands in nobody's way at another address.
pub(crate) fn start_due<'a, C>(
    race: &mut Race,
    running: &mut Vec<C>,
    options: &DialOptions,
    turns: &'a mut Option<Turns>,
    now: Instant,
    mut connect: impl FnMut(SocketAddr, Option<ConnectingPermit>) -> io::Result<C>,
) -> Started<'a> {
    let mut refused = 0;
    let next = loop {
        let address = match race.poll(now) {
            RaceStep::Wait(next) => break next,
            RaceStep::Lost => return Started::Lost,
            RaceStep::Start(address) => address,
        };
        let permit = turns.as_mut().map(|turns| turns.take(address));
        if let Some(None) = permit {
            race.postpone(address);
            refused += 1;
            if refused >= race.remaining() {
                break now.checked_add(options.stagger);
            }
            continue;
        }
        match connect(address, permit.flatten()) {
            Ok(attempt) => running.push(attempt),
            Err(error) => race.failed(address, error),
        }
    };
    if let Some(turns) = turns {
        if running.is_empty() {
            return Started::AllTaken(turns);
        }
        turns.leave();
    }
    Started::Waiting(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::dial::{Remote, serial::Place};

    fn permit(address: SocketAddr) -> Option<ConnectingPermit> {
        Place::join(Remote::Address(address)).into_permit().ok()
    }

    /// A dial without sockets.
    struct Dial {
        race: Race,
        turns: Option<Turns>,
        running: Vec<(SocketAddr, Option<ConnectingPermit>)>,
    }

    impl Dial {
        fn new(addresses: &[SocketAddr]) -> Self {
            let options = DialOptions::default();
            Self {
                race: Race::new(addresses.to_vec(), options.stagger),
                turns: Some(Turns::default()),
                running: Vec::new(),
            }
        }

        /// Whether it has to wait for a turn.
        fn waits(&mut self) -> bool {
            let Self { race, turns, running } = self;
            let connect = |address, permit| Ok((address, permit));
            let options = DialOptions::default();
            let started = start_due(race, running, &options, turns, Instant::now(), connect);
            matches!(started, Started::AllTaken(_))
        }
    }

    #[test]
    fn r2_a_dial_takes_the_first_turn_that_comes_and_leaves_the_other_queues() {
        let [a, b] = [1, 2].map(|port| SocketAddr::from(([192, 0, 2, 1], port)));
        let [of_a, of_b] = [a, b].map(|address| permit(address).unwrap());
        let [mut dial, mut later] = [(); 2].map(|()| Dial::new(&[a, b]));
        assert!(dial.waits() && later.waits());

        drop(of_b);
        assert!(later.waits(), "it is not its turn");
        assert!(!dial.waits());
        let [(address, Some(_))] = dial.running[..] else { panic!() };
        assert_eq!(address, b);

        drop(of_a);
        assert!(!later.waits(), "whoever was before it needs that address no more");
        assert_eq!(later.running[0].0, a);
    }

    #[test]
    fn r2_a_dial_under_way_stands_in_no_queue() {
        let [a, b] = [3, 4].map(|port| SocketAddr::from(([192, 0, 2, 1], port)));
        let of_a = permit(a).unwrap();
        let mut dial = Dial::new(&[a, b]);
        assert!(!dial.waits());
        assert_eq!(dial.running[0].0, b);
        drop(of_a);
        assert!(permit(a).is_some());
    }
}
