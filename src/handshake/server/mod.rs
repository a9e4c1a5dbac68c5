//! The server's side of the opening handshake (RFC 6455, section 4.2).
//!
//! [`ServerHandshake`] reads the head of a request; [`accept`] judges
//! a request, whoever has read it, and answers it with an [`Acceptance`] or
//! a [`Refusal`]. Between the two there is room to look at the path, to
//! authenticate, or to handle what is no upgrade.

mod accept;
mod origin;
mod policy;
mod refusal;
mod request;
mod rules;

use bytes::Bytes;
use http::Request;

pub use accept::{Acceptance, accept, accept_with_extensions};
pub use origin::{InvalidOrigin, Origin, OriginPolicy};
pub use policy::ServerPolicy;
pub use refusal::{Refusal, RefusalReason};
pub use rules::is_upgrade_request;

use super::{HandshakeError, HeadLimits, head::HeadBuffer};

/// A request under way: [feed](Self::receive) what the client sends.
pub struct ServerHandshake {
    /// `None` once the head is whole or has been refused.
    buffer: Option<HeadBuffer>,
}

/// The head of a request, and what followed it.
#[derive(Debug)]
#[non_exhaustive]
pub struct IncomingRequest {
    /// The request; not necessarily one for an upgrade.
    pub request: Request<()>,
    /// What arrived behind the head. After an upgrade, these are the first
    /// bytes of the first frames; they must never be read as a request.
    pub leftover: Bytes,
}

impl ServerHandshake {
    /// Begins a handshake whose request may be as large as `limits` allow.
    pub fn new(limits: HeadLimits) -> Self {
        Self { buffer: Some(HeadBuffer::new(limits)) }
    }

    /// Takes the next bytes from the client, in pieces of any size. `None` asks
    /// for more.
    ///
    /// Any request is let through whose meaning is beyond doubt: whether it is
    /// one for an upgrade, and whether that has a body, is for [`accept`].
    ///
    /// # Errors
    ///
    /// [`HandshakeError::Refused`] with the answer to send for what is no HTTP,
    /// too large, or open to several readings: a repeated `Host`, `Content-Length`
    /// or WebSocket header, a folded header, a bare CR or LF, a blank before
    /// a colon, a target whose host is not the one in `Host`.
    /// [`HandshakeError::Finished`] after an error, and after a request.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Option<IncomingRequest>, HandshakeError> {
        let mut buffer = self.buffer.take().ok_or(HandshakeError::Finished)?;
        let Some(head) = buffer.push(bytes).map_err(Refusal::from)? else {
            self.buffer = Some(buffer);
            return Ok(None);
        };
        let request = request::parse(&head).map_err(Refusal::from)?;
        Ok(Some(IncomingRequest {
            request,
            leftover: Bytes::copy_from_slice(&bytes[head.consumed..]),
        }))
    }

    /// The client has ended the stream before its request was whole.
    pub fn end_of_stream(&mut self) -> HandshakeError {
        match self.buffer.take() {
            Some(_) => HandshakeError::UnexpectedEof,
            None => HandshakeError::Finished,
        }
    }
}

impl Default for ServerHandshake {
    fn default() -> Self {
        Self::new(HeadLimits::SERVER)
    }
}

impl std::fmt::Debug for ServerHandshake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let finished = self.buffer.is_none();
        f.debug_struct("ServerHandshake").field("finished", &finished).finish()
    }
}
