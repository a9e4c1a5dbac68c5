//! Ways to receive, and what is held meanwhile.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, Wake},
    time::Duration,
};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wirespeed::{
    BufferPool, MessageRef, Opcode, Role, WebSocketError, WebSocketMessage,
    tokio::{Answers, WebSocketStream},
};

use crate::wire::{Wire, client_fragment, client_frame, poll_once, quiet, server, server_with};

#[tokio::test]
async fn all_messages_of_one_read_are_there_without_waiting() {
    let wire = Wire::open();
    let mut ws = server(&wire);
    let bytes: Vec<u8> =
        (0..100).flat_map(|i: u8| client_fragment(Opcode::Binary, &[i], true)).collect();
    wire.deliver(&bytes);
    assert_eq!(ws.receive().await.unwrap(), Some(WebSocketMessage::from(vec![0])));
    for i in 1..100 {
        assert!(ws.has_buffered_message());
        assert_eq!(ws.try_receive_ref().unwrap().unwrap().as_bytes(), [i]);
    }
    assert!(!ws.has_buffered_message());
    assert!(ws.try_receive().unwrap().is_none());
}

/// What was read behind the opening handshake is there without waiting, too.
#[test]
fn messages_that_came_with_the_handshake_are_received_already() {
    let received = ["first", "second"].map(|text| client_frame(&text.into())).concat();
    let wire = Wire::open();
    let mut ws = WebSocketStream::from_stream(wire, Role::Server, &quiet(), received.into());
    assert!(ws.has_buffered_message());
    assert_eq!(ws.try_receive().unwrap(), Some("first".into()));
    assert_eq!(ws.try_receive().unwrap(), Some("second".into()));
    assert!(!ws.has_buffered_message());
    assert!(ws.try_receive().unwrap().is_none());
}

/// An idle connection holds no buffers, nor does one whose writes are drained.
#[test]
fn a_pending_read_holds_no_buffer() {
    let pool = BufferPool::new(4096, 16);
    let mut options = quiet();
    options.pool = pool.clone();
    let wire = Wire::open();
    let mut ws = server_with(&wire, &options);
    wire.deliver_message(&"hello".into());
    assert!(poll_once(ws.receive_ref()).is_ready());
    assert!(poll_once(ws.send("hello")).is_ready());
    assert_eq!(pool.resting(), 1, "that of the write");
    assert!(poll_once(ws.receive_ref()).is_pending());
    assert_eq!(pool.resting(), 2, "that of the read as well");
}

/// A receive that spins finds what it is not told of, and lets other tasks run meanwhile;
/// one that has spun for long enough sleeps.
#[tokio::test]
async fn a_receive_that_spins_asks_again() {
    let wire = Wire::open();
    let mut options = quiet();
    options.spin = Duration::MAX;
    let mut ws = server_with(&wire, &options);
    let peer = async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        wire.deliver_silently(&client_frame(&"hello".into()));
    };
    let (received, ()) = tokio::join!(ws.receive(), peer);
    assert_eq!(received.unwrap(), Some("hello".into()));

    for spin in [Duration::ZERO, Duration::from_nanos(1)] {
        options.spin = spin;
        let mut ws = server_with(&wire, &options);
        let wakes = Arc::new(Wakes::default());
        let waker = Arc::clone(&wakes).into();
        let mut receiving = pin!(ws.receive());
        for round in 0.. {
            assert!(receiving.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            tokio::task::yield_now().await;
            if wakes.0.swap(0, Ordering::Relaxed) == 0 {
                break;
            }
            assert!(round < 10, "it does not sleep");
        }
    }
}

#[derive(Default)]
struct Wakes(AtomicU32);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Polls a batch once that answers what is data.
fn poll_echo(ws: &mut WebSocketStream<Wire>) -> Poll<Result<bool, WebSocketError>> {
    poll_once(ws.receive_batch(|message, answers| match message.is_data() {
        true => answers.write(message),
        false => Ok(()),
    }))
}

