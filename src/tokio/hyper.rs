//! Upgrades of connections that hyper speaks HTTP on.
//!
//! A service answers a request for an upgrade with the response it is given, and
//! goes on in a task of its own:
//!
//! ```
//! use http::{Request, Response};
//! use hyper::body::Incoming;
//! use wirespeed::{WebSocketError, WebSocketUpgrade, tokio::hyper::upgrade};
//!
//! async fn service(mut request: Request<Incoming>) -> Response<String> {
//!     let (response, upgraded) = match upgrade(WebSocketUpgrade::new(), &mut request) {
//!         Ok(accepted) => accepted,
//!         Err(refusal) => return refusal.to_response().map(|body| body.escape_ascii().to_string()),
//!     };
//!     tokio::spawn(async move {
//!         let mut ws = upgraded.await?;
//!         while let Some(message) = ws.receive().await? {
//!             if message.is_data() {
//!                 ws.send(message).await?;
//!             }
//!         }
//!         Ok::<(), WebSocketError>(())
//!     });
//!     response.map(|()| String::new())
//! }
//! ```

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Extensions, Request, Response, Version};
use hyper::{
    body::Body,
    client::conn::http1::SendRequest,
    upgrade::{OnUpgrade, Upgraded},
};
use hyper_util::rt::TokioIo;
use tokio::io::{ReadHalf, WriteHalf};

use super::{SplitStream, WebSocketStream, client::within, timer::now};
use crate::{
    client::WebSocketBuilder,
    error::WebSocketError,
    handshake::{
        Accepted, ClientHandshake, ClientUpgrade, HeadLimits, Refusal, RefusalReason, RequestError,
        ServerHandshake, WebSocketUpgrade,
    },
    net::WebSocketUrl,
};

/// A connection that hyper has given up.
pub type HyperStream = TokioIo<Upgraded>;

/// With a lock: hyper does not say what is below.
impl SplitStream for HyperStream {
    type Read = ReadHalf<Self>;
    type Write = WriteHalf<Self>;

    fn split(self) -> (Self::Read, Self::Write) {
        tokio::io::split(self)
    }
}

/// Judges a request for an upgrade: the response to send, and the connection, which
/// is there once hyper has sent it.
///
/// # Errors
///
/// A [`Refusal`], which carries the response to send instead. It is
/// [`CannotUpgrade`](RefusalReason::CannotUpgrade) if the request came without
/// hyper's promise to give the connection up, or somebody has taken that.
pub fn upgrade<B>(
    upgrade: WebSocketUpgrade,
    request: &mut Request<B>,
) -> Result<(Response<()>, Upgrading), Refusal> {
    let (acceptance, accepted) = upgrade.judge(request)?;
    let upgraded = take_upgrade(request.extensions_mut())?;
    Ok((acceptance.to_response(), Upgrading::new(upgraded, accepted)))
}

/// hyper's promise to give up the connection that a request came on.
pub(super) fn take_upgrade(extensions: &mut Extensions) -> Result<OnUpgrade, Refusal> {
    extensions.remove().ok_or_else(|| RefusalReason::CannotUpgrade.into())
}

/// A connection that is there once hyper has sent the response, made by
/// [`upgrade`]. It fails with [`IoError`](WebSocketError::IoError) if that never
/// happens. Cancel safe when it is waited for by reference; to drop it closes the
/// connection.
#[derive(Debug)]
#[must_use = "the connection is closed if nobody waits for it"]
pub struct Upgrading {
    upgraded: OnUpgrade,
    accepted: Option<Box<Accepted>>,
}

impl Upgrading {
    pub(super) fn new(upgraded: OnUpgrade, accepted: Accepted) -> Self {
        Self { upgraded, accepted: Some(Box::new(accepted)) }
    }
}

impl Future for Upgrading {
    type Output = Result<WebSocketStream<HyperStream>, WebSocketError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let upgraded = ready!(Pin::new(&mut this.upgraded).poll(cx)).map_err(io::Error::other)?;
        // Polled again after it was ready, a future may do as it likes.
        let accepted = this.accepted.take().ok_or(WebSocketError::ConnectionClosed)?;
        Poll::Ready(Ok(WebSocketStream::open(TokioIo::new(upgraded), accepted.open(now()))))
    }
}

/// Upgrades a connection that hyper's client has made; the task that drives it has
/// to be one [with upgrades](hyper::client::conn::http1::Connection::with_upgrades).
/// Of the builder's URL, only `Host` and the resource are used. To drop the future
/// gives the connection up, and hyper's with it.
///
/// # Errors
///
/// [`UpgradeFailed`](WebSocketError::UpgradeFailed) if the server answers anything
/// but 101, without the body; [`InvalidRequest`](WebSocketError::InvalidRequest) for
/// a target that [`http::Uri`] does not hold, such as one of more than 64 KiB; others if
/// the server breaks the rules, or if hyper fails.
pub async fn connect<B: Body + Default + 'static>(
    builder: WebSocketBuilder,
    sender: &mut SendRequest<B>,
) -> Result<WebSocketStream<HyperStream>, WebSocketError> {
    let url: WebSocketUrl = builder.url.parse()?;
    let opening = builder.opening;
    let mut handshake = opening.handshake(&url)?;
    let request = as_request(&handshake, &url)?.map(|()| B::default());
    let connecting = async {
        let mut response = sender.send_request(request).await.map_err(io::Error::other)?;
        let upgrade = judge(&mut handshake, &response)?;
        let upgraded = hyper::upgrade::on(&mut response).await.map_err(io::Error::other)?;
        Ok((upgraded, upgrade))
    };
    let (upgraded, upgrade) = within(opening.options.limits.handshake_timeout, connecting).await?;
    Ok(WebSocketStream::open(TokioIo::new(upgraded), opening.open(upgrade, now())?))
}

/// The request in hyper's terms.
fn as_request(
    handshake: &ClientHandshake,
    url: &WebSocketUrl,
) -> Result<Request<()>, RequestError> {
    // As large as the caller has made it.
    let limits = HeadLimits { bytes: usize::MAX, headers: usize::MAX };
    match ServerHandshake::new(limits).receive(handshake.request()) {
        Ok(Some(incoming)) => Ok(incoming.request),
        // A request that was made here is read here, unless its target does not fit.
        _ => Err(RequestError::InvalidTarget(url.resource().to_owned())),
    }
}

/// Has the response judged by the one who judges all of them, who reads bytes.
fn judge<B>(
    handshake: &mut ClientHandshake,
    response: &Response<B>,
) -> Result<ClientUpgrade, WebSocketError> {
    // Nothing but 1.1 may switch; hyper lets 1.0 do it.
    let version = if response.version() == Version::HTTP_11 { "1.1" } else { "1.0" };
    let mut head = format!("HTTP/{version} {}\r\n", response.status()).into_bytes();
    for (name, value) in response.headers() {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    match handshake.receive(&head)? {
        Some(upgrade) => Ok(upgrade),
        None => Err(handshake.end_of_stream().into()),
    }
}
