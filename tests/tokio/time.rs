//! Deadlines, by a clock that the test moves.

use std::{task::Poll, time::Duration};

use bytes::Bytes;
use tokio::{io::BufWriter, time::Instant};
use wirespeed::{
    Opcode, Role, TimedOut, WebSocketError, WebSocketMessage, WebSocketOptions,
    tokio::WebSocketStream,
};

use crate::wire::{Wire, client_fragment, poll_once, quiet, server, server_with};

/// A server pings after 30 s of silence and gives up after 60 s.
#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_pinged_and_given_up() {
    let wire = Wire::open();
    let mut ws = server_with(&wire, &WebSocketOptions::server());
    let start = Instant::now();
    wire.deliver_message(&"hello".into());
    assert!(ws.receive().await.unwrap().is_some());
    let error = ws.receive().await.unwrap_err();
    assert!(matches!(error, WebSocketError::Timeout(TimedOut::Idle)), "{error}");
    assert_eq!(start.elapsed().as_secs(), 60);
    let sent: Vec<Opcode> = wire.sent().iter().map(|frame| frame.opcode).collect();
    assert_eq!(sent, [Opcode::Ping, Opcode::Close]);

    // The peer does not close either: the wait for that is bounded as well.
    assert!(ws.receive().await.unwrap().is_none());
    assert_eq!(start.elapsed().as_secs(), 65);
}

/// A deadline counts where the task that receives is busy with something else when the
/// timer goes off, so that its wake-up says nothing.
#[tokio::test(start_paused = true)]
async fn a_peer_that_falls_silent_while_a_message_is_handled_is_given_up() {
    let wire = Wire::open();
    let mut ws = server_with(&wire, &WebSocketOptions::server());
    let start = Instant::now();
    let peer = async {
        tokio::time::sleep(Duration::from_secs(29)).await;
        wire.deliver_message(&"hello".into());
    };
    let receiving = async {
        assert!(ws.receive().await.unwrap().is_some());
        tokio::time::sleep(Duration::from_secs(2)).await;
        tokio::time::timeout(Duration::from_secs(100), ws.receive()).await
    };
    let ((), received) = tokio::join!(peer, receiving);
    let error = received.expect("a deadline").unwrap_err();
    assert!(matches!(error, WebSocketError::Timeout(TimedOut::Idle)), "{error}");
    assert_eq!(start.elapsed().as_secs(), 29 + 60);
}

/// A task that has used up its turn still has deadlines.
#[tokio::test(start_paused = true)]
async fn deadlines_do_not_depend_on_what_is_left_of_a_turn() {
    for budget in 0..3 {
        let mut ws = server(&Wire::default());
        // The runtime gives a task 128 operations.
        tokio::task::yield_now().await;
        for _ in budget..128 {
            tokio::task::consume_budget().await;
        }
        let sending = tokio::time::timeout(Duration::from_secs(100), ws.send("hello"));
        let error = sending.await.expect("a deadline").unwrap_err();
        assert!(matches!(error, WebSocketError::Timeout(TimedOut::Write)), "{error}");
    }
}

/// Both halves of a connection know the round trip that one of them has measured.
#[tokio::test(start_paused = true)]
async fn a_keepalive_ping_measures_the_round_trip() {
    let wire = Wire::open();
    let mut ws = server_with(&wire, &WebSocketOptions::server());
    let peer = async {
        for number in 0..2 {
            tokio::time::sleep(Duration::from_secs(30) + ANSWER).await;
            let ping = wire.sent()[number].clone();
            assert_eq!(ping.opcode, Opcode::Ping);
            wire.deliver_message(&WebSocketMessage::Pong(ping.payload));
        }
    };
    let receiving = async {
        assert_eq!(ws.round_trip(), None);
        assert!(matches!(ws.receive().await, Ok(Some(WebSocketMessage::Pong(_)))));
        assert_eq!(ws.round_trip(), Some(ANSWER));

        let (mut reader, writer) = ws.split_with(|wire| (wire.clone(), wire));
        assert!(matches!(reader.receive().await, Ok(Some(WebSocketMessage::Pong(_)))));
        assert_eq!(reader.round_trip(), Some(ANSWER));
        assert_eq!(writer.round_trip(), Some(ANSWER));
    };
    tokio::join!(peer, receiving);
}

const ANSWER: Duration = Duration::from_millis(300);

/// What is heard moves the deadline, and the timer follows when it goes off.
#[tokio::test(start_paused = true)]
async fn a_peer_that_is_heard_is_not_given_up() {
    let wire = Wire::open();
    let mut ws = server_with(&wire, &WebSocketOptions::server());
    let start = Instant::now();
    let peer = async {
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_secs(29)).await;
            wire.deliver_message(&"still here".into());
        }
    };
    let receiving = async {
        for _ in 0..10 {
            assert!(ws.receive().await.unwrap().is_some());
        }
        ws.receive().await.unwrap_err()
    };
    let ((), error) = tokio::join!(peer, receiving);
    assert!(matches!(error, WebSocketError::Timeout(TimedOut::Idle)));
    assert_eq!(start.elapsed().as_secs(), 10 * 29 + 60);
    assert_eq!(wire.sent()[0].opcode, Opcode::Ping);
}

/// A peer that sends a byte at a time is heard, and given up all the same.
#[tokio::test(start_paused = true)]
async fn a_message_that_drips_in_is_given_up() {
    let wire = Wire::open();
    let mut ws = server_with(&wire, &WebSocketOptions::server());
    let start = Instant::now();
    let drips = client_fragment(Opcode::Text, &[b'x'; 100], false);
    let peer = async {
        for drip in drips {
            wire.deliver(&[drip]);
            tokio::time::sleep(Duration::from_secs(7)).await;
        }
    };
    let error = tokio::select! {
        received = ws.receive() => received.unwrap_err(),
        () = peer => panic!("a message may take as long as it likes"),
    };
    assert!(matches!(error, WebSocketError::Timeout(TimedOut::Message)), "{error}");
    // The header's last byte is the sixth.
    assert_eq!(start.elapsed().as_secs(), 5 * 7 + 120);
}

