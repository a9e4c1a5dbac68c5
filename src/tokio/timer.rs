//! Deadlines.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
    time::{Duration, Instant},
};

use tokio::{
    task::unconstrained,
    time::{Sleep, sleep_until},
};

/// What time it is, by the clock of the runtime.
pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// When `time` is over; `None` if no clock goes so far.
pub(super) fn deadline_in(time: Duration) -> Option<tokio::time::Instant> {
    tokio::time::Instant::now().checked_add(time)
}

/// A timer that does not exist before it is needed.
///
/// A deadline that moves away, as that of an idle connection does with each read,
/// does not touch it: it goes off at the old one and is set anew then.
///
/// It is always polled with the same waker, and whatever is left of the task's turn:
/// so it is enough to poll it once.
#[derive(Debug)]
pub(super) struct Timer {
    waker: Waker,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// A timer that wakes `waker`.
    pub(super) fn new(waker: Waker) -> Self {
        Self { waker, sleep: None }
    }

    /// Waits until `at`.
    pub(super) fn poll_until(&mut self, at: Instant) -> Poll<()> {
        let at = tokio::time::Instant::from_std(at);
        let sleep = match &mut self.sleep {
            Some(sleep) if sleep.deadline() <= at && !sleep.is_elapsed() => return Poll::Pending,
            Some(sleep) => sleep,
            none => none.insert(Box::pin(sleep_until(at))),
        };
        if sleep.deadline() > at {
            sleep.as_mut().reset(at);
        }
        let mut cx = Context::from_waker(&self.waker);
        loop {
            ready!(Pin::new(&mut unconstrained(sleep.as_mut())).poll(&mut cx));
            if at <= tokio::time::Instant::now() {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(at);
        }
    }

    pub(super) fn is_set(&self) -> bool {
        self.sleep.is_some()
    }

    /// Gives the timer up, because nothing is waited for.
    pub(super) fn clear(&mut self) {
        self.sleep = None;
    }
}
