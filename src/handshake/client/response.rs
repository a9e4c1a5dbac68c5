//! The response to the request for an upgrade.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, Response, StatusCode, Version,
    header::{
        CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
    },
};

use super::super::{
    Extension, HandshakeError, HeadError, extension,
    grammar::{self, Occurrence},
    head::{Head, header_map},
    key,
};
use super::{ClientUpgrade, request::Offer};

/// The response that `head` holds, of any status.
pub(super) fn parse(head: &Head) -> Result<Response<()>, HeadError> {
    let mut slots = head.slots();
    let mut parsed = httparse::Response::new(&mut slots);
    head.complete(parsed.parse(&head.bytes))?;

    let mut response = Response::new(());
    *response.status_mut() = parsed
        .code
        .and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or(HeadError::syntax(httparse::Error::Status))?;
    *response.version_mut() = match parsed.version {
        Some(1) => Version::HTTP_11,
        _ => Version::HTTP_10,
    };
    *response.headers_mut() = header_map(parsed.headers)?;
    Ok(response)
}

/// Whether a 101 switches to what was offered (RFC 6455, section 4.1).
pub(super) fn judge(
    response: Response<()>,
    offer: &Offer,
    leftover: Bytes,
) -> Result<ClientUpgrade, HandshakeError> {
    if response.version() != Version::HTTP_11 {
        return Err(HandshakeError::HttpVersion);
    }
    let headers = response.headers();
    if !required(headers, &UPGRADE)?.eq_ignore_ascii_case(b"websocket") {
        return Err(HandshakeError::InvalidUpgrade);
    }
    if !headers.contains_key(CONNECTION) {
        return Err(HandshakeError::MissingHeader(CONNECTION));
    }
    if !grammar::lists_token(headers, &CONNECTION, "upgrade") {
        return Err(HandshakeError::InvalidConnection);
    }
    if !key::verify_accept_key(&offer.key, required(headers, &SEC_WEBSOCKET_ACCEPT)?) {
        return Err(HandshakeError::InvalidAcceptKey);
    }
    let subprotocol = subprotocol(headers, offer)?;
    let extensions = extensions(headers, offer)?;
    Ok(ClientUpgrade { response, subprotocol, extensions, leftover })
}

fn subprotocol(headers: &HeaderMap, offer: &Offer) -> Result<Option<String>, HandshakeError> {
    let Some(chosen) = optional(headers, &SEC_WEBSOCKET_PROTOCOL)? else {
        return Ok(None);
    };
    match offer.subprotocols.iter().find(|name| name.as_bytes() == chosen) {
        Some(name) => Ok(Some(name.clone())),
        None => {
            let name = String::from_utf8_lossy(chosen).into_owned();
            Err(HandshakeError::UnofferedSubprotocol(name))
        }
    }
}

fn extensions(headers: &HeaderMap, offer: &Offer) -> Result<Vec<Extension>, HandshakeError> {
    let Some(value) = optional(headers, &SEC_WEBSOCKET_EXTENSIONS)? else {
        return Ok(Vec::new());
    };
    let extensions = extension::parse([value])?;
    for (index, Extension { name, .. }) in extensions.iter().enumerate() {
        if !offer.extensions.contains(name) {
            return Err(HandshakeError::UnofferedExtension(name.clone()));
        }
        if extensions[..index].iter().any(|earlier| earlier.name == *name) {
            return Err(HandshakeError::RepeatedExtension(name.clone()));
        }
    }
    Ok(extensions)
}

fn required<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a [u8], HandshakeError> {
    optional(headers, name)?.ok_or_else(|| HandshakeError::MissingHeader(name.clone()))
}

/// The value of a header that may occur once, without the blanks around it.
fn optional<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a [u8]>, HandshakeError> {
    match grammar::occurrence(headers, name) {
        Occurrence::Absent => Ok(None),
        Occurrence::Once(value) => Ok(Some(grammar::trim(value.as_bytes()))),
        Occurrence::Repeated => Err(HandshakeError::RepeatedHeader(name.clone())),
    }
}
