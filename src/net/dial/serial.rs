//! At most one connection per remote end in its opening handshake (RFC 6455,
//! section 4.1, step 2).

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
#[cfg(feature = "tokio")]
use std::task::{Context, Poll};
#[cfg(feature = "blocking")]
use std::time::Instant;

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
    remote: Remote,
}

/// How often permits had been given back when one was refused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal {
    releases: u64,
}

impl ConnectingPermit {
    pub(crate) fn try_acquire(remote: Remote) -> Result<Self, Refusal> {
        let mut state = lock();
        if state.connecting.insert(remote.clone()) {
            Ok(Self { remote })
        } else {
            Err(Refusal { releases: state.releases })
        }
    }

    /// Waits for its turn; `None` once `deadline` has passed.
    #[cfg(feature = "blocking")]
    pub(in crate::net) fn acquire(remote: &Remote, deadline: Instant) -> Option<Self> {
        loop {
            match Self::try_acquire(remote.clone()) {
                Ok(permit) => return Some(permit),
                Err(refusal) => {
                    if !refusal.wait(deadline) {
                        return None;
                    }
                }
            }
        }
    }
}

impl Drop for ConnectingPermit {
    fn drop(&mut self) {
        let mut state = lock();
        state.connecting.remove(&self.remote);
        state.releases += 1;
        let tasks = std::mem::take(&mut state.tasks);
        drop(state);
        REGISTRY.released.notify_all();
        tasks.into_iter().for_each(Waker::wake);
    }
}

impl Refusal {
    /// As [`wait`](Self::wait), for a task.
    #[cfg(feature = "tokio")]
    pub(crate) fn poll_released(self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = lock();
        if state.releases != self.releases {
            return Poll::Ready(());
        }
        if !state.tasks.iter().any(|task| task.will_wake(cx.waker())) {
            state.tasks.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Waits until any permit has been given back since the refusal; `false`
    /// once `deadline` has passed.
    #[cfg(feature = "blocking")]
    pub(super) fn wait(self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let unchanged = |state: &mut State| state.releases == self.releases;
        let (_state, result) = REGISTRY
            .released
            .wait_timeout_while(lock(), left, unchanged)
            .unwrap_or_else(PoisonError::into_inner);
        !result.timed_out()
    }
}

#[derive(Default)]
struct Registry {
    state: Mutex<State>,
    released: Condvar,
}

#[derive(Default)]
struct State {
    connecting: HashSet<Remote>,
    releases: u64,
    /// Tasks that wait for the next release.
    tasks: Vec<Waker>,
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::default);

fn lock() -> MutexGuard<'static, State> {
    REGISTRY.state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, feature = "blocking"))]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn r2_one_connection_per_remote_end_is_connecting() {
        let far = || Instant::now() + Duration::from_secs(60);
        let remote = |name: &str| Remote::Name(name.to_owned());
        let one = ConnectingPermit::acquire(&remote("serial.test:1"), far()).unwrap();
        let other = ConnectingPermit::try_acquire(remote("serial.test:2")).unwrap();
        assert!(ConnectingPermit::try_acquire(remote("serial.test:1")).is_err());
        assert!(ConnectingPermit::acquire(&remote("serial.test:1"), Instant::now()).is_none());
        let waiting = thread::spawn(move || {
            ConnectingPermit::acquire(&remote("serial.test:1"), far()).is_some()
        });
        drop(other);
        drop(one);
        assert!(waiting.join().unwrap());
    }
}
