//! Negotiation as both drivers' ends do it: requests and responses as they stand on
//! the wire.

use std::{
    io::{self, Read, Write},
    sync::{Arc, Mutex},
};

use wirespeed::{
    WebSocketClient, WebSocketConnection, WebSocketError, WebSocketOptions, WebSocketUpgrade,
    compute_accept_key, handshake::HandshakeError, net::stream::ReadWrite,
};

use super::*;

/// The other end of a stream: it keeps what is written, and answers a request with
/// 101 and these extensions.
#[derive(Clone, Default)]
struct Peer(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    written: Vec<u8>,
    extensions: Vec<String>,
    answered: bool,
}

impl Peer {
    fn answering(extensions: &[&str]) -> Self {
        let extensions = extensions.iter().map(ToString::to_string).collect();
        Self(Arc::new(Mutex::new(Script { extensions, ..Script::default() })))
    }

    /// The value of a header in what was written.
    fn seen(&self, name: &str) -> Option<String> {
        let written = String::from_utf8(self.0.lock().unwrap().written.clone()).unwrap();
        let prefix = format!("{name}: ");
        written.lines().find_map(|line| line.strip_prefix(&prefix).map(str::to_owned))
    }
}

impl Read for Peer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let key = self.seen("Sec-WebSocket-Key");
        let mut script = self.0.lock().unwrap();
        let Some(key) = key.filter(|_| !std::mem::replace(&mut script.answered, true)) else {
            return Ok(0);
        };
        let mut response = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n",
            compute_accept_key(&key)
        );
        for value in &script.extensions {
            response.push_str(&format!("Sec-WebSocket-Extensions: {value}\r\n"));
        }
        response.push_str("\r\n");
        buffer[..response.len()].copy_from_slice(response.as_bytes());
        Ok(response.len())
    }
}

impl Write for Peer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

type Connected = Result<WebSocketConnection<ReadWrite<Peer>>, WebSocketError>;

/// Connects with these options to a server that answers with these extensions.
fn connect(options: Option<DeflateOptions>, response: &[&str]) -> (Connected, Option<String>) {
    let peer = Peer::answering(response);
    let mut builder = WebSocketClient::new().websocket("ws://example.com/");
    if let Some(options) = options {
        builder = builder.deflate(options);
    }
    let connected = builder.connect_over(ReadWrite::new(peer.clone()));
    (connected, peer.seen("Sec-WebSocket-Extensions"))
}

/// Accepts a client that sends these offers.
fn accept(options: Option<DeflateOptions>, offers: &[&str]) -> (Connected, Option<String>) {
    let mut request = http::Request::get("/")
        .header("Host", "example.com")
        .header("Upgrade", "websocket")
        .header("Connection", "Upgrade")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("Sec-WebSocket-Version", "13");
    for offer in offers {
        request = request.header("Sec-WebSocket-Extensions", *offer);
    }
    let mut server = WebSocketOptions::server();
    server.deflate = options;
    let peer = Peer::default();
    let accepted = WebSocketUpgrade::new()
        .options(server)
        .accept_on(&request.body(()).unwrap(), ReadWrite::new(peer.clone()));
    (accepted, peer.seen("Sec-WebSocket-Extensions"))
}

#[test]
fn nothing_is_offered_or_accepted_by_default() {
    let (connected, offer) = connect(None, &[]);
    assert_eq!((connected.unwrap().deflate_totals(), offer), (None, None));
    let (accepted, answer) = accept(None, &["permessage-deflate"]);
    assert_eq!((accepted.unwrap().deflate_totals(), answer), (None, None));
    // A server that agrees to what was not offered fails the client.
    assert!(connect(None, &["permessage-deflate"]).0.is_err());
}

#[test]
fn the_default_offer_has_no_parameters() {
    let (connected, offer) = connect(Some(DeflateOptions::for_client()), &["permessage-deflate"]);
    assert_eq!(offer.as_deref(), Some("permessage-deflate"));
    assert!(connected.unwrap().deflate_totals().is_some());
    // Declined: the connection goes on without.
    let (connected, _) = connect(Some(DeflateOptions::for_client()), &[]);
    assert_eq!(connected.unwrap().deflate_totals(), None);
}

