//! The server's side of the opening handshake.

use http::Request;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

use super::{
    WebSocketStream,
    client::by,
    handshake,
    timer::{deadline_in, now},
};
use crate::{
    error::WebSocketError,
    handshake::{HeadLimits, IncomingRequest, WebSocketUpgrade},
    limits::Limits,
};

/// Accepts a WebSocket connection on a stream that a client has just connected,
/// with the defaults of [`WebSocketUpgrade`].
///
/// ```no_run
/// # async fn example() -> Result<(), wirespeed::WebSocketError> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:9001").await?;
/// loop {
///     let (stream, _) = listener.accept().await?;
///     stream.set_nodelay(true)?;
///     tokio::spawn(async move {
///         let mut ws = wirespeed::tokio::accept(stream).await?;
///         while let Some(message) = ws.receive().await? {
///             if message.is_data() {
///                 ws.send(message).await?;
///             }
///         }
///         Ok::<(), wirespeed::WebSocketError>(())
///     });
/// }
/// # }
/// ```
///
/// # Errors
///
/// As [`accept_async`](WebSocketUpgrade::accept_async).
pub fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
) -> impl Future<Output = Result<WebSocketStream<S>, WebSocketError>> {
    WebSocketUpgrade::new().accept_async(stream)
}

/// Takes a request from a stream that a client has just connected, for servers that
/// look at it before they [accept](WebSocketUpgrade::accept_async_on) it. What was
/// read behind it goes to [`WebSocketUpgrade::received`].
///
/// To drop the future gives the connection up: what was read until then is lost.
///
/// # Errors
///
/// As [`accept_async`](WebSocketUpgrade::accept_async).
pub async fn read_request<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    limits: &Limits,
) -> Result<IncomingRequest, WebSocketError> {
    let deadline = deadline_in(limits.handshake_timeout);
    Box::pin(handshake::request(stream, HeadLimits::of(limits), deadline)).await
}

impl WebSocketUpgrade {
    /// Takes a request from the stream, on tokio, and answers it: with 101 and
    /// a connection, or with a refusal. All of it within
    /// [`Limits::handshake_timeout`](crate::Limits::handshake_timeout). To drop the
    /// future gives the connection up.
    ///
    /// # Errors
    ///
    /// [`Refused`](WebSocketError::Refused),
    /// [`MissingKey`](WebSocketError::MissingKey), or
    /// [`LimitExceeded`](WebSocketError::LimitExceeded) for a head that is too large,
    /// if the request breaks the rules or the policy; it is answered with the status
    /// for it. [`Handshake`](WebSocketError::Handshake) if the stream ends before.
    /// Otherwise an error of the transport, or a timeout.
    pub fn accept_async<S: AsyncRead + AsyncWrite + Unpin>(
        self,
        stream: S,
    ) -> impl Future<Output = Result<WebSocketStream<S>, WebSocketError>> {
        let accepting = self.accept_request_async(stream);
        async { accepting.await.map(|(_, connection)| connection) }
    }

    /// As [`accept_async`](Self::accept_async), with the request, for its path and
    /// headers. The connection keeps nothing of it. Who wants to look at the request
    /// before it is accepted [reads](read_request) it first.
    ///
    /// # Errors
    ///
    /// As [`accept_async`](Self::accept_async).
    pub fn accept_request_async<S: AsyncRead + AsyncWrite + Unpin>(
        mut self,
        mut stream: S,
    ) -> impl Future<Output = Result<(Request<()>, WebSocketStream<S>), WebSocketError>> {
        let time = self.options.limits.handshake_timeout;
        let limits = HeadLimits::of(&self.options.limits);
        // What is needed only here should not be a part of the caller's future, which
        // lives as long as the connection.
        Box::pin(async move {
            let deadline = deadline_in(time);
            let incoming = handshake::request(&mut stream, limits, deadline).await?;
            self.received = incoming.leftover;
            let connection = answer(self, &incoming.request, stream, deadline).await?;
            Ok((incoming.request, connection))
        })
    }

    /// Answers a request that was read from the stream already, on tokio. To drop the
    /// future gives the connection up.
    ///
    /// # Errors
    ///
    /// As [`accept_async`](Self::accept_async).
    pub async fn accept_async_on<S: AsyncRead + AsyncWrite + Unpin, B>(
        self,
        request: &Request<B>,
        stream: S,
    ) -> Result<WebSocketStream<S>, WebSocketError> {
        let deadline = deadline_in(self.options.limits.handshake_timeout);
        Box::pin(answer(self, request, stream, deadline)).await
    }
}

async fn answer<S: AsyncRead + AsyncWrite + Unpin, B>(
    upgrade: WebSocketUpgrade,
    request: &Request<B>,
    mut stream: S,
    deadline: Option<Instant>,
) -> Result<WebSocketStream<S>, WebSocketError> {
    match upgrade.judge(request) {
        Ok((acceptance, accepted)) => {
            let response = acceptance.to_bytes();
            by(deadline, async { Ok(handshake::write(&mut stream, &response).await?) }).await?;
            Ok(WebSocketStream::open(stream, accepted.open(now())))
        }
        Err(refusal) => {
            handshake::refuse(&mut stream, &refusal.to_bytes(), deadline).await;
            Err(refusal.into())
        }
    }
}