/// What is owed to the peer does not take the room that an answer was promised.
#[test]
fn an_answer_finds_room_behind_a_pong() {
    let wire = Wire::open();
    let mut options = quiet();
    options.limits.write_queue = 1 << 10;
    let mut ws = server_with(&wire, &options);
    wire.deliver_message(&WebSocketMessage::Ping("owed".into()));
    wire.deliver_message(&"x".repeat(2 << 10).into());
    let handed_out = poll_echo(&mut ws);
    assert!(matches!(handed_out, Poll::Ready(Ok(true))), "{handed_out:?}");
    assert!(poll_once(ws.flush()).is_ready());
    let sent: Vec<Opcode> = wire.sent().iter().map(|frame| frame.opcode).collect();
    assert_eq!(sent, [Opcode::Pong, Opcode::Text]);
}

/// What is received already is one batch, up to the message that `each` refuses.
#[test]
fn a_half_takes_in_batches_what_is_there() {
    let wire = Wire::open();
    let (mut reader, _writer) =
        server_with(&wire, &quiet()).split_with(|wire| (wire.clone(), wire));
    ["a", "b", "c", "d"].iter().for_each(|&text| wire.deliver_message(&text.into()));
    let mut take = |refused: &str| {
        let mut taken = Vec::new();
        let batch = poll_once(reader.receive_batch(|message| {
            let text = message.as_text().unwrap_or_default().to_owned();
            let refuses = text == refused;
            taken.push(text);
            if refuses { Err(WebSocketError::ConnectionClosed) } else { Ok(()) }
        }));
        (taken.concat(), batch)
    };
    assert!(matches!(take("b"), (taken, Poll::Ready(Err(_))) if taken == "ab"));
    assert!(matches!(take(""), (taken, Poll::Ready(Ok(true))) if taken == "cd"));
    assert!(take("").1.is_pending());
}

/// A pong that leaves its slot while messages are waited for takes the room of an answer.
#[tokio::test]
async fn a_batch_waits_for_the_room_that_a_pong_has_taken() {
    let wire = Wire::default();
    let mut options = quiet();
    options.limits.write_queue = 1 << 10;
    let mut ws = server_with(&wire, &options);
    // The first pong is queued, and the second one waits behind it.
    for ping in [vec![], vec![7; 125]] {
        wire.deliver_message(&WebSocketMessage::Ping(ping.into()));
        assert!(matches!(poll_echo(&mut ws), Poll::Ready(Ok(true))));
    }
    assert!(poll_once(ws.write(&[0; 1015])).is_ready());
    wire.deliver_message(&"answer me".into());
    wire.grant(2);
    let waits = poll_echo(&mut ws);
    assert!(waits.is_pending(), "{waits:?}");

    wire.grant(usize::MAX);
    assert!(matches!(poll_echo(&mut ws), Poll::Ready(Ok(true))));
    assert!(poll_once(ws.flush()).is_ready());
    assert_eq!(wire.sent_texts().last().map(String::as_str), Some("answer me"));
}

/// Nor do they say that the message has ended.
#[tokio::test]
async fn bytes_behind_one_that_is_not_utf8_are_not_handed_out() {
    let wire = Wire::open();
    let mut ws = server(&wire);
    wire.deliver(&client_fragment(Opcode::Text, b"\xFFhello", true));
    let mut reader = ws.receive_reader().await.unwrap().unwrap();
    for _ in 0..3 {
        assert!(reader.read(&mut [0]).await.is_err());
    }
}

