//! HTTP `CONNECT` (RFC 9110, section 9.3.6).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Credentials, ProxyError};
use crate::net::WebSocketUrl;

/// The answer's head, interim answers included.
const MAX_HEAD: usize = 8 * 1024;
const MAX_HEADERS: usize = 64;

/// The proxy's answer, as far as it has come.
#[derive(Default)]
pub(super) struct HttpConnect {
    head: Vec<u8>,
    /// Bytes of interim answers before this head.
    interim: usize,
    open: bool,
}

impl HttpConnect {
    /// The request, and the state that awaits its answer.
    pub(super) fn start(
        target: &WebSocketUrl,
        credentials: Option<&Credentials>,
    ) -> Result<(Vec<u8>, Self), ProxyError> {
        let target = target.authority();
        let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
        if let Some(Credentials { user, password }) = credentials {
            if user.contains(':') {
                return Err(ProxyError::CredentialsForm);
            }
            request.push_str("Proxy-Authorization: Basic ");
            STANDARD.encode_string(format!("{user}:{password}"), &mut request);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        Ok((request.into_bytes(), Self::default()))
    }

    /// A head ends in an empty line, so that its end is at least as far away
    /// as the shortest one still to come.
    pub(super) fn wanted(&self) -> usize {
        if self.open {
            0
        } else if self.head.ends_with(b"\n") || self.head.ends_with(b"\n\r") {
            1
        } else {
            2
        }
    }

    /// Takes at most the bytes that are wanted.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Result<(), ProxyError> {
        if self.interim + self.head.len() + bytes.len() > MAX_HEAD {
            return Err(ProxyError::TooLarge);
        }
        self.head.extend_from_slice(bytes);
        if !(self.head.ends_with(b"\n\r\n") || self.head.ends_with(b"\n\n")) {
            return Ok(());
        }
        match parse_status(&self.head)? {
            200..=299 => self.open = true,
            // Interim, except for the one that would change the protocol.
            100 | 102..=199 => {
                self.interim += self.head.len();
                self.head.clear();
            }
            status => return Err(ProxyError::Refused { status }),
        }
        Ok(())
    }
}

fn parse_status(head: &[u8]) -> Result<u16, ProxyError> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(head) {
        Ok(httparse::Status::Complete(_)) => response.code.ok_or(ProxyError::Malformed),
        Ok(httparse::Status::Partial) => Err(ProxyError::Malformed),
        Err(httparse::Error::TooManyHeaders) => Err(ProxyError::TooLarge),
        Err(_) => Err(ProxyError::Malformed),
    }
}
