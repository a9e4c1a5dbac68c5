//! The client's request, and its judgement of the response.

use http::{StatusCode, header};
use wirespeed::{
    WebSocketError, compute_accept_key, generate_websocket_key,
    handshake::{
        ClientHandshake, ClientRequest, Extension, ExtensionError, FieldError, HandshakeError,
        HeadError, HeadLimits, RequestError, UpgradeFailure,
    },
};

use super::{ACCEPT, KEY, answer, client, client_request, encoded, lines, response_with};

/// The error of a request that must not be made.
fn error(request: ClientRequest) -> RequestError {
    ClientHandshake::new(request, HeadLimits::CLIENT).expect_err("the request was made")
}

fn refusal(response: &str) -> UpgradeFailure {
    match answer(client_request(), response) {
        Err(HandshakeError::UpgradeFailed(failure)) => *failure,
        other => panic!("{other:?}"),
    }
}

#[test]
fn c4_1_n01_a_target_with_a_fragment_is_refused() {
    for target in ["/chat#top", "/#", "#", "http://example.com/#a"] {
        let expected = RequestError::InvalidTarget(target.into());
        assert_eq!(error(ClientRequest::new("example.com", target)), expected);
    }
    assert!(encoded(ClientRequest::new("example.com", "/a%23b")).starts_with("GET /a%23b HTTP"));
}

#[test]
fn c4_1_n04_the_request_is_a_get_of_the_resource_in_http_1_1() {
    for target in ["/", "/chat?a=b", "http://example.com/chat", "HTTPS://EXAMPLE.com?q"] {
        let request = encoded(ClientRequest::new("example.com", target));
        assert!(request.starts_with(&format!("GET {target} HTTP/1.1\r\n")), "{request}");
        assert!(request.ends_with("\r\n\r\n"));
    }
    for target in [
        "",
        "chat",
        "*",
        "http://",
        "http://other.com/",
        "http://example.com:81/",
        "ws://example.com/",
    ] {
        let expected = RequestError::InvalidTarget(target.into());
        assert_eq!(error(ClientRequest::new("example.com", target)), expected);
    }
}

/// A feed's path and query are part of its address: nothing is normalised.
#[test]
fn c4_1_n04_path_and_query_are_not_touched() {
    let target = "/stream//../?streams=btcusdt@depth/!ticker@arr&x=%2f%41+%E2%82%BF;,'\"|{}";
    let request = encoded(ClientRequest::new("example.com", target));
    assert!(request.starts_with(&format!("GET {target} HTTP/1.1\r\n")), "{request}");
}

#[test]
fn c4_1_n05_host_is_a_host_with_an_optional_port() {
    for host in ["example.com", "a_b.example:8443", "127.0.0.1:80", "[::1]", "[2001:db8::1]:9001"] {
        let request = encoded(ClientRequest::new(host, "/"));
        assert_eq!(lines(&request)[0], format!("Host: {host}"));
    }
    for host in ["", "a b", "::1", "[::1", "a:b", "a:70000", "user@a", "a/b", "a\r\nX: y", "a\0"] {
        let expected = RequestError::InvalidHost(host.into());
        assert_eq!(error(ClientRequest::new(host, "/")), expected);
    }
}

#[test]
fn c4_1_n06_upgrade_and_connection_are_sent() {
    let request = encoded(client_request());
    assert_eq!(lines(&request)[1..3], ["Upgrade: websocket", "Connection: Upgrade"]);
}

#[test]
fn c4_1_n07_every_request_has_one_fresh_key_of_16_bytes() {
    use base64::{Engine, prelude::BASE64_STANDARD};

    let keys: std::collections::HashSet<String> = (0..100)
        .map(|_| {
            let request = encoded(ClientRequest::new("example.com", "/"));
            let keys: Vec<_> = lines(&request)
                .into_iter()
                .filter_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
                .collect();
            let [key] = keys[..] else { panic!("{request}") };
            assert_eq!(BASE64_STANDARD.decode(key).unwrap().len(), 16);
            key.to_owned()
        })
        .collect();
    assert_eq!(keys.len(), 100);

    let key = generate_websocket_key();
    assert_eq!(BASE64_STANDARD.decode(&key).unwrap().len(), 16);
    assert_ne!(key, generate_websocket_key());
    assert_eq!(error(client_request().key("too short")), RequestError::InvalidKey);
}

