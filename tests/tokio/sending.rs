//! What a sender is told.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use futures_util::SinkExt;
use wirespeed::{
    CloseCode, Role, TimedOut, WebSocketError, WebSocketMessage, tokio::WebSocketStream,
};

use crate::wire::{Wire, client_frame, poll_once, quiet, server, server_with};

/// A message that was queued and then dropped, because the other half found the
/// transport lost, was not sent.
#[tokio::test]
async fn a_sender_is_told_what_the_reader_has_found_lost() {
    let wire = Wire::default();
    let (mut reader, mut writer) = server(&wire).split_with(|wire| (wire.clone(), wire));
    let mut cx = Context::from_waker(Waker::noop());
    {
        let mut sending = pin!(writer.send("order"));
        assert!(sending.as_mut().poll(&mut cx).is_pending());
        wire.end();
        let received = poll_once(reader.receive());
        assert!(matches!(received, Poll::Ready(Err(WebSocketError::ConnectionLost))));
        let sent = sending.poll(&mut cx);
        assert!(matches!(sent, Poll::Ready(Err(WebSocketError::ConnectionLost))), "{sent:?}");
    }
    let flushed = poll_once(writer.flush());
    assert!(matches!(flushed, Poll::Ready(Err(WebSocketError::ConnectionLost))), "{flushed:?}");
    // To close what is closed is no error all the same.
    assert!(matches!(poll_once(writer.close(1000, "")), Poll::Ready(Ok(()))));
}

/// The same where it is the reader that gives a peer up for taking nothing.
#[tokio::test(start_paused = true)]
async fn a_sender_is_told_of_a_peer_that_the_reader_gave_up() {
    let wire = Wire::default();
    let (mut reader, mut writer) = server(&wire).split_with(|wire| (wire.clone(), wire));
    wire.deliver_message(&WebSocketMessage::Ping("owed".into()));
    assert!(reader.receive().await.unwrap().is_some());
    assert!(poll_once(writer.write("order")).is_ready());
    let error = reader.receive().await.unwrap_err();
    assert!(matches!(error, WebSocketError::Timeout(TimedOut::Write)), "{error}");
    let error = writer.flush().await.unwrap_err();
    assert!(matches!(error, WebSocketError::ConnectionLost), "{error}");
}

/// A reader that cannot send its pong tells so when it has handed out what there was to
/// read, whether the transport ends or not.
#[test]
fn a_pong_that_cannot_be_sent_is_told_behind_the_last_message() {
    for ends in [false, true] {
        let wire = Wire::default();
        if ends {
            wire.end();
        }
        let (broken, _) = tokio::io::duplex(64);
        let frames = [WebSocketMessage::Ping("?".into()), "tick".into()];
        let received = frames.each_ref().map(client_frame).concat();
        let stream = tokio::io::join(wire, broken);
        let mut ws = WebSocketStream::from_stream(stream, Role::Server, &quiet(), received.into());
        for frame in frames {
            let Poll::Ready(received) = poll_once(ws.receive()) else { panic!("it is there") };
            assert_eq!(received.unwrap(), Some(frame));
        }
        let failed = poll_once(ws.receive());
        assert!(matches!(failed, Poll::Ready(Err(WebSocketError::IoError(_)))), "{failed:?}");
    }
}

/// A transport that fails before the close frame is sent is told, whatever the peer has
/// sent before.
#[tokio::test]
async fn a_close_that_cannot_be_sent_is_told() {
    let (ours, theirs) = tokio::io::duplex(64);
    let close = client_frame(&WebSocketMessage::Close(CloseCode::NORMAL, "".into()));
    let mut ws = WebSocketStream::from_stream(ours, Role::Server, &quiet(), close.into());
    drop(theirs);
    assert!(poll_once(ws.write("order")).is_ready());
    let closed = ws.close(1000, "").await;
    assert!(matches!(closed, Err(WebSocketError::IoError(_))), "{closed:?}");
}

