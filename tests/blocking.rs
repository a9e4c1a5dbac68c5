//! The blocking driver over loopback.

#![cfg(feature = "blocking")]

use std::{
    collections::VecDeque,
    io::{self, IoSlice, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use wirespeed::{
    CloseCode, FrameHeader, MessageRef, Opcode, PreparedMessage, Role, TimedOut, WebSocketClient,
    WebSocketConnection, WebSocketError, WebSocketListener, WebSocketMessage, WebSocketOptions,
    WebSocketState, WebSocketUpgrade,
    handshake::ServerPolicy,
    net::stream::{Duplex, ReadWrite},
};

/// A connected pair over plain TCP, without an opening handshake.
fn pair() -> (WebSocketConnection<TcpStream>, WebSocketConnection<TcpStream>) {
    pair_with(WebSocketOptions::server())
}

/// The same, the server's end with these options.
fn pair_with(
    server_options: WebSocketOptions,
) -> (WebSocketConnection<TcpStream>, WebSocketConnection<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    let open = |stream, role, options| {
        WebSocketConnection::from_stream(stream, role, &options, Bytes::new()).unwrap()
    };
    (
        open(client, Role::Client, WebSocketOptions::client()),
        open(server, Role::Server, server_options),
    )
}

#[test]
fn messages_of_every_kind_and_size_arrive() {
    let (client, server) = pair();
    let echo = thread::spawn(move || {
        for message in server.messages() {
            let message = message.unwrap();
            if message.is_data() {
                server.send(message).unwrap();
            }
        }
    });
    for len in [0, 1, 125, 126, 65_535, 65_536, 1 << 20] {
        let text = "é".repeat(len / 2);
        client.send(&text).unwrap();
        assert_eq!(client.receive().unwrap().unwrap().as_text(), Some(text.as_str()));
        let bytes = vec![len as u8; len];
        client.send(&bytes).unwrap();
        assert_eq!(client.receive().unwrap().unwrap(), WebSocketMessage::from(bytes));
    }
    client.close(1000, "done").unwrap();
    echo.join().unwrap();
}

#[test]
fn both_ends_see_the_close_code_and_the_end() {
    let (client, mut server) = pair();
    let waiting = thread::spawn(move || {
        let close = server.receive_ref().unwrap().unwrap();
        assert!(matches!(close, MessageRef::Close(code, "bye") if code == 3001));
        assert!(server.receive_ref().unwrap().is_none());
        assert!(matches!(server.send("late"), Err(WebSocketError::ConnectionClosed)));
    });
    client.start_close(3001, "bye").unwrap();
    let close = client.receive().unwrap().unwrap();
    assert!(matches!(close, WebSocketMessage::Close(code, _) if code == 3001));
    assert!(client.receive().unwrap().is_none());
    client.close(1000, "again is no error").unwrap();
    waiting.join().unwrap();
}

#[test]
fn a_peer_that_breaks_a_rule_gets_its_close_code() {
    let listener = WebSocketListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || listener.accept().unwrap().receive());
    let mut raw = TcpStream::connect(address).unwrap();
    raw.write_all(
        b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\
          \x81\x01x", // not masked, and glued to the request
    )
    .unwrap();
    let mut answer = Vec::new();
    raw.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    assert!(answer.ends_with(&[0x88, 2, 0x03, 0xEA]), "{answer:?}");
    assert!(matches!(server.join().unwrap(), Err(WebSocketError::InvalidFrame(_))));
}

#[test]
fn the_handler_of_a_listener_sees_the_request() {
    let listener = WebSocketListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let stop = listener.stop_handle();
    let serving = thread::spawn(move || {
        listener.serve_requests(|request, ws| {
            let client = ws.stream().peer_addr().expect("a TCP socket has one");
            let token = request.headers()["x-token"].to_str().expect("it is ASCII");
            ws.send(format!("{} {token} {client}", request.uri()))?;
            ws.close(1000, "")
        })
    });
    let builder = WebSocketClient::new().websocket(format!("ws://{address}/book?depth=5"));
    let client = builder.header("X-Token", "secret").connect().unwrap();
    let local = client.stream().tcp().unwrap().local_addr().unwrap();
    let seen = client.receive().unwrap().unwrap();
    assert_eq!(seen, format!("/book?depth=5 secret {local}").into());
    client.close(1000, "").unwrap();
    stop.stop();
    serving.join().unwrap().unwrap();
}

/// The same from a listener asked for one connection, and from any stream.
#[test]
fn an_accepted_request_is_handed_out() {
    let connecting =
        |url: String| thread::spawn(|| WebSocketClient::new().websocket(url).connect());

    let listener = WebSocketListener::bind("127.0.0.1:0").unwrap();
    let client = connecting(format!("ws://{}/one", listener.local_addr().unwrap()));
    let (request, _ws) = listener.accept_request().unwrap();
    assert_eq!(request.uri(), "/one");
    client.join().unwrap().unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = connecting(format!("ws://{}/two", listener.local_addr().unwrap()));
    let (stream, _) = listener.accept().unwrap();
    let (request, _ws) = WebSocketUpgrade::new().accept_request(stream).unwrap();
    assert_eq!(request.uri(), "/two");
    client.join().unwrap().unwrap();
}

/// Whoever takes the directions apart is still told what was agreed on.
#[test]
fn halves_know_what_was_agreed() {
    let listener = WebSocketListener::bind("127.0.0.1:0").unwrap();
    let listener = listener.policy(ServerPolicy::new().subprotocols(["book.v2"]));
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let accepting = thread::spawn(move || listener.accept().unwrap().split());
    let client = WebSocketClient::new().websocket(url).subprotocol("book.v2").connect();
    let (reader, writer) = accepting.join().unwrap();
    assert_eq!((reader.subprotocol(), writer.subprotocol()), (Some("book.v2"), Some("book.v2")));
    assert!(reader.response().is_none() && writer.response().is_none());
    let (reader, writer) = client.unwrap().split();
    assert_eq!((reader.subprotocol(), writer.subprotocol()), (Some("book.v2"), Some("book.v2")));
    for response in [reader.response(), writer.response()] {
        assert_eq!(response.unwrap().headers()["sec-websocket-protocol"], "book.v2");
    }
}

#[test]
fn a_lost_transport_is_an_error_and_then_the_end() {
    let (client, server) = pair();
    server.abort().unwrap();
    let mut messages = client.messages();
    assert!(matches!(
        messages.next(),
        Some(Err(WebSocketError::ConnectionLost | WebSocketError::IoError(_)))
    ));
    assert!(messages.next().is_none());
}

#[test]
fn a_read_timeout_loses_nothing() {
    let (client, server) = pair();
    client.set_read_timeout(Some(Duration::from_millis(10)));
    assert!(matches!(client.receive(), Err(WebSocketError::Timeout(TimedOut::Read))));
    server.send("late").unwrap();
    client.set_read_timeout(None);
    assert_eq!(client.receive().unwrap().unwrap().as_text(), Some("late"));
}

/// However long that is: the values are for a clock that the test moves to check.
#[test]
fn a_keepalive_ping_measures_the_round_trip() {
    let mut options = WebSocketOptions::server();
    options.limits.idle_ping = Some(Duration::from_millis(10));
    let (client, server) = pair_with(options);
    let answering = thread::spawn(move || client.messages().for_each(drop));
    assert_eq!(server.round_trip(), None);
    assert!(matches!(server.receive(), Ok(Some(WebSocketMessage::Pong(_)))));
    assert!(server.round_trip().is_some());
    let (reader, writer) = server.split();
    assert!(reader.round_trip().is_some());
    assert_eq!(writer.round_trip(), reader.round_trip());
    writer.abort().unwrap();
    answering.join().unwrap();
}

#[test]
fn a_blocked_reader_never_blocks_a_writer() {
    let (client, server) = pair();
    let (mut reader, writer) = client.split();
    let (started, wait) = mpsc::channel();
    let reading = thread::spawn(move || {
        started.send(()).unwrap();
        reader.receive().unwrap().unwrap()
    });
    wait.recv().unwrap();
    // Nothing comes back before all of this is through.
    for _ in 0..100 {
        writer.send("tick").unwrap();
    }
    for _ in 0..100 {
        assert_eq!(server.receive().unwrap().unwrap().as_text(), Some("tick"));
    }
    server.send("tock").unwrap();
    assert_eq!(reading.join().unwrap().as_text(), Some("tock"));
}

#[test]
fn a_reader_answers_pings_while_nobody_writes() {
    let (client, server) = pair();
    let (mut reader, _writer) = client.split();
    let reading = thread::spawn(move || {
        let mut closed = None;
        while let Some(message) = reader.receive().unwrap() {
            if let WebSocketMessage::Close(code, _) = message {
                closed = Some(code);
            }
        }
        closed
    });
    server.ping("now").unwrap();
    assert_eq!(server.receive().unwrap().unwrap(), WebSocketMessage::Pong("now".into()));
    server.close(CloseCode::GOING_AWAY, "").unwrap();
    assert_eq!(reading.join().unwrap(), Some(CloseCode::GOING_AWAY));
}

#[test]
fn a_writer_blocked_by_a_full_socket_does_not_stop_the_reader() {
    let (client, server) = pair();
    let (mut reader, writer) = client.split();
    // The server reads nothing until it has heard that the client received.
    let flood = thread::spawn(move || {
        let payload = vec![7; 1 << 20];
        for _ in 0..32 {
            writer.send(&payload).unwrap();
        }
        writer
    });
    for _ in 0..1000 {
        server.send("tick").unwrap();
    }
    for _ in 0..1000 {
        assert_eq!(reader.receive().unwrap().unwrap().as_text(), Some("tick"));
    }
    for _ in 0..32 {
        assert_eq!(server.receive().unwrap().unwrap().as_bytes().len(), 1 << 20);
    }
    flood.join().unwrap();
}

/// A server's frame on the wire.
fn frame(opcode: Opcode, payload: &str) -> Vec<u8> {
    let header = FrameHeader::new(opcode, payload.len() as u64).encode();
    [&header[..], payload.as_bytes()].concat()
}

/// What was read behind the opening handshake is there without a read.
#[test]
fn messages_that_came_with_the_handshake_are_received_already() {
    let open = || {
        let received = ["first", "second"].map(|text| frame(Opcode::Text, text)).concat();
        let options = WebSocketOptions::client();
        let stream = Stuck::default();
        WebSocketConnection::from_stream(stream, Role::Client, &options, received.into()).unwrap()
    };

    let ws = open();
    assert!(ws.has_buffered_message());
    assert_eq!(ws.receive().unwrap(), Some("first".into()));
    assert!(ws.has_buffered_message());
    assert_eq!(ws.receive().unwrap(), Some("second".into()));
    assert!(!ws.has_buffered_message());

    let (mut reader, _writer) = open().split();
    assert!(reader.has_buffered_message());
}

#[test]
fn written_messages_wait_for_the_flush_and_keep_their_order() {
    let (client, mut server) = pair();
    let prepared = PreparedMessage::text("prepared");
    for round in 0..1000 {
        client.write(format!("message {round}")).unwrap();
        client.write(&prepared).unwrap();
    }
    client.flush().unwrap();
    for round in 0..1000 {
        let text = format!("message {round}");
        assert_eq!(server.receive_ref().unwrap().unwrap().as_text(), Some(text.as_str()));
        assert_eq!(server.receive_ref().unwrap().unwrap().as_text(), Some("prepared"));
    }
    assert!(!server.has_buffered_message());
}

#[test]
fn a_stopped_server_says_goodbye_to_its_clients() {
    let mut options = WebSocketOptions::server();
    options.limits.handshake_timeout = Duration::MAX; // as long as it takes
    let listener = WebSocketListener::bind("127.0.0.1:0").unwrap().options(options);
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let stop = listener.stop_handle();
    let server = thread::spawn(move || {
        listener.serve(|ws| ws.messages().try_for_each(|message| message.map(drop)))
    });
    let clients: Vec<_> = (0..3)
        .map(|_| {
            let ws = WebSocketClient::new().websocket(&url).connect().unwrap();
            // Answered only once the server has made it one of its connections.
            ws.ping("").unwrap();
            assert!(matches!(ws.receive().unwrap(), Some(WebSocketMessage::Pong(_))));
            ws
        })
        .collect();
    stop.stop();
    for ws in clients {
        let close = ws.receive().unwrap().unwrap();
        assert!(matches!(close, WebSocketMessage::Close(CloseCode::GOING_AWAY, _)), "{close:?}");
        assert!(ws.receive().unwrap().is_none());
    }
    server.join().unwrap().unwrap();
}

#[test]
fn a_refused_upgrade_tells_the_client_why() {
    let listener = WebSocketListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || listener.accept().map(drop));
    let refused = WebSocketClient::new().websocket(url).origin("http://elsewhere.example");
    match refused.connect().map(drop) {
        Err(WebSocketError::UpgradeFailed(failure)) => assert_eq!(failure.status, 403),
        other => panic!("{other:?}"),
    }
    assert!(matches!(server.join().unwrap(), Err(WebSocketError::Refused(_))));
}

