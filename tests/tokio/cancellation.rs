//! Item 17 of the list of mistakes: every future, dropped at every poll, over
//! a transport that makes every call wait and moves a few bytes at a time. The outcome
//! is that of one that is not dropped.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use futures_util::{Sink, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wirespeed::{
    Opcode, WebSocketError, WebSocketMessage,
    protocol::Received,
    tokio::{WebSocketReader, WebSocketStream, WebSocketWriter},
};

use crate::wire::{
    Wire, client_fragment, drop_at_every_poll, poll_once, quiet, server, server_with,
};

const STEPS: [usize; 3] = [1, 3, 1000];

/// What a peer may send: every kind of message, and one in fragments around a ping.
fn conversation(wire: &Wire) -> Vec<WebSocketMessage> {
    let whole = [
        WebSocketMessage::from("first"),
        WebSocketMessage::from(vec![7; 300]),
        WebSocketMessage::Ping("are you there".into()),
        WebSocketMessage::Pong("I am".into()),
    ];
    whole.iter().for_each(|message| wire.deliver_message(message));
    wire.deliver(&client_fragment(Opcode::Text, b"in ", false));
    wire.deliver(&client_fragment(Opcode::Ping, b"!", true));
    wire.deliver(&client_fragment(Opcode::Continuation, b"pieces", true));
    let close = WebSocketMessage::Close(1000.into(), "bye".into());
    wire.deliver_message(&close);
    wire.end();
    let rest = [WebSocketMessage::Ping("!".into()), "in pieces".into(), close];
    whole.into_iter().chain(rest).collect()
}

/// After [`conversation`]: the answers have gone, in order, and the transport is
/// closed.
fn assert_answered(wire: &Wire) {
    let sent: Vec<_> =
        wire.sent().iter().map(|frame| (frame.opcode, frame.payload.clone())).collect();
    // At most one pong waits at a time, so that the first may be left out.
    assert_eq!(sent.last(), Some(&(Opcode::Close, b"\x03\xe8".as_slice().into())));
    assert!(sent.contains(&(Opcode::Pong, b"!".as_slice().into())), "{sent:?}");
    assert!(wire.is_shut_down());
}

fn receives_all<C>(
    open: impl Fn(&Wire) -> C,
    receive: impl Fn(&mut C) -> Poll<Result<Option<WebSocketMessage>, WebSocketError>>,
) {
    for step in STEPS {
        let wire = Wire::stuttering(step);
        let expected = conversation(&wire);
        let mut connection = open(&wire);
        for message in expected {
            let received = drop_at_every_poll(&mut connection, &receive).unwrap();
            assert_eq!(received, Some(message), "step {step}");
        }
        assert_eq!(drop_at_every_poll(&mut connection, &receive).unwrap(), None);
        assert_answered(&wire);
    }
}

fn split(wire: &Wire) -> (WebSocketReader<Wire, Wire>, WebSocketWriter<Wire>) {
    server(wire).split_with(|wire| (wire.clone(), wire))
}

#[test]
fn list_17_receive() {
    in_runtime(|| {
        receives_all(server, |ws| poll_once(ws.receive()));
        receives_all(split, |(reader, _)| poll_once(reader.receive()));
    });
}

#[test]
fn list_17_receive_ref() {
    in_runtime(|| {
        receives_all(server, |ws| {
            poll_once(ws.receive_ref()).map_ok(|message| message.map(|found| found.to_message()))
        });
        receives_all(split, |(reader, _)| {
            poll_once(reader.receive_ref())
                .map_ok(|message| message.map(|found| found.to_message()))
        });
    });
}

/// What was handed out was handed out once, and so were the answers.
#[test]
fn list_17_receive_batch() {
    in_runtime(|| {
        for step in STEPS {
            let wire = Wire::stuttering(step);
            let expected = conversation(&wire);
            let mut ws = server(&wire);
            let mut received = Vec::new();
            while drop_at_every_poll(&mut ws, |ws| {
                poll_once(ws.receive_batch(|message, answers| {
                    received.push(message.to_message());
                    if message.is_data() { answers.write(message) } else { Ok(()) }
                }))
            })
            .unwrap()
            {}
            assert_eq!(received, expected, "step {step}");
            assert_eq!(wire.sent().last().map(|frame| frame.opcode), Some(Opcode::Close));
            assert!(wire.sent().iter().any(|frame| frame.opcode == Opcode::Pong));
            assert!(wire.is_shut_down());
            let echoed = wire.sent().into_iter().filter(|frame| !frame.opcode.is_control());
            let echoed: Vec<_> = echoed.map(|frame| frame.payload).collect();
            assert_eq!(echoed, [b"first".to_vec(), vec![7; 300], b"in pieces".to_vec()]);
        }
    });
}

#[test]
fn list_17_receive_batch_by_a_half() {
    in_runtime(|| {
        for step in STEPS {
            let wire = Wire::stuttering(step);
            let expected = conversation(&wire);
            let mut halves = split(&wire);
            let mut received = Vec::new();
            while drop_at_every_poll(&mut halves, |(reader, _)| {
                poll_once(reader.receive_batch(|message| {
                    received.push(message.to_message());
                    Ok(())
                }))
            })
            .unwrap()
            {}
            assert_eq!(received, expected, "step {step}");
            assert_answered(&wire);
        }
    });
}

