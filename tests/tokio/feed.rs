//! Fan-out, and its slow consumers.

use std::{
    collections::HashMap,
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    task::{Context, Poll, Wake},
    thread,
    time::Duration,
};

use futures_util::StreamExt;
use wirespeed::{
    PreparedMessage,
    tokio::feed::{Feed, FeedEnded, SlowConsumer, Subscription},
};

use crate::wire::{Wire, poll_once, server};

fn publish(feed: &Feed<char>, messages: &str) {
    for message in messages.split(' ') {
        feed.publish(message.chars().next().unwrap(), &PreparedMessage::text(message));
    }
}

/// What waits, and why it is all.
fn drain(subscription: &mut Subscription<char>) -> (String, Option<FeedEnded>) {
    let mut messages = Vec::new();
    loop {
        match poll_once(subscription.receive()) {
            Poll::Ready(Ok(message)) => {
                messages.push(String::from_utf8(message.payload().to_vec()).unwrap());
            }
            Poll::Ready(Err(ended)) => return (messages.join(" "), Some(ended)),
            Poll::Pending => return (messages.join(" "), None),
        }
    }
}

#[test]
fn slow_consumers_by_policy() {
    for (policy, received, missed, ended) in [
        (SlowConsumer::Disconnect, "a1 b1 a2", 0, Some(FeedEnded::TooSlow)),
        (SlowConsumer::DropNewest, "a1 b1 a2", 2, None),
        (SlowConsumer::DropOldest, "a2 c1 d1", 2, None),
        (SlowConsumer::LatestByKey, "b1 c1 d1", 2, None),
    ] {
        let feed = Feed::new();
        let mut subscription = feed.subscribe(policy, 3);
        publish(&feed, "a1 b1 a2 c1 d1");
        assert_eq!(drain(&mut subscription), (received.to_owned(), ended), "{policy:?}");
        assert_eq!(subscription.missed(), missed, "{policy:?}");
    }
}

/// Where nothing is published for long, those who come and go leave nothing.
#[test]
fn subscribers_who_have_gone_make_room() {
    let feed: Feed<char> = Feed::new();
    let stays = feed.subscribe(SlowConsumer::Disconnect, 3);
    for _ in 0..1000 {
        drop(feed.subscribe(SlowConsumer::Disconnect, 3));
    }
    assert!(feed.subscribers() < 10, "{}", feed.subscribers());
    drop(stays);
}

#[test]
fn the_latest_keeps_its_place_and_its_key_after_it_is_taken() {
    let feed = Feed::new();
    let mut subscription = feed.subscribe(SlowConsumer::LatestByKey, 3);
    for round in ["a1 b1 a2 b2 a3", "b3 a4 c1 b4", "c2 c3 b5"] {
        publish(&feed, round);
        let expected = match round.as_bytes()[0] {
            b'a' => "a3 b2",
            b'b' => "b4 a4 c1",
            _ => "c3 b5",
        };
        assert_eq!(drain(&mut subscription).0, expected);
    }
}

/// On a silent feed, a subscriber who has gone keeps nothing alive.
#[test]
fn a_dropped_subscription_lets_go_of_its_task_and_its_keys() {
    let feed = Feed::new();
    let (task, key) = (Arc::new(Woken::default()), Arc::new(()));
    let mut waiting = feed.subscribe(SlowConsumer::LatestByKey, 1);
    assert!(poll_by(&task, waiting.receive()).is_pending());
    drop(waiting);
    assert_eq!(Arc::strong_count(&task), 1);

    let behind = feed.subscribe(SlowConsumer::LatestByKey, 1);
    feed.publish(Arc::clone(&key), &PreparedMessage::text("x"));
    drop(behind);
    assert_eq!(Arc::strong_count(&key), 1);
}

