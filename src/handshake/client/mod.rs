//! The client's side of the opening handshake (RFC 6455, section 4.1).

mod body;
mod request;
mod response;

use bytes::Bytes;
use http::Response;

pub use request::{ClientRequest, RequestError};

use self::{body::Body, request::Offer};
use super::{Extension, HandshakeError, HeadLimits, UpgradeFailure, head::HeadBuffer};

/// A handshake under way: [send](Self::request) the request, then
/// [feed](Self::receive) what the server answers.
#[derive(Debug)]
pub struct ClientHandshake {
    request: RequestBytes,
    offer: Offer,
    state: State,
}

/// A connection that has switched protocols.
#[derive(Debug)]
#[non_exhaustive]
pub struct ClientUpgrade {
    /// The server's response, whose status is 101.
    pub response: Response<()>,
    /// The subprotocol that the server chose among those offered.
    pub subprotocol: Option<String>,
    /// The extensions in use, each of them offered by name; whether their
    /// parameters fit what was offered is for the extension to judge.
    pub extensions: Vec<Extension>,
    /// What arrived behind the response: the first bytes of the first frames.
    pub leftover: Bytes,
}

impl ClientHandshake {
    /// Begins a handshake, whose response may be as large as `limits` allow.
    ///
    /// # Errors
    ///
    /// [`RequestError`] if the request cannot be made as it is asked for; see
    /// [`ClientRequest`].
    pub fn new(request: ClientRequest, limits: HeadLimits) -> Result<Self, RequestError> {
        let (request, offer) = request.encode()?;
        Ok(Self {
            request: RequestBytes(request),
            offer,
            state: State::Head { buffer: HeadBuffer::new(limits), limits },
        })
    }

    /// The bytes to send, and all of them: the server has to answer before
    /// anything else may follow.
    pub fn request(&self) -> &[u8] {
        &self.request.0
    }

    /// Takes the next bytes from the server, in pieces of any size. `None` asks
    /// for more.
    ///
    /// Interim responses (1xx other than 101) are passed over and count toward
    /// the limits. Where the answer is a refusal, the error comes when the body
    /// is whole or its first 4 KiB are there.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::UpgradeFailed`] for an answer other than 101; others
    /// for one that breaks the rules. After an error, and after an upgrade, the
    /// handshake is over.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Option<ClientUpgrade>, HandshakeError> {
        match std::mem::replace(&mut self.state, State::Finished) {
            State::Head { buffer, limits } => self.receive_head(buffer, limits, bytes),
            State::Body { failure, body } => self.receive_body(failure, body, bytes),
            State::Finished => Err(HandshakeError::Finished),
        }
    }

    /// The server has ended the stream: why the handshake failed. It is
    /// [`HandshakeError::UpgradeFailed`] if the end came inside the body of
    /// a refusal, or was its end.
    pub fn end_of_stream(&mut self) -> HandshakeError {
        match std::mem::replace(&mut self.state, State::Finished) {
            State::Head { .. } => HandshakeError::UnexpectedEof,
            State::Body { failure, body } => refused(failure, body),
            State::Finished => HandshakeError::Finished,
        }
    }

    /// The stream has failed, or takes too long: the server's refusal,
    /// [`HandshakeError::UpgradeFailed`], if as much has come of it as its head.
    pub fn refusal(&mut self) -> Option<HandshakeError> {
        matches!(self.state, State::Body { .. }).then(|| self.end_of_stream())
    }

    fn receive_head(
        &mut self,
        mut buffer: HeadBuffer,
        mut limits: HeadLimits,
        mut bytes: &[u8],
    ) -> Result<Option<ClientUpgrade>, HandshakeError> {
        while let Some(head) = buffer.push(bytes)? {
            bytes = &bytes[head.consumed..];
            let response = response::parse(&head)?;
            match response.status().as_u16() {
                101 => {
                    let leftover = Bytes::copy_from_slice(bytes);
                    return response::judge(response, &self.offer, leftover).map(Some);
                }
                100..=199 => {
                    limits.bytes -= head.bytes.len();
                    limits.headers -= head.headers;
                    buffer = HeadBuffer::new(limits);
                }
                _ => {
                    let body = Body::of(&response);
                    let (parts, ()) = response.into_parts();
                    let failure = UpgradeFailure {
                        status: parts.status,
                        headers: parts.headers,
                        body: Bytes::new(),
                    };
                    return self.receive_body(Box::new(failure), body, bytes);
                }
            }
        }
        self.state = State::Head { buffer, limits };
        Ok(None)
    }

    fn receive_body(
        &mut self,
        failure: Box<UpgradeFailure>,
        mut body: Body,
        bytes: &[u8],
    ) -> Result<Option<ClientUpgrade>, HandshakeError> {
        body.push(bytes);
        if body.is_complete() {
            return Err(refused(failure, body));
        }
        self.state = State::Body { failure, body };
        Ok(None)
    }
}

fn refused(mut failure: Box<UpgradeFailure>, body: Body) -> HandshakeError {
    failure.body = body.into_bytes();
    HandshakeError::UpgradeFailed(failure)
}

enum State {
    Head {
        buffer: HeadBuffer,
        /// What is left after interim responses.
        limits: HeadLimits,
    },
    Body {
        failure: Box<UpgradeFailure>,
        body: Body,
    },
    Finished,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Head { .. } => "Head",
            Self::Body { .. } => "Body",
            Self::Finished => "Finished",
        })
    }
}

/// An encoded request. It may hold credentials, so that it is not for logs.
struct RequestBytes(Vec<u8>);

impl std::fmt::Debug for RequestBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}
