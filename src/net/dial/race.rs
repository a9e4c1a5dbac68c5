//! Which address to try when, without sockets or a clock.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::net::after;

/// Puts addresses in the order in which to try them (RFC 8305, section 4):
/// the families take turns, from the one that the resolver put first, and keep
/// the resolver's order within themselves. Duplicates are dropped.
#[must_use]
pub fn interleave(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut first, mut second): (VecDeque<_>, VecDeque<_>) =
        addresses.iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut order: Vec<SocketAddr> = Vec::with_capacity(addresses.len());
    while !first.is_empty() || !second.is_empty() {
        for family in [&mut first, &mut second] {
            if let Some(address) = family.pop_front()
                && !order.contains(&address)
            {
                order.push(address);
            }
        }
    }
    order
}

/// The schedule of attempts to connect to one of several addresses: another
/// one joins whenever the latest has had its time, or has failed.
///
/// It performs no I/O and reads no clock, so that any driver can follow it:
/// call [`poll`](Self::poll), do as it says, and report failures.
#[derive(Debug)]
pub struct Race {
    queue: VecDeque<SocketAddr>,
    stagger: Duration,
    /// When the next attempt may start while others are under way.
    next_start: Option<Instant>,
    running: usize,
    failed: Vec<Attempt>,
}

/// What to do next in a [`Race`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RaceStep {
    /// Start connecting to this address, and poll again.
    Start(SocketAddr),
    /// Wait for one of the attempts; poll again at this time, if there is one.
    Wait(Option<Instant>),
    /// Every address has failed.
    Lost,
}

/// An attempt to connect that failed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// Where to.
    pub address: SocketAddr,
    /// Why not.
    pub error: io::Error,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.address, self.error)
    }
}

impl Race {
    /// Races for `addresses` in this order, one more every `stagger` (RFC 8305
    /// recommends 250 ms).
    #[must_use]
    pub fn new(addresses: Vec<SocketAddr>, stagger: Duration) -> Self {
        Self { queue: addresses.into(), stagger, next_start: None, running: 0, failed: Vec::new() }
    }

    /// What to do at the time `now`.
    pub fn poll(&mut self, now: Instant) -> RaceStep {
        if self.running > 0 && self.next_start.is_some_and(|start| now < start) {
            return RaceStep::Wait(self.next_start.filter(|_| !self.queue.is_empty()));
        }
        match self.queue.pop_front() {
            Some(address) => {
                self.running += 1;
                self.next_start = Some(after(now, self.stagger));
                RaceStep::Start(address)
            }
            None if self.running > 0 => RaceStep::Wait(None),
            None => RaceStep::Lost,
        }
    }

    /// Reports a failed attempt; the next one need not wait for its time.
    pub fn failed(&mut self, address: SocketAddr, error: io::Error) {
        self.running = self.running.saturating_sub(1);
        self.next_start = None;
        self.failed.push(Attempt { address, error });
    }

    /// Takes back the start of an attempt, for later: its address goes to the
    /// end of the queue, and the next one need not wait.
    pub fn postpone(&mut self, address: SocketAddr) {
        self.running = self.running.saturating_sub(1);
        self.next_start = None;
        self.queue.push_back(address);
    }

    /// Addresses not tried yet.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.queue.len()
    }

    /// The attempts that failed, in the order in which they did.
    #[must_use]
    pub fn into_failed(self) -> Vec<Attempt> {
        self.failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::A_DAY;

    const STAGGER: Duration = Duration::from_millis(250);

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_take_turns() {
        for (resolved, order) in [
            (&[][..], &[][..]),
            (&["[::1]:1", "[::2]:1", "1.1.1.1:1"], &["[::1]:1", "1.1.1.1:1", "[::2]:1"]),
            (&["1.1.1.1:1", "2.2.2.2:1", "[::1]:1"], &["1.1.1.1:1", "[::1]:1", "2.2.2.2:1"]),
            (&["1.1.1.1:1", "2.2.2.2:1"], &["1.1.1.1:1", "2.2.2.2:1"]),
            (&["1.1.1.1:1", "1.1.1.1:1", "1.1.1.1:2"], &["1.1.1.1:1", "1.1.1.1:2"]),
        ] {
            assert_eq!(interleave(&addresses(resolved)), addresses(order));
        }
    }

    #[test]
    fn attempts_start_one_by_one() {
        let [a, b, c] = addresses(&["1.1.1.1:1", "[::1]:1", "2.2.2.2:1"])[..] else { panic!() };
        let mut race = Race::new(vec![a, b, c], STAGGER);
        let start = Instant::now();
        assert_eq!(race.poll(start), RaceStep::Start(a));
        assert_eq!(race.poll(start), RaceStep::Wait(Some(start + STAGGER)));
        assert_eq!(race.poll(start + STAGGER), RaceStep::Start(b));
        // A failure lets the next one start early.
        race.failed(a, io::ErrorKind::ConnectionRefused.into());
        assert_eq!(race.poll(start + STAGGER), RaceStep::Start(c));
        assert_eq!(race.poll(start + STAGGER), RaceStep::Wait(None));
        race.failed(c, io::ErrorKind::TimedOut.into());
        assert_eq!(race.poll(start + STAGGER), RaceStep::Wait(None));
        race.failed(b, io::ErrorKind::ConnectionRefused.into());
        assert_eq!(race.poll(start + STAGGER), RaceStep::Lost);
        let failed = race.into_failed();
        assert_eq!(failed.iter().map(|attempt| attempt.address).collect::<Vec<_>>(), [a, c, b]);
    }

    #[test]
    fn a_stagger_too_long_to_be_added_is_not_none() {
        let [a, b] = addresses(&["1.1.1.1:1", "2.2.2.2:1"])[..] else { panic!() };
        let mut race = Race::new(vec![a, b], Duration::MAX);
        let now = Instant::now();
        assert_eq!(race.poll(now), RaceStep::Start(a));
        assert_eq!(race.poll(now), RaceStep::Wait(Some(now + A_DAY)));
        race.failed(a, io::ErrorKind::ConnectionRefused.into());
        assert_eq!(race.poll(now), RaceStep::Start(b));
    }

    #[test]
    fn a_postponed_address_is_tried_last() {
        let [a, b] = addresses(&["1.1.1.1:1", "2.2.2.2:1"])[..] else { panic!() };
        let mut race = Race::new(vec![a, b], STAGGER);
        let now = Instant::now();
        assert_eq!(race.poll(now), RaceStep::Start(a));
        race.postpone(a);
        assert_eq!(race.poll(now), RaceStep::Start(b));
        assert_eq!((race.poll(now), race.remaining()), (RaceStep::Wait(Some(now + STAGGER)), 1));
        assert_eq!(race.poll(now + STAGGER), RaceStep::Start(a));
    }
}