#[test]
fn a_task_reads_on_its_own_thread() {
    let listener = WebSocketListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let ws = listener.accept().unwrap();
        for message in ws.messages() {
            ws.send(message.unwrap()).unwrap();
        }
    });
    let (heard, hear) = mpsc::channel();
    let task = WebSocketClient::new()
        .websocket(url)
        .spawn(move |_, message| heard.send(message.to_message()).unwrap())
        .unwrap();
    task.send("one").unwrap();
    assert_eq!(hear.recv().unwrap(), WebSocketMessage::from("one"));
    assert_eq!(task.state(), WebSocketState::Open);
    task.close(1000, "").unwrap();
    assert!(matches!(hear.recv().unwrap(), WebSocketMessage::Close(CloseCode::NORMAL, _)));
    task.join().unwrap();
    server.join().unwrap();
}

#[test]
fn a_task_that_cannot_connect_says_so() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("ws://{closed}/");
    let task = WebSocketClient::new().websocket(url).spawn(|_, _| {}).unwrap();
    assert!(matches!(task.send("x"), Err(WebSocketError::ConnectionClosed)));
    assert!(matches!(task.join(), Err(WebSocketError::Connect(_))));
}

/// A transport that is never done, until it is shut down.
#[derive(Debug, Clone, Default)]
struct Stuck {
    /// Takes what is written, and holds it back, or not.
    takes: bool,
    flushes: bool,
    /// What arrives, a byte with each read.
    arrives: Bytes,
    read: Arc<AtomicUsize>,
    is_shut_down: Arc<AtomicBool>,
    /// Is shut down when it was waited for as often; 0 cannot tell.
    ends_after: usize,
    /// How long it was waited for, each time.
    waits: Arc<Mutex<Vec<Option<Duration>>>>,
}