#[test]
fn c4_1_n08_version_13_is_sent_once() {
    let request = encoded(client_request());
    assert_eq!(request.matches("Sec-WebSocket-Version").count(), 1);
    assert!(lines(&request).contains(&"Sec-WebSocket-Version: 13"));
}

#[test]
fn c4_1_n09_an_origin_is_sent_only_where_it_is_given() {
    assert!(!encoded(client_request()).contains("Origin"));
    let request = encoded(client_request().origin("https://example.com"));
    assert!(lines(&request).contains(&"Origin: https://example.com"));
    let request = client_request().origin("https://a.com").header("origin", "https://b.com");
    assert_eq!(error(request), RequestError::RepeatedOrigin);
    assert_eq!(error(client_request().origin("a\r\nb: c")), RequestError::InvalidOrigin);
}

#[test]
fn c4_1_n10_subprotocols_are_different_tokens() {
    let request = encoded(client_request().subprotocol("v2.book").subprotocol("v1.book"));
    assert!(lines(&request).contains(&"Sec-WebSocket-Protocol: v2.book, v1.book"));
    assert!(!encoded(client_request()).contains("Sec-WebSocket-Protocol"));

    for name in ["", "a b", "a,b", "a;b", "a/b", "\"a\"", "a\r\n", "a\t", "é", "a\u{7f}", "(a)"] {
        let expected = RequestError::InvalidSubprotocol(name.into());
        assert_eq!(error(client_request().subprotocol(name)), expected);
    }
    let repeated = client_request().subprotocol("a").subprotocol("a");
    assert_eq!(error(repeated), RequestError::RepeatedSubprotocol("a".into()));
}

/// The request is all there is to send; what the server sends behind its 101
/// is kept for the frame parser.
#[test]
fn c4_1_n11_bytes_behind_the_response_are_kept() {
    let mut bytes = response_with("").into_bytes();
    bytes.extend_from_slice(b"\x81\x02hi");
    assert_eq!(answer(client_request(), bytes).unwrap().leftover, &b"\x81\x02hi"[..]);

    assert!(encoded(client_request()).ends_with("\r\n\r\n"));
    assert_eq!(encoded(client_request()).matches("\r\n\r\n").count(), 1);
}