/// Compressed messages refer to earlier ones until the connection is idle, and then,
/// if it is told to, it holds no compressor.
#[cfg(feature = "deflate")]
#[tokio::test(start_paused = true)]
async fn an_idle_connection_gives_its_compressor_back() {
    use std::time::Duration;

    use wirespeed::{
        WebSocketClient, WebSocketUpgrade,
        deflate::{DeflateOptions, DeflatePool},
    };

    for release in [false, true] {
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        let pool = DeflatePool::new(4);
        let mut options = quiet();
        options.deflate_pool = pool.clone();
        let deflate = DeflateOptions::for_server().server_no_context_takeover(false);
        options.deflate = Some(deflate.threshold(0).release_idle(release));
        let accepting = WebSocketUpgrade::new().options(options).accept_async(ours);
        let client = WebSocketClient::new().websocket("ws://example.com/");
        let connecting = client.deflate(DeflateOptions::for_client()).connect_async_over(theirs);
        let (ws, peer) = tokio::join!(accepting, connecting);
        let (mut ws, mut peer) = (ws.unwrap(), peer.unwrap());

        for _ in 0..10 {
            ws.send(r#"{"symbol":"BTCUSDT","price":"65001.5"}"#).await.unwrap();
            assert!(peer.receive().await.unwrap().is_some());
        }
        assert_eq!(pool.idle().0, 0);
        let receiving = tokio::time::timeout(Duration::from_secs(5), ws.receive());
        assert!(receiving.await.is_err());
        assert_eq!(pool.idle().0, usize::from(release));
    }
}

/// What was written goes at the latest when the connection waits to receive.
#[test]
fn a_pending_read_sends_what_is_queued() {
    let wire = Wire::open();
    let mut ws = server(&wire);
    assert!(poll_once(ws.write("queued")).is_ready());
    assert!(wire.sent().is_empty());
    assert!(poll_once(ws.receive()).is_pending());
    assert_eq!(wire.sent_texts(), ["queued"]);
}

#[tokio::test]
async fn a_reader_that_is_dropped_drops_the_rest_of_its_message() {
    let wire = Wire::open();
    let mut ws = server(&wire);
    wire.deliver(&client_fragment(Opcode::Text, b"begun", false));
    let mut begin = [0; 3];
    let mut reader = ws.receive_reader().await.unwrap().unwrap();
    assert_eq!(reader.opcode(), Opcode::Text);
    reader.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"beg");
    drop(reader);

    wire.deliver(&client_fragment(Opcode::Ping, b"inside", true));
    wire.deliver(&client_fragment(Opcode::Continuation, b"and ended", true));
    wire.deliver_message(&"next".into());
    let inside = WebSocketMessage::Ping("inside".into());
    assert_eq!(ws.receive().await.unwrap(), Some(inside));
    assert_eq!(ws.receive().await.unwrap(), Some("next".into()));
}

/// A batch that begins inside a message that is dropped ends in front of the next one.
#[tokio::test]
async fn a_batch_goes_on_behind_a_reader_that_was_dropped() {
    let wire = Wire::open();
    let mut ws = server(&wire);
    wire.deliver(&client_fragment(Opcode::Text, b"begun", false));
    let mut reader = ws.receive_reader().await.unwrap().unwrap();
    reader.read_exact(&mut [0; 3]).await.unwrap();
    drop(reader);

    wire.deliver(&client_fragment(Opcode::Ping, b"inside", true));
    wire.deliver(&client_fragment(Opcode::Continuation, b"and ended", true));
    wire.deliver_message(&"next".into());
    let mut texts = Vec::new();
    while texts.len() < 2 {
        let mut take = |message: MessageRef<'_>, _: &mut Answers<'_>| {
            texts.push(String::from_utf8_lossy(message.as_bytes()).into_owned());
            Ok(())
        };
        assert!(ws.receive_batch(&mut take).await.unwrap());
    }
    assert_eq!(texts, ["inside", "next"]);
}

