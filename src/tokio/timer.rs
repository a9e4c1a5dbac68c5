//! Deadlines.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
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
#[derive(Debug, Default)]
pub(super) struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Waits until `at`.
    pub(super) fn poll_until(&mut self, cx: &mut Context<'_>, at: Instant) -> Poll<()> {
        let at = tokio::time::Instant::from_std(at);
        let sleep = match &mut self.0 {
            Some(sleep) if sleep.deadline() <= at && !sleep.is_elapsed() => return Poll::Pending,
            Some(sleep) => sleep,
            none => none.insert(Box::pin(sleep_until(at))),
        };
        if sleep.deadline() > at {
            sleep.as_mut().reset(at);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if at <= tokio::time::Instant::now() {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(at);
        }
    }

    /// Gives the timer up, because nothing is waited for.
    pub(super) fn clear(&mut self) {
        self.0 = None;
    }
}
