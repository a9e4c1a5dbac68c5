//! Who gets the feed.

use std::{
    net::SocketAddr,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use wirespeed::{PreparedMessage, WebSocketWriter};

use super::{
    outbox::{End, Outbox, Push},
    source::Group,
};
use crate::report::{progress, units};

/// The subscribers of one feed.
pub(crate) struct Hub {
    queue_limit: usize,
    greeting: Option<Group>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    subscribers: Vec<Arc<Subscriber>>,
    started: bool,
    end: Option<End>,
}

struct Subscriber {
    peer: Option<SocketAddr>,
    outbox: Arc<Outbox>,
    writer: WebSocketWriter,
}

impl Hub {
    /// A feed without subscribers, each of whom may be `queue_limit` payload
    /// bytes behind. Who comes after the start is sent the `greeting` first.
    pub(crate) fn new(queue_limit: usize, greeting: Option<PreparedMessage>) -> Self {
        Self {
            queue_limit,
            greeting: greeting.map(|greeting| Group::from([greeting])),
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Adds a subscriber, who gets what is published from now on, and has to
    /// [`leave`](Self::leave).
    pub(crate) fn join(&self, peer: Option<SocketAddr>, writer: WebSocketWriter) -> Arc<Outbox> {
        let outbox = Arc::new(Outbox::new(self.queue_limit));
        let mut state = self.state();
        if let Some(greeting) = self.greeting.as_ref().filter(|_| state.started) {
            outbox.push(greeting, Duration::ZERO);
        }
        if let Some(end) = state.end {
            outbox.end(end);
        }
        let subscriber = Subscriber { peer, outbox: Arc::clone(&outbox), writer };
        state.subscribers.push(Arc::new(subscriber));
        self.changed.notify_all();
        outbox
    }

    /// Forgets a subscriber whose connection is over.
    pub(crate) fn leave(&self, outbox: &Arc<Outbox>) {
        outbox.end(End::Gone);
        self.state().subscribers.retain(|subscriber| !Arc::ptr_eq(&subscriber.outbox, outbox));
        self.changed.notify_all();
    }

    /// Waits until this many subscribers are there, or the feed has ended.
    pub(crate) fn wait_for(&self, subscribers: usize) {
        let enough = |state: &State| state.subscribers.len() >= subscribers || state.end.is_some();
        drop(self.changed.wait_while(self.state(), |state| !enough(state)));
    }

    /// Waits until every subscriber has left, or for as long as `patience`.
    pub(crate) fn wait_until_empty(&self, patience: Duration) {
        let anybody = |state: &mut State| !state.subscribers.is_empty();
        drop(self.changed.wait_timeout_while(self.state(), patience, anybody));
    }

    /// Whether anybody is there.
    pub(crate) fn has_subscribers(&self) -> bool {
        !self.state().subscribers.is_empty()
    }

    /// Whether the feed was ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.state().end.is_some()
    }

    /// Queues a group for every subscriber. Who has no room for it within
    /// `patience` is dropped: a subscriber that cannot be reached with data
    /// cannot be reached with a close frame either.
    pub(crate) fn publish(&self, group: &Group, patience: Duration) {
        // Others can join and leave while one has to be waited for.
        let subscribers = {
            let mut state = self.state();
            state.started = true;
            state.subscribers.clone()
        };
        for subscriber in subscribers {
            if subscriber.outbox.push(group, patience) == Push::Overflowed {
                self.drop_slow(&subscriber);
            }
        }
    }

    /// Ends the feed for everybody, now and later.
    pub(crate) fn end(&self, end: End) {
        let mut state = self.state();
        let end = *state.end.get_or_insert(end);
        for subscriber in &state.subscribers {
            subscriber.outbox.end(end);
        }
        self.changed.notify_all();
    }

    fn drop_slow(&self, subscriber: &Subscriber) {
        // What is wrong with a connection that is given up does not matter.
        let _ = subscriber.writer.abort();
        progress::log(format_args!(
            "{} dropped: more than {} behind, it reads slower than the feed is published",
            name(subscriber.peer),
            units::bytes(self.queue_limit as f64),
        ));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No state is ever left half changed, so a panicking holder did no harm.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a log line calls a subscriber.
pub(crate) fn name(peer: Option<SocketAddr>) -> String {
    peer.map_or_else(|| "a subscriber".to_owned(), |peer| format!("subscriber {peer}"))
}
