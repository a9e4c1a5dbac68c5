//! One stream of messages for many connections, of which some are slow.
//!
//! A message is encoded once, and every subscriber's queue holds a reference to it.
//! What happens when a queue is full is each subscriber's own [`SlowConsumer`]. Whoever
//! is sending when its subscription ends learns of it from [`Subscription::ended`].
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
    collections::{BTreeMap, HashMap, VecDeque},
    future::{Future, poll_fn},
    hash::Hash,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use futures_core::Stream;

use crate::message::PreparedMessage;

/// What happens to a subscriber whose queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlowConsumer {
    /// Its subscription ends with [`FeedEnded::TooSlow`]: for whoever must not miss
    /// anything. [`Subscription::ended`] says so at once, and
    /// [`Subscription::receive`] behind what is queued.
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
    /// The feed was dropped, or the subscription.
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

/// A subscriber's end. It is a [`Stream`], too, which ends with the subscription; why
/// is said by [`ended`](Self::ended).
#[derive(Debug)]
pub struct Subscription<K>(Arc<Subscriber<K>>);

#[derive(Debug)]
struct Subscribers<K>(Mutex<Subscribed<K>>);

#[derive(Debug)]
struct Subscribed<K> {
    all: Vec<Arc<Subscriber<K>>>,
    /// Room for whom the next message wakes.
    woken: Woken,
}

/// Tasks that are woken when this is dropped, at the latest: not under a lock, for
/// a waker may run its task at once.
#[derive(Debug, Default)]
struct Woken(Vec<Waker>);

#[derive(Debug)]
struct Subscriber<K>(Mutex<Queue<K>>);

#[derive(Debug)]
struct Queue<K> {
    policy: SlowConsumer,
    capacity: usize,
    /// With their keys where those count.
    messages: VecDeque<(Option<K>, PreparedMessage)>,
    /// Messages that were ever taken from the front.
    taken: u64,
    /// Where the message with a key is, counted as `taken` is.
    places: HashMap<K, u64>,
    missed: u64,
    ended: Option<FeedEnded>,
    /// Who waits for a message.
    receiving: Option<Waker>,
    /// Who waits for the end, by the number of its future.
    ending: BTreeMap<u64, Waker>,
    /// Futures that have waited for the end so far.
    endings: u64,
}

impl<K: Clone + Eq + Hash> Feed<K> {
    /// A feed without subscribers.
    pub fn new() -> Self {
        let nobody = Subscribed { all: Vec::new(), woken: Woken::default() };
        Self(Arc::new(Subscribers(Mutex::new(nobody))))
    }

    /// A subscriber that misses nothing as long as no more than `capacity` messages
    /// (at least one) wait to be taken.
    #[must_use = "a subscription ends when it is dropped"]
    pub fn subscribe(&self, policy: SlowConsumer, capacity: usize) -> Subscription<K> {
        let subscriber = Arc::new(Subscriber(Mutex::new(Queue {
            policy,
            capacity: capacity.max(1),
            messages: VecDeque::new(),
            taken: 0,
            places: HashMap::new(),
            missed: 0,
            ended: None,
            receiving: None,
            ending: BTreeMap::new(),
            endings: 0,
        })));
        let subscribers = &mut lock(&self.0.0).all;
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
        let mut woken = Woken::default();
        let mut subscribers = lock(&self.0.0);
        mem::swap(&mut woken, &mut subscribers.woken);
        subscribers.all.retain(|subscriber| {
            let mut queue = lock(&subscriber.0);
            queue.push(&key, message);
            woken.0.extend(queue.take_waiting());
            queue.ended.is_none()
        });
        if !woken.0.is_empty() {
            drop(subscribers);
            woken.wake();
            subscribers = lock(&self.0.0);
        }
        // Somebody who published meanwhile may have left some, too.
        if subscribers.woken.0.capacity() < woken.0.capacity() {
            subscribers.woken = woken;
        }
    }

    /// How many subscribers there are; some of them may have gone since the last
    /// message.
    pub fn subscribers(&self) -> usize {
        lock(&self.0.0).all.len()
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
        for subscriber in lock(&self.0).all.drain(..) {
            let mut queue = lock(&subscriber.0);
            queue.ended.get_or_insert(FeedEnded::Closed);
            let woken = queue.take_waiting();
            drop(queue);
            woken.for_each(Waker::wake);
        }
    }
}

impl Woken {
    fn wake(&mut self) {
        self.0.drain(..).for_each(Waker::wake);
    }
}