impl Duplex for Stuck {
    fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        if self.is_shut_down.load(Ordering::Relaxed) {
            return Ok(0);
        }
        let byte = self.arrives.get(self.read.fetch_add(1, Ordering::Relaxed));
        buf[0] = *byte.ok_or(io::ErrorKind::WouldBlock)?;
        Ok(1)
    }

    fn write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        match self.takes {
            true => Ok(bufs.iter().map(|buf| buf.len()).sum()),
            false => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn flush(&self) -> io::Result<()> {
        if self.flushes { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }
    }

    fn shutdown_write(&self) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&self) -> io::Result<()> {
        self.is_shut_down.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn wait_readable(&self, timeout: Option<Duration>) -> io::Result<bool> {
        let mut waits = self.waits.lock().unwrap();
        waits.push(timeout);
        if waits.len() == self.ends_after {
            self.shutdown()?;
        }
        Ok(waits.len() >= self.ends_after)
    }
}

/// A client over the stuck transport, with these limits.
fn stuck(
    stream: &Stuck,
    change: impl FnOnce(&mut wirespeed::Limits),
) -> WebSocketConnection<Stuck> {
    let mut options = WebSocketOptions::client();
    change(&mut options.limits);
    WebSocketConnection::from_stream(stream.clone(), Role::Client, &options, Bytes::new()).unwrap()
}

