//! The server's judgement of a request, and its answer.

use http::{StatusCode, Version, header};
use wirespeed::{
    WebSocketError, WebSocketUrl,
    handshake::{
        ClientRequest, Extension, ExtensionError, FieldError, HeadError, OriginPolicy, Refusal,
        RefusalReason, ServerPolicy, accept, accept_with_extensions, extension, is_upgrade_request,
    },
};

use super::{
    ACCEPT, KEY, UPGRADE_LINES, assert_final, encoded, foreign_request, lines, read, refused,
    request_with, serve,
};

fn default_policy() -> ServerPolicy {
    ServerPolicy::new()
}

#[test]
fn c4_1_n11_bytes_behind_the_request_are_kept() {
    let mut bytes = request_with("").into_bytes();
    bytes.extend_from_slice(b"\x81\x80\0\0\0\0");
    assert_eq!(read(bytes).unwrap().leftover, &b"\x81\x80\0\0\0\0"[..]);
}

#[test]
fn c4_1_n14_order_and_case_of_headers_and_lists_do_not_matter() {
    let request = format!(
        "GET /chat HTTP/1.1\r\nSEC-WEBSOCKET-VERSION: 13\r\nconnection: keep-alive\r\n\
         cONNECTION: foo,UPGRADE\r\nsec-websocket-key:\t{KEY} \r\n\
         UPGRADE: foo/2 , WebSocket,\r\nhost: example.com\r\n\r\n"
    );
    assert!(is_upgrade_request(&read(&request).unwrap().request));
    let response = serve(request, &default_policy()).unwrap();
    assert!(response.contains(&format!("\r\nSec-WebSocket-Accept: {ACCEPT}\r\n")));
}

/// Each line of the request in turn is missing or wrong.
#[test]
fn c4_1_n14_a_request_that_breaks_the_grammar_is_refused() {
    let with = |from: &str, to: &str| {
        let request = request_with("");
        assert!(request.contains(from), "{from}");
        refused(request.replacen(from, to, 1))
    };
    assert_eq!(with("Host: example.com\r\n", ""), (400, RefusalReason::MissingHost));
    for host in ["", "a b", "a,b", "user@a", "a:x", "é"] {
        assert_eq!(with("example.com", host), (400, RefusalReason::InvalidHost), "{host}");
    }
    for target in ["/chat#a", "/é", "#", "chat"] {
        assert_eq!(with("/chat", target), (400, RefusalReason::InvalidTarget), "{target}");
    }
    assert_eq!(with("HTTP/1.1", "HTTP/1.0"), (400, RefusalReason::HttpVersion));
    assert_eq!(with("GET", "POST"), (405, RefusalReason::Method));
    assert_eq!(with("Upgrade: websocket\r\n", ""), (426, RefusalReason::NotAnUpgrade));
    assert_eq!(with("Upgrade: websocket", "Upgrade: h2c"), (426, RefusalReason::NotAnUpgrade));
    assert_eq!(
        with("Connection: Upgrade", "Connection: close"),
        (426, RefusalReason::NotAnUpgrade)
    );
    for (from, to) in [
        ("HTTP/1.1", "HTTP/2.0"),
        ("HTTP/1.1", "HTTP/1.10"),
        ("GET ", "GET  "),
        ("GET", "G@T"),
        ("Host: ", "Host "),
        ("Host: ", ": "),
        ("Host: ", "Ho st: "),
        ("example.com", "exam\u{1}ple"),
    ] {
        let (status, reason) = with(from, to);
        assert!(matches!(reason, RefusalReason::Head(HeadError::Syntax(_))), "{to}: {reason:?}");
        assert_eq!(status, 400);
    }
}

#[test]
fn c4_1_n14_the_key_is_base64_of_16_bytes() {
    let with = |key: &str| refused(request_with("").replace(KEY, key));
    for key in ["", "x", "AAAA", "dGhlIHNhbXBsZSBub25jZTE=", "dGhlIHNhbXBsZSBub25jZ!==", "é"] {
        assert_eq!(with(key), (400, RefusalReason::InvalidKey), "{key}");
    }
    let missing = request_with("").replace(&format!("Sec-WebSocket-Key: {KEY}\r\n"), "");
    assert_eq!(refused(&missing), (400, RefusalReason::MissingKey));
    let refusal = serve(missing, &default_policy()).unwrap_err();
    assert!(matches!(WebSocketError::from(refusal), WebSocketError::MissingKey));

    // The example in section 4.1 of the RFC has bits behind its last byte.
    let example = request_with("").replace(KEY, "AQIDBAUGBwgJCgsMDQ4PEC==");
    assert!(serve(example, &default_policy()).is_ok());
}

