//! The opening handshake and what else is text: requests, responses, extension
//! headers, URLs. Whatever the bytes are, pieces come to the same as the whole,
//! and what is accepted can be written and read again.
//!
//! The first byte chooses, so that one dictionary serves them all.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wirespeed::{
    WebSocketUrl,
    deflate::{DeflateOptions, offers},
    handshake::{
        ClientHandshake, ClientRequest, HandshakeError, HeadLimits, ServerHandshake, ServerPolicy,
        accept_with_extensions, compute_accept_key, extension, is_upgrade_request,
    },
};
use wirespeed_fuzz::{
    deflate,
    input::{Cuts, Input},
};

/// The key of the example in RFC 6455, section 1.3.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    match input.byte() {
        b'Q' => check_pieces(input, request_outcome),
        b'R' => check_pieces(input, response_outcome),
        b'E' => check_extensions(input.rest()),
        b'D' => check_negotiation(input),
        b'U' => check_url(input.rest()),
        b'C' => check_own_request(input),
        _ => {}
    }
});

fn check_pieces(mut input: Input<'_>, outcome: fn(&[u8], Cuts) -> String) {
    let cuts = Cuts(input.array());
    let bytes = input.rest();
    assert_eq!(outcome(bytes, cuts), outcome(bytes, Cuts::NONE));
}

/// What a server makes of a request; what follows an upgrade counts as left
/// over, in whichever piece it came.
fn request_outcome(bytes: &[u8], cuts: Cuts) -> String {
    let mut server = ServerHandshake::new(HeadLimits::SERVER);
    let mut received = 0;
    for piece in cuts.pieces(bytes) {
        received += piece.len();
        let incoming = match server.receive(piece) {
            Ok(None) => continue,
            Ok(Some(incoming)) => incoming,
            Err(error) => return describe(&error),
        };
        assert!(bytes[..received].ends_with(&incoming.leftover));
        let head_len = received - incoming.leftover.len();
        let policy = ServerPolicy::new().subprotocols(["chat", "superchat"]);
        let judged = accept_with_extensions(&incoming.request, &policy, |offers| {
            Ok(offers.iter().take(1).cloned().collect())
        });
        if let Ok(acceptance) = &judged {
            assert!(is_upgrade_request(&incoming.request));
            let key = incoming.request.headers()["sec-websocket-key"].to_str().expect("base64");
            let response = String::from_utf8(acceptance.to_bytes()).expect("ASCII");
            assert!(response.contains(&compute_accept_key(key)));
            assert!(is_one_head(&response));
        }
        let answer = judged.map_or_else(|refusal| refusal.to_bytes(), |accept| accept.to_bytes());
        return format!("{:?} {answer:?} {head_len}", incoming.request);
    }
    describe(&server.end_of_stream())
}

/// What a client makes of a response.
fn response_outcome(bytes: &[u8], cuts: Cuts) -> String {
    let request = ClientRequest::new("example.com", "/chat")
        .key(KEY)
        .subprotocol("chat")
        .extensions("permessage-deflate, foo");
    let mut client = ClientHandshake::new(request, HeadLimits::CLIENT).expect("a right request");
    let mut received = 0;
    for piece in cuts.pieces(bytes) {
        received += piece.len();
        match client.receive(piece) {
            Ok(None) => {}
            Ok(Some(upgrade)) => {
                assert!(bytes[..received].ends_with(&upgrade.leftover));
                assert_eq!(upgrade.response.status().as_u16(), 101);
                return format!(
                    "{:?} {:?} {:?} {}",
                    upgrade.response,
                    upgrade.subprotocol,
                    upgrade.extensions,
                    received - upgrade.leftover.len()
                );
            }
            Err(error) => return describe(&error),
        }
    }
    describe(&client.end_of_stream())
}

/// An error without the number of bytes seen when a limit was exceeded, which
/// depends on how they were cut.
fn describe(error: &HandshakeError) -> String {
    let text = format!("{error:?}");
    match text.split_once("LimitExceeded") {
        Some((_, exceeded)) => exceeded.split("actual").next().unwrap_or_default().to_owned(),
        None => text,
    }
}

fn check_extensions(bytes: &[u8]) {
    // A header may have several lines, and commas join them.
    let lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
    let Ok(parsed) = extension::parse(&lines) else { return };
    assert!((1..=extension::MAX_EXTENSIONS).contains(&parsed.len()));
    assert!(parsed.iter().all(|extension| extension.params.len() <= extension::MAX_PARAMS));
    let written = extension::format(&parsed).expect("what was read can be written");
    assert_eq!(extension::parse([&written]).expect("what was written can be read"), parsed);
    assert_eq!(extension::parse([lines.join(&b","[..])]).as_ref(), Ok(&parsed));
}

fn check_negotiation(mut input: Input<'_>) {
    let (client, server) = (deflate::options(&mut input), deflate::options(&mut input));
    deflate::negotiate(&client, &server);

    let Ok(header) = std::str::from_utf8(input.rest()) else { return };
    if let Some((params, response)) = deflate::choose(header, &server) {
        assert!((9..=15).contains(&params.server_max_window_bits));
        assert!((8..=15).contains(&params.client_max_window_bits));
        extension::parse([response]).expect("a server's response can be read");
    }
    if let Some(params) = deflate::judge(header, &offers(&client)) {
        assert!((8..=15).contains(&params.server_max_window_bits));
        assert!((9..=15).contains(&params.client_max_window_bits));
    }
    let demanding = DeflateOptions::for_client().server_no_context_takeover(true);
    if let Some(params) = deflate::judge(header, &offers(&demanding)) {
        assert!(params.server_no_context_takeover);
    }
}

fn check_url(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(url) = WebSocketUrl::parse(text) else { return };
    assert!(url.resource().starts_with('/'));
    let written = url.to_string();
    assert_eq!(WebSocketUrl::parse(&written).as_ref(), Ok(&url), "{written}");
    let request = ClientRequest::new(url.host_header(), url.resource()).key(KEY);
    ClientHandshake::new(request, HeadLimits::CLIENT).expect("a URL can be asked for");
}

/// Whatever a user puts into a request, it stays one request. Our server can read
/// it, unless the target is one that only a lenient server takes.
fn check_own_request(mut input: Input<'_>) {
    let mut text = |len: u8| String::from_utf8_lossy(input.take(len.into())).into_owned();
    let (host, target, name) = (text(12), text(16), text(8));
    let request = ClientRequest::new(host, format!("/{target}"))
        .key(KEY)
        .header(name, input.take(16))
        .subprotocol(String::from_utf8_lossy(input.take(8)))
        .origin(input.take(16))
        .extensions(String::from_utf8_lossy(input.rest()));
    let Ok(client) = ClientHandshake::new(request, HeadLimits::CLIENT) else { return };
    let wire = client.request();
    assert!(is_one_head(&String::from_utf8_lossy(wire)));
    if !target.bytes().all(is_uri_byte) {
        return;
    }
    let incoming = ServerHandshake::new(HeadLimits::SERVER).receive(wire);
    let incoming = incoming.expect("a right request").expect("a whole request");
    assert!(incoming.leftover.is_empty());
    assert!(is_upgrade_request(&incoming.request));
}

fn is_one_head(text: &str) -> bool {
    text.find("\r\n\r\n") == text.len().checked_sub(4)
}

/// RFC 3986, appendix A.
fn is_uri_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:@/?".contains(&byte)
}