/// Whether the stream takes it and holds it back, as TLS may, or not; and whoever reads
/// hears of it.
#[test]
fn a_peer_that_takes_nothing_is_given_up() {
    for takes in [false, true] {
        let stream = Stuck { takes, ..Stuck::default() };
        let ws = stuck(&stream, |limits| limits.write_stall = Duration::ZERO);
        let (mut reader, writer) = ws.split();
        let error = writer.send("hello").unwrap_err();
        assert!(matches!(error, WebSocketError::Timeout(TimedOut::Write)), "{error}");
        assert!(stream.is_shut_down.load(Ordering::Relaxed));
        assert!(matches!(reader.receive(), Err(WebSocketError::ConnectionLost)));
    }
}

/// What the stream holds back is lost with it, and asking it again would fail.
#[test]
fn to_close_after_the_transport_is_lost_is_no_error() {
    let stream = Stuck { takes: true, ..Stuck::default() };
    let ws = stuck(&stream, |limits| limits.write_stall = Duration::ZERO);
    assert!(matches!(ws.send("hello"), Err(WebSocketError::Timeout(TimedOut::Write))));
    assert!(matches!(ws.receive(), Err(WebSocketError::ConnectionLost)));
    let flushed = ws.flush();
    assert!(matches!(flushed, Err(WebSocketError::ConnectionLost)), "{flushed:?}");
    ws.close(1000, "").unwrap();
}

/// A transport that has no room for what is written, unless it is said to have, and has
/// something to read each time.
#[derive(Debug, Clone, Default)]
struct Congested {
    has_room: Arc<AtomicBool>,
    arrives: Arc<Mutex<VecDeque<Vec<u8>>>>,
    written: Arc<Mutex<Vec<u8>>>,
    is_shut_down: Arc<AtomicBool>,
}

impl Duplex for Congested {
    fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        if self.is_shut_down.load(Ordering::Relaxed) {
            return Ok(0);
        }
        let arrives = self.arrives.lock().unwrap().pop_front().ok_or(io::ErrorKind::WouldBlock)?;
        buf[..arrives.len()].copy_from_slice(&arrives);
        Ok(arrives.len())
    }

    fn write_vectored(&self, _: &[IoSlice<'_>]) -> io::Result<usize> {
        panic!("a wait for room");
    }

    fn shutdown_write(&self) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&self) -> io::Result<()> {
        self.is_shut_down.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn try_write(&self, buf: &[u8]) -> Option<io::Result<usize>> {
        if !buf.is_empty() && !self.has_room.load(Ordering::Relaxed) {
            return Some(Err(io::ErrorKind::WouldBlock.into()));
        }
        self.written.lock().unwrap().extend_from_slice(buf);
        Some(Ok(buf.len()))
    }
}