#[test]
fn a_feed_ends_behind_its_last_message_and_forgets_who_has_gone() {
    let feed = Feed::new();
    let mut subscription = feed.subscribe(SlowConsumer::Disconnect, 3);
    drop(feed.subscribe(SlowConsumer::Disconnect, 3));
    assert_eq!(feed.subscribers(), 2);
    publish(&feed, "a1");
    assert_eq!(feed.subscribers(), 1);
    drop(feed.clone());
    assert_eq!(drain(&mut subscription), ("a1".to_owned(), None));
    drop(feed);
    assert_eq!(drain(&mut subscription), (String::new(), Some(FeedEnded::Closed)));
}

#[tokio::test]
async fn a_message_wakes_who_waits() {
    let feed = Feed::new();
    let mut subscription = feed.subscribe(SlowConsumer::Disconnect, 3);
    let waiting = tokio::spawn(async move { subscription.receive().await });
    tokio::task::yield_now().await;
    feed.publish('a', &PreparedMessage::text("a1"));
    assert_eq!(waiting.await.unwrap().unwrap().payload(), b"a1");
}

/// As an executor may that runs a task in its waker: whoever is woken can do anything
/// with the feed.
#[test]
fn a_task_that_runs_in_its_waker() {
    struct Inline(Feed<char>);

    impl Wake for Inline {
        fn wake(self: Arc<Self>) {
            let subscribed = self.0.subscribe(SlowConsumer::DropNewest, 1);
            assert_eq!(self.0.subscribers(), 3);
            self.0.publish('b', &PreparedMessage::text("b1"));
            drop(subscribed);
        }
    }

    // What deadlocks is not to make the test wait for ever.
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        let feed = Feed::new();
        let mut subscription = feed.subscribe(SlowConsumer::DropNewest, 9);
        let mut other = feed.subscribe(SlowConsumer::DropNewest, 9);
        let waker = Arc::new(Inline(feed.clone())).into();
        let waiting = pin!(subscription.receive()).poll(&mut Context::from_waker(&waker));
        assert!(waiting.is_pending());
        publish(&feed, "a1 c1");
        done.send([drain(&mut subscription), drain(&mut other)]).unwrap();
    });
    let drained = is_done.recv_timeout(Duration::from_secs(60)).expect("a deadlock");
    assert_eq!(drained, [(); 2].map(|()| ("a1 b1 c1".to_owned(), None)));
}

/// A receive that was dropped while it waited has taken nothing, and the next one is
/// woken in its place.
#[test]
fn a_receive_may_be_dropped_at_every_poll() {
    let feed = Feed::new();
    let mut subscription = feed.subscribe(SlowConsumer::Disconnect, 3);
    let woken = Arc::new(Woken::default());
    for message in ["a1", "b1", "c1"] {
        assert!(poll_once(subscription.receive()).is_pending());
        assert!(poll_by(&woken, subscription.receive()).is_pending());
        publish(&feed, message);
        assert!(woken.take(), "whoever waited last is woken");
        assert_eq!(drain(&mut subscription), (message.to_owned(), None));
    }
    assert!(poll_once(subscription.receive()).is_pending());
    drop(feed);
    assert_eq!(drain(&mut subscription), (String::new(), Some(FeedEnded::Closed)));
}

/// A subscriber is too slow while it is sent to: that is when to learn of it, whatever
/// is queued.
#[tokio::test]
async fn the_end_is_seen_while_a_peer_takes_nothing() {
    let feed = Feed::new();
    let mut subscription = feed.subscribe(SlowConsumer::Disconnect, 2);
    let mut ended = subscription.ended();
    publish(&feed, "a1");
    let Poll::Ready(Ok(message)) = poll_once(subscription.receive()) else { panic!() };
    let mut ws = server(&Wire::default());
    let mut sending = pin!(ws.send(&message));
    let woken = Arc::new(Woken::default());
    assert!(poll_once(&mut sending).is_pending());
    assert!(poll_by(&woken, &mut ended).is_pending());

    publish(&feed, "b1 c1");
    assert!(!woken.take(), "nothing is too slow yet");
    publish(&feed, "d1");
    assert!(woken.take());
    assert_eq!(poll_by(&woken, &mut ended), Poll::Ready(FeedEnded::TooSlow));
    assert!(poll_once(&mut sending).is_pending());
    // It is no news later, and what is queued is there all the same.
    assert_eq!(poll_once(subscription.ended()), Poll::Ready(FeedEnded::TooSlow));
    assert_eq!(drain(&mut subscription), ("b1 c1".to_owned(), Some(FeedEnded::TooSlow)));
}

