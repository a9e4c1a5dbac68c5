//! Headers that the user adds to a request or a response.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::grammar;

/// A header that cannot be added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// The name is not a token.
    #[error("{name:?} is not a header name")]
    InvalidName {
        /// The name as it was given.
        name: String,
    },
    /// The value holds a line break, a NUL or another control character.
    #[error("the value of header {name} holds a character that a header cannot carry")]
    InvalidValue {
        /// The header's name; its value may be a secret.
        name: String,
    },
    /// The handshake itself writes this header, or it would change what the
    /// message means.
    #[error("header {name} belongs to the handshake")]
    Reserved {
        /// The header's name.
        name: String,
    },
}

/// A header as it will be written: the name's case and the place among its
/// like are the user's.
#[derive(Clone)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: Vec<u8>,
}

impl Field {
    /// A header that has still to be [checked](Self::check).
    pub(super) fn unchecked(name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), value: value.into() }
    }

    /// A header that can be written.
    pub(super) fn new(
        name: impl Into<String>,
        value: impl Into<Vec<u8>>,
    ) -> Result<Self, FieldError> {
        let field = Self::unchecked(name, value);
        field.check()?;
        Ok(field)
    }

    /// Whether the header can be written without changing the handshake.
    pub(super) fn check(&self) -> Result<(), FieldError> {
        let name = || self.name.clone();
        if !grammar::is_token(self.name.as_bytes()) {
            return Err(FieldError::InvalidName { name: name() });
        }
        if is_reserved(&self.name) {
            return Err(FieldError::Reserved { name: name() });
        }
        if !is_field_value(&self.value) {
            return Err(FieldError::InvalidValue { name: name() });
        }
        Ok(())
    }

    pub(super) fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The fields as a map, for another HTTP server to write.
    pub(super) fn to_map(fields: &[Self]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for field in fields {
            // What has been checked fits; only a map that is full, at 32,768
            // headers, leaves one out.
            if let (Ok(name), Ok(value)) = (
                HeaderName::from_bytes(field.name.as_bytes()),
                HeaderValue::from_bytes(&field.value),
            ) {
                let _ = map.try_append(name, value);
            }
        }
        map
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        write_field(out, &self.name, &self.value);
    }
}

impl std::fmt::Debug for Field {
    /// Names alone: a value may be a credential.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// Writes one header line.
pub(super) fn write_field(out: &mut Vec<u8>, name: &str, value: impl AsRef<[u8]>) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_ref());
    out.extend_from_slice(b"\r\n");
}

/// Whether `value` can stand in a header: tabs, visible characters, spaces and
/// bytes beyond ASCII (RFC 9110, section 5.5).
pub(super) fn is_field_value(value: &[u8]) -> bool {
    value.iter().all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 127))
}

/// Headers that the handshake writes, and those that announce a body or
/// concern the connection: an upgrade has neither to spare.
fn is_reserved(name: &str) -> bool {
    const NAMES: [&str; 10] = [
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    const PREFIX: &str = "sec-websocket-";
    NAMES.iter().any(|reserved| name.eq_ignore_ascii_case(reserved))
        || name
            .as_bytes()
            .get(..PREFIX.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(PREFIX.as_bytes()))
}