/// A peer may read only when it has sent: a reader that waited for it to take a pong would
/// wait for ever.
#[test]
fn a_reader_does_not_wait_for_room_for_its_pong() {
    for (write_stall, room_comes) in [(Duration::MAX, true), (Duration::ZERO, false)] {
        let stream = Congested::default();
        let frames = [(Opcode::Ping, "?"), (Opcode::Text, "one"), (Opcode::Text, "two")];
        let frames = frames.map(|(opcode, payload)| frame(opcode, payload));
        stream.arrives.lock().unwrap().extend(frames);
        let mut options = WebSocketOptions::client();
        options.limits.write_stall = write_stall;
        let ws =
            WebSocketConnection::from_stream(stream.clone(), Role::Client, &options, Bytes::new());
        let ws = ws.unwrap();
        ws.write("queued").unwrap();
        assert!(matches!(ws.receive(), Ok(Some(WebSocketMessage::Ping(_)))));
        if room_comes {
            assert_eq!(ws.receive().unwrap().unwrap().as_text(), Some("one"));
            stream.has_room.store(true, Ordering::Relaxed);
            assert_eq!(ws.receive().unwrap().unwrap().as_text(), Some("two"));
            // What was queued before, and the pong.
            let written = stream.written.lock().unwrap();
            assert_eq!((written[0], written[2 + 4 + 6]), (0x81, 0x8A));
        } else {
            // Without an end, the peer is given up when it had its time.
            let error = loop {
                match ws.receive() {
                    Ok(message) => assert!(message.unwrap().is_data()),
                    Err(error) => break error,
                }
            };
            assert!(matches!(error, WebSocketError::Timeout(TimedOut::Write)), "{error}");
        }
    }
}

/// A peer that sends back what it receives, and has to be read before it reads on, is
/// read while the close frame waits to be sent.
#[cfg(unix)]
#[test]
fn a_close_does_not_wait_for_a_peer_that_waits_for_us() {
    use std::os::unix::net::UnixStream;

    let (ours, theirs) = UnixStream::pair().unwrap();
    let open = |stream, role, mut options: WebSocketOptions| {
        options.limits.write_stall = Duration::MAX;
        WebSocketConnection::from_stream(stream, role, &options, Bytes::new()).unwrap()
    };
    let client = open(ours, Role::Client, WebSocketOptions::client());
    let peer = open(theirs, Role::Server, WebSocketOptions::server());
    let echo = thread::spawn(move || {
        peer.messages().try_for_each(|message| match message? {
            message if message.is_data() => peer.send(message),
            _ => Ok(()),
        })
    });
    // What deadlocks is not to make the test wait for ever.
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        // More than both directions hold.
        for _ in 0..15 {
            client.write(vec![7; 1 << 20]).unwrap();
        }
        done.send(client.close(1000, "")).unwrap();
    });
    is_done.recv_timeout(Duration::from_secs(60)).expect("a deadlock").unwrap();
    echo.join().unwrap().unwrap();
}

/// A transport that takes nothing any more, and says so. It has something to read, and
/// does not end.
#[derive(Debug, Default)]
struct Deaf {
    arrives: Mutex<VecDeque<Vec<u8>>>,
    /// So often it says that it has no room, before.
    full: AtomicUsize,
    /// Takes what is written only if it may wait.
    waits: bool,
}

impl Deaf {
    fn refuse(&self) -> io::Result<usize> {
        let more = |full: usize| full.checked_sub(1);
        Err(match self.full.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => io::ErrorKind::WouldBlock.into(),
            Err(_) => io::ErrorKind::BrokenPipe.into(),
        })
    }
}

impl Duplex for Deaf {
    fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        let arrives = self.arrives.lock().unwrap().pop_front().ok_or(io::ErrorKind::WouldBlock)?;
        buf[..arrives.len()].copy_from_slice(&arrives);
        Ok(arrives.len())
    }

    fn write_vectored(&self, _: &[IoSlice<'_>]) -> io::Result<usize> {
        self.refuse()
    }

    fn shutdown_write(&self) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn wait_readable(&self, _: Option<Duration>) -> io::Result<bool> {
        Ok(!self.arrives.lock().unwrap().is_empty())
    }

    fn try_write(&self, _: &[u8]) -> Option<io::Result<usize>> {
        (!self.waits).then(|| self.refuse())
    }
}

/// A client over the transport that takes nothing, to which these frames come.
fn deafened(stream: Deaf, frames: &[(Opcode, &str)]) -> WebSocketConnection<Deaf> {
    let frames = frames.iter().map(|&(opcode, payload)| frame(opcode, payload));
    stream.arrives.lock().unwrap().extend(frames);
    let mut options = WebSocketOptions::client();
    options.limits.close_timeout = Duration::MAX;
    WebSocketConnection::from_stream(stream, Role::Client, &options, Bytes::new()).unwrap()
}

/// A reader that cannot send its pong tells so when it has handed out what there was to
/// read.
#[test]
fn a_pong_that_cannot_be_sent_is_told_behind_the_last_message() {
    // What waits for ever is not to make the test do so.
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let frames = [(Opcode::Ping, "?"), (Opcode::Text, "tick")];
        let ws = deafened(Deaf::default(), &frames);
        loop {
            let message = ws.receive();
            let over = message.is_err();
            sender.send(message).unwrap();
            if over {
                break;
            }
        }
    });
    let next = || receiver.recv_timeout(Duration::from_secs(60)).expect("it waits for ever");
    assert!(matches!(next(), Ok(Some(WebSocketMessage::Ping(_)))));
    assert_eq!(next().unwrap().unwrap().as_text(), Some("tick"));
    let error = next().unwrap_err();
    assert!(matches!(error, WebSocketError::IoError(_)), "{error}");
}

