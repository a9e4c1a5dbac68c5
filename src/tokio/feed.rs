//! One stream of messages for many connections, of which some are slow.
//!
//! A message is encoded once, and every subscriber's queue holds a reference to it.
//! What happens when a queue is full is each subscriber's own [`SlowConsumer`].
//!
//! ```
//! use wirespeed::{PreparedMessage, tokio::feed::{Feed, SlowConsumer}};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let feed = Feed::new();
//! let mut quotes = feed.subscribe(SlowConsumer::LatestByKey, 100);
//! feed.publish("EURUSD", &PreparedMessage::text("1.0841"));
//! feed.publish("USDJPY", &PreparedMessage::text("155.20"));
//! feed.publish("EURUSD", &PreparedMessage::text("1.0842"));
//! assert_eq!(quotes.receive().await.unwrap().payload(), b"1.0842");
//! assert_eq!(quotes.receive().await.unwrap().payload(), b"155.20");
//! # }
//! ```

use std::{
    collections::{HashMap, VecDeque},
    future::poll_fn,
    hash::Hash,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use crate::message::PreparedMessage;

/// What happens to a subscriber whose queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlowConsumer {
    /// Its subscription ends with [`FeedEnded::TooSlow`], behind what is queued: for
    /// whoever must not miss anything.
    Disconnect,
    /// It misses the message.
    DropNewest,
    /// It misses the oldest message that it has not taken.
    DropOldest,
    /// A message takes the place of an older one with the same key that was not
    /// taken, whether or not the queue is full; a full queue loses its oldest.
    LatestByKey,
}

/// Why a subscription has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FeedEnded {
    /// The feed was dropped.
    #[error("the feed has ended")]
    Closed,
    /// The subscriber was too slow, and its policy is [`SlowConsumer::Disconnect`].
    #[error("the subscriber was too slow")]
    TooSlow,
}

/// The end that messages are published to. Its clones are the same feed, which ends
/// when the last of them is dropped.
#[derive(Debug)]
pub struct Feed<K>(Arc<Subscribers<K>>);

/// A subscriber's end.
#[derive(Debug)]
pub struct Subscription<K>(Arc<Subscriber<K>>);

#[derive(Debug)]
struct Subscribers<K>(Mutex<Vec<Arc<Subscriber<K>>>>);

#[derive(Debug)]
struct Subscriber<K>(Mutex<Queue<K>>);

#[derive(Debug)]
struct Queue<K> {
    policy: SlowConsumer,
    capacity: usize,
    messages: VecDeque<(K, PreparedMessage)>,
    /// Messages that were ever taken from the front.
    taken: u64,
    /// Where the message with a key is, counted as `taken` is.
    places: HashMap<K, u64>,
    missed: u64,
    ended: Option<FeedEnded>,
    waiting: Option<Waker>,
}

impl<K: Clone + Eq + Hash> Feed<K> {
    /// A feed without subscribers.
    pub fn new() -> Self {
        Self(Arc::new(Subscribers(Mutex::default())))
    }

    /// A subscriber that misses nothing as long as no more than `capacity` messages
    /// (at least one) wait to be taken.
    pub fn subscribe(&self, policy: SlowConsumer, capacity: usize) -> Subscription<K> {
        let subscriber = Arc::new(Subscriber(Mutex::new(Queue {
            policy,
            capacity: capacity.max(1),
            messages: VecDeque::new(),
            taken: 0,
            places: HashMap::new(),
            missed: 0,
            ended: None,
            waiting: None,
        })));
        let mut subscribers = lock(&self.0.0);
        // Those who have gone leave with the next message, or when they are in the way.
        if subscribers.len() == subscribers.capacity() {
            subscribers.retain(|subscriber| lock(&subscriber.0).ended.is_none());
        }
        subscribers.push(Arc::clone(&subscriber));
        Subscription(subscriber)
    }

