//! The request for an upgrade.

use std::collections::HashSet;

use super::super::{
    Extension, ExtensionError, FieldError,
    authority::Authority,
    extension,
    field::{Field, is_field_value, write_field},
    grammar, key,
};

/// What to ask a server for.
///
/// Nothing is judged until [`ClientHandshake::new`](super::ClientHandshake::new)
/// encodes the request; whatever could smuggle something into it is refused
/// there, before a byte is sent.
///
/// Headers are written as they are given: names keep their case, and lines
/// their order, behind those of the handshake itself. Path and query are not
/// touched.
#[derive(Debug, Clone)]
pub struct ClientRequest {
    host: String,
    target: String,
    origin: Option<Vec<u8>>,
    subprotocols: Vec<String>,
    extensions: Option<String>,
    headers: Vec<Field>,
    key: Option<String>,
}

/// A request that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The host is not `host` or `host:port`.
    #[error("{0:?} is not a host with an optional port")]
    InvalidHost(String),
    /// The target is neither a path that begins with `/` nor an absolute URI of
    /// the same host, or holds a fragment, a blank, a control character or
    /// a character beyond ASCII.
    #[error("{0:?} is not a request target")]
    InvalidTarget(String),
    /// The origin holds a character that a header cannot carry.
    #[error("the origin holds a character that a header cannot carry")]
    InvalidOrigin,
    /// A subprotocol is not a token.
    #[error("subprotocol {0:?} is not a token")]
    InvalidSubprotocol(String),
    /// A subprotocol is offered twice.
    #[error("subprotocol {0:?} is offered twice")]
    RepeatedSubprotocol(String),
    /// The extensions to offer are malformed.
    #[error("invalid extensions to offer: {0}")]
    Extensions(#[from] ExtensionError),
    /// A header cannot be added.
    #[error(transparent)]
    Header(#[from] FieldError),
    /// The origin is given twice, as such and as a header.
    #[error("the origin is given twice")]
    RepeatedOrigin,
    /// The key is not base64 of 16 bytes.
    #[error("the key is not base64 of 16 bytes")]
    InvalidKey,
    /// The system has no random bytes for a key.
    #[error("the system has no random bytes for the key")]
    Randomness,
}

impl ClientRequest {
    /// A request to `host`, which is the value of the `Host` header (a host
    /// and, unless it is the default, a port; IPv6 addresses in brackets), for
    /// `target` (a path with an optional query; or, for a proxy, an absolute
    /// `http` or `https` URI).
    pub fn new(host: impl Into<String>, target: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            target: target.into(),
            origin: None,
            subprotocols: Vec::new(),
            extensions: None,
            headers: Vec::new(),
            key: None,
        }
    }

    /// Adds a header, `Authorization` for example. The handshake's own headers
    /// cannot be added, nor those that announce a body.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push(Field::unchecked(name, value));
        self
    }

    /// Offers a subprotocol; the first offered is the most preferred.
    #[must_use]
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        self.subprotocols.push(name.into());
        self
    }

    /// Offers extensions: the value of `Sec-WebSocket-Extensions`, which
    /// [`extension::format`](super::super::extension::format) can write.
    #[must_use]
    pub fn extensions(mut self, offers: impl Into<String>) -> Self {
        self.extensions = Some(offers.into());
        self
    }

    /// Sends an `Origin`, as a browser would.
    #[must_use]
    pub fn origin(mut self, origin: impl Into<Vec<u8>>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// Sends this key instead of a random one, so that a test knows what
    /// answers it.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The bytes of the request, and what the response has to fit.
    pub(super) fn encode(self) -> Result<(Vec<u8>, Offer), RequestError> {
        self.check_target()?;
        self.check_subprotocols()?;
        self.check_headers()?;
        let offers = match &self.extensions {
            Some(value) => extension::parse([value])?,
            None => Vec::new(),
        };
        let key = match &self.key {
            Some(key) if key::is_valid_key(key.as_bytes()) => key.clone(),
            Some(_) => return Err(RequestError::InvalidKey),
            None => key::try_generate_key().map_err(|_| RequestError::Randomness)?,
        };
        Ok((self.write(&key), Offer::new(key, self.subprotocols, offers)))
    }

    fn check_target(&self) -> Result<(), RequestError> {
        let host = Authority::parse(&self.host)
            .ok_or_else(|| RequestError::InvalidHost(self.host.clone()))?;
        let names_host = |authority| Authority::parse(authority).is_some_and(|a| a == host);
        let fits = self.target.starts_with('/')
            || grammar::absolute_authority(&self.target).is_some_and(names_host);
        if fits && grammar::is_request_target(self.target.as_bytes()) {
            Ok(())
        } else {
            Err(RequestError::InvalidTarget(self.target.clone()))
        }
    }

    fn check_subprotocols(&self) -> Result<(), RequestError> {
        let mut seen = HashSet::new();
        for name in &self.subprotocols {
            if !grammar::is_token(name.as_bytes()) {
                return Err(RequestError::InvalidSubprotocol(name.clone()));
            }
            if !seen.insert(name) {
                return Err(RequestError::RepeatedSubprotocol(name.clone()));
            }
        }
        Ok(())
    }

    fn check_headers(&self) -> Result<(), RequestError> {
        for field in &self.headers {
            field.check()?;
        }
        if self.origin.as_ref().is_some_and(|origin| !is_field_value(origin)) {
            return Err(RequestError::InvalidOrigin);
        }
        let origins = self.headers.iter().filter(|field| field.is_named("origin")).count();
        if origins + usize::from(self.origin.is_some()) > 1 {
            return Err(RequestError::RepeatedOrigin);
        }
        Ok(())
    }

    fn write(&self, key: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        for part in ["GET ", &self.target, " HTTP/1.1\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        write_field(&mut out, "Host", &self.host);
        write_field(&mut out, "Upgrade", "websocket");
        write_field(&mut out, "Connection", "Upgrade");
        write_field(&mut out, "Sec-WebSocket-Key", key);
        write_field(&mut out, "Sec-WebSocket-Version", "13");
        if !self.subprotocols.is_empty() {
            write_field(&mut out, "Sec-WebSocket-Protocol", self.subprotocols.join(", "));
        }
        if let Some(extensions) = &self.extensions {
            write_field(&mut out, "Sec-WebSocket-Extensions", extensions);
        }
        if let Some(origin) = &self.origin {
            write_field(&mut out, "Origin", origin);
        }
        for field in &self.headers {
            field.write(&mut out);
        }
        out.extend_from_slice(b"\r\n");
        out
    }
}

/// What was offered: the response may choose from it.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) key: String,
    pub(super) subprotocols: Vec<String>,
    pub(super) extensions: Vec<String>,
}

impl Offer {
    fn new(key: String, subprotocols: Vec<String>, extensions: Vec<Extension>) -> Self {
        let extensions = extensions.into_iter().map(|extension| extension.name).collect();
        Self { key, subprotocols, extensions }
    }
}