/// Nor does a close frame that cannot be answered make the end wait.
#[test]
fn a_close_that_cannot_be_answered_is_the_end_all_the_same() {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let ws = deafened(Deaf::default(), &[(Opcode::Close, "")]);
        sender.send([ws.receive(), ws.receive()]).unwrap();
    });
    let received = receiver.recv_timeout(Duration::from_secs(60)).expect("it waits for ever");
    assert!(matches!(received, [Ok(Some(WebSocketMessage::Close(..))), Ok(None)]), "{received:?}");
}

/// Whether the transport fails at once or later, can be tried or only waited for, and
/// whatever the peer has sent before.
#[test]
fn a_close_that_cannot_be_sent_is_told() {
    for frames in [&[][..], &[(Opcode::Text, "tick")], &[(Opcode::Close, "\x0F\x10")]] {
        for (full, waits) in (0..5).flat_map(|full| [(full, false), (full, true)]) {
            let ws = deafened(Deaf { full: full.into(), waits, ..Deaf::default() }, frames);
            ws.write("order").unwrap();
            let closed = ws.close(1000, "");
            assert!(matches!(closed, Err(WebSocketError::IoError(_))), "{closed:?}");
        }
    }
}

/// A message that was queued and then dropped with the transport was not sent.
#[test]
fn a_flush_tells_what_was_dropped() {
    let (client, server) = pair();
    client.write("order").unwrap();
    server.abort().unwrap();
    assert!(client.receive().is_err());
    let flushed = client.flush();
    assert!(matches!(flushed, Err(WebSocketError::ConnectionLost)), "{flushed:?}");
    client.close(1000, "is no error on a closed connection").unwrap();
}

/// A client over the stuck transport that spins for so long.
fn spinning(stream: &Stuck, spin: Duration) -> WebSocketConnection<Stuck> {
    let mut options = WebSocketOptions::client();
    options.spin = spin;
    options.limits.close_timeout = Duration::from_millis(20);
    WebSocketConnection::from_stream(stream.clone(), Role::Client, &options, Bytes::new()).unwrap()
}

/// A receive that spins asks the stream, as long as it may, before it waits in a read.
#[test]
fn a_receive_that_spins_asks_again() {
    let stream = Stuck { ends_after: 100, ..Stuck::default() };
    let ws = spinning(&stream, Duration::MAX);
    assert!(matches!(ws.receive(), Err(WebSocketError::ConnectionLost)));
    assert_eq!(*stream.waits.lock().unwrap(), [Some(Duration::ZERO); 100]);
    assert_eq!(stream.read.load(Ordering::Relaxed), 0);

    let stream = Stuck { ends_after: usize::MAX, ..Stuck::default() };
    let ws = spinning(&stream, Duration::from_nanos(1));
    ws.set_read_timeout(Some(Duration::from_millis(1)));
    assert!(matches!(ws.receive(), Err(WebSocketError::Timeout(TimedOut::Read))));
    assert!(stream.waits.lock().unwrap().iter().any(|wait| *wait > Some(Duration::ZERO)));
}

/// Nor is there a wait in a read when the time is up.
#[test]
fn a_read_timeout_bounds_a_spin() {
    let stream = Stuck { ends_after: usize::MAX, ..Stuck::default() };
    let ws = spinning(&stream, Duration::MAX);
    ws.set_read_timeout(Some(Duration::from_millis(1)));
    assert!(matches!(ws.receive(), Err(WebSocketError::Timeout(TimedOut::Read))));
    assert_eq!(stream.read.load(Ordering::Relaxed), 0);
}

#[test]
fn a_spin_does_not_put_the_deadlines_off() {
    let stream = Stuck { takes: true, flushes: true, ends_after: usize::MAX, ..Stuck::default() };
    let (say, hear) = mpsc::channel();
    thread::spawn(move || say.send(spinning(&stream, Duration::MAX).close(1000, "")));
    let closed = hear.recv_timeout(Duration::from_secs(30)).expect("an end");
    assert!(matches!(closed, Err(WebSocketError::Timeout(TimedOut::Close))), "{closed:?}");
}

/// The peer's close frame is there, and its end of the stream is not.
#[test]
fn a_read_timeout_bounds_the_wait_for_the_end() {
    let arrives = frame(Opcode::Close, "").into();
    let stream =
        Stuck { takes: true, flushes: true, ends_after: usize::MAX, arrives, ..Stuck::default() };
    let ws = stuck(&stream, |limits| limits.close_timeout = Duration::MAX);
    assert!(matches!(ws.receive(), Ok(Some(WebSocketMessage::Close(..)))));
    ws.set_read_timeout(Some(Duration::ZERO));
    for _ in 0..3 {
        let end = ws.receive();
        assert!(matches!(end, Err(WebSocketError::Timeout(TimedOut::Read))), "{end:?}");
    }
    ws.set_read_timeout(None);
    stream.is_shut_down.store(true, Ordering::Relaxed);
    assert!(matches!(ws.receive(), Ok(None)));
}

