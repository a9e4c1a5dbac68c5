//! Fan-out, and its slow consumers.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake},
};

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
        feed.subscribe(SlowConsumer::Disconnect, 3);
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
    let (task, key) = (Arc::new(Woken(AtomicBool::new(false))), Arc::new(()));
    let mut waiting = feed.subscribe(SlowConsumer::LatestByKey, 1);
    let waker = Arc::clone(&task).into();
    assert!(pin!(waiting.receive()).poll(&mut Context::from_waker(&waker)).is_pending());
    drop((waker, waiting));
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

/// A receive that was dropped while it waited has taken nothing, and the next one is
/// woken in its place.
#[test]
fn a_receive_may_be_dropped_at_every_poll() {
    let feed = Feed::new();
    let mut subscription = feed.subscribe(SlowConsumer::Disconnect, 3);
    let woken = Arc::new(Woken::default());
    for message in ["a1", "b1", "c1"] {
        assert!(poll_once(subscription.receive()).is_pending());
        let waker = Arc::clone(&woken).into();
        {
            let receiving = pin!(subscription.receive());
            assert!(receiving.poll(&mut Context::from_waker(&waker)).is_pending());
        }
        publish(&feed, message);
        assert!(woken.0.swap(false, Ordering::Relaxed), "whoever waited last is woken");
        assert_eq!(drain(&mut subscription), (message.to_owned(), None));
    }
    assert!(poll_once(subscription.receive()).is_pending());
    drop(feed);
    assert_eq!(drain(&mut subscription), (String::new(), Some(FeedEnded::Closed)));
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One encoded message reaches 10,000 connections; it is there once.
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
                while let Ok(message) = subscription.receive().await {
                    ws.send(&message).await.unwrap();
                }
            })
        })
        .collect();
    feed.publish('a', &PreparedMessage::text("first"));
    feed.publish('a', &PreparedMessage::binary(vec![7; 5_000]));
    drop(feed);
    for (task, wire) in serving.into_iter().zip(&wires) {
        task.await.unwrap();
        let lens: Vec<usize> = wire.sent().iter().map(|frame| frame.payload.len()).collect();
        assert_eq!(lens, [5, 5_000]);
    }
}
