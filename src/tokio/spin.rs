//! Asking again for a while before a task sleeps.

use std::{
    future::Future,
    pin::pin,
    task::Context,
    time::{Duration, Instant},
};

use tokio::task::yield_now;

/// How long a task that waits for bytes goes on asking for them; see
/// [`WebSocketOptions::spin`](crate::WebSocketOptions::spin).
#[derive(Debug)]
pub(super) struct Spin {
    longest: Duration,
    /// When this wait began: by the system's clock, for one that a test has stopped
    /// would never end it.
    since: Option<Instant>,
}

impl Spin {
    pub(super) fn new(longest: Duration) -> Self {
        Self { longest, since: None }
    }

    /// Has the task polled again, unless it has waited for long enough: after all others
    /// that are ready, and after the runtime has looked for events.
    #[inline]
    pub(super) fn ask_again(&mut self, cx: &mut Context<'_>) {
        if !self.longest.is_zero() {
            self.ask_again_for_a_while(cx);
        }
    }

    /// The wait is over.
    #[inline]
    pub(super) fn end(&mut self) {
        self.since = None;
    }

    fn ask_again_for_a_while(&mut self, cx: &mut Context<'_>) {
        if self.since.get_or_insert_with(Instant::now).elapsed() < self.longest {
            // Its first poll is what asks the runtime for that.
            let _ = pin!(yield_now()).poll(cx);
        }
    }
}
