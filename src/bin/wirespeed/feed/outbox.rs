//! What waits for one subscriber, between the publisher and the connection's thread.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::source::Group;

/// A bounded queue of groups; the messages themselves are shared by all subscribers.
#[derive(Debug)]
pub(crate) struct Outbox {
    limit: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    groups: VecDeque<Group>,
    bytes: usize,
    end: Option<End>,
}

/// Why no more groups come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The feed is over; what is queued is still sent.
    Finished,
    /// The feed was interrupted; what is queued is dropped.
    Interrupted,
    /// The subscriber fell behind by more than the limit; what is queued is dropped.
    TooSlow,
    /// The subscriber has gone.
    Gone,
}

/// What became of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Push {
    /// It will be sent.
    Queued,
    /// There was no room, and so the queue has ended with this.
    Overflowed,
    /// The queue had ended before.
    Ended,
}

/// What the connection's thread is to do.
#[derive(Debug)]
pub(crate) enum Next {
    /// Send these.
    Group(Group),
    /// Nothing came in time.
    Idle,
    /// Nothing will come.
    End(End),
}

impl Outbox {
    /// An empty queue for `limit` payload bytes, or one group if that is larger.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Queues a group; waits up to `patience` for room, and without it ends as
    /// [`End::TooSlow`].
    pub(crate) fn push(&self, group: &Group, patience: Duration) -> Push {
        let bytes = payload_bytes(group);
        let fits = |state: &State| state.bytes == 0 || state.bytes + bytes <= self.limit;
        let mut state = self.state();
        if !fits(&state) && state.end.is_none() && !patience.is_zero() {
            (state, _) = self
                .changed
                .wait_timeout_while(state, patience, |state| !fits(state) && state.end.is_none())
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.end.is_some() {
            return Push::Ended;
        }
        if !fits(&state) {
            drop(state);
            self.end(End::TooSlow);
            return Push::Overflowed;
        }
        state.groups.push_back(Group::clone(group));
        state.bytes += bytes;
        self.changed.notify_all();
        Push::Queued
    }

    /// Says that no more groups come, unless that was said before.
    pub(crate) fn end(&self, end: End) {
        let mut state = self.state();
        if *state.end.get_or_insert(end) != End::Finished {
            state.groups.clear();
            state.bytes = 0;
        }
        self.changed.notify_all();
    }

    /// The next group; waits for one until `deadline`.
    pub(crate) fn next(&self, deadline: Instant) -> Next {
        let timeout = deadline.saturating_duration_since(Instant::now());
        let (mut state, _) = self
            .changed
            .wait_timeout_while(self.state(), timeout, |state| {
                state.groups.is_empty() && state.end.is_none()
            })
            .unwrap_or_else(PoisonError::into_inner);
        match (state.groups.pop_front(), state.end) {
            (Some(group), _) => {
                state.bytes -= payload_bytes(&group);
                self.changed.notify_all();
                Next::Group(group)
            }
            (None, Some(end)) => Next::End(end),
            (None, None) => Next::Idle,
        }
    }

    /// Why no more groups come, if none do.
    pub(crate) fn ended(&self) -> Option<End> {
        self.state().end
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No state is ever left half changed, so a panicking holder did no harm.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn payload_bytes(group: &Group) -> usize {
    group.iter().map(|message| message.payload().len()).sum()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use wirespeed::PreparedMessage;

    use super::*;

    const NO_PATIENCE: Duration = Duration::ZERO;
    const LONG: Duration = Duration::from_secs(60);

    fn group(bytes: usize) -> Group {
        Group::from([PreparedMessage::binary(vec![0; bytes])])
    }

    fn next(outbox: &Outbox) -> Next {
        outbox.next(Instant::now())
    }

    #[test]
    fn groups_come_out_in_order_and_the_end_after_them() {
        let outbox = Outbox::new(100);
        assert_eq!(outbox.push(&group(1), NO_PATIENCE), Push::Queued);
        assert_eq!(outbox.push(&group(2), NO_PATIENCE), Push::Queued);
        outbox.end(End::Finished);
        assert_eq!(outbox.push(&group(3), NO_PATIENCE), Push::Ended);
        for bytes in [1, 2] {
            assert!(matches!(next(&outbox), Next::Group(group) if payload_bytes(&group) == bytes));
        }
        assert!(matches!(next(&outbox), Next::End(End::Finished)));
    }

    #[test]
    fn nothing_in_time_is_idle() {
        assert!(matches!(next(&Outbox::new(1)), Next::Idle));
    }

    #[test]
    fn who_falls_behind_by_more_than_the_limit_is_too_slow() {
        let outbox = Outbox::new(100);
        assert_eq!(outbox.push(&group(60), NO_PATIENCE), Push::Queued);
        assert_eq!(outbox.push(&group(40), NO_PATIENCE), Push::Queued);
        assert_eq!(outbox.push(&group(1), NO_PATIENCE), Push::Overflowed);
        assert_eq!(outbox.push(&group(1), NO_PATIENCE), Push::Ended);
        assert_eq!(outbox.ended(), Some(End::TooSlow));
        assert!(matches!(next(&outbox), Next::End(End::TooSlow)));
    }

    #[test]
    fn a_group_larger_than_the_limit_passes_alone() {
        let outbox = Outbox::new(10);
        assert_eq!(outbox.push(&group(700_000), NO_PATIENCE), Push::Queued);
        assert!(matches!(next(&outbox), Next::Group(_)));
        assert_eq!(outbox.push(&group(700_000), NO_PATIENCE), Push::Queued);
    }

    #[test]
    fn a_patient_publisher_waits_for_room() {
        let outbox = Arc::new(Outbox::new(1));
        let reader = std::thread::spawn({
            let outbox = Arc::clone(&outbox);
            move || {
                let mut bytes = 0;
                while let Next::Group(group) = outbox.next(Instant::now() + LONG) {
                    bytes += payload_bytes(&group);
                }
                bytes
            }
        });
        for _ in 0..1_000 {
            assert_eq!(outbox.push(&group(7), LONG), Push::Queued);
        }
        outbox.end(End::Finished);
        assert_eq!(reader.join().unwrap(), 7_000);
    }

    #[test]
    fn an_interruption_drops_what_is_queued_and_wakes_the_publisher() {
        let outbox = Arc::new(Outbox::new(1));
        assert_eq!(outbox.push(&group(5), NO_PATIENCE), Push::Queued);
        let publisher = std::thread::spawn({
            let outbox = Arc::clone(&outbox);
            move || outbox.push(&group(5), LONG)
        });
        outbox.end(End::Interrupted);
        assert_eq!(publisher.join().unwrap(), Push::Ended);
        assert!(matches!(next(&outbox), Next::End(End::Interrupted)));
        outbox.end(End::Finished);
        assert_eq!(outbox.ended(), Some(End::Interrupted));
    }
}
