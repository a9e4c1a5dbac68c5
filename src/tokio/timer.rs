//! Deadlines.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker, ready},
    time::Instant,
};

use tokio::time::{Sleep, sleep_until};

/// What time it is, by the clock of the runtime.
pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// A timer that does not exist before it is needed.
///
/// A deadline that moves away, as that of an idle connection does with each read,
/// does not touch it: it goes off at the old one and is set anew then.
///
/// It is always polled with the same waker, and so it is enough to poll it once.
#[derive(Debug)]
pub(super) struct Timer {
    waker: Waker,
    sleep: Option<Pin<Box<Sleep>>>,
    /// When it goes off, at the earliest.
    goes_off: Option<Instant>,
    /// The last time that was told in [`poll_from`](Self::poll_from).
    told: Option<Instant>,
}

impl Timer {
    /// A timer that wakes `waker`.
    pub(super) fn new(waker: Waker) -> Self {
        Self { waker, sleep: None, goes_off: None, told: None }
    }

    /// Waits until `at`, where it was `seen` o'clock a moment ago: most of the time that
    /// tells enough, and the timer itself, which lies far away, is not looked at.
    ///
    /// A timer that went off before it was `seen` o'clock is late by then. One that
    /// went off after that has woken its task, which then comes to tell the same time
    /// again.
    #[inline]
    pub(super) fn poll_from(&mut self, seen: Instant, at: Instant) -> Poll<()> {
        let news = self.told.replace(seen) != Some(seen);
        match self.goes_off {
            Some(goes_off) if news && seen < goes_off && goes_off <= at => Poll::Pending,
            _ => self.poll_until(at),
        }
    }

    /// Waits until `at`.
    pub(super) fn poll_until(&mut self, at: Instant) -> Poll<()> {
        let polled = self.poll_sleep(at);
        self.goes_off = self.sleep.as_ref().map(|sleep| sleep.deadline().into_std());
        polled
    }

    fn poll_sleep(&mut self, at: Instant) -> Poll<()> {
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
            ready!(sleep.as_mut().poll(&mut cx));
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
        self.goes_off = None;
    }
}
