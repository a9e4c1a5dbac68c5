//! At most one connection per remote end in its opening handshake (RFC 6455,
//! section 4.1, step 2).
//!
//! Whoever wants to connect to a remote end has a place in its queue, and the first in
//! the queue is the one that may. Who leaves wakes the next one, and nobody else.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
#[cfg(feature = "blocking")]
use std::{
    slice,
    sync::Arc,
    task::Wake,
    thread::{self, Thread},
    time::Instant,
};

/// Whom a connection is made to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Remote {
    Address(SocketAddr),
    /// Behind a proxy, which resolves the name itself.
    Name(String),
}

/// The right to be the one connection to its remote end, in this process, that
/// is in its opening handshake. Given back when dropped, which is to happen as
/// soon as the handshake has succeeded or failed.
#[derive(Debug)]
#[must_use = "dropping the permit lets the next connection start"]
pub struct ConnectingPermit {
    _place: Place,
}

impl ConnectingPermit {
    /// Waits for its turn; `None` once `deadline` has passed.
    #[cfg(feature = "blocking")]
    pub(in crate::net) fn acquire(remote: Remote, deadline: Instant) -> Option<Self> {
        let place = Place::join(remote);
        wait_for_any(slice::from_ref(&place), deadline).then_some(Self { _place: place })
    }

    /// Waits for its turn. Whoever drops the future leaves the queue.
    #[cfg(feature = "tokio")]
    pub(crate) async fn acquire_async(remote: Remote) -> Self {
        let place = Place::join(remote);
        std::future::poll_fn(|cx| poll_any(std::slice::from_ref(&place), cx)).await;
        Self { _place: place }
    }
}

/// A place in the queue of a remote end, given up when dropped.
#[derive(Debug)]
pub(super) struct Place {
    remote: Remote,
    number: u64,
}

impl Place {
    /// The last place in the queue of `remote`.
    pub(super) fn join(remote: Remote) -> Self {
        let mut registry = lock();
        let number = registry.places;
        registry.places += 1;
        registry.queues.entry(remote.clone()).or_default().insert(number, None);
        Self { remote, number }
    }

    pub(super) fn remote(&self) -> &Remote {
        &self.remote
    }

