//! Ctrl-C: the first asks for a clean end, the second ends at once.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Instant,
};

/// The exit code of a run that was cut short, after the shells' 128 + SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;

/// A request to stop, shared by everything that waits or works.
#[derive(Clone, Default)]
pub(crate) struct Interrupt {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    raised: Condvar,
}

#[derive(Default)]
struct State {
    raised: bool,
    actions: Vec<Box<dyn FnOnce() + Send>>,
}

impl Interrupt {
    /// An interrupt that Ctrl-C, SIGTERM and SIGHUP raise.
    ///
    /// # Errors
    ///
    /// If the system refuses the handler.
    pub(crate) fn install() -> Result<Self, ctrlc::Error> {
        let interrupt = Self::default();
        let handler = interrupt.clone();
        ctrlc::set_handler(move || {
            if handler.is_raised() {
                std::process::exit(i32::from(INTERRUPTED));
            }
            handler.raise();
        })?;
        Ok(interrupt)
    }

    /// Whether the end was asked for.
    pub(crate) fn is_raised(&self) -> bool {
        self.state().raised
    }

    /// Asks for the end: wakes every sleeper and runs the actions.
    pub(crate) fn raise(&self) {
        let actions = {
            let mut state = self.state();
            state.raised = true;
            std::mem::take(&mut state.actions)
        };
        self.shared.raised.notify_all();
        for action in actions {
            action();
        }
    }

    /// Runs `action` when the end is asked for; at once if it was already.
    ///
    /// This is for what waits in a place that [`sleep_until`](Self::sleep_until)
    /// cannot wake, such as a read from a socket.
    pub(crate) fn on_raise(&self, action: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        if state.raised {
            drop(state);
            action();
        } else {
            state.actions.push(Box::new(action));
        }
    }

    /// Sleeps until `due`, or shorter if the end is asked for.
    ///
    /// Returns whether the end was asked for.
    pub(crate) fn sleep_until(&self, due: Instant) -> bool {
        let mut state = self.state();
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if state.raised || left.is_zero() {
                return state.raised;
            }
            (state, _) = self
                .shared
                .raised
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // No state is ever left half changed, so a panicking holder did no harm.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicU32, Ordering},
        time::Duration,
    };

    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn wakes_sleepers_and_runs_each_action_once() {
        let interrupt = Interrupt::default();
        let runs = Arc::new(AtomicU32::new(0));
        let count = |runs: &Arc<AtomicU32>| {
            let runs = Arc::clone(runs);
            move || {
                runs.fetch_add(1, Ordering::Relaxed);
            }
        };
        interrupt.on_raise(count(&runs));
        let sleeper = std::thread::spawn({
            let interrupt = interrupt.clone();
            move || interrupt.sleep_until(Instant::now() + LONG)
        });
        assert!(!interrupt.sleep_until(Instant::now()));
        interrupt.raise();
        interrupt.raise();
        assert!(sleeper.join().unwrap());
        assert_eq!(runs.load(Ordering::Relaxed), 1);
        interrupt.on_raise(count(&runs));
        assert_eq!(runs.load(Ordering::Relaxed), 2);
        assert!(interrupt.sleep_until(Instant::now() + LONG));
    }
}