#[test]
fn c4_1_n12_a_101_switches_protocols() {
    let upgrade = answer(client_request(), response_with("Server: x\r\n")).unwrap();
    assert_eq!(upgrade.response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(upgrade.response.headers()[header::SERVER], "x");
    assert_eq!(
        (upgrade.subprotocol, upgrade.extensions, upgrade.leftover.len()),
        (None, vec![], 0)
    );

    let tolerated = format!(
        "HTTP/1.1 101\r\nsec-websocket-accept:\t{ACCEPT} \r\nCONNECTION: keep-alive\r\n\
         connection:foo ,UPGRADE\r\nupgrade: WebSocket\r\n\r\n"
    );
    answer(client_request(), tolerated).unwrap();
}

#[test]
fn c4_1_n12_upgrade_must_be_websocket() {
    let response = |lines: &str| {
        let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n";
        answer(client_request(), format!("{head}Sec-WebSocket-Accept: {ACCEPT}\r\n{lines}\r\n"))
    };
    assert!(response("Upgrade: websocket\r\n").is_ok());
    let missing = response("").unwrap_err();
    assert!(matches!(missing, HandshakeError::MissingHeader(header::UPGRADE)), "{missing:?}");
    for value in ["", "h2c", "websockets", "websocket, h2c"] {
        let error = response(&format!("Upgrade: {value}\r\n")).unwrap_err();
        assert!(matches!(error, HandshakeError::InvalidUpgrade), "{error:?}");
    }
    let repeated = response("Upgrade: websocket\r\nUpgrade: websocket\r\n").unwrap_err();
    assert!(matches!(repeated, HandshakeError::RepeatedHeader(header::UPGRADE)), "{repeated:?}");
}

#[test]
fn c4_1_n12_connection_must_name_upgrade() {
    let response = |lines: &str| {
        let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n";
        answer(client_request(), format!("{head}Sec-WebSocket-Accept: {ACCEPT}\r\n{lines}\r\n"))
    };
    assert!(response("Connection: close, upgrade\r\n").is_ok());
    let missing = response("").unwrap_err();
    assert!(matches!(missing, HandshakeError::MissingHeader(header::CONNECTION)), "{missing:?}");
    for value in ["", "close", "upgrades", "up grade", "\"upgrade\""] {
        let error = response(&format!("Connection: {value}\r\n")).unwrap_err();
        assert!(matches!(error, HandshakeError::InvalidConnection), "{error:?}");
    }
}

#[test]
fn c4_1_n12_accept_must_answer_the_key() {
    assert_eq!(compute_accept_key(KEY), ACCEPT);
    let response = |lines: &str| {
        let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade";
        answer(client_request(), format!("{head}\r\n{lines}\r\n"))
    };
    let missing = response("").unwrap_err();
    assert!(matches!(missing, HandshakeError::MissingHeader(header::SEC_WEBSOCKET_ACCEPT)));
    let long = format!("{ACCEPT}=");
    let wrong_case = ACCEPT.to_uppercase();
    for value in ["", "x", KEY, &ACCEPT[1..], &ACCEPT[..27], &long, &wrong_case, "\u{e9}\0"] {
        let value = value.trim_end_matches('\0');
        let error = response(&format!("Sec-WebSocket-Accept: {value}\r\n")).unwrap_err();
        assert!(matches!(error, HandshakeError::InvalidAcceptKey), "{error:?}");
    }
    let error = response(&format!("Sec-WebSocket-Accept: {KEY}\r\n")).unwrap_err();
    assert!(matches!(WebSocketError::from(error), WebSocketError::InvalidAcceptKey));
}

#[test]
fn c4_1_n12_another_status_is_surfaced_with_headers_and_body() {
    let failure = refusal(
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nslowignored",
    );
    assert_eq!(failure.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(failure.headers[header::RETRY_AFTER], "7");
    assert_eq!(failure.body, "slow");

    let failure = refusal("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(
        (failure.status, &failure.headers["location"]),
        (StatusCode::FOUND, &"/x".parse().unwrap())
    );

    let response =
        "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n";
    assert_eq!(refusal(response).body, "no");
    assert_eq!(refusal("HTTP/1.1 204 No Content\r\n\r\n").body, "");
    let response = "HTTP/1.0 503 Down\r\nContent-Length: 2\r\n\r\nhm";
    assert_eq!(refusal(response).status, StatusCode::SERVICE_UNAVAILABLE);

    let error = answer(client_request(), response).unwrap_err();
    assert!(
        matches!(WebSocketError::from(error), WebSocketError::UpgradeFailed(f) if f.body == "hm")
    );
}

#[test]
fn c4_1_n12_no_more_than_4_kib_of_a_body_are_kept() {
    let head = b"HTTP/1.1 500 Oops\r\n\r\n".as_slice();
    let mut client = client(client_request());
    assert!(client.receive(head).unwrap().is_none());
    assert!(client.receive(&[b'x'; 4095]).unwrap().is_none());
    let error = client.receive(&[b'y'; 1 << 20]).unwrap_err();
    let HandshakeError::UpgradeFailed(failure) = error else { panic!("{error:?}") };
    assert_eq!(failure.body.len(), 4096);
    assert_eq!(failure.body.last(), Some(&b'y'));
    assert!(matches!(client.receive(b"x"), Err(HandshakeError::Finished)));
}

#[test]
fn c4_1_n12_the_end_of_the_stream_ends_a_body() {
    let mut client = client(client_request());
    let head = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 10\r\n\r\nhalf";
    assert!(client.receive(head).unwrap().is_none());
    let error = client.end_of_stream();
    let HandshakeError::UpgradeFailed(failure) = error else { panic!("{error:?}") };
    assert_eq!(failure.body, "half");
}

#[test]
fn c4_1_n12_the_end_of_the_stream_inside_the_head_is_an_error() {
    let mut client = client(client_request());
    assert!(client.receive(b"HTTP/1.1 101 Sw").unwrap().is_none());
    assert!(matches!(client.end_of_stream(), HandshakeError::UnexpectedEof));
    assert!(matches!(client.end_of_stream(), HandshakeError::Finished));
}

#[test]
fn c4_1_n12_interim_responses_are_passed_over() {
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n";
    answer(client_request(), format!("{interim}{}", response_with(""))).unwrap();

    let mut client = client(client_request());
    let flood = "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000);
    let error = client.receive(flood.as_bytes()).unwrap_err();
    assert!(matches!(error, HandshakeError::Head(HeadError::Limit(_))), "{error:?}");
}

#[test]
fn c4_1_n12_http_1_0_cannot_switch_protocols() {
    let response = response_with("").replace("HTTP/1.1", "HTTP/1.0");
    let error = answer(client_request(), response).unwrap_err();
    assert!(matches!(error, HandshakeError::HttpVersion), "{error:?}");
}

#[test]
fn c4_1_n13_a_subprotocol_must_be_one_of_those_offered() {
    let request = || client_request().subprotocol("v2").subprotocol("v1");
    let chosen = response_with("Sec-WebSocket-Protocol: v1\r\n");
    assert_eq!(answer(request(), &chosen).unwrap().subprotocol.as_deref(), Some("v1"));
    assert_eq!(answer(request(), response_with("")).unwrap().subprotocol, None);

    let unoffered = |request, value: &str| {
        let response = response_with(&format!("Sec-WebSocket-Protocol: {value}\r\n"));
        match answer(request, response) {
            Err(HandshakeError::UnofferedSubprotocol(name)) => name,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(unoffered(client_request(), "v1"), "v1");
    for value in ["v3", "V1", "v1, v2", "v1,", ""] {
        assert_eq!(unoffered(request(), value), value);
    }
}

#[test]
fn c4_1_n13_an_extension_must_be_one_of_those_offered() {
    let request = || client_request().extensions("permessage-deflate; client_max_window_bits, foo");
    let response = response_with("Sec-WebSocket-Extensions: foo; a=1\r\n");
    let upgrade = answer(request(), response).unwrap();
    assert_eq!(upgrade.extensions, [Extension::new("foo").param("a", "1")]);

    let error = |request, value: &str| {
        answer(request, response_with(&format!("Sec-WebSocket-Extensions: {value}\r\n")))
            .unwrap_err()
    };
    let unoffered = error(request(), "foo, bar");
    assert!(matches!(unoffered, HandshakeError::UnofferedExtension(name) if name == "bar"));
    let unoffered = error(client_request(), "foo");
    assert!(matches!(unoffered, HandshakeError::UnofferedExtension(name) if name == "foo"));
    let repeated = error(request(), "foo, foo; a");
    assert!(matches!(repeated, HandshakeError::RepeatedExtension(name) if name == "foo"));
    let empty = error(request(), "");
    assert!(matches!(empty, HandshakeError::Extensions(ExtensionError::Empty)));
}

#[test]
fn c4_1_n13_the_answers_occur_once_at_most() {
    let request = || client_request().subprotocol("a").extensions("foo, bar");
    for (name, lines) in [
        (header::SEC_WEBSOCKET_ACCEPT, format!("Sec-WebSocket-Accept: {ACCEPT}\r\n")),
        (header::SEC_WEBSOCKET_PROTOCOL, "Sec-WebSocket-Protocol: a\r\n".repeat(2)),
        (
            header::SEC_WEBSOCKET_EXTENSIONS,
            "Sec-WebSocket-Extensions: foo\r\nSec-WebSocket-Extensions: bar\r\n".into(),
        ),
    ] {
        let error = answer(request(), response_with(&lines)).unwrap_err();
        assert!(matches!(&error, HandshakeError::RepeatedHeader(n) if *n == name), "{error:?}");
    }
}

#[test]
fn c4_1_n19_malformed_extensions_in_a_response_fail() {
    let request = || client_request().extensions("foo");
    for value in ["foo; a=\"b c\"", "foo; a=\"\"", "foo; a=\"b", "foo;", "foo; a=", "foo bar"] {
        let response = response_with(&format!("Sec-WebSocket-Extensions: {value}\r\n"));
        let error = answer(request(), response).unwrap_err();
        assert!(matches!(error, HandshakeError::Extensions(_)), "{value}: {error:?}");
    }
    let response = response_with("Sec-WebSocket-Extensions: foo; a=\"\\b\"\r\n");
    let upgrade = answer(request(), response).unwrap();
    assert_eq!(upgrade.extensions, [Extension::new("foo").param("a", "b")]);
    assert!(matches!(error(client_request().extensions("foo;")), RequestError::Extensions(_)));
}

#[test]
fn headers_keep_their_case_and_their_order() {
    let request = client_request()
        .header("x-mbx-APIKEY", "one")
        .header("Authorization", "Bearer two")
        .header("X-MBX-apikey", b"\xff\tthree".to_vec());
    let client = client(request);
    let expected =
        b"x-mbx-APIKEY: one\r\nAuthorization: Bearer two\r\nX-MBX-apikey: \xff\tthree\r\n\r\n";
    assert!(client.request().ends_with(expected));
}

/// A line break in what the user supplies must not become one on the wire.
#[test]
fn header_injection_is_refused_before_anything_is_sent() {
    let invalid_name = |name: &str| FieldError::InvalidName { name: name.into() };
    let invalid_value = || FieldError::InvalidValue { name: "X".into() };
    for name in ["", "a b", "a:", "a\r\nb", "a\0", "é", "a\n", " a"] {
        let expected = RequestError::Header(invalid_name(name));
        assert_eq!(error(client_request().header(name, "v")), expected);
    }
    for value in ["a\r\nInjected: 1", "a\n", "\r", "\0", "\u{7f}", "\u{1b}[2J"] {
        let expected = RequestError::Header(invalid_value());
        assert_eq!(error(client_request().header("X", value)), expected);
    }
    for target in ["/ HTTP/1.1\r\nX: y", "/a b", "/\n", "/\0", "/é", "/\t"] {
        let expected = RequestError::InvalidTarget(target.into());
        assert_eq!(error(ClientRequest::new("a", target)), expected);
    }
    assert!(matches!(error(client_request().extensions("a\r\nX: y")), RequestError::Extensions(_)));
    assert_eq!(error(client_request().key("a\r\nX: yyyyyyyyyyyyyyyy")), RequestError::InvalidKey);
}

#[test]
fn headers_of_the_handshake_cannot_be_overridden() {
    for name in [
        "Host",
        "upgrade",
        "CONNECTION",
        "Sec-WebSocket-Key",
        "sec-websocket-version",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
        "Sec-WebSocket-Accept",
        "Sec-WebSocket-Anything",
        "Content-Length",
        "Transfer-Encoding",
    ] {
        let expected = RequestError::Header(FieldError::Reserved { name: name.into() });
        assert_eq!(error(client_request().header(name, "1")), expected);
    }
}

#[test]
fn credentials_do_not_show_in_debug_output() {
    let request = client_request().header("Authorization", "Bearer s3cret");
    assert!(!format!("{request:?}").contains("s3cret"));
    assert!(!format!("{:?}", client(request)).contains("s3cret"));
}