#[test]
fn list_17_the_stream() {
    let next = |stream: Pin<&mut WebSocketStream<Wire>>| {
        stream.poll_next(&mut Context::from_waker(Waker::noop())).map(Option::transpose)
    };
    in_runtime(|| receives_all(server, |ws| next(Pin::new(ws))));
}

#[test]
fn list_17_receive_chunk() {
    in_runtime(|| {
        for step in STEPS {
            let wire = Wire::stuttering(step);
            conversation(&wire);
            let mut ws = server(&wire);
            let (mut data, mut controls) = (Vec::new(), 0);
            loop {
                let more = drop_at_every_poll(&mut ws, |ws| {
                    poll_once(ws.receive_chunk()).map(|received| match received.unwrap() {
                        Some(Received::Chunk(chunk)) => {
                            data.extend_from_slice(chunk.payload);
                            true
                        }
                        Some(Received::Control(_)) => {
                            controls += 1;
                            true
                        }
                        None => false,
                    })
                });
                if !more {
                    break;
                }
            }
            assert_eq!(data, [b"first".as_slice(), &[7; 300], b"in pieces"].concat());
            assert_eq!(controls, 4);
            assert_answered(&wire);
        }
    });
}

#[test]
fn list_17_receiving_by_a_half() {
    in_runtime(|| {
        for step in STEPS {
            let wire = Wire::stuttering(step);
            conversation(&wire);
            let mut halves = split(&wire);
            let mut data = Vec::new();
            while drop_at_every_poll(&mut halves, |(reader, _)| {
                poll_once(reader.receive_chunk()).map(|received| match received.unwrap() {
                    Some(Received::Chunk(chunk)) => {
                        data.extend_from_slice(chunk.payload);
                        true
                    }
                    Some(Received::Control(_)) => true,
                    None => false,
                })
            }) {}
            assert_eq!(data, [b"first".as_slice(), &[7; 300], b"in pieces"].concat());
            assert_answered(&wire);

            let wire = Wire::stuttering(step);
            wire.deliver_message(&"hello".into());
            let mut halves = split(&wire);
            let text = drop_at_every_poll(&mut halves, |(reader, _)| {
                poll_once(reader.receive_reader()).map(|reader| {
                    let (mut reader, mut text) = (reader.unwrap().unwrap(), [0; 5]);
                    let mut len = 0;
                    while len < text.len() {
                        len += drop_at_every_poll(&mut reader, |reader| {
                            poll_once(reader.read(&mut text[len..]))
                        })
                        .unwrap();
                    }
                    text
                })
            });
            assert_eq!(&text, b"hello");
        }
    });
}

#[test]
fn list_17_receive_reader_and_its_reads() {
    in_runtime(|| {
        for step in STEPS {
            let wire = Wire::stuttering(step);
            conversation(&wire);
            let mut ws = server(&wire);
            let mut messages = Vec::new();
            while let Some(message) = drop_at_every_poll(&mut ws, next_by_reader) {
                messages.push(message);
            }
            assert_eq!(messages, [b"first".to_vec(), vec![7; 300], b"in pieces".to_vec()]);
            assert_answered(&wire);
        }
    });
}

/// The next message, every read of it dropped at every poll.
fn next_by_reader(ws: &mut WebSocketStream<Wire>) -> Poll<Option<Vec<u8>>> {
    poll_once(ws.receive_reader()).map(|reader| {
        let mut reader = reader.unwrap()?;
        let mut message = Vec::new();
        loop {
            let mut buf = [0; 5];
            match drop_at_every_poll(&mut reader, |reader| poll_once(reader.read(&mut buf))) {
                Ok(0) => return Some(message),
                Ok(len) => message.extend_from_slice(&buf[..len]),
                Err(error) => panic!("{error}"),
            }
        }
    })
}

#[test]
fn list_17_write_and_flush() {
    in_runtime(|| {
        for step in STEPS {
            let wire = Wire::stuttering(step);
            let mut options = quiet();
            options.limits.write_queue = 50; // so that writes have to wait for room
            let mut ws = server_with(&wire, &options);
            let texts: Vec<String> = (0..20).map(|i| format!("message {i} of twenty")).collect();
            for text in &texts {
                drop_at_every_poll(&mut ws, |ws| poll_once(ws.write(text))).unwrap();
            }
            drop_at_every_poll(&mut ws, |ws| poll_once(ws.flush())).unwrap();
            assert_eq!(wire.sent_texts(), texts);

            let wire = Wire::stuttering(step);
            let (_reader, mut writer) =
                server_with(&wire, &options).split_with(|wire| (wire.clone(), wire));
            for text in &texts {
                drop_at_every_poll(&mut writer, |writer| poll_once(writer.write(text))).unwrap();
            }
            drop_at_every_poll(&mut writer, |writer| poll_once(writer.flush())).unwrap();
            assert_eq!(wire.sent_texts(), texts);
        }
    });
}

