//! However the bytes are cut, and whatever they are.

use proptest::prelude::*;
use wirespeed::handshake::{
    Extension, ExtensionParam, HandshakeError, HeadLimits, OriginPolicy, ServerHandshake,
    ServerPolicy, accept, extension, is_upgrade_request,
};

use super::{client, client_request, request_with, response_with};

/// What a client says to a response that arrives in `pieces`, then ends; what
/// follows an upgrade counts as left over, in whichever piece it came.
fn client_outcome<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let request = client_request().subprotocol("a").extensions("foo");
    let mut client = client(request);
    let mut pieces = pieces.into_iter();
    for piece in pieces.by_ref() {
        match client.receive(piece) {
            Ok(None) => {}
            Ok(Some(upgrade)) => {
                let mut leftover = upgrade.leftover.to_vec();
                pieces.for_each(|piece| leftover.extend_from_slice(piece));
                return format!(
                    "{:?} {:?} {:?} {leftover:?}",
                    upgrade.response, upgrade.subprotocol, upgrade.extensions
                );
            }
            Err(error) => return describe(&error),
        }
    }
    describe(&client.end_of_stream())
}

/// What a server says to a request that arrives in `pieces`, then ends.
fn server_outcome<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut server = ServerHandshake::new(HeadLimits::SERVER);
    let mut pieces = pieces.into_iter();
    for piece in pieces.by_ref() {
        match server.receive(piece) {
            Ok(None) => {}
            Ok(Some(incoming)) => {
                let mut leftover = incoming.leftover.to_vec();
                pieces.for_each(|piece| leftover.extend_from_slice(piece));
                let is_upgrade = is_upgrade_request(&incoming.request);
                let policy = ServerPolicy::new().subprotocols(["a"]);
                let outcome = match accept(&incoming.request, &policy) {
                    Ok(acceptance) => acceptance.to_bytes(),
                    Err(refusal) => refusal.to_bytes(),
                };
                return format!("{:?} {is_upgrade} {outcome:?} {leftover:?}", incoming.request);
            }
            Err(error) => return describe(&error),
        }
    }
    describe(&server.end_of_stream())
}

/// An error without the number of bytes seen when a limit was exceeded, which
/// depends on how they were cut.
fn describe(error: &HandshakeError) -> String {
    let text = format!("{error:?}");
    text.split("actual").next().unwrap_or_default().to_owned()
}

#[test]
fn a_response_cut_in_two_anywhere_gives_the_same_outcome() {
    let agreed = "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Extensions: foo; b=c\r\n";
    for response in [
        response_with(agreed) + "\u{81}frames",
        format!("HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n{}", response_with("")),
        "HTTP/1.1 403 No\r\nContent-Length: 6\r\n\r\ndeniedrest".into(),
        "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nden\r\n3;x\r\nied\r\n0\r\n\r\n"
            .into(),
        "HTTP/1.1 403 No\r\n\r\ndenied".into(),
        response_with("X: a\nb\r\n"),
        response_with("X : a\r\n"),
    ] {
        let bytes = response.as_bytes();
        let whole = client_outcome([bytes]);
        for cut in 0..=bytes.len() {
            let (first, second) = bytes.split_at(cut);
            assert_eq!(client_outcome([first, second]), whole, "cut at {cut}");
        }
        assert_eq!(client_outcome(bytes.chunks(1)), whole);
    }
}

#[test]
fn a_request_cut_in_two_anywhere_gives_the_same_outcome() {
    for request in [
        request_with("Sec-WebSocket-Protocol: a\r\n") + "\u{81}frames",
        request_with("Origin: null\r\n"),
        request_with("Content-Length: 3\r\n") + "abc",
        request_with("X: a\r\n b\r\n"),
        request_with("X : a\r\n"),
        "GET / HTTP/1.1\r\n".into(),
    ] {
        let bytes = request.as_bytes();
        let whole = server_outcome([bytes]);
        for cut in 0..=bytes.len() {
            let (first, second) = bytes.split_at(cut);
            assert_eq!(server_outcome([first, second]), whole, "cut at {cut}");
        }
        assert_eq!(server_outcome(bytes.chunks(1)), whole);
    }
}

/// Bytes near a valid head: a few of them replaced, removed or doubled.
fn mutated(head: String) -> impl Strategy<Value = Vec<u8>> {
    let length = head.len();
    let edits = prop::collection::vec((0..length, any::<u8>(), 0..4u8), 0..4);
    edits.prop_map(move |edits| {
        let mut bytes = head.clone().into_bytes();
        for (index, byte, kind) in edits {
            let index = index.min(bytes.len().saturating_sub(1));
            match kind {
                0 => bytes[index] = byte,
                1 if bytes.len() > 1 => drop(bytes.remove(index)),
                2 => bytes.insert(index, byte),
                _ => bytes.truncate(index + 1),
            }
        }
        bytes
    })
}

fn token() -> impl Strategy<Value = String> {
    "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}"
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        piece in 1usize..64,
    ) {
        prop_assert_eq!(client_outcome([&bytes[..]]), client_outcome(bytes.chunks(piece)));
        prop_assert_eq!(server_outcome([&bytes[..]]), server_outcome(bytes.chunks(piece)));
        let _ = extension::parse([&bytes]);
    }

    #[test]
    fn nearly_valid_responses_never_panic(
        bytes in mutated(response_with("Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Extensions: foo;b=\"c\"\r\n")),
        piece in 1usize..64,
    ) {
        prop_assert_eq!(client_outcome([&bytes[..]]), client_outcome(bytes.chunks(piece)));
    }

    #[test]
    fn nearly_valid_requests_never_panic(
        bytes in mutated(request_with("Origin: http://example.com\r\nSec-WebSocket-Extensions: foo;b=\"c\"\r\n")),
        piece in 1usize..64,
    ) {
        prop_assert_eq!(server_outcome([&bytes[..]]), server_outcome(bytes.chunks(piece)));
    }

    #[test]
    fn what_users_supply_never_reaches_the_wire_as_another_line(
        name in ".{0,8}", value in ".{0,16}", host in ".{0,12}", target in "/.{0,12}",
    ) {
        use wirespeed::handshake::{ClientHandshake, ClientRequest};
        let request = ClientRequest::new(host, target).header(name, value.clone()).origin(value);
        if let Ok(client) = ClientHandshake::new(request, HeadLimits::CLIENT) {
            let wire = client.request();
            prop_assert_eq!(wire.iter().filter(|&&byte| byte == b'\n').count(), 9);
            prop_assert!(wire.windows(4).filter(|end| end == b"\r\n\r\n").count() == 1);
        }
    }

    #[test]
    fn origins_never_panic(origin in ".{0,24}") {
        let _ = OriginPolicy::exact([&origin]);
    }

    #[test]
    fn written_extensions_are_read_back(
        extensions in prop::collection::vec(
            (token(), prop::collection::vec((token(), prop::option::of(token())), 0..4)), 1..5),
    ) {
        let extensions: Vec<_> = extensions.into_iter().map(|(name, params)| Extension {
            name,
            params: params.into_iter().map(|(name, value)| ExtensionParam { name, value }).collect(),
        }).collect();
        let text = extension::format(&extensions).unwrap();
        prop_assert_eq!(extension::parse([text]).unwrap(), extensions);
    }
}
