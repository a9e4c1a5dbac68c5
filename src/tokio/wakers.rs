//! Who is woken when the transport has something to say.

use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Wake, Waker},
};

/// The tasks that wait for a connection: at most one for each direction.
///
/// A transport remembers one task for each of its own directions. But whoever
/// receives also sends, pongs for example, and over TLS every direction uses both
/// of the transport's. So the transport, and the timers, are only ever shown one
/// waker, that of [`context`](Self::context), which wakes both: whichever poll was
/// the last one, nobody's wake-up is lost.
#[derive(Debug, Clone)]
pub(super) struct Wakers {
    both: Waker,
    slots: Arc<Slots>,
}

/// What a task waits for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Side {
    Receiving = 0,
    Sending = 1,
}

#[derive(Debug, Default)]
struct Slots {
    wakers: Mutex<[Option<Waker>; 2]>,
    /// Whether a sending task may be noted.
    sending: AtomicBool,
}

impl Wakers {
    pub(super) fn new() -> Self {
        let slots = Arc::new(Slots::default());
        Self { both: Arc::clone(&slots).into(), slots }
    }

    /// What transport and timers are polled with.
    pub(super) fn context(&self) -> Context<'_> {
        Context::from_waker(&self.both)
    }

    /// Notes who is to be woken. To be done before the look at what is waited for.
    pub(super) fn register(&self, side: Side, waker: &Waker) {
        let slot = &mut self.slots.lock()[side as usize];
        if matches!(side, Side::Sending) {
            self.slots.sending.store(true, Ordering::Relaxed);
        }
        if !slot.as_ref().is_some_and(|noted| noted.will_wake(waker)) {
            *slot = Some(waker.clone());
        }
    }

    /// Wakes the sending task, if there is one, because the receiving one has sent
    /// something; after that, not before.
    ///
    /// Most connections have no task that waits to send. To look at that without the
    /// lock is safe because both sides have the sending side's lock, or are the same
    /// task: whoever noted itself and then looks has seen what was sent, or has
    /// noted itself before it was sent.
    pub(super) fn wake_sending(&self) {
        if self.slots.sending.load(Ordering::Relaxed) {
            self.slots.sending.store(false, Ordering::Relaxed);
            self.wake(Side::Sending);
        }
    }

    /// Wakes the task of one side, because the other one has got further.
    pub(super) fn wake(&self, side: Side) {
        let waker = self.slots.lock()[side as usize].take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Slots {
    fn lock(&self) -> MutexGuard<'_, [Option<Waker>; 2]> {
        // What a panic in a waker's clone could leave behind is a slot as it was.
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Slots {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let [receiving, sending] = mem::take(&mut *self.lock());
        for waker in [receiving, sending].into_iter().flatten() {
            waker.wake();
        }
    }
}