impl Drop for Woken {
    fn drop(&mut self) {
        // Who is left has a message, and no waker any more: publishing has panicked.
        self.wake();
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

    /// Waits for the end of the subscription, whatever is queued before it: as soon as
    /// the subscriber is found too slow, or the feed or the subscription is dropped.
    ///
    /// To send may take as long as the peer likes, and nobody receives meanwhile. So
    /// [`SlowConsumer::Disconnect`] comes to pass in time if the sending is raced
    /// against this. The example `tokio_feed` also receives meanwhile, with the other
    /// half of the connection.
    ///
    /// ```
    /// # use wirespeed::{WebSocketError, tokio::{WebSocketStream, feed::{FeedEnded, Subscription}}};
    /// # async fn serve(mut ws: WebSocketStream, mut ticks: Subscription<u32>)
    /// # -> Result<(), WebSocketError> {
    /// let ended = ticks.ended();
    /// let sending = async {
    ///     while let Ok(tick) = ticks.receive().await {
    ///         ws.send(&tick).await?;
    ///     }
    ///     Ok(())
    /// };
    /// tokio::select! {
    ///     sent = sending => sent,
    ///     FeedEnded::TooSlow = ended => ws.close(1008, "too slow").await,
    /// }
    /// # }
    /// ```
    ///
    /// Cancel safe. Any number of these futures may wait at once, in any task.
    pub fn ended(&self) -> impl Future<Output = FeedEnded> + use<K> {
        Ended { subscriber: Arc::clone(&self.0), number: None }
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
        let before = queue.receiving.replace(cx.waker().clone());
        drop(queue);
        drop(before);
        Poll::Pending
    }
}

impl<K: Clone + Eq + Hash> Stream for Subscription<K> {
    type Item = PreparedMessage;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<PreparedMessage>> {
        self.get_mut().poll_receive(cx).map(Result::ok)
    }
}

impl<K> Drop for Subscription<K> {
    fn drop(&mut self) {
        // The feed lets go of the queue with its next message, or when it would have to
        // make room for a subscriber. What is in it goes now, but not under the lock.
        let mut queue = lock(&self.0.0);
        queue.ended.get_or_insert(FeedEnded::Closed);
        let (messages, places) = (mem::take(&mut queue.messages), mem::take(&mut queue.places));
        let woken = queue.take_waiting();
        drop(queue);
        drop((messages, places));
        woken.for_each(Waker::wake);
    }
}

/// Waits for the end of a subscription.
struct Ended<K> {
    subscriber: Arc<Subscriber<K>>,
    /// Its own, once it has waited.
    number: Option<u64>,
}

impl<K> Future for Ended<K> {
    type Output = FeedEnded;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<FeedEnded> {
        let this = self.get_mut();
        let mut queue = lock(&this.subscriber.0);
        if let Some(ended) = queue.ended {
            return Poll::Ready(ended);
        }
        let number = *this.number.get_or_insert_with(|| {
            queue.endings += 1;
            queue.endings
        });
        let before = queue.ending.insert(number, cx.waker().clone());
        drop(queue);
        drop(before);
        Poll::Pending
    }
}

impl<K> Drop for Ended<K> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let waker = lock(&self.subscriber.0).ending.remove(&number);
            drop(waker);
        }
    }
}

impl<K> Queue<K> {
    /// Whoever waits for what there is now.
    fn take_waiting(&mut self) -> impl Iterator<Item = Waker> + use<K> {
        let ended = self.ended.is_some();
        let ending = if ended { mem::take(&mut self.ending) } else { BTreeMap::new() };
        self.receiving.take().into_iter().chain(ending.into_values())
    }
}

impl<K: Clone + Eq + Hash> Queue<K> {
    fn push(&mut self, key: &K, message: &PreparedMessage) {
        if self.ended.is_some() {
            return;
        }
        if self.policy == SlowConsumer::LatestByKey
            && let Some(place) = self.places.get(key)
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
        let key = (self.policy == SlowConsumer::LatestByKey).then(|| key.clone());
        if let Some(key) = &key {
            self.places.insert(key.clone(), self.taken + self.messages.len() as u64);
        }
        self.messages.push_back((key, message.clone()));
    }

    fn pop(&mut self) -> Option<PreparedMessage> {
        let (key, message) = self.messages.pop_front()?;
        self.taken += 1;
        if let Some(key) = key {
            self.places.remove(&key);
        }
        Some(message)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that could panic leaves a queue half changed but a key's own methods,
    // after which a message may be missed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