#[test]
fn c4_1_n15_another_version_is_answered_with_426_and_ours() {
    let line = "Sec-WebSocket-Version: 13\r\n";
    for replacement in ["", "8", "0", "14", "013", "13.0", "13, 8", "x"] {
        let replacement = match replacement {
            "" => String::new(),
            version => format!("Sec-WebSocket-Version: {version}\r\n"),
        };
        let request = request_with("").replace(line, &replacement);
        let refusal = serve(request, &default_policy()).unwrap_err();
        assert_eq!(refusal.reason(), &RefusalReason::UnsupportedVersion, "{replacement}");
        let bytes = String::from_utf8(refusal.to_bytes()).unwrap();
        assert!(bytes.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{bytes}");
        assert!(bytes.contains("\r\nSec-WebSocket-Version: 13\r\n"));
        assert!(bytes.contains("\r\nUpgrade: websocket\r\n"));
        // Named as well: it is for this hop only.
        assert!(bytes.contains("\r\nConnection: close, Upgrade\r\n"));
        assert_final(&refusal);
    }
}

#[test]
fn c4_1_n16_what_the_server_dislikes_gets_its_proper_status() {
    let request = request_with("Origin: https://evil.example\r\n");
    let reason = RefusalReason::Origin("https://evil.example".into());
    assert_eq!(refused(request), (403, reason));

    let refusal = Refusal::new(StatusCode::NOT_FOUND);
    let bytes = String::from_utf8(refusal.to_bytes()).unwrap();
    assert!(bytes.starts_with("HTTP/1.1 404 Not Found\r\n"), "{bytes}");
    assert!(bytes.ends_with("\r\n\r\nNot Found\n"));
    assert_eq!(refusal.reason(), &RefusalReason::Application);
    assert_final(&refusal);

    let request = request_with("").replace("GET", "PUT");
    let refusal = serve(request, &default_policy()).unwrap_err();
    assert_eq!(refusal.to_response().headers()[header::ALLOW], "GET");
    assert_eq!(refusal.to_response().status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[test]
fn c4_1_n17_the_acceptance_has_upgrade_connection_and_accept() {
    let response = serve(request_with(""), &default_policy()).unwrap();
    assert!(response.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
    let accept = format!("Sec-WebSocket-Accept: {ACCEPT}");
    assert_eq!(lines(&response), ["Upgrade: websocket", "Connection: Upgrade", &accept]);
    assert!(response.ends_with("\r\n\r\n"));
}

#[test]
fn c4_1_n17_the_server_chooses_among_the_offered_subprotocols() {
    let request = request_with("Sec-WebSocket-Protocol: v1, v2\r\nSec-WebSocket-Protocol: v3\r\n");
    let chosen = |policy: ServerPolicy| {
        let response = serve(&request, &policy).unwrap();
        let lines = lines(&response);
        lines
            .into_iter()
            .find_map(|l| l.strip_prefix("Sec-WebSocket-Protocol: ").map(str::to_owned))
    };
    assert_eq!(chosen(default_policy()), None);
    assert_eq!(chosen(default_policy().subprotocols(["v4", "v3", "v1"])).as_deref(), Some("v3"));
    assert_eq!(chosen(default_policy().subprotocols(["V1"])), None);
    let last = default_policy().choose_subprotocol(|offered| offered.last().copied());
    assert_eq!(chosen(last).as_deref(), Some("v3"));
    assert_eq!(chosen(default_policy().choose_subprotocol(|_| None)), None);

    let supporting = default_policy().subprotocols(["v1"]);
    let response = serve(request_with(""), &supporting).unwrap();
    assert!(!response.contains("Sec-WebSocket-Protocol"));
}

#[test]
fn c4_1_n17_a_subprotocol_that_was_not_offered_is_never_sent() {
    let policy = default_policy().choose_subprotocol(|_| Some("other"));
    let refusal = serve(request_with("Sec-WebSocket-Protocol: v1\r\n"), &policy).unwrap_err();
    assert_eq!(refusal.reason(), &RefusalReason::UnofferedSubprotocol);
    assert_eq!(refusal.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[test]
fn c4_1_n17_offered_subprotocols_are_different_tokens() {
    for value in ["", "a b", "a, a", "a;b", "\"a\"", "a, é"] {
        let request = request_with(&format!("Sec-WebSocket-Protocol: {value}\r\n"));
        assert_eq!(refused(request), (400, RefusalReason::Subprotocols), "{value}");
    }
}

#[test]
fn c4_1_n17_extensions_come_from_the_offers_of_all_lines() {
    let incoming = read(request_with(
        "Sec-WebSocket-Extensions: foo\r\nSec-WebSocket-Extensions: bar; baz=2, foo; x\r\n",
    ))
    .unwrap();
    let agree = |agreed: Vec<Extension>| {
        accept_with_extensions(&incoming.request, &default_policy(), |offers| {
            let expected = extension::parse(["foo, bar; baz=2, foo; x"]).unwrap();
            assert_eq!(offers, expected);
            Ok(agreed)
        })
    };
    let bar = Extension::new("bar").param("baz", "1").flag("y");
    let acceptance = agree(vec![bar.clone(), Extension::new("foo")]).unwrap();
    let response = acceptance.to_response();
    assert_eq!(response.headers()[header::SEC_WEBSOCKET_EXTENSIONS], "bar; baz=1; y, foo");
    assert_eq!(acceptance.extensions(), [bar.clone(), Extension::new("foo")]);

    let declined = agree(Vec::new()).unwrap().to_response();
    assert!(!declined.headers().contains_key(header::SEC_WEBSOCKET_EXTENSIONS));
    for agreed in [
        vec![Extension::new("other")],
        vec![bar.clone(), bar],
        vec![Extension::new("foo").param("a", "b c")],
        vec![Extension::new("foo").flag("a\r\nX: y")],
    ] {
        let refusal = agree(agreed).unwrap_err();
        assert_eq!(refusal.reason(), &RefusalReason::UnofferedExtension);
    }
}

#[test]
fn c4_1_n18_a_challenge_or_a_redirection_can_be_answered() {
    let refusal = Refusal::new(StatusCode::UNAUTHORIZED)
        .header("WWW-Authenticate", "Basic realm=\"feed\"")
        .unwrap()
        .header("Content-Type", "application/json")
        .unwrap()
        .body("{}");
    let bytes = String::from_utf8(refusal.to_bytes()).unwrap();
    assert_eq!(
        bytes,
        "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 2\r\n\
         WWW-Authenticate: Basic realm=\"feed\"\r\nContent-Type: application/json\r\n\r\n{}"
    );
    let redirection =
        Refusal::new(StatusCode::TEMPORARY_REDIRECT).header("Location", "/v2").unwrap();
    let response = redirection.to_response();
    assert_eq!(response.headers()[header::LOCATION], "/v2");
    assert_eq!(response.headers()[header::CONNECTION], "close");
    assert_eq!(response.body(), "Temporary Redirect\n");
    // A success would read as an acceptance.
    assert_eq!(Refusal::new(StatusCode::OK).status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(Refusal::new(StatusCode::SWITCHING_PROTOCOLS).status(), 500);
}

#[test]
fn an_answer_that_may_have_no_body_has_none() {
    let refusal = Refusal::new(StatusCode::NOT_MODIFIED).header("ETag", "\"1\"").unwrap();
    for refusal in [refusal.clone(), refusal.body("the same")] {
        assert_eq!(
            String::from_utf8(refusal.to_bytes()).unwrap(),
            "HTTP/1.1 304 Not Modified\r\nConnection: close\r\nETag: \"1\"\r\n\r\n"
        );
        assert_eq!(refusal.to_response().body(), "");
    }
}

#[test]
fn c4_1_n19_quoted_values_must_be_tokens() {
    let parse = |value: &str| extension::parse([value]);
    let foo = || Extension::new("foo");
    assert_eq!(parse("foo; a=\"b\"").unwrap(), [foo().param("a", "b")]);
    assert_eq!(parse("foo; a=\"\\b\\-c\"").unwrap(), [foo().param("a", "b-c")]);
    assert_eq!(
        parse("foo ;\ta = \"b\" ;c , bar").unwrap(),
        [foo().param("a", "b").flag("c"), Extension::new("bar")]
    );
    assert_eq!(parse(",, foo ,,").unwrap(), [foo()]);
    for (value, error) in [
        ("foo; a=\"\"", ExtensionError::InvalidValue),
        ("foo; a=\"b", ExtensionError::InvalidValue),
        ("foo; a=\"b\\", ExtensionError::InvalidValue),
        ("foo; a=\" b\"", ExtensionError::InvalidValue),
        ("foo; a=\"b,c\"", ExtensionError::InvalidValue),
        ("foo; a=\"b\\\"c\"", ExtensionError::InvalidValue),
        ("foo; a=\"é\"", ExtensionError::InvalidValue),
        ("foo; a=", ExtensionError::InvalidValue),
        ("foo; a=;b", ExtensionError::InvalidValue),
        ("foo; a==b", ExtensionError::InvalidValue),
        ("foo;", ExtensionError::InvalidName),
        ("foo;;a", ExtensionError::InvalidName),
        ("foo; =b", ExtensionError::InvalidName),
        ("=foo", ExtensionError::InvalidName),
        ("\"foo\"", ExtensionError::InvalidName),
        ("foo bar", ExtensionError::InvalidSeparator),
        ("foo; a b", ExtensionError::InvalidSeparator),
        ("foo; a=\"b\"c", ExtensionError::InvalidSeparator),
        ("", ExtensionError::Empty),
        (" , ,", ExtensionError::Empty),
    ] {
        assert_eq!(parse(value), Err(error), "{value}");
        let request = request_with(&format!("Sec-WebSocket-Extensions: {value}\r\n"));
        assert_eq!(refused(request), (400, RefusalReason::Extensions(error)), "{value}");
    }
}

#[test]
fn a_request_from_another_http_server_is_judged_alike() {
    let request = foreign_request().body("any body type").unwrap();
    assert!(is_upgrade_request(&request));
    let response = accept(&request, &default_policy()).unwrap().to_response();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers()[header::SEC_WEBSOCKET_ACCEPT], ACCEPT);
    assert_eq!(response.headers()[header::UPGRADE], "websocket");
    assert_eq!(response.headers()[header::CONNECTION], "Upgrade");

    let request = foreign_request().version(Version::HTTP_2).body(()).unwrap();
    assert!(!is_upgrade_request(&request));
    let refusal = accept(&request, &default_policy()).unwrap_err();
    assert_eq!(refusal.reason(), &RefusalReason::HttpVersion);

    let request = foreign_request().header("host", "other.com").body(()).unwrap();
    let refusal = accept(&request, &default_policy()).unwrap_err();
    assert_eq!(refusal.reason(), &RefusalReason::RepeatedHeader(header::HOST));
}

#[test]
fn a_request_that_is_no_upgrade_is_read_as_it_is() {
    let incoming = read("GET /health?x=1 HTTP/1.1\r\nHost: a:80\r\nX: y\r\n\r\n").unwrap();
    assert_eq!(incoming.request.uri(), "/health?x=1");
    assert_eq!(incoming.request.headers()["x"], "y");
    assert!(!is_upgrade_request(&incoming.request));
    let (status, reason) = refused("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!((status, reason), (426, RefusalReason::NotAnUpgrade));
}

#[test]
fn path_and_query_of_a_request_are_not_touched() {
    let target = "/stream//../?streams=btcusdt@depth/!ticker@arr&x=%2f%41";
    let incoming = read(request_with("").replace("/chat", target)).unwrap();
    assert_eq!(incoming.request.uri().path_and_query().unwrap(), target);
}

#[test]
fn headers_can_be_added_to_every_acceptance() {
    let policy = default_policy()
        .origin(OriginPolicy::Any)
        .header("X-Feed", "one")
        .unwrap()
        .header("Set-Cookie", "a=b")
        .unwrap();
    let response = serve(request_with(""), &policy).unwrap();
    assert!(response.ends_with("\r\nX-Feed: one\r\nSet-Cookie: a=b\r\n\r\n"));

    for (name, value) in [("X\r\nY", "z"), ("X", "y\r\nZ: 1"), ("X", "\0")] {
        assert!(default_policy().header(name, value).is_err());
        assert!(Refusal::new(StatusCode::NOT_FOUND).header(name, value).is_err());
    }
    for name in ["Upgrade", "sec-websocket-accept", "Content-Length", "connection"] {
        let expected = FieldError::Reserved { name: name.into() };
        assert_eq!(default_policy().header(name, "x").unwrap_err(), expected);
        assert_eq!(Refusal::new(StatusCode::FOUND).header(name, "x").unwrap_err(), expected);
    }
}

/// What was wrong with a request is for the log: the client sees the status.
#[test]
fn a_refusal_tells_the_client_its_status_only() {
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\n{UPGRADE_LINES}\r\n");
    let refusal = serve(request, &default_policy()).unwrap_err();
    assert!(refusal.to_string().contains("http://b"));
    assert!(refusal.to_bytes().ends_with(b"\r\n\r\nForbidden\n"));
    assert!(!String::from_utf8(refusal.to_bytes()).unwrap().contains("http://b"));
}

/// Whatever a client sends for a URL, ours reads.
#[test]
fn the_resource_of_any_url_is_a_target() {
    for text in [
        "ws://example.com/a?x=<1>",
        "ws://example.com/`a`?b=`c`",
        "ws://example.com/\"a\"?x=\"b\"",
        "ws://example.com/a\\b?c|d^e",
        "ws://example.com/a{b}?x={\"a\":[1|2]}",
        "ws://example.com/币安?é",
    ] {
        let url: WebSocketUrl = text.parse().unwrap();
        let request = encoded(ClientRequest::new(url.host_header(), url.resource()));
        let incoming = read(request).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
        assert_eq!(incoming.request.uri(), url.resource(), "{text}");
    }
}
