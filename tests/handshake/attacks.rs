//! Published vulnerabilities of WebSocket and HTTP libraries that concern the
//! handshake, each with the shape of bytes that set it off.
//!
//! That work is linear is shown by counting, not by a clock: a machine that has
//! reached its limit refuses the rest without looking at it, so that 20 MB cost
//! as much as the limit.

use http::header;
use wirespeed::{
    Limit,
    handshake::{
        ClientHandshake, ExtensionError, HandshakeError, HeadError, HeadLimits, IncomingRequest,
        Refusal, RefusalReason, ServerHandshake, ServerPolicy, accept, accept_with_extensions,
        extension, is_upgrade_request,
    },
};

use super::{
    KEY, UPGRADE_LINES, answer, client, client_request, foreign_request, read, refused,
    request_with, response_with, serve,
};

/// Feeds `bytes` to a server in pieces; how many it took, and what it said.
fn feed(
    mut server: ServerHandshake,
    bytes: impl Iterator<Item = u8>,
) -> (usize, Result<Option<IncomingRequest>, HandshakeError>) {
    for (index, byte) in bytes.enumerate() {
        match server.receive(&[byte]) {
            Ok(None) => {}
            outcome => return (index + 1, outcome),
        }
    }
    panic!("the server took everything");
}

fn exceeded(error: &HandshakeError) -> (Limit, u64) {
    match error {
        HandshakeError::Head(HeadError::Limit(exceeded)) => (exceeded.limit, exceeded.allowed),
        HandshakeError::Refused(refusal) => match refusal.reason() {
            RefusalReason::Head(HeadError::Limit(exceeded)) => {
                assert_eq!(refusal.status(), 431);
                (exceeded.limit, exceeded.allowed)
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// A header of 20 MB, a byte at a time, was parsed again from its start at each
/// read: minutes of CPU.
#[test]
fn cve_2023_43669_a_20_mb_header_is_cut_at_the_limit() {
    let header =
        b"GET / HTTP/1.1\r\nX: ".iter().copied().chain(std::iter::repeat_n(b'a', 20_000_000));
    let (taken, outcome) = feed(ServerHandshake::new(HeadLimits::SERVER), header.clone());
    assert_eq!(exceeded(&outcome.unwrap_err()), (Limit::HandshakeHead, 8 << 10));
    assert_eq!(taken, 8 << 10);

    let mut client = client(client_request());
    let whole: Vec<u8> = b"HTTP/1.1 101 OK\r\nX: ".iter().copied().chain(header.skip(19)).collect();
    let mut taken = 0;
    let error = whole.chunks(7).find_map(|piece| {
        taken += piece.len();
        client.receive(piece).err()
    });
    assert_eq!(exceeded(&error.unwrap()), (Limit::HandshakeHead, 16 << 10));
    assert!(taken <= (16 << 10) + 7);
    assert!(matches!(client.receive(b"a"), Err(HandshakeError::Finished)));
}

/// A head whose limit is raised beyond any reason is still read once only.
#[test]
fn cve_2023_43669_a_large_head_a_byte_at_a_time_is_read_in_linear_time() {
    let limits = HeadLimits { bytes: 8 << 20, headers: 4 };
    let value = vec![b'a'; 4 << 20];
    let request = [b"GET / HTTP/1.1\r\nHost: a\r\nX: ", &value[..], b"\r\n\r\n"].concat();
    let (taken, outcome) = feed(ServerHandshake::new(limits), request.iter().copied());
    assert_eq!(taken, request.len());
    assert_eq!(outcome.unwrap().unwrap().request.headers()["x"].len(), 4 << 20);
}

/// So many headers that `Upgrade` was not among those kept, and its absence
/// not foreseen.
#[test]
fn cve_2024_37890_ten_thousand_headers() {
    let request = |count: usize| {
        let many: String = (0..count).map(|number| format!("X{number}: y\r\n")).collect();
        format!("GET / HTTP/1.1\r\nHost: a\r\n{many}{UPGRADE_LINES}\r\n")
    };
    let (_, outcome) = feed(ServerHandshake::new(HeadLimits::SERVER), request(10_000).bytes());
    assert_eq!(exceeded(&outcome.unwrap_err()), (Limit::HandshakeHeaders, 64));

    let unlimited = HeadLimits { bytes: usize::MAX, headers: usize::MAX };
    let read = |count| ServerHandshake::new(unlimited).receive(request(count).as_bytes());
    let incoming = read(10_000).unwrap().unwrap();
    assert!(accept(&incoming.request, &ServerPolicy::new()).is_ok());

    // More than the map of headers can hold.
    assert!(matches!(read(40_000), Err(HandshakeError::Refused(_))));
}

#[test]
fn cve_2024_37890_a_missing_upgrade_header() {
    let request = request_with("").replace("Upgrade: websocket\r\n", "");
    assert!(!is_upgrade_request(&read(&request).unwrap().request));
    assert_eq!(refused(request), (426, RefusalReason::NotAnUpgrade));

    let response = response_with("").replace("Upgrade: websocket\r\n", "");
    let error = answer(client_request(), response).unwrap_err();
    assert!(matches!(error, HandshakeError::MissingHeader(header::UPGRADE)));
}

/// The pattern that took blanks off a list tried every split of them.
#[test]
fn cve_2021_32640_lists_of_blanks_and_commas() {
    let limits = HeadLimits { bytes: 8 << 20, headers: 64 };
    for filler in [" ", "\t", ",", ", ", " ,\t"] {
        let storm = filler.repeat((1 << 20) / filler.len());
        // Blanks and commas are padding around a member; inside one, blanks are
        // an error and a comma ends it.
        let has_comma = filler.contains(',');
        for (list, is_valid) in [
            (format!("Sec-WebSocket-Protocol: {storm}a\r\n"), true),
            (format!("Sec-WebSocket-Protocol: b{storm}c\r\n"), has_comma),
            (format!("Sec-WebSocket-Extensions: {storm}a\r\n"), true),
            (format!("Sec-WebSocket-Extensions: a{storm};{storm}b\r\n"), !has_comma),
        ] {
            let request = request_with(&list);
            let incoming =
                ServerHandshake::new(limits).receive(request.as_bytes()).unwrap().unwrap();
            let policy = ServerPolicy::new().subprotocols(["a"]);
            let is_accepted = accept(&incoming.request, &policy).is_ok();
            assert_eq!(is_accepted, is_valid, "{filler:?} in {}", &list[..30]);
        }
        let connection = format!("Connection: {storm}");
        let request = request_with("").replace("Connection: ", &connection);
        let incoming = ServerHandshake::new(limits).receive(request.as_bytes()).unwrap().unwrap();
        assert!(accept(&incoming.request, &ServerPolicy::new()).is_ok());
    }
}

/// A great many subprotocols, each compared with every other.
#[test]
fn cve_2021_32640_many_subprotocols() {
    let limits = HeadLimits { bytes: 8 << 20, headers: 64 };
    let names: Vec<_> = (0..200_000).map(|number| format!("n{number}")).collect();
    let request = request_with(&format!("Sec-WebSocket-Protocol: {}\r\n", names.join(",")));
    let incoming = ServerHandshake::new(limits).receive(request.as_bytes()).unwrap().unwrap();
    let policy = ServerPolicy::new().subprotocols(["n199999"]);
    let acceptance = accept(&incoming.request, &policy).unwrap();
    assert_eq!(acceptance.subprotocol(), Some("n199999"));
}

/// Names that are properties of every object in JavaScript; a name is just
/// a token here.
#[test]
fn ws_3_3_1_odd_extension_names() {
    for name in ["constructor", "__proto__", "toString", "hasOwnProperty", "!#$%&'*+-.^_`|~", "0"] {
        let parsed = extension::parse([format!("{name}; {name}={name}; {name}")]).unwrap();
        assert_eq!((&*parsed[0].name, parsed[0].params.len()), (name, 2));
        let request = request_with(&format!("Sec-WebSocket-Extensions: {name}\r\n"));
        let response = serve(request, &ServerPolicy::new()).unwrap();
        assert!(!response.contains("Extensions"));
    }
    for value in ["a;b=", "a;=", ";", "=", "\"", "a;b=\"", "a;b=\"\\", "a;b=\"\\\"\""] {
        assert!(extension::parse([value]).is_err(), "{value}");
    }
}

/// Backslashes in a string that never ends, tried in every combination.
#[test]
fn cve_2020_7662_a_storm_of_backslashes_in_a_quoted_string() {
    for unit in ["\\", "\\\\", "\\a", "\\\"", "a\\"] {
        let value = format!("a; b=\"{}", unit.repeat(1 << 20));
        assert_eq!(extension::parse([value]), Err(ExtensionError::InvalidValue), "{unit}");
    }
    let value = format!("a; b=\"{}\"", "\\c".repeat(1 << 20));
    let parsed = extension::parse([value]).unwrap();
    assert_eq!(parsed[0].params[0].value.as_ref().unwrap().len(), 1 << 20);
}

#[test]
fn cve_2020_7662_a_flood_of_extensions_or_parameters() {
    let flood = "a,".repeat(1 << 20);
    assert_eq!(extension::parse([flood]), Err(ExtensionError::TooManyExtensions));
    let flood = format!("a{}", ";b".repeat(1 << 20));
    assert_eq!(extension::parse([flood]), Err(ExtensionError::TooManyParams));
    let lines = std::iter::repeat_n("a", 33);
    assert_eq!(extension::parse(lines), Err(ExtensionError::TooManyExtensions));
}

/// A list without members was dereferenced.
#[test]
fn cve_2026_45541_empty_list_members() {
    for value in ["", ",", " ,", ", ", ",,", "\t,\t"] {
        let request = request_with(&format!("Sec-WebSocket-Protocol: {value}\r\n"));
        assert_eq!(refused(request), (400, RefusalReason::Subprotocols), "{value:?}");
        let request = request_with(&format!("Sec-WebSocket-Extensions: {value}\r\n"));
        let reason = RefusalReason::Extensions(ExtensionError::Empty);
        assert_eq!(refused(request), (400, reason), "{value:?}");
    }
    let policy = ServerPolicy::new().subprotocols(["a"]);
    for value in [",a", "a,", ", ,a", "a,,b"] {
        let request = request_with(&format!("Sec-WebSocket-Protocol: {value}\r\n"));
        let response = serve(request, &policy).unwrap();
        assert!(response.contains("\r\nSec-WebSocket-Protocol: a\r\n"), "{value:?}");
    }
}

/// A blank before the colon: one parser ignores the header, the other obeys it.
#[test]
fn cve_2019_16869_a_blank_before_the_colon() {
    for line in [
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding\t: chunked\r\n",
        "Content-Length : 5\r\n",
        "X : y\r\n",
        "X\r\n",
    ] {
        let (status, reason) = refused(request_with(line));
        assert!(matches!(reason, RefusalReason::Head(HeadError::Syntax(_))), "{reason:?}");
        assert_eq!(status, 400);
        let error = answer(client_request(), response_with(line)).unwrap_err();
        assert!(matches!(error, HandshakeError::Head(HeadError::Syntax(_))), "{error:?}");
    }
}

/// Chunks hid a second request: an upgrade has no body in any framing.
#[test]
fn cve_2025_58056_a_body_on_an_upgrade() {
    for lines in [
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer-Encoding: xchunked\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 1\r\n",
        "Content-Length: 18446744073709551616\r\n",
    ] {
        let request = request_with(lines) + "2;\n\r\nxx\r\n0\r\n\r\nGET /admin HTTP/1.1\r\n\r\n";
        assert_eq!(refused(request), (400, RefusalReason::UnexpectedBody), "{lines}");
    }
    for lines in [
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: +0\r\n",
        "Content-Length: 0, 0\r\n",
        "Content-Length:\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x0\r\n",
    ] {
        assert_eq!(refused(request_with(lines)), (400, RefusalReason::AmbiguousBody), "{lines}");
    }
    assert!(serve(request_with("Content-Length: 0\r\n"), &ServerPolicy::new()).is_ok());
}

#[test]
fn smuggling_a_header_that_occurs_twice() {
    for (name, value) in [
        (header::HOST, "example.com"),
        (header::UPGRADE, "websocket"),
        (header::SEC_WEBSOCKET_KEY, KEY),
        (header::SEC_WEBSOCKET_VERSION, "13"),
    ] {
        let request = request_with(&format!("{name}: {value}\r\n"));
        assert_eq!(refused(request), (400, RefusalReason::RepeatedHeader(name)));
    }
    let request = request_with("Content-Length: 0\r\ncontent-length: 0\r\n");
    assert_eq!(refused(request), (400, RefusalReason::RepeatedHeader(header::CONTENT_LENGTH)));
}

#[test]
fn smuggling_lines_that_two_parsers_end_differently() {
    for (lines, expected) in [
        ("X: a\nY: b\r\n", HeadError::BareLineBreak),
        ("X: a\rY: b\r\n", HeadError::BareLineBreak),
        ("X: a\r\r\n", HeadError::BareLineBreak),
        ("X: a\r\n b\r\n", HeadError::Folded),
        ("X: a\r\n\tb\r\n", HeadError::Folded),
        ("X: a\0b\r\n", HeadError::Nul),
        ("\0: b\r\n", HeadError::Nul),
    ] {
        let error = answer(client_request(), response_with(lines)).unwrap_err();
        assert!(matches!(&error, HandshakeError::Head(e) if *e == expected), "{error:?}");
        assert_eq!(refused(request_with(lines)), (400, RefusalReason::Head(expected)));
    }
    let (_, reason) = refused(format!("\r\n{}", request_with("")));
    assert_eq!(reason, RefusalReason::Head(HeadError::EmptyStartLine));
}

#[test]
fn smuggling_a_target_of_another_host() {
    let with = |target: &str| request_with("").replace("/chat", target);
    for target in ["http://example.com/chat", "https://EXAMPLE.com:443/", "http://example.com:80"] {
        assert!(serve(with(target), &ServerPolicy::new()).is_ok(), "{target}");
    }
    for target in [
        "http://other.com/chat",
        "http://example.com:81/",
        "https://example.com:80/",
        "http://user@example.com/",
        "http://example.com.evil.com/",
    ] {
        assert_eq!(refused(with(target)), (400, RefusalReason::HostMismatch), "{target}");
    }
}

#[test]
fn smuggling_an_upgrade_to_two_protocols() {
    for value in ["websocket, h2c", "H2C,websocket", "websocket, websocket"] {
        let request = request_with("").replace("Upgrade: websocket", &format!("Upgrade: {value}"));
        assert_eq!(refused(request), (400, RefusalReason::AmbiguousUpgrade), "{value}");
    }
}

/// A refused upgrade that a proxy believes to have succeeded becomes a tunnel to
/// the server's HTTP: every refusal closes.
#[test]
fn smuggling_behind_a_refused_version() {
    let request = request_with("").replace("Version: 13", "Version: 777");
    // `refused` asserts that the answer closes and announces its length.
    assert_eq!(refused(request + "GET /internal HTTP/1.1\r\n\r\n").0, 426);
}

/// The key was echoed into the hash without having been looked at.
#[test]
fn nats_baec9e8_the_key_is_validated() {
    for key in
        ["", "short", "dGhlIHNhbXBsZSBub25jZQ", &"A".repeat(4000), "dGhlIHNhbXBsZSBub25j\u{e9}=="]
    {
        let request = request_with("").replace(KEY, key);
        assert_eq!(refused(request).1, RefusalReason::InvalidKey, "{key}");
    }
}

/// The path of a failed upgrade touched what only a successful one has.
#[test]
fn nats_fcc8260_a_failed_upgrade_leaves_nothing_half_done() {
    let request = request_with("").replace(KEY, "short");
    let mut server = ServerHandshake::new(HeadLimits::SERVER);
    let incoming = server.receive(request.as_bytes()).unwrap().unwrap();
    let refusal = accept(&incoming.request, &ServerPolicy::new()).unwrap_err();
    assert!(refusal.to_bytes().starts_with(b"HTTP/1.1 400 Bad Request\r\n"));
    assert!(matches!(server.receive(b"more"), Err(HandshakeError::Finished)));
    assert!(matches!(server.end_of_stream(), HandshakeError::Finished));

    for response in
        ["HTTP/1.1 101 OK\r\n\r\n", "HTTP/1.1 999 X\r\n\r\n", "\0", "HTTP/1.1 099 X\r\n\r\n"]
    {
        let mut client = ClientHandshake::new(client_request(), HeadLimits::CLIENT).unwrap();
        let _ = client.receive(response.as_bytes());
        assert!(!matches!(client.receive(b""), Ok(Some(_))));
        client.end_of_stream();
        assert!(matches!(client.receive(b"x"), Err(HandshakeError::Finished)));
    }
}

/// The connection was freed from inside the callback of its own upgrade, which
/// then went on with it.
#[test]
fn cve_2025_11677_dropping_the_connection_inside_the_upgrade_hook() {
    let request = foreign_request().header("sec-websocket-extensions", "a").body(()).unwrap();
    let connection = std::sync::Arc::new(());
    let seen = std::sync::Arc::downgrade(&connection);
    let refusal = accept_with_extensions(&request, &ServerPolicy::new(), |offers| {
        assert_eq!(offers[0].name, "a");
        drop(connection);
        Err(Refusal::new(http::StatusCode::SERVICE_UNAVAILABLE))
    })
    .unwrap_err();
    assert!(seen.upgrade().is_none());
    assert_eq!(refusal.status(), 503);
    assert_eq!(refusal.reason(), &RefusalReason::Application);
}