    /// Gives a message to every subscriber, without waiting for any. `key` says what
    /// it is about, for [`SlowConsumer::LatestByKey`].
    pub fn publish(&self, key: K, message: &PreparedMessage) {
        lock(&self.0.0).retain(|subscriber| {
            let mut queue = lock(&subscriber.0);
            queue.push(key.clone(), message);
            let (waiting, stays) = (queue.waiting.take(), queue.ended.is_none());
            drop(queue);
            if let Some(waiting) = waiting {
                waiting.wake();
            }
            stays
        });
    }

    /// How many subscribers there are; some of them may have gone since the last
    /// message.
    pub fn subscribers(&self) -> usize {
        lock(&self.0.0).len()
    }
}

impl<K: Clone + Eq + Hash> Default for Feed<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K> Clone for Feed<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K> Drop for Subscribers<K> {
    fn drop(&mut self) {
        for subscriber in lock(&self.0).drain(..) {
            let mut queue = lock(&subscriber.0);
            queue.ended = Some(FeedEnded::Closed);
            if let Some(waiting) = queue.waiting.take() {
                drop(queue);
                waiting.wake();
            }
        }
    }
}

impl<K: Clone + Eq + Hash> Subscription<K> {
    /// The next message.
    ///
    /// Cancel safe: no message is lost.
    ///
    /// # Errors
    ///
    /// [`FeedEnded`], behind the last message.
    pub async fn receive(&mut self) -> Result<PreparedMessage, FeedEnded> {
        poll_fn(|cx| self.poll_receive(cx)).await
    }

    /// The next message, if there is one already: a connection writes all that wait,
    /// and then flushes once.
    pub fn try_receive(&mut self) -> Option<PreparedMessage> {
        lock(&self.0.0).pop()
    }

    /// How many messages were missed.
    pub fn missed(&self) -> u64 {
        lock(&self.0.0).missed
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<PreparedMessage, FeedEnded>> {
        let mut queue = lock(&self.0.0);
        if let Some(message) = queue.pop() {
            return Poll::Ready(Ok(message));
        }
        if let Some(ended) = queue.ended {
            return Poll::Ready(Err(ended));
        }
        queue.waiting = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl<K> Drop for Subscription<K> {
    fn drop(&mut self) {
        // The feed lets go of the queue with its next message, or when it would have to
        // make room for a subscriber. What is in it goes now, but not under the lock.
        let mut queue = lock(&self.0.0);
        queue.ended = Some(FeedEnded::Closed);
        let (messages, places) = (mem::take(&mut queue.messages), mem::take(&mut queue.places));
        let waiting = queue.waiting.take();
        drop(queue);
        drop((messages, places, waiting));
    }
}

impl<K: Clone + Eq + Hash> Queue<K> {
    fn push(&mut self, key: K, message: &PreparedMessage) {
        if self.ended.is_some() {
            return;
        }
        if self.policy == SlowConsumer::LatestByKey
            && let Some(place) = self.places.get(&key)
            && let Some(older) = self.messages.get_mut((place - self.taken) as usize)
        {
            older.1 = message.clone();
            self.missed += 1;
            return;
        }
        if self.messages.len() == self.capacity {
            match self.policy {
                SlowConsumer::Disconnect => {
                    self.ended = Some(FeedEnded::TooSlow);
                    return;
                }
                SlowConsumer::DropNewest => {
                    self.missed += 1;
                    return;
                }
                SlowConsumer::DropOldest | SlowConsumer::LatestByKey => {
                    self.pop();
                    self.missed += 1;
                }
            }
        }
        if self.policy == SlowConsumer::LatestByKey {
            self.places.insert(key.clone(), self.taken + self.messages.len() as u64);
        }
        self.messages.push_back((key, message.clone()));
    }

    fn pop(&mut self) -> Option<PreparedMessage> {
        let (key, message) = self.messages.pop_front()?;
        self.taken += 1;
        self.places.remove(&key);
        Some(message)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that could panic leaves a queue half changed but a key's own methods,
    // after which a message may be missed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