/// What a sink was given and was dropped was not sent, though nobody flushed it before
/// it was closed.
#[tokio::test]
async fn a_sink_that_is_closed_tells_what_was_dropped() {
    for split in [false, true] {
        let wire = Wire::default();
        let mut ws = server(&wire);
        let lost = if split {
            let (mut reader, mut writer) = ws.split_with(|wire| (wire.clone(), wire));
            assert!(poll_once(writer.feed("order".into())).is_ready());
            wire.end();
            assert!(matches!(poll_once(reader.receive()), Poll::Ready(Err(_))));
            poll_once(SinkExt::close(&mut writer))
        } else {
            assert!(poll_once(ws.feed("order".into())).is_ready());
            wire.end();
            assert!(matches!(poll_once(ws.receive()), Poll::Ready(Err(_))));
            poll_once(SinkExt::close(&mut ws))
        };
        assert!(matches!(lost, Poll::Ready(Err(WebSocketError::ConnectionLost))), "{lost:?}");
    }
}

/// The room that a sink has promised is there, though the other half has queued
/// a pong since.
#[tokio::test]
async fn a_sink_keeps_its_promise_of_room() {
    let wire = Wire::default();
    let mut options = quiet();
    options.limits.write_queue = 1 << 10;
    let (mut reader, mut writer) =
        server_with(&wire, &options).split_with(|wire| (wire.clone(), wire));
    let fill = "x".repeat((1 << 10) - 5);
    assert!(poll_once(writer.write(fill.as_str())).is_ready());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(writer.poll_ready_unpin(&mut cx).is_ready());
    wire.deliver_message(&WebSocketMessage::Ping("owed".into()));
    assert!(poll_once(reader.receive()).is_ready());
    writer.start_send_unpin("promised".into()).unwrap();
    wire.grant(usize::MAX);
    assert!(poll_once(writer.flush()).is_ready());
    assert_eq!(wire.sent_texts(), [&fill, "owed", "promised"]);
}

/// A close frame that a sink was given is the reader's to wait for, though nobody flushes
/// the sink.
#[tokio::test(start_paused = true)]
async fn a_reader_hears_of_the_close_that_a_sink_was_given() {
    let (mut reader, mut writer) = server(&Wire::default()).split_with(|wire| (wire.clone(), wire));
    let reading = tokio::spawn(async move { reader.receive().await });
    tokio::task::yield_now().await;
    let close = WebSocketMessage::Close(CloseCode::NORMAL, "".into());
    writer.start_send_unpin(close).unwrap();
    let reading = tokio::time::timeout(Duration::from_secs(100), reading).await;
    let lost = reading.expect("a deadline").unwrap();
    assert!(matches!(lost, Err(WebSocketError::Timeout(TimedOut::Write))), "{lost:?}");
}

/// A peer that sends back what it receives, and has to be read before it reads on, is
/// read while the close frame waits to be sent.
#[tokio::test(start_paused = true)]
async fn a_close_does_not_wait_for_a_peer_that_waits_for_us() {
    let (ours, theirs) = tokio::io::duplex(64);
    let mut ws = WebSocketStream::from_stream(ours, Role::Client, &quiet(), Bytes::new());
    let mut peer = WebSocketStream::from_stream(theirs, Role::Server, &quiet(), Bytes::new());
    let echo = tokio::spawn(async move {
        while let Some(message) = peer.receive().await? {
            if message.is_data() {
                peer.send(message).await?;
            }
        }
        Ok::<(), WebSocketError>(())
    });
    let patience = Duration::from_secs(1);
    while let Ok(sent) = tokio::time::timeout(patience, ws.send(&[7; 50])).await {
        sent.unwrap();
    }
    ws.close(1000, "").await.unwrap();
    echo.await.unwrap().unwrap();
}

/// A task that comes back late, with its turn used up, finds no deadline over that it
/// had no chance to look at: the stream has room by then.
#[tokio::test(start_paused = true)]
async fn a_sender_that_looks_late_gives_the_peer_its_time_once_more() {
    for budget in 0..3 {
        let (stream, mut peer) = tokio::io::duplex(16);
        let mut ws = WebSocketStream::from_stream(stream, Role::Server, &quiet(), Bytes::new());
        assert!(poll_once(ws.send("more than there is room for")).is_pending());
        let taking = tokio::spawn(async move {
            tokio::io::copy(&mut peer, &mut tokio::io::sink()).await.unwrap();
        });
        tokio::time::sleep(Duration::from_secs(12)).await;
        tokio::task::yield_now().await;
        // The runtime gives a task 128 operations.
        for _ in budget..128 {
            tokio::task::consume_budget().await;
        }
        ws.flush().await.unwrap();
        drop(ws);
        taking.await.unwrap();
    }
}
