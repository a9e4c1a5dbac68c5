//! What a request must be: for anyone to read it in one way, and for an upgrade
//! to WebSocket (RFC 6455, section 4.2.1).

use http::{
    HeaderMap, HeaderName, Method, Request, Version,
    header::{
        CONNECTION, CONTENT_LENGTH, HOST, ORIGIN, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION,
        TRANSFER_ENCODING, UPGRADE,
    },
};

use super::super::{
    authority::Authority,
    grammar::{self, Occurrence},
    key,
};
use super::RefusalReason;

/// Whether a request asks for an upgrade to WebSocket, so that it is one to
/// [`accept`](super::accept) or refuse rather than to handle as plain HTTP.
///
/// ```
/// # use wirespeed::handshake::is_upgrade_request;
/// let request = http::Request::get("/").body(()).unwrap();
/// assert!(!is_upgrade_request(&request));
/// ```
pub fn is_upgrade_request<B>(request: &Request<B>) -> bool {
    // A server ignores Upgrade in HTTP/1.0 (RFC 9110, section 7.8).
    request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && asks_for_websocket(request.headers())
}

/// Refuses what an intermediary could read in another way than we do: the
/// difference is where requests are smuggled.
pub(super) fn check_unambiguous<B>(request: &Request<B>) -> Result<(), RefusalReason> {
    const AT_MOST_ONCE: [HeaderName; 6] =
        [HOST, CONTENT_LENGTH, UPGRADE, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, ORIGIN];

    let headers = request.headers();
    for name in AT_MOST_ONCE {
        if matches!(grammar::occurrence(headers, &name), Occurrence::Repeated) {
            return Err(RefusalReason::RepeatedHeader(name));
        }
    }
    if let Some(length) = headers.get(CONTENT_LENGTH) {
        let digits = length.as_bytes();
        let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        if !is_number || headers.contains_key(TRANSFER_ENCODING) {
            return Err(RefusalReason::AmbiguousBody);
        }
    }
    check_host(request)
}

/// Refuses what is no request for an upgrade to this version of WebSocket;
/// returns its key.
pub(super) fn check_upgrade<B>(request: &Request<B>) -> Result<&str, RefusalReason> {
    let headers = request.headers();
    if request.method() != Method::GET {
        return Err(RefusalReason::Method);
    }
    if request.version() != Version::HTTP_11 {
        return Err(RefusalReason::HttpVersion);
    }
    if has_body(headers) {
        return Err(RefusalReason::UnexpectedBody);
    }
    if !asks_for_websocket(headers) {
        return Err(RefusalReason::NotAnUpgrade);
    }
    if asks_for_more(headers) {
        return Err(RefusalReason::AmbiguousUpgrade);
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(RefusalReason::UnsupportedVersion);
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).ok_or(RefusalReason::MissingKey)?;
    match key.to_str() {
        Ok(key) if key::is_valid_key(key.as_bytes()) => Ok(key),
        _ => Err(RefusalReason::InvalidKey),
    }
}

/// The request's `Host`, if it is a valid one.
pub(super) fn host(headers: &HeaderMap) -> Option<Authority> {
    Authority::parse(headers.get(HOST)?.to_str().ok()?)
}

/// Refuses a missing or malformed `Host`, and one that contradicts the target
/// (RFC 9112, section 3.2).
fn check_host<B>(request: &Request<B>) -> Result<(), RefusalReason> {
    if request.headers().contains_key(HOST) {
        let host = host(request.headers()).ok_or(RefusalReason::InvalidHost)?;
        return match request.uri().authority() {
            Some(target) if !names_same(target.as_str(), &host, default_port(request)) => {
                Err(RefusalReason::HostMismatch)
            }
            _ => Ok(()),
        };
    }
    match request.version() {
        Version::HTTP_11 => Err(RefusalReason::MissingHost),
        _ => Ok(()),
    }
}

fn names_same(target: &str, host: &Authority, default_port: Option<u16>) -> bool {
    Authority::parse(target).is_some_and(|target| target.is_same(host, default_port))
}

fn default_port<B>(request: &Request<B>) -> Option<u16> {
    match request.uri().scheme_str()? {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

fn has_body(headers: &HeaderMap) -> bool {
    let is_zero = |length: &http::HeaderValue| length.as_bytes().iter().all(|&digit| digit == b'0');
    headers.contains_key(TRANSFER_ENCODING)
        || headers.get(CONTENT_LENGTH).is_some_and(|length| !is_zero(length))
}

fn asks_for_websocket(headers: &HeaderMap) -> bool {
    grammar::lists_token(headers, &UPGRADE, "websocket")
        && grammar::lists_token(headers, &CONNECTION, "upgrade")
}

/// Whether `Upgrade` also names what an intermediary may switch to instead: it
/// would then pass on, as that protocol, bytes that it has not looked at.
fn asks_for_more(headers: &HeaderMap) -> bool {
    let named = |protocol| {
        grammar::list_members(headers, &UPGRADE)
            .filter(|member: &&[u8]| member.eq_ignore_ascii_case(protocol))
            .count()
    };
    named(b"h2c".as_slice()) > 0 || named(b"websocket") > 1
}