/// A peer that never reads is given up: whether the caller sends, receives, or
/// both in two tasks.
#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_given_up() {
    let stalled = |error| matches!(error, Err(WebSocketError::Timeout(TimedOut::Write)));

    let mut ws = server(&Wire::default());
    let start = Instant::now();
    assert!(stalled(ws.send("hello").await));
    assert_eq!(start.elapsed().as_secs(), 10);
    assert!(matches!(ws.send("again").await, Err(WebSocketError::ConnectionClosed)));

    let wire = Wire::default();
    let mut ws = server(&wire);
    wire.deliver_message(&WebSocketMessage::Ping("hello".into()));
    assert!(ws.receive().await.unwrap().is_some());
    assert!(stalled(ws.receive().await.map(|_| ())));
    assert!(ws.receive().await.unwrap().is_none());

    let (mut reader, mut writer) = server(&wire).split_with(|wire| (wire.clone(), wire));
    let reading = tokio::spawn(async move { reader.receive().await });
    assert!(stalled(writer.send("hello").await));
    let lost = reading.await.unwrap();
    assert!(matches!(lost, Err(WebSocketError::ConnectionLost)), "{lost:?}");
}

/// A transport that takes everything and holds it back, as TLS may, does not hide
/// that the peer takes nothing. For what it may hold back the peer has as long as
/// anywhere else.
#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_from_a_buffering_transport_is_given_up() {
    for (len, progress, seconds) in [(5, 2_400, 10), (6_000, 2_400, 30), (6_000, 1, 30)] {
        let transport = BufWriter::with_capacity(8 << 10, Wire::default());
        let mut options = quiet();
        options.limits.write_progress = progress;
        let mut ws = WebSocketStream::from_stream(transport, Role::Server, &options, Bytes::new());
        let start = Instant::now();
        let sending = tokio::time::timeout(Duration::from_secs(100), ws.send("x".repeat(len)));
        let error = sending.await.expect("a deadline").unwrap_err();
        assert!(matches!(error, WebSocketError::Timeout(TimedOut::Write)), "{error}");
        assert_eq!(start.elapsed().as_secs(), seconds, "{len} bytes");
    }
}

/// A peer that takes more than the transport can hold back is not given up, though
/// nobody waits for long enough to see all of it gone.
#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_much_from_a_buffering_transport_is_not_given_up() {
    let wire = Wire::default();
    let transport = BufWriter::with_capacity(8 << 10, wire.clone());
    let mut ws = WebSocketStream::from_stream(transport, Role::Server, &quiet(), Bytes::new());
    for _ in 0..100 {
        assert!(poll_once(ws.send("x".repeat(2_000))).is_pending());
        tokio::time::sleep(Duration::from_secs(5)).await;
        wire.grant(2_000);
    }
    // Once it takes nothing, it has no longer than for 64 KiB.
    let flushing = tokio::time::timeout(Duration::from_secs(290), ws.flush());
    let error = flushing.await.expect("a deadline").unwrap_err();
    assert!(matches!(error, WebSocketError::Timeout(TimedOut::Write)), "{error}");
}

/// What a buffering transport still has room for says nothing of a peer, however much
/// that has taken before.
#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_any_more_from_a_buffering_transport_is_given_up() {
    let wire = Wire::default();
    let transport = BufWriter::with_capacity(8 << 10, wire.clone());
    let mut ws = WebSocketStream::from_stream(transport, Role::Server, &quiet(), Bytes::new());
    wire.grant(99_000);
    assert!(poll_once(ws.send("x".repeat(100_000))).is_pending());
    let mut seconds = 0;
    let error = loop {
        match poll_once(ws.send("x")) {
            Poll::Pending => tokio::time::sleep(Duration::from_secs(20)).await,
            Poll::Ready(sent) => break sent.unwrap_err(),
        }
        seconds += 20;
        assert!(seconds < 1_000, "every message is taken for progress");
    };
    assert!(matches!(error, WebSocketError::Timeout(TimedOut::Write)), "{error}");
    assert_eq!(seconds, 280);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_a_close_is_given_up() {
    let mut ws = server(&Wire::open());
    let start = Instant::now();
    let error = ws.close(1000, "").await.unwrap_err();
    assert!(matches!(error, WebSocketError::Timeout(TimedOut::Close)), "{error}");
    assert_eq!(start.elapsed().as_secs(), 5);

    // The reader of a connection that the writer closes has that deadline too.
    let (mut reader, mut writer) = server(&Wire::open()).split_with(|wire| (wire.clone(), wire));
    let reading = tokio::spawn(async move { reader.receive().await });
    tokio::task::yield_now().await;
    writer.close(1000, "").await.unwrap();
    let error = reading.await.unwrap();
    assert!(matches!(error, Err(WebSocketError::Timeout(TimedOut::Close))), "{error:?}");
}

/// Without deadlines there is no timer: no runtime is needed.
#[test]
fn a_connection_without_deadlines_needs_no_runtime() {
    let wire = Wire::open();
    let mut ws = server_with(&wire, &quiet());
    assert!(poll_once(ws.receive()).is_pending());
    wire.deliver_message(&"hello".into());
    assert!(poll_once(ws.receive()).is_ready());
    assert!(poll_once(ws.send("hello")).is_ready());
}