/// CVE-2026-2229: every window size that a server may claim is agreed to or is an
/// error, and nothing else.
#[test]
fn cve_2026_2229_window_bits_in_a_response() {
    let options =
        || Some(DeflateOptions::for_client().server_max_window_bits(12).client_max_window_bits(12));
    for parameter in ["server_max_window_bits", "client_max_window_bits"] {
        let other = match parameter {
            "server_max_window_bits" => "client_max_window_bits=12",
            _ => "server_max_window_bits=12",
        };
        // Our compressor has no window of 2^8; the server's may.
        let smallest = if parameter == "server_max_window_bits" { 8 } else { 9 };
        let values = (0..=99).map(|bits| (format!("={bits}"), (smallest..=12).contains(&bits)));
        let odd = ["=08", "=012", "=", "=\"\"", "", "=+9", "=-9", "=9.0", "=0x9", "=256", "=nine"];
        let quoted = [("=\"9\"".to_owned(), true), ("=\"99\"".to_owned(), false)];
        for (value, good) in values.chain(odd.map(|value| (value.to_owned(), false))).chain(quoted)
        {
            let response = format!("permessage-deflate; {parameter}{value}; {other}");
            let (connected, _) = connect(options(), &[&response]);
            assert_eq!(connected.is_ok(), good, "{response}");
            if let Err(error) = connected {
                assert!(
                    matches!(error, WebSocketError::Compression(_) | WebSocketError::Handshake(_)),
                    "{response}: {error}"
                );
            }
        }
    }
}

/// Deflate 2: as a client, what does not fit the offer fails the connection.
#[test]
fn r4_4_2_a_response_that_does_not_fit_fails_the_client() {
    let plain = || Some(DeflateOptions::for_client());
    for response in [
        "permessage-deflate; mystery",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_max_window_bits=12",
        "permessage-bzip2",
        "permessage-deflate, permessage-bzip2",
        "permessage-deflate;",
        "",
    ] {
        assert!(connect(plain(), &[response]).0.is_err(), "{response:?}");
    }
    // Twice: in one line, and in two.
    let (twice, _) = connect(plain(), &["permessage-deflate, permessage-deflate"]);
    match twice {
        Err(WebSocketError::Handshake(HandshakeError::RepeatedExtension(name))) => {
            assert_eq!(name, "permessage-deflate");
        }
        other => panic!("{:?}", other.err()),
    }
    let two_lines = ["permessage-deflate", "permessage-deflate"];
    assert!(connect(plain(), &two_lines).0.is_err());
    // What a server may add unasked.
    for response in [
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate; client_no_context_takeover; server_max_window_bits=9",
    ] {
        assert!(connect(plain(), &[response]).0.is_ok(), "{response}");
    }
}

/// Deflate 1 to 5: as a server, the first offer that fits is taken, over all
/// lines; none is no reason to refuse the connection.
#[test]
fn r4_4_1_a_server_takes_the_first_offer_that_fits() {
    let options = || {
        Some(
            DeflateOptions::for_server()
                .server_no_context_takeover(false)
                .client_no_context_takeover(false)
                .client_max_window_bits(12),
        )
    };
    for (offers, answer) in [
        (&["permessage-deflate"][..], Some("permessage-deflate")),
        (&["x-first; a=1, permessage-deflate"], Some("permessage-deflate")),
        (
            &["permessage-deflate; mystery, permessage-deflate; server_no_context_takeover"],
            Some("permessage-deflate; server_no_context_takeover"),
        ),
        (
            &[
                "permessage-deflate; server_max_window_bits=8",
                "permessage-deflate; server_max_window_bits=\"10\"",
            ],
            Some("permessage-deflate; server_max_window_bits=10"),
        ),
        (
            &["permessage-deflate; client_max_window_bits"],
            Some("permessage-deflate; client_max_window_bits=12"),
        ),
        (
            &["permessage-deflate; client_max_window_bits=10"],
            Some("permessage-deflate; client_max_window_bits=10"),
        ),
        (&["permessage-deflate; server_max_window_bits"], None),
        (&["permessage-deflate; server_max_window_bits=16"], None),
        (&["permessage-deflate; client_no_context_takeover=yes"], None),
        (&["Permessage-Deflate"], None),
        (&["x-other"], None),
    ] {
        let (accepted, answered) = accept(options(), offers);
        let accepted = accepted.unwrap_or_else(|error| panic!("{offers:?}: {error}"));
        assert_eq!(answered.as_deref(), answer, "{offers:?}");
        assert_eq!(accepted.deflate_totals().is_some(), answer.is_some());
    }
    // What is no list of extensions at all is refused.
    assert!(accept(options(), &["permessage-deflate; server_max_window_bits="]).0.is_err());
}