/// A message that goes on arriving does not put the read timeout off.
#[test]
fn a_read_timeout_bounds_a_whole_receive() {
    let header = FrameHeader::new(Opcode::Binary, 16 << 20).encode();
    let arrives = Bytes::from([&header[..], &[0; 16 << 20]].concat());
    let ws = stuck(&Stuck { arrives, ..Stuck::default() }, |_| {});
    ws.set_read_timeout(Some(Duration::from_millis(1)));
    assert!(matches!(ws.receive(), Err(WebSocketError::Timeout(TimedOut::Read))));
}

/// The application's own work is not the peer's silence.
#[test]
fn what_came_in_time_is_read_before_the_peer_is_judged() {
    let mut options = WebSocketOptions::server();
    options.limits.idle_ping = None;
    options.limits.idle_timeout = Some(Duration::from_millis(20));
    let (client, server) = pair_with(options);
    client.send("alive").unwrap();
    thread::sleep(Duration::from_millis(40));
    assert_eq!(server.receive().unwrap().unwrap().as_text(), Some("alive"));
}

#[test]
fn what_came_before_the_end_of_a_close_is_received() {
    let mut options = WebSocketOptions::server();
    options.limits.close_timeout = Duration::from_millis(20);
    let (client, server) = pair_with(options);
    server.start_close(1000, "").unwrap();
    client.send("last").unwrap();
    client.start_close(1000, "").unwrap();
    thread::sleep(Duration::from_millis(40));
    assert_eq!(server.receive().unwrap().unwrap().as_text(), Some("last"));
    assert!(matches!(server.receive().unwrap(), Some(WebSocketMessage::Close(..))));
}

#[test]
fn a_read_timeout_of_zero_takes_what_is_there() {
    let (client, server) = pair();
    server.set_read_timeout(Some(Duration::ZERO));
    let nothing = server.receive();
    assert!(matches!(nothing, Err(WebSocketError::Timeout(TimedOut::Read))), "{nothing:?}");
    client.send("there").unwrap();
    assert_eq!(server.receive().unwrap().unwrap().as_text(), Some("there"));
}

/// A stream that takes a byte a millisecond, and nothing ever comes from it.
#[derive(Debug)]
struct Trickle;

impl Duplex for Trickle {
    fn read(&self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn write_vectored(&self, _: &[IoSlice<'_>]) -> io::Result<usize> {
        thread::sleep(Duration::from_millis(1));
        Ok(1)
    }

    fn shutdown_write(&self) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_peer_that_takes_a_byte_now_and_then_is_given_up() {
    let mut options = WebSocketOptions::server();
    options.limits.write_stall = Duration::from_millis(10);
    let connection =
        WebSocketConnection::from_stream(Trickle, Role::Server, &options, Bytes::new()).unwrap();
    let sent = connection.send(&[7; 1000]);
    assert!(matches!(sent, Err(WebSocketError::Timeout(TimedOut::Write))), "{sent:?}");
}

/// A close waits as long as the limits say, however long a receive may take.
#[test]
fn a_read_timeout_does_not_bound_a_close() {
    let stream = Stuck { takes: true, ..Stuck::default() };
    let ws = stuck(&stream, |limits| limits.close_timeout = Duration::from_millis(50));
    ws.set_read_timeout(Some(Duration::from_millis(1)));
    let error = ws.close(1000, "").unwrap_err();
    assert!(matches!(error, WebSocketError::Timeout(TimedOut::Close)), "{error}");
}

/// A reader that waits for ever looks up now and then: a writer that closes meanwhile
/// wakes nobody.
#[test]
fn an_idle_reader_looks_whether_the_writer_has_closed() {
    let stream = Stuck { ends_after: 3, ..Stuck::default() };
    let ws = stuck(&stream, |limits| limits.close_timeout = Duration::from_secs(7));
    assert!(matches!(ws.receive(), Err(WebSocketError::ConnectionLost)));
    assert_eq!(*stream.waits.lock().unwrap(), [Some(Duration::from_secs(7)); 3]);
}

/// What is sent while the reader idles is not without history for that.
#[cfg(all(feature = "deflate", unix))]
#[test]
fn an_idle_reader_leaves_a_busy_writer_its_compressor() {
    use std::os::unix::net::UnixStream;

    use wirespeed::{WebSocketWriter, deflate::DeflateOptions};

    type Act = Box<dyn FnMut() -> io::Result<()> + Send>;

    /// A stream whose reader does something while it waits, until that fails.
    struct Interrupted {
        io: UnixStream,
        act: Arc<Mutex<Act>>,
    }

    impl Duplex for Interrupted {
        fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
            Duplex::read(&self.io, buf)
        }

        fn write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
            Duplex::write_vectored(&self.io, bufs)
        }

        fn shutdown_write(&self) -> io::Result<()> {
            Duplex::shutdown_write(&self.io)
        }

        fn shutdown(&self) -> io::Result<()> {
            Duplex::shutdown(&self.io)
        }

        fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
            Duplex::set_read_timeout(&self.io, Some(Duration::from_millis(1)))
        }

        fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
            Ok(())
        }

