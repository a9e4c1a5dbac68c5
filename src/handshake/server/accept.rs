//! The judgement of a request, and the answer that switches protocols.

use std::collections::HashSet;

use http::{
    HeaderMap, Request, Response, StatusCode, Version,
    header::{ORIGIN, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL},
};

use super::super::{Extension, authority::Authority, extension, field::Field, grammar, key};
use super::{Refusal, RefusalReason, ServerPolicy, rules};

/// An accepted upgrade: the answer to send, and what was agreed in it.
#[derive(Debug, Clone)]
pub struct Acceptance {
    headers: Vec<Field>,
    subprotocol: Option<String>,
    extensions: Vec<Extension>,
}

/// Accepts a request for an upgrade, without extensions, or refuses it.
///
/// The request may come from [`ServerHandshake`](super::ServerHandshake) or
/// from another HTTP server.
///
/// # Errors
///
/// A [`Refusal`], which carries the answer to send, for a request that breaks
/// the rules of RFC 6455, section 4.2.1, or that `policy` does not allow.
pub fn accept<B>(request: &Request<B>, policy: &ServerPolicy) -> Result<Acceptance, Refusal> {
    accept_with_extensions(request, policy, |_| Ok(Vec::new()))
}

/// Accepts a request for an upgrade, or refuses it.
///
/// `negotiate` is asked once everything else is in order, and only if the
/// client offers extensions. It is given the offers, the client's preferred
/// first, and returns what is agreed, in the order in which it is applied to
/// the data; nothing, to decline them all. It may also refuse the request.
///
/// # Errors
///
/// As [`accept`], and what `negotiate` refuses. Agreeing to an extension that
/// was not offered, or twice to the same, is refused with status 500.
pub fn accept_with_extensions<B>(
    request: &Request<B>,
    policy: &ServerPolicy,
    negotiate: impl FnOnce(&[Extension]) -> Result<Vec<Extension>, Refusal>,
) -> Result<Acceptance, Refusal> {
    rules::check_unambiguous(request)?;
    let key = rules::check_upgrade(request)?;
    check_host(request.headers(), policy)?;
    check_origin(request.headers(), policy)?;
    let subprotocol = choose_subprotocol(request.headers(), policy)?;
    let offers = offered_extensions(request.headers())?;
    let extensions = if offers.is_empty() { Vec::new() } else { negotiate(&offers)? };
    Acceptance::new(key, policy, subprotocol, extensions, &offers).map_err(Refusal::from)
}

impl Acceptance {
    /// The subprotocol that was chosen.
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// The extensions that were agreed, in the order in which they apply.
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// The bytes to send. Frames follow them at once.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(b"HTTP/1.1 101 Switching Protocols\r\n");
        for field in &self.headers {
            field.write(&mut out);
        }
        out.extend_from_slice(b"\r\n");
        out
    }

    /// The answer for another HTTP server to send.
    pub fn to_response(&self) -> Response<()> {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *response.version_mut() = Version::HTTP_11;
        *response.headers_mut() = Field::to_map(&self.headers);
        response
    }

    fn new(
        key: &str,
        policy: &ServerPolicy,
        subprotocol: Option<String>,
        extensions: Vec<Extension>,
        offers: &[Extension],
    ) -> Result<Self, RefusalReason> {
        let accept = key::compute_accept_key(key);
        let mut headers = vec![
            Field::unchecked("Upgrade", "websocket"),
            Field::unchecked("Connection", "Upgrade"),
            Field::unchecked("Sec-WebSocket-Accept", accept),
        ];
        if let Some(name) = &subprotocol {
            headers.push(Field::unchecked("Sec-WebSocket-Protocol", name.as_str()));
        }
        if !extensions.is_empty() {
            let value = agreed_extensions(&extensions, offers)?;
            headers.push(Field::unchecked("Sec-WebSocket-Extensions", value));
        }
        headers.extend_from_slice(&policy.headers);
        Ok(Self { headers, subprotocol, extensions })
    }
}

fn check_host(headers: &HeaderMap, policy: &ServerPolicy) -> Result<(), RefusalReason> {
    let Some(hosts) = &policy.hosts else {
        return Ok(());
    };
    let Authority { host, .. } = rules::host(headers).ok_or(RefusalReason::InvalidHost)?;
    if hosts.contains(&host) { Ok(()) } else { Err(RefusalReason::Host(host)) }
}

fn check_origin(headers: &HeaderMap, policy: &ServerPolicy) -> Result<(), RefusalReason> {
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let origin = String::from_utf8_lossy(origin.as_bytes());
    let host = rules::host(headers).ok_or(RefusalReason::InvalidHost)?;
    if policy.origin.allows(&origin, &host, policy.secure) {
        Ok(())
    } else {
        Err(RefusalReason::Origin(origin.into_owned()))
    }
}

fn choose_subprotocol(
    headers: &HeaderMap,
    policy: &ServerPolicy,
) -> Result<Option<String>, RefusalReason> {
    if !headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
        return Ok(None);
    }
    let offered = offered_subprotocols(headers).ok_or(RefusalReason::Subprotocols)?;
    match policy.subprotocol.choose(&offered) {
        Some(name) if !offered.contains(&name) => Err(RefusalReason::UnofferedSubprotocol),
        choice => Ok(choice.map(str::to_owned)),
    }
}

/// The offered subprotocols: different tokens, and at least one.
fn offered_subprotocols(headers: &HeaderMap) -> Option<Vec<&str>> {
    let mut seen = HashSet::new();
    let offered: Vec<&str> = grammar::list_members(headers, &SEC_WEBSOCKET_PROTOCOL)
        .map(|name| {
            let is_new = grammar::is_token(name) && seen.insert(name);
            is_new.then(|| std::str::from_utf8(name).ok())?
        })
        .collect::<Option<_>>()?;
    (!offered.is_empty()).then_some(offered)
}

fn offered_extensions(headers: &HeaderMap) -> Result<Vec<Extension>, RefusalReason> {
    if !headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) {
        return Ok(Vec::new());
    }
    Ok(extension::parse(headers.get_all(SEC_WEBSOCKET_EXTENSIONS))?)
}

/// The header value for what was agreed, if it was offered.
fn agreed_extensions(agreed: &[Extension], offers: &[Extension]) -> Result<String, RefusalReason> {
    let names = |list: &[Extension], name: &str| list.iter().any(|other| other.name == name);
    let fits = agreed.iter().enumerate().all(|(index, extension)| {
        names(offers, &extension.name) && !names(&agreed[..index], &extension.name)
    });
    match extension::format(agreed) {
        Ok(value) if fits => Ok(value),
        _ => Err(RefusalReason::UnofferedExtension),
    }
}