/// Any number of waits for the end, in tasks of their own, beside one for a message: to
/// drop one takes nothing from the others, and leaves nothing.
#[test]
fn a_wait_for_the_end_may_be_dropped_at_every_poll() {
    for by_closing in [false, true] {
        let feed = Feed::new();
        let mut subscription = feed.subscribe(SlowConsumer::Disconnect, 1);
        let tasks = [(); 3].map(|()| Arc::new(Woken::default()));
        let [mut stays, mut moves, mut goes] = [(); 3].map(|()| subscription.ended());
        for (task, ended) in tasks.iter().zip([&mut stays, &mut moves, &mut goes]) {
            assert!(poll_by(task, ended).is_pending());
        }
        let [of_one, of_other, of_gone] = tasks;
        drop(goes);
        assert_eq!(Arc::strong_count(&of_gone), 1);
        let now_of = Arc::new(Woken::default());
        assert!(poll_by(&now_of, &mut moves).is_pending());
        assert_eq!(Arc::strong_count(&of_other), 1);

        let receiver = Arc::new(Woken::default());
        assert!(poll_by(&receiver, subscription.receive()).is_pending());
        publish(&feed, "a1");
        assert!(receiver.take());
        assert!(!of_one.take() && !now_of.take(), "a message is not the end");

        let expected = if by_closing { FeedEnded::Closed } else { FeedEnded::TooSlow };
        if !by_closing {
            publish(&feed, "b1");
        }
        drop(feed);
        assert!(of_one.take() && now_of.take());
        assert!(!of_other.take() && !of_gone.take());
        assert_eq!(poll_once(&mut stays), Poll::Ready(expected));
        assert_eq!(poll_once(&mut moves), Poll::Ready(expected));
        assert_eq!(drain(&mut subscription), ("a1".to_owned(), Some(expected)));
    }
}

/// Nobody waits for the end of what is there no more.
#[test]
fn a_dropped_subscription_has_ended() {
    let feed: Feed<char> = Feed::new();
    let subscription = feed.subscribe(SlowConsumer::Disconnect, 1);
    let (mut ended, woken) = (subscription.ended(), Arc::new(Woken::default()));
    assert!(poll_by(&woken, &mut ended).is_pending());
    drop(subscription);
    assert!(woken.take());
    assert_eq!(poll_once(ended), Poll::Ready(FeedEnded::Closed));
}

#[tokio::test]
async fn a_subscription_is_a_stream() {
    let feed = Feed::new();
    let subscription = feed.subscribe(SlowConsumer::Disconnect, 3);
    publish(&feed, "a1 b1");
    let ended = subscription.ended();
    drop(feed);
    let messages: Vec<_> = subscription.collect().await;
    assert_eq!(messages.iter().map(PreparedMessage::payload).collect::<Vec<_>>(), [b"a1", b"b1"]);
    assert_eq!(ended.await, FeedEnded::Closed);
}

/// Keys cost something only where they count.
#[test]
fn a_key_is_kept_for_who_wants_the_latest_only() {
    for (policy, kept) in [
        (SlowConsumer::Disconnect, false),
        (SlowConsumer::DropNewest, false),
        (SlowConsumer::DropOldest, false),
        (SlowConsumer::LatestByKey, true),
    ] {
        let (feed, key) = (Feed::new(), Arc::new(()));
        let mut subscription = feed.subscribe(policy, 3);
        feed.publish(Arc::clone(&key), &PreparedMessage::text("x"));
        assert_eq!(Arc::strong_count(&key) > 1, kept, "{policy:?}");
        assert!(subscription.try_receive().is_some());
        assert_eq!(Arc::strong_count(&key), 1, "{policy:?}");
    }
}

