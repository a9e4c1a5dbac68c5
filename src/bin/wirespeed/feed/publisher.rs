//! Sends a feed to its subscribers, each group when it is due.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    hub::Hub,
    outbox::End,
    source::{Group, Source},
};
use crate::{digest::FeedDigest, interrupt::Interrupt, stamp::unix_nanos};

/// What ends a feed before its source does.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bounds {
    /// Time since the start.
    pub(crate) duration: Option<Duration>,
    /// Messages sent.
    pub(crate) messages: Option<u64>,
}

/// A feed that is over.
#[derive(Debug)]
pub(crate) struct Published {
    /// What was sent.
    pub(crate) digest: FeedDigest,
    /// How long it took.
    pub(crate) elapsed: Duration,
}

/// How a feed is published.
#[derive(Debug)]
pub(crate) struct Plan {
    /// What is sent, and when.
    pub(crate) source: Source,
    /// What ends it before its source does.
    pub(crate) bounds: Bounds,
    /// It starts when this many are there.
    pub(crate) subscribers: usize,
    /// How long a subscriber without room is waited for.
    pub(crate) patience: Duration,
}

/// Publishes a feed; pauses while nobody is there. `before_group` sees each
/// group before anybody gets it.
pub(crate) fn publish(
    plan: Plan,
    hub: &Arc<Hub>,
    interrupt: &Interrupt,
    mut before_group: impl FnMut(&Group),
) -> Published {
    let Plan { mut source, bounds, subscribers, patience } = plan;
    let interrupted_hub = Arc::clone(hub);
    interrupt.on_raise(move || interrupted_hub.end(End::Interrupted));
    hub.wait_for(subscribers);
    let begun = Instant::now();
    let mut paused = Duration::ZERO;
    let mut digest = FeedDigest::default();
    while let Some(due) = source.next_due() {
        let left = bounds.messages.map_or(u64::MAX, |messages| messages - digest.messages);
        let wake = bounds.duration.map_or(due, |end| end.min(due));
        if left == 0 || interrupt.sleep_until(begun + paused + wake) {
            break;
        }
        let running = begun.elapsed() - paused;
        if bounds.duration.is_some_and(|end| due.max(running) >= end) {
            break;
        }
        if !hub.has_subscribers() {
            let since = Instant::now();
            hub.wait_for(1);
            paused += since.elapsed();
        }
        if hub.has_ended() {
            break;
        }
        let group = source.next_group(left, unix_nanos);
        for message in group.iter() {
            digest.add(message.opcode(), message.payload());
        }
        before_group(&group);
        hub.publish(&group, patience);
    }
    let elapsed = begun.elapsed() - paused;
    hub.end(if interrupt.is_raised() { End::Interrupted } else { End::Finished });
    Published { digest, elapsed }
}