        fn wait_readable(&self, _: Option<Duration>) -> io::Result<bool> {
            self.act.lock().unwrap()().map(|()| false)
        }
    }

    let (ours, theirs) = UnixStream::pair().unwrap();
    let server = thread::spawn(move || {
        let mut options = WebSocketOptions::server();
        options.deflate = Some(DeflateOptions::for_server().client_no_context_takeover(false));
        WebSocketUpgrade::new().options(options).accept_request(theirs).unwrap()
    });
    let act: Arc<Mutex<Act>> = Arc::new(Mutex::new(Box::new(|| Ok(()))));
    let stream = Interrupted { io: ours, act: Arc::clone(&act) };
    let deflate = DeflateOptions::for_client().threshold(0).release_idle(true);
    let client = WebSocketClient::new().websocket("ws://example.com/").deflate(deflate);
    let (mut reader, writer) = client.connect_over(stream).unwrap().split();
    let _server = server.join().unwrap();

    let (sizes, seen) = mpsc::channel();
    let deflated =
        |writer: &WebSocketWriter<Interrupted>| writer.deflate_totals().unwrap().deflated;
    let mut messages = 0;
    *act.lock().unwrap() = Box::new(move || {
        let before = deflated(&writer);
        let message = r#"{"symbol":"BTCUSDT","bid":"65001.5","ask":"65002.5","symbols":2}"#;
        writer.send(message).unwrap();
        sizes.send(deflated(&writer) - before).unwrap();
        messages += 1;
        if messages < 5 { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
    });
    assert!(reader.receive().is_err());
    let sizes: Vec<u64> = seen.try_iter().collect();
    assert!(sizes[0] > 30 && sizes[1..].iter().all(|size| *size < 15), "{sizes:?}");
}

/// A refusal whose body never ends is one all the same.
#[test]
fn a_refusal_without_an_end_is_reported() {
    let arrives = Bytes::from_static(b"HTTP/1.1 401 Unauthorized\r\n\r\nno");
    let stream = Stuck { takes: true, flushes: true, arrives, ..Stuck::default() };
    let mut options = WebSocketOptions::client();
    options.limits.handshake_timeout = Duration::from_millis(50);
    let client = WebSocketClient::new().options(options);
    let error = client.websocket("ws://example.com/").connect_over(stream).unwrap_err();
    let WebSocketError::UpgradeFailed(failure) = error else { panic!("{error}") };
    assert_eq!((failure.status.as_u16(), &failure.body[..]), (401, &b"no"[..]));
}

/// A request that the stream has taken and holds back is not sent, and times out as the
/// handshake that it is a part of.
#[test]
fn a_request_that_is_held_back_times_out() {
    let stream = Stuck { takes: true, ..Stuck::default() };
    let mut options = WebSocketOptions::client();
    options.limits.handshake_timeout = Duration::from_millis(50);
    let client = WebSocketClient::new().options(options);
    let error = client.websocket("ws://example.com/").connect_over(stream).unwrap_err();
    assert!(matches!(error, WebSocketError::Timeout(TimedOut::Handshake)), "{error:?}");
}

/// Over a stream that cannot bound a read, a client that keeps its end open would hold
/// a thread for ever.
#[test]
fn a_refusal_over_any_reader_and_writer_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || {
        let stream = ReadWrite::new(listener.accept().unwrap().0);
        sender.send(WebSocketUpgrade::new().accept_request(stream).map(drop)).unwrap();
    });
    let refused = ended.recv_timeout(Duration::from_secs(60)).expect("it ends");
    assert!(matches!(refused, Err(WebSocketError::Refused(_))), "{refused:?}");
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
}

#[test]
fn any_reader_and_writer_makes_a_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let stream = ReadWrite::new(listener.accept().unwrap().0);
        let options = WebSocketOptions::server();
        let ws = WebSocketConnection::from_stream(stream, Role::Server, &options, Bytes::new());
        ws.unwrap().receive().unwrap().unwrap()
    });
    let stream = TcpStream::connect(address).unwrap();
    let options = WebSocketOptions::client();
    let ws =
        WebSocketConnection::from_stream(stream, Role::Client, &options, Bytes::new()).unwrap();
    ws.send("over anything").unwrap();
    assert_eq!(server.join().unwrap().as_text(), Some("over anything"));
}