    /// The permit, if it is this one's turn; or the place itself.
    pub(super) fn into_permit(self) -> Result<ConnectingPermit, Self> {
        let is_first = lock().waker_behind_first(&self).is_none();
        if is_first { Ok(ConnectingPermit { _place: self }) } else { Err(self) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut registry = lock();
        let (own, next) = registry.leave(self);
        // To drop or to wake a task may do anything.
        drop(registry);
        drop(own);
        next.into_iter().for_each(Waker::wake);
    }
}

/// Waits for the turn of one of the places.
pub(super) fn poll_any(places: &[Place], cx: &mut Context<'_>) -> Poll<()> {
    let mut before = Vec::new();
    let mut registry = lock();
    for place in places {
        match registry.waker_behind_first(place) {
            None => return Poll::Ready(()),
            Some(Some(waker)) if waker.will_wake(cx.waker()) => {}
            Some(waker) => before.extend(waker.replace(cx.waker().clone())),
        }
    }
    drop(registry);
    drop(before);
    Poll::Pending
}

/// As [`poll_any`], for a thread; `false` once `deadline` has passed.
#[cfg(feature = "blocking")]
pub(super) fn wait_for_any(places: &[Place], deadline: Instant) -> bool {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Arc::new(Unpark(thread::current())).into();
    loop {
        if poll_any(places, &mut Context::from_waker(&waker)).is_ready() {
            return true;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        thread::park_timeout(left);
    }
}

#[derive(Default)]
struct Registry {
    queues: HashMap<Remote, Queue>,
    /// Places there have been so far.
    places: u64,
}

/// Who has a place, by its number, and whom to wake when it is the first.
type Queue = BTreeMap<u64, Option<Waker>>;

impl Registry {
    /// Whom to wake when it is this one's turn, if it is not yet.
    fn waker_behind_first(&mut self, place: &Place) -> Option<&mut Option<Waker>> {
        let queue = self.queues.get_mut(&place.remote)?;
        let is_first = queue.keys().next() == Some(&place.number);
        if is_first { None } else { queue.get_mut(&place.number) }
    }

    /// The waker of the place that is given up, and that of whom it leaves the turn to.
    fn leave(&mut self, place: &Place) -> (Option<Waker>, Option<Waker>) {
        let Some(queue) = self.queues.get_mut(&place.remote) else { return (None, None) };
        let was_first = queue.keys().next() == Some(&place.number);
        let own = queue.remove(&place.number).flatten();
        match queue.first_entry() {
            Some(mut next) if was_first => (own, next.get_mut().take()),
            Some(_) => (own, None),
            None => {
                self.queues.remove(&place.remote);
                (own, None)
            }
        }
    }
}

static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);

fn lock() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, feature = "blocking"))]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    fn remote(name: &str) -> Remote {
        Remote::Name(name.to_owned())
    }

    /// Whoever waits, and how often it was woken.
    struct Waiter {
        place: Place,
        woken: Arc<Woken>,
    }

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Waiter {
        fn join(name: &str) -> Self {
            Self { place: Place::join(remote(name)), woken: Arc::default() }
        }

        fn poll(&self) -> Poll<()> {
            let waker = Arc::clone(&self.woken).into();
            poll_any(slice::from_ref(&self.place), &mut Context::from_waker(&waker))
        }

        fn times_woken(&self) -> usize {
            self.woken.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn r2_one_connection_per_remote_end_is_connecting() {
        let far = || Instant::now() + Duration::from_secs(60);
        let one = ConnectingPermit::acquire(remote("serial.test:1"), far()).unwrap();
        let other = ConnectingPermit::acquire(remote("serial.test:2"), Instant::now()).unwrap();
        assert!(ConnectingPermit::acquire(remote("serial.test:1"), Instant::now()).is_none());
        let waiting = thread::spawn(move || {
            ConnectingPermit::acquire(remote("serial.test:1"), far()).is_some()
        });
        drop(other);
        drop(one);
        assert!(waiting.join().unwrap());
    }

    /// Each gets its turn when the one before has had its, and nobody else is woken:
    /// however many there are, and at however many other ends.
    #[test]
    fn r2_turns_come_in_order_with_a_wake_up_each() {
        let elsewhere = [(); 2].map(|()| Waiter::join("order.test:2"));
        assert!(elsewhere[0].poll().is_ready());
        assert!(elsewhere[1].poll().is_pending());

        let waiters: Vec<_> = (0..5_000).map(|_| Waiter::join("order.test:1")).collect();
        let states: Vec<_> = waiters.iter().map(Waiter::poll).collect();
        assert!(states[0].is_ready() && states[1..].iter().all(Poll::is_pending));
        let woken: Vec<_> = waiters.iter().map(|waiter| Arc::clone(&waiter.woken)).collect();
        let mut waiters = waiters.into_iter().peekable();
        while let Some(first) = waiters.next() {
            drop(first);
            if let Some(next) = waiters.peek() {
                assert_eq!(next.times_woken(), 1);
                assert!(next.poll().is_ready());
            }
        }
        assert!(woken[1..].iter().all(|woken| woken.0.load(Ordering::Relaxed) == 1));
        assert_eq!(elsewhere[1].times_woken(), 0);
        assert!(!lock().queues.contains_key(&remote("order.test:1")), "an end is forgotten");
    }

    #[test]
    fn r2_who_goes_while_it_waits_passes_the_turn_on() {
        let [first, gone, woken, next, last] = [(); 5].map(|()| Waiter::join("going.test:1"));
        for waiter in [&gone, &woken, &next, &last] {
            assert!(waiter.poll().is_pending());
        }
        drop(gone);
        assert_eq!(woken.times_woken(), 0, "it is not its turn yet");
        drop(first);
        assert_eq!((woken.times_woken(), next.times_woken()), (1, 0));
        // It never looks, as a future that is dropped instead.
        drop(woken);
        assert_eq!((next.times_woken(), last.times_woken()), (1, 0));
        assert!(next.poll().is_ready());
        let permit = next.place.into_permit().unwrap();
        assert!(last.poll().is_pending());
        drop(permit);
        assert_eq!(last.times_woken(), 1);
        assert!(last.place.into_permit().is_ok());
    }

    /// A task that has moved on, or a waiter that has changed its task, is not called.
    #[test]
    fn r2_the_task_that_looked_last_is_woken() {
        let [first, mut waiter] = [(); 2].map(|()| Waiter::join("moving.test:1"));
        assert!(waiter.poll().is_pending());
        let before = std::mem::take(&mut waiter.woken);
        assert!(waiter.poll().is_pending());
        assert_eq!(Arc::strong_count(&before), 1);
        drop(first);
        assert_eq!(waiter.times_woken(), 1);
    }
}
