//! The answer to a request that is not accepted.

use bytes::Bytes;
use http::{HeaderName, Response, StatusCode, Version};

use super::super::{ExtensionError, FieldError, HeadError, field::Field};

/// A request that was not accepted, and the answer to it.
///
/// Every answer announces its length and closes the connection, so that no
/// intermediary can take what the client sends next for a request or for an
/// accepted upgrade. What was wrong stays here: the client is told the status.
///
/// An application refuses in the same way:
///
/// ```
/// use http::StatusCode;
/// use wirespeed::handshake::Refusal;
///
/// let refusal = Refusal::new(StatusCode::UNAUTHORIZED)
///     .header("WWW-Authenticate", "Bearer")?
///     .body("a token is needed");
/// assert!(refusal.to_bytes().starts_with(b"HTTP/1.1 401 Unauthorized\r\n"));
/// # Ok::<(), wirespeed::handshake::FieldError>(())
/// ```
#[derive(Debug, Clone, thiserror::Error)]
#[error("request refused with {status}: {reason}")]
pub struct Refusal {
    #[source]
    reason: RefusalReason,
    status: StatusCode,
    headers: Vec<Field>,
    body: Bytes,
}

/// Why a request was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RefusalReason {
    /// The head is no HTTP (400), or too large (431).
    #[error("invalid request: {0}")]
    Head(#[from] HeadError),
    /// The request's target is malformed (400).
    #[error("the request target is malformed")]
    InvalidTarget,
    /// The request has no `Host` (400).
    #[error("the request lacks a Host header")]
    MissingHost,
    /// `Host` is malformed (400).
    #[error("the Host header is malformed")]
    InvalidHost,
    /// The target names another host than `Host` does (400).
    #[error("the request target and the Host header name different hosts")]
    HostMismatch,
    /// A header occurs twice that may occur once (400).
    #[error("the request repeats {0}")]
    RepeatedHeader(HeaderName),
    /// `Content-Length` is no number, or there is a `Transfer-Encoding` as well
    /// (400).
    #[error("the end of the request's body is open to several readings")]
    AmbiguousBody,
    /// The method is not GET (405).
    #[error("the method of an upgrade must be GET")]
    Method,
    /// The request is not HTTP/1.1 (400).
    #[error("the HTTP version of an upgrade must be 1.1")]
    HttpVersion,
    /// The request announces a body (400).
    #[error("an upgrade has no body")]
    UnexpectedBody,
    /// The request does not ask for an upgrade to WebSocket (426).
    #[error("the request does not ask for an upgrade to websocket")]
    NotAnUpgrade,
    /// `Upgrade` names `websocket` twice, or `h2c` as well (400).
    #[error("the request asks for an upgrade to several protocols")]
    AmbiguousUpgrade,
    /// `Sec-WebSocket-Version` is not 13, or missing (426).
    #[error("the request is for another version of WebSocket than 13")]
    UnsupportedVersion,
    /// The request has no `Sec-WebSocket-Key` (400).
    #[error("the request lacks Sec-WebSocket-Key")]
    MissingKey,
    /// `Sec-WebSocket-Key` is not base64 of 16 bytes (400).
    #[error("Sec-WebSocket-Key is not base64 of 16 bytes")]
    InvalidKey,
    /// `Sec-WebSocket-Protocol` is not a list of different tokens (400).
    #[error("Sec-WebSocket-Protocol is not a list of different tokens")]
    Subprotocols,
    /// `Sec-WebSocket-Extensions` is malformed (400).
    #[error("invalid Sec-WebSocket-Extensions: {0}")]
    Extensions(#[from] ExtensionError),
    /// `Host` is none of the names that the [`ServerPolicy`](super::ServerPolicy) has
    /// the server answer to (421).
    #[error("the server does not answer to host {0:?}")]
    Host(String),
    /// The [`OriginPolicy`](super::OriginPolicy) does not allow the origin
    /// (403).
    #[error("origin {0:?} is not allowed")]
    Origin(String),
    /// The [`ServerPolicy`](super::ServerPolicy) chose a subprotocol that was
    /// not offered (500).
    #[error("the policy chose a subprotocol that was not offered")]
    UnofferedSubprotocol,
    /// The negotiation of extensions agreed to what was not offered, twice to
    /// the same, or to what cannot be written (500).
    #[error("the agreed extensions were not offered or cannot be written")]
    UnofferedExtension,
    /// The server that received the request cannot upgrade its connection (500).
    #[error("the connection cannot be upgraded")]
    CannotUpgrade,
    /// The application refused.
    #[error("refused by the application")]
    Application,
}

impl Refusal {
    /// A refusal, a challenge or a redirection of the application's own. A
    /// status below 300 would not read as one; 500 is sent in its place.
    pub fn new(status: StatusCode) -> Self {
        let is_refusal = status.as_u16() >= 300;
        let status = if is_refusal { status } else { StatusCode::INTERNAL_SERVER_ERROR };
        Self::with(RefusalReason::Application, status)
    }

    /// Adds a header to the answer.
    ///
    /// # Errors
    ///
    /// [`FieldError`] for what cannot be a header, and for those that frame
    /// the answer.
    pub fn header(
        mut self,
        name: impl Into<String>,
        value: impl Into<Vec<u8>>,
    ) -> Result<Self, FieldError> {
        self.headers.push(Field::new(name, value)?);
        Ok(self)
    }

    /// Answers with this body in place of the status in words. It is plain text
    /// unless a `Content-Type` is added. An answer with 304 has none.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Why the request was refused; for the server's log, not for the client.
    pub fn reason(&self) -> &RefusalReason {
        &self.reason
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The bytes to send before the connection is closed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256 + self.body.len());
        let reason = self.status.canonical_reason().unwrap_or_default();
        out.extend_from_slice(format!("HTTP/1.1 {} {reason}\r\n", self.status.as_str()).as_bytes());
        for field in self.all_headers() {
            field.write(&mut out);
        }
        out.extend_from_slice(b"\r\n");
        if self.has_content() {
            out.extend_from_slice(&self.body);
        }
        out
    }

    /// The answer for another HTTP server to send.
    pub fn to_response(&self) -> Response<Bytes> {
        let body = if self.has_content() { self.body.clone() } else { Bytes::new() };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.version_mut() = Version::HTTP_11;
        *response.headers_mut() = Field::to_map(&self.all_headers());
        response
    }

    fn with(reason: RefusalReason, status: StatusCode) -> Self {
        let words = status.canonical_reason().unwrap_or("Refused");
        Self { reason, status, headers: Vec::new(), body: format!("{words}\n").into() }
    }

    /// Whether there may be a body (RFC 9110, section 6.4.1): the client would take one
    /// that may not be for the next answer. A success, such as 204, is never sent.
    fn has_content(&self) -> bool {
        self.status != StatusCode::NOT_MODIFIED
    }

    /// The refusal's own headers, and behind them those that were added.
    fn all_headers(&self) -> Vec<Field> {
        // Whoever sends Upgrade names it in Connection (RFC 9110, section 7.8).
        let connection = match self.status {
            StatusCode::UPGRADE_REQUIRED => "close, Upgrade",
            _ => "close",
        };
        let mut headers = vec![Field::unchecked("Connection", connection)];
        match self.status {
            StatusCode::UPGRADE_REQUIRED => {
                headers.push(Field::unchecked("Upgrade", "websocket"));
                headers.push(Field::unchecked("Sec-WebSocket-Version", "13"));
            }
            StatusCode::METHOD_NOT_ALLOWED => headers.push(Field::unchecked("Allow", "GET")),
            _ => {}
        }
        if self.has_content() {
            if !self.headers.iter().any(|field| field.is_named("content-type")) {
                headers.push(Field::unchecked("Content-Type", "text/plain; charset=utf-8"));
            }
            headers.push(Field::unchecked("Content-Length", self.body.len().to_string()));
        }
        headers.extend_from_slice(&self.headers);
        headers
    }
}

impl RefusalReason {
    /// The status to answer with.
    fn status(&self) -> StatusCode {
        match self {
            Self::Head(HeadError::Limit(_)) => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAnUpgrade | Self::UnsupportedVersion => StatusCode::UPGRADE_REQUIRED,
            Self::Host(_) => StatusCode::MISDIRECTED_REQUEST,
            Self::Origin(_) => StatusCode::FORBIDDEN,
            Self::UnofferedSubprotocol
            | Self::UnofferedExtension
            | Self::CannotUpgrade
            | Self::Application => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl From<RefusalReason> for Refusal {
    fn from(reason: RefusalReason) -> Self {
        let status = reason.status();
        Self::with(reason, status)
    }
}

impl From<HeadError> for Refusal {
    fn from(error: HeadError) -> Self {
        RefusalReason::Head(error).into()
    }
}