/// Threads publish, come, wait and go at once. Nobody sleeps on, and nobody misses what
/// it was not too slow for.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn publishers_and_subscribers_on_many_threads() {
    const PUBLISHERS: usize = 3;
    const GUESTS: usize = 4;
    const VISITS: usize = 200;
    let feed: Feed<usize> = Feed::new();
    let staying = [(); 2].map(|()| {
        let subscription = feed.subscribe(SlowConsumer::Disconnect, usize::MAX);
        tokio::spawn(receive_in_order(subscription, usize::MAX))
    });
    let guests = (0..GUESTS).map(|_| {
        let feed = feed.clone();
        tokio::spawn(async move {
            for visit in 0..VISITS {
                let policies =
                    [SlowConsumer::Disconnect, SlowConsumer::DropOldest, SlowConsumer::LatestByKey];
                let subscription = feed.subscribe(policies[visit % 3], 1 + visit % 5);
                let ended = tokio::spawn(subscription.ended());
                receive_in_order(subscription, visit % 4).await;
                ended.await.unwrap();
            }
        })
    });
    let guests: Vec<_> = guests.collect();
    let all_gone = Arc::new(AtomicBool::new(false));
    let publishing = (0..PUBLISHERS).map(|publisher| {
        let (feed, all_gone) = (feed.clone(), Arc::clone(&all_gone));
        tokio::spawn(async move {
            let mut number = 0;
            while !all_gone.load(Ordering::Relaxed) {
                let message = [publisher, number].map(usize::to_be_bytes).concat();
                feed.publish(publisher, &PreparedMessage::binary(message));
                number += 1;
                tokio::task::yield_now().await;
            }
            number
        })
    });
    let publishing: Vec<_> = publishing.collect();
    for guest in guests {
        guest.await.unwrap();
    }
    all_gone.store(true, Ordering::Relaxed);
    let mut published = 0;
    for publishing in publishing {
        published += publishing.await.unwrap();
    }
    drop(feed);
    for staying in staying {
        assert_eq!(staying.await.unwrap(), published);
    }
}

/// Receives `most` messages if there are so many, and says how many there were. None of
/// a publisher comes before an earlier one.
async fn receive_in_order(mut subscription: Subscription<usize>, most: usize) -> usize {
    let mut next = HashMap::new();
    let mut count = 0;
    while count < most
        && let Ok(message) = subscription.receive().await
    {
        let (publisher, number) = message.payload().split_at(size_of::<usize>());
        let number = usize::from_be_bytes(number.try_into().unwrap());
        let next = next.entry(publisher.to_vec()).or_insert(0);
        assert!(number >= *next);
        *next = number + 1;
        count += 1;
    }
    count
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Woken {
    fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn poll_by<F: Future>(task: &Arc<Woken>, future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(&Arc::clone(task).into()))
}

/// One encoded message reaches 10,000 connections; it is there once, whoever is given
/// it.
#[tokio::test]
async fn ten_thousand_connections() {
    const CONNECTIONS: usize = 10_000;
    let feed = Feed::new();
    let wires: Vec<Wire> = (0..CONNECTIONS).map(|_| Wire::open()).collect();
    let serving: Vec<_> = wires
        .iter()
        .map(|wire| {
            let mut subscription = feed.subscribe(SlowConsumer::Disconnect, 10);
            let mut ws = server(wire);
            tokio::spawn(async move {
                let mut places = Vec::new();
                while let Ok(message) = subscription.receive().await {
                    ws.send(&message).await.unwrap();
                    places.push(message.payload().as_ptr().addr());
                }
                places
            })
        })
        .collect();
    let messages = [PreparedMessage::text("first"), PreparedMessage::binary(vec![7; 5_000])];
    messages.iter().for_each(|message| feed.publish('a', message));
    drop(feed);
    for (task, wire) in serving.into_iter().zip(&wires) {
        let places = messages.iter().map(|message| message.payload().as_ptr().addr());
        assert_eq!(task.await.unwrap(), places.collect::<Vec<_>>());
        let lens: Vec<usize> = wire.sent().iter().map(|frame| frame.payload.len()).collect();
        assert_eq!(lens, [5, 5_000]);
    }
}