/// What answers a batch leaves before the next read, also where the transport had to
/// be waited for before.
#[tokio::test]
async fn answers_leave_before_the_next_read_after_a_wait() {
    let wire = Wire::default();
    let mut ws = server(&wire);
    let mut echo = |text: &str| {
        wire.deliver_message(&text.into());
        let batch = poll_once(ws.receive_batch(|message, answers| answers.write(message)));
        assert!(matches!(batch, Poll::Ready(Ok(true))), "{batch:?}");
    };
    wire.grant(3);
    echo("first");
    echo("second");
    wire.grant(usize::MAX);
    echo("third");
    assert_eq!(wire.sent_texts(), ["first", "second"]);
}

#[tokio::test]
async fn a_message_that_is_being_read_cannot_be_had_whole() {
    let wire = Wire::open();
    let mut ws = server(&wire);
    wire.deliver(&client_fragment(Opcode::Text, b"begun", false));
    assert!(ws.receive_chunk().await.unwrap().is_some());
    wire.deliver(&client_fragment(Opcode::Continuation, b"and ended", true));
    assert!(matches!(ws.receive().await, Err(WebSocketError::OtherWay)));
    assert!(ws.receive_chunk().await.unwrap().is_some());
}

#[tokio::test]
async fn a_connection_lost_inside_a_message_is_an_unexpected_end() {
    let wire = Wire::open();
    let mut ws = server(&wire);
    wire.deliver(&client_fragment(Opcode::Binary, &[7; 10], false));
    wire.deliver_message(&WebSocketMessage::Close(1001.into(), "".into()));
    wire.end();
    let mut reader = ws.receive_reader().await.unwrap().unwrap();
    let mut message = Vec::new();
    let error = reader.read_to_end(&mut message).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    assert_eq!(message, [7; 10]);
    drop(reader);
    assert!(ws.receive().await.unwrap().is_none());
}

/// 20 MiB through a socket, past any limit on whole messages in memory, as streams.
#[tokio::test]
async fn a_large_message_is_streamed_both_ways() {
    const LEN: usize = 20 << 20;
    let (client, server) = tokio::io::duplex(64 << 10);
    let mut options = wirespeed::WebSocketOptions::client();
    options.limits.message = LEN as u64;
    let mut client =
        WebSocketStream::from_stream(client, Role::Client, &options, bytes::Bytes::new());
    options.limits.idle_ping = None;
    let mut server =
        WebSocketStream::from_stream(server, Role::Server, &options, bytes::Bytes::new());

    let sending = async {
        let mut writer = client.send_writer(Opcode::Binary);
        let mut pattern = tokio::io::repeat(0x5A).take(LEN as u64);
        tokio::io::copy(&mut pattern, &mut writer).await.unwrap();
        writer.shutdown().await.unwrap();
        let late = writer.write_all(b"late").await.unwrap_err();
        assert_eq!(late.kind(), std::io::ErrorKind::BrokenPipe);
    };
    let receiving = async {
        let mut reader = server.receive_reader().await.unwrap().unwrap();
        let mut len = 0;
        let mut buf = vec![0; 10_000];
        loop {
            match reader.read(&mut buf).await.unwrap() {
                0 => return len,
                count => {
                    assert!(buf[..count].iter().all(|byte| *byte == 0x5A));
                    len += count;
                }
            }
        }
    };
    let ((), len) = tokio::join!(sending, receiving);
    assert_eq!(len, LEN);
}

/// A peer that breaks a rule is told with which code, and the transport is closed.
#[test]
fn a_protocol_error_is_answered() {
    let wire = Wire::open();
    let mut ws = server(&wire);
    wire.deliver(&[0xFF, 0x80, 1, 2, 3, 4]);
    assert!(matches!(poll_once(ws.receive()), Poll::Ready(Err(WebSocketError::InvalidFrame(_)))));
    assert_eq!(wire.sent()[0].payload, b"\x03\xea".as_slice());
    wire.end();
    assert!(matches!(poll_once(ws.receive()), Poll::Ready(Ok(None))));
    assert!(wire.is_shut_down());
}