/// With room, what is sent is queued at the first poll; a flush does the rest.
#[test]
fn list_17_send_ping_and_pong() {
    in_runtime(|| {
        for step in STEPS {
            let wire = Wire::stuttering(step);
            let (_reader, mut writer) = split(&wire);
            assert!(poll_once(writer.send("hello")).is_pending());
            drop_at_every_poll(&mut writer, |writer| poll_once(writer.flush())).unwrap();
            assert!(poll_once(writer.ping("ping")).is_pending());
            drop_at_every_poll(&mut writer, |writer| poll_once(writer.flush())).unwrap();
            assert_eq!(wire.sent_texts(), ["hello", "ping"]);

            let wire = Wire::stuttering(step);
            let mut ws = server(&wire);
            assert!(poll_once(ws.send("hello")).is_pending());
            let _ = poll_once(ws.ping("ping"));
            let _ = poll_once(ws.pong("pong"));
            drop_at_every_poll(&mut ws, |ws| poll_once(ws.flush())).unwrap();
            assert_eq!(wire.sent_texts(), ["hello", "ping", "pong"]);
        }
    });
}

/// Without room, what was dropped while it waited was not queued.
#[test]
fn list_17_send_without_room() {
    in_runtime(|| {
        let wire = Wire::default();
        let mut options = quiet();
        options.limits.write_queue = 10;
        let mut ws = server_with(&wire, &options);
        assert!(poll_once(ws.send("queued")).is_pending());
        assert!(poll_once(ws.send("dropped")).is_pending());
        wire.grant(usize::MAX);
        assert!(poll_once(ws.send("sent")).is_ready());
        assert_eq!(wire.sent_texts(), ["queued", "sent"]);
    });
}

#[test]
fn list_17_close() {
    in_runtime(|| {
        for step in STEPS {
            let wire = Wire::stuttering(step);
            let mut ws = server(&wire);
            assert!(poll_once(ws.close(1000, "bye")).is_pending());
            conversation(&wire);
            drop_at_every_poll(&mut ws, |ws| poll_once(ws.close(1001, "again"))).unwrap();
            // What arrives behind our close frame is answered no more.
            assert_eq!(wire.sent_texts(), ["\u{3}\u{fffd}bye"]);
            assert!(wire.is_shut_down());
        }
    });
}

#[test]
fn list_17_start_close() {
    in_runtime(|| {
        for step in STEPS {
            let wire = Wire::stuttering(step);
            let mut ws = server(&wire);
            drop_at_every_poll(&mut ws, |ws| poll_once(ws.start_close(1001, ""))).unwrap();
            assert_eq!(wire.sent()[0].payload, b"\x03\xe9".as_slice());

            let wire = Wire::stuttering(step);
            let (_reader, mut writer) = split(&wire);
            drop_at_every_poll(&mut writer, |writer| poll_once(writer.close(1001, ""))).unwrap();
            assert_eq!(wire.sent()[0].payload, b"\x03\xe9".as_slice());
        }
    });
}

#[test]
fn list_17_a_message_writer() {
    in_runtime(|| {
        for step in STEPS {
            let wire = Wire::stuttering(step);
            let mut options = quiet();
            options.limits.write_queue = 50;
            let mut ws = server_with(&wire, &options);
            let mut writer = ws.send_writer(Opcode::Binary);
            for piece in [[1; 40], [2; 40], [3; 40]] {
                let written = drop_at_every_poll(&mut writer, |w| poll_once(w.write(&piece)));
                assert_eq!(written.unwrap(), 40);
            }
            drop_at_every_poll(&mut writer, |writer| poll_once(writer.shutdown())).unwrap();
            let fragments = wire.sent();
            assert_eq!(fragments.iter().filter(|fragment| fragment.fin).count(), 1);
            let payload: Vec<u8> = fragments.iter().flat_map(|f| f.payload.to_vec()).collect();
            assert_eq!(payload, [[1; 40], [2; 40], [3; 40]].concat());
        }
    });
}

#[test]
fn list_17_the_sink() {
    in_runtime(|| {
        for step in STEPS {
            let wire = Wire::stuttering(step);
            let mut options = quiet();
            options.limits.write_queue = 50;
            let mut ws = server_with(&wire, &options);
            let cx = &mut Context::from_waker(Waker::noop());
            for len in [10, 200, 1, 60] {
                drop_at_every_poll(&mut ws, |ws| Pin::new(ws).poll_ready(cx)).unwrap();
                Pin::new(&mut ws).start_send(vec![0; len].into()).unwrap();
            }
            drop_at_every_poll(&mut ws, |ws| Pin::new(ws).poll_flush(cx)).unwrap();
            drop_at_every_poll(&mut ws, |ws| Pin::new(ws).poll_close(cx)).unwrap();
            let lens: Vec<usize> = wire.sent().iter().map(|frame| frame.payload.len()).collect();
            assert_eq!(lens, [10, 200, 1, 60, 2]);
        }
    });
}

/// Timers need a runtime; its clock stands still.
pub(crate) fn in_runtime(test: impl FnOnce()) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let _context = runtime.enter();
    test();
}
