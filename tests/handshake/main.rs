//! The opening handshake, through the public interface.
//!
//! Tests named `c4_1_nNN_` prove requirement NN of the opening handshake
//! (RFC 6455, sections 3, 4 and 9.1). Number 2 (one connecting attempt at
//! a time for each address), number 3 (TLS before anything, SNI) and the parsing
//! of the URL in number 1 belong to `net` and are tested there. `attacks` holds
//! a test for each published vulnerability that concerns HTTP.

mod attacks;
mod client;
mod origin;
mod pieces;
mod server;

use http::Request;
use wirespeed::handshake::{
    ClientHandshake, ClientRequest, ClientUpgrade, HandshakeError, HeadLimits, IncomingRequest,
    Refusal, RefusalReason, ServerHandshake, ServerPolicy, accept,
};

/// The key of the example in RFC 6455, section 1.3, and what answers it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The header lines that every request for an upgrade has, `Host` apart.
const UPGRADE_LINES: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

/// A request for an upgrade with `lines` added, each ending in CRLF.
fn request_with(lines: &str) -> String {
    format!("GET /chat HTTP/1.1\r\nHost: example.com\r\n{UPGRADE_LINES}{lines}\r\n")
}

/// A 101 that answers [`KEY`] with `lines` added, each ending in CRLF.
fn response_with(lines: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {ACCEPT}\r\n{lines}\r\n"
    )
}

/// A request with [`KEY`], to be added to.
fn client_request() -> ClientRequest {
    ClientRequest::new("example.com", "/chat").key(KEY)
}

fn client(request: ClientRequest) -> ClientHandshake {
    ClientHandshake::new(request, HeadLimits::CLIENT).unwrap()
}

/// What `request` looks like on the wire.
fn encoded(request: ClientRequest) -> String {
    String::from_utf8(client(request).request().to_vec()).unwrap()
}

/// Feeds a whole response to a client that has sent `request`.
fn answer(
    request: ClientRequest,
    response: impl AsRef<[u8]>,
) -> Result<ClientUpgrade, HandshakeError> {
    client(request).receive(response.as_ref()).map(|upgrade| upgrade.expect("a whole response"))
}

/// Reads a whole request.
fn read(request: impl AsRef<[u8]>) -> Result<IncomingRequest, Refusal> {
    match ServerHandshake::new(HeadLimits::SERVER).receive(request.as_ref()) {
        Ok(incoming) => Ok(incoming.expect("a whole request")),
        Err(HandshakeError::Refused(refusal)) => Err(*refusal),
        Err(other) => panic!("{other:?}"),
    }
}

/// Reads a whole request and judges it; what it was accepted with.
fn serve(request: impl AsRef<[u8]>, policy: &ServerPolicy) -> Result<String, Refusal> {
    let incoming = read(request)?;
    let acceptance = accept(&incoming.request, policy)?;
    Ok(String::from_utf8(acceptance.to_bytes()).unwrap())
}

/// The status and the reason with which the default policy refuses a request.
fn refused(request: impl AsRef<[u8]>) -> (u16, RefusalReason) {
    let text = request.as_ref().escape_ascii().to_string();
    let refusal = serve(request, &ServerPolicy::new()).expect_err(&text);
    assert_final(&refusal);
    (refusal.status().as_u16(), refusal.reason().clone())
}

/// The answer ends the connection and announces its length.
fn assert_final(refusal: &Refusal) {
    let bytes = String::from_utf8(refusal.to_bytes()).unwrap();
    let (head, body) = bytes.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("\r\nConnection: close"), "{head}");
    assert!(head.contains(&format!("\r\nContent-Length: {}", body.len())), "{head}");
}

/// The lines of a head, without the start line and the empty line.
fn lines(head: &str) -> Vec<&str> {
    head.split("\r\n").skip(1).filter(|line| !line.is_empty()).collect()
}

/// A request as another HTTP server hands it over.
fn foreign_request() -> http::request::Builder {
    Request::builder()
        .uri("/chat")
        .header("host", "example.com")
        .header("upgrade", "websocket")
        .header("connection", "keep-alive, Upgrade")
        .header("sec-websocket-key", KEY)
        .header("sec-websocket-version", "13")
}
