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
/// of the transport's. So where there are two tasks the transport is only ever shown
/// one waker, which wakes both: whichever poll was the last one, nobody's wake-up is
/// lost. Timers are always shown that one.
///
/// Most connections are in the hands of one task. As long as no other one has been
/// seen, the transport is shown its own waker, and to wait costs no lock.
#[derive(Debug)]
pub(super) struct Wakers {
    seen: Seen,
    /// Whether the only task may wait to send.
    sends: bool,
    both: Waker,
    slots: Arc<Slots>,
}

/// Who has polled so far.
#[derive(Debug)]
enum Seen {
    Nobody,
    Only(Waker),
    /// Two tasks, or one that handed the connection on to another one.
    Several,
}

/// What a task waits for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Side {
    Receiving = 0,
    Sending = 1,
}

#[derive(Debug, Default)]
struct Slots {
    waiting: Mutex<Waiting>,
    /// Whether one of several tasks may be noted for sending.
    sending: AtomicBool,
}

#[derive(Debug, Default)]
struct Waiting {
    tasks: [Option<Waker>; 2],
    /// Whether several tasks were seen. Until then both places hold the only one, and
    /// it stays there when it is woken, for it does not come to note itself again.
    several: bool,
}

impl Wakers {
    pub(super) fn new() -> Self {
        let slots = Arc::new(Slots::default());
        Self { seen: Seen::Nobody, sends: false, both: Arc::clone(&slots).into(), slots }
    }

    /// For directions that are taken apart, and so may be in two tasks.
    pub(super) fn apart(self) -> [Self; 2] {
        self.slots.lock().several = true;
        self.slots.sending.store(true, Ordering::Relaxed);
        let half = || Self {
            seen: Seen::Several,
            sends: false,
            both: self.both.clone(),
            slots: Arc::clone(&self.slots),
        };
        [half(), half()]
    }

    /// Says who polls, and for what, before the transport is polled.
    #[inline]
    pub(super) fn enter(&mut self, side: Side, waker: &Waker) {
        match &self.seen {
            Seen::Only(only) if only.will_wake(waker) => {}
            Seen::Several => {}
            _ => self.enter_anew(side, waker),
        }
    }

    /// What the transport is polled with.
    #[inline]
    pub(super) fn context(&self) -> Context<'_> {
        Context::from_waker(match &self.seen {
            Seen::Only(only) => only,
            _ => &self.both,
        })
    }

    /// What timers are polled with.
    pub(super) fn of_timers(&self) -> &Waker {
        &self.both
    }

    /// Notes who is to be woken. To be done before the look at what is waited for.
    #[inline]
    pub(super) fn register(&mut self, side: Side, waker: &Waker) {
        self.enter(side, waker);
        if !matches!(self.seen, Seen::Several) {
            self.sends |= matches!(side, Side::Sending);
        } else {
            let mut waiting = self.slots.lock();
            note(&mut waiting.tasks[side as usize], waker);
            // Under the lock: whoever takes the flag away looks for the task after that.
            if matches!(side, Side::Sending) {
                self.slots.sending.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Wakes the sending task, if there is one, because the receiving one has sent
    /// something; after that, not before.
    ///
    /// Most connections have no task that waits to send. To look at that without the
    /// lock is safe because both sides have the sending side's lock, or are the same
    /// task: whoever noted itself and then looks has seen what was sent, or has
    /// noted itself before it was sent.
    #[inline]
    pub(super) fn wake_sending(&mut self) {
        let sending = &self.slots.sending;
        if !matches!(self.seen, Seen::Several) {
            if mem::take(&mut self.sends) {
                self.wake(Side::Sending);
            }
        } else if sending.load(Ordering::Relaxed) {
            sending.store(false, Ordering::Relaxed);
            self.wake(Side::Sending);
        }
    }

    /// Wakes the task of one side, because the other one has got further.
    pub(super) fn wake(&self, side: Side) {
        let waker = self.slots.lock().take(side);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    #[cold]
    fn enter_anew(&mut self, side: Side, waker: &Waker) {
        let mut waiting = self.slots.lock();
        if matches!(self.seen, Seen::Nobody) {
            waiting.tasks = [Some(waker.clone()), Some(waker.clone())];
            self.seen = Seen::Only(waker.clone());
        } else {
            // The first one stays noted in the other place, for it may wait for anything.
            waiting.tasks[side as usize] = Some(waker.clone());
            waiting.several = true;
            self.slots.sending.store(true, Ordering::Relaxed);
            self.seen = Seen::Several;
        }
    }
}

impl Slots {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // What a panic in a waker's clone could leave behind is a slot as it was.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn take(&mut self, side: Side) -> Option<Waker> {
        let task = &mut self.tasks[side as usize];
        if self.several { task.take() } else { task.clone() }
    }
}

impl Wake for Slots {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut waiting = self.lock();
        let tasks = if waiting.several {
            mem::take(&mut waiting.tasks)
        } else {
            [waiting.take(Side::Receiving), None]
        };
        drop(waiting);
        for waker in tasks.into_iter().flatten() {
            waker.wake();
        }
    }
}

fn note(slot: &mut Option<Waker>, waker: &Waker) {
    if !slot.as_ref().is_some_and(|noted| noted.will_wake(waker)) {
        *slot = Some(waker.clone());
    }
}
