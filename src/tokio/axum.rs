//! An extractor for axum.
//!
//! ```
//! use axum::{Router, response::Response, routing::any};
//! use wirespeed::{WebSocketError, tokio::axum::{WebSocket, WebSocketUpgrade}};
//!
//! let app: Router = Router::new().route("/ws", any(handler));
//!
//! async fn handler(upgrade: WebSocketUpgrade) -> Response {
//!     upgrade.protocols(["book.v2"]).max_message_size(64 << 10).on_upgrade(|ws| async {
//!         if let Err(error) = echo(ws).await {
//!             eprintln!("{error}");
//!         }
//!     })
//! }
//!
//! async fn echo(mut ws: WebSocket) -> Result<(), WebSocketError> {
//!     while let Some(message) = ws.receive().await? {
//!         if message.is_data() {
//!             ws.send(message).await?;
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! To send while it receives, a handler takes the directions apart:
//!
//! ```
//! use std::time::Duration;
//! use wirespeed::{WebSocketError, tokio::axum::WebSocket};
//!
//! async fn clock(ws: WebSocket) -> Result<(), WebSocketError> {
//!     let (mut reader, mut writer) = ws.split();
//!     let receiving = async {
//!         while reader.receive().await?.is_some() {}
//!         Ok(())
//!     };
//!     let sending = async {
//!         loop {
//!             writer.send("tick").await?;
//!             tokio::time::sleep(Duration::from_secs(1)).await;
//!         }
//!     };
//!     tokio::select! {
//!         received = receiving => received,
//!         failed = sending => failed,
//!     }
//! }
//! ```

use std::future::Future;

use axum_core::{
    body::Body,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{Request, request::Parts};
use hyper::upgrade::OnUpgrade;

use super::{
    WebSocketStream,
    hyper::{HyperStream, Upgrading, take_upgrade},
};
#[cfg(feature = "deflate")]
use crate::deflate::DeflateOptions;
use crate::{
    error::WebSocketError,
    handshake::{self, OriginPolicy, Refusal, RefusalReason, ServerPolicy, is_upgrade_request},
    options::WebSocketOptions,
};

/// A connection that axum has accepted.
pub type WebSocket = WebSocketStream<HyperStream>;

/// A request for an upgrade. What is to be agreed to is said here, and
/// [`on_upgrade`](Self::on_upgrade) makes the response.
///
/// The defaults: pages of the same origin only, no subprotocol, no compression, the
/// [limits](crate::Limits::server) of a server. The upgrade is that of HTTP/1.1.
#[derive(Debug)]
#[must_use = "nothing is accepted before `on_upgrade` is called"]
pub struct WebSocketUpgrade {
    request: Request<()>,
    upgraded: OnUpgrade,
    policy: ServerPolicy,
    options: WebSocketOptions,
}

impl WebSocketUpgrade {
    /// Which web pages may connect.
    pub fn origin(mut self, origin: OriginPolicy) -> Self {
        self.policy = self.policy.origin(origin);
        self
    }

    /// The names that this server answers to, as
    /// [`ServerPolicy::hosts`](ServerPolicy::hosts) has it.
    pub fn hosts<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.policy = self.policy.hosts(names);
        self
    }

    /// The supported subprotocols, the preferred one first.
    pub fn protocols<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.policy = self.policy.subprotocols(names);
        self
    }

    /// All that can be said about which requests to accept.
    pub fn policy(mut self, policy: ServerPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The largest message to accept, in bytes; 1 MiB by default.
    pub fn max_message_size(mut self, bytes: u64) -> Self {
        self.options.limits.message = bytes;
        self
    }

    /// The largest frame to accept, in bytes; as the largest message by default.
    pub fn max_frame_size(mut self, bytes: u64) -> Self {
        self.options.limits.frame = bytes;
        self
    }

    /// Accepts permessage-deflate.
    #[cfg(feature = "deflate")]
    pub fn deflate(mut self, deflate: DeflateOptions) -> Self {
        self.options.deflate = Some(deflate);
        self
    }

    /// The options of the connection, all limits among them.
    pub fn options(mut self, options: WebSocketOptions) -> Self {
        self.options = options;
        self
    }

    /// The response: it accepts the upgrade, and `callback` is given the connection
    /// in a task of its own; or it refuses.
    pub fn on_upgrade<C, F>(self, callback: C) -> Response
    where
        C: FnOnce(WebSocket) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        self.on_upgrade_or_failure(callback, |_| {})
    }

    /// As [`on_upgrade`](Self::on_upgrade), and `failed` is told if the client goes
    /// away before the upgrade.
    pub fn on_upgrade_or_failure<C, F>(
        self,
        callback: C,
        failed: impl FnOnce(WebSocketError) + Send + 'static,
    ) -> Response
    where
        C: FnOnce(WebSocket) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let Self { request, upgraded, policy, options } = self;
        let upgrade = handshake::WebSocketUpgrade::new().policy(policy).options(options);
        let (acceptance, accepted) = match upgrade.judge(&request) {
            Ok(judged) => judged,
            Err(refusal) => return NotAccepted(refusal).into_response(),
        };
        let upgrading = Upgrading::new(upgraded, accepted);
        tokio::spawn(async move {
            match upgrading.await {
                Ok(connection) => callback(connection).await,
                Err(error) => failed(error),
            }
        });
        acceptance.to_response().map(|()| Body::empty())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for WebSocketUpgrade {
    type Rejection = NotAccepted;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NotAccepted> {
        let mut request = Request::new(());
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = parts.uri.clone();
        *request.version_mut() = parts.version;
        *request.headers_mut() = parts.headers.clone();
        if !is_upgrade_request(&request) {
            return Err(NotAccepted(RefusalReason::NotAnUpgrade.into()));
        }
        let upgraded = take_upgrade(&mut parts.extensions)?;
        let policy = ServerPolicy::new();
        Ok(Self { request, upgraded, policy, options: WebSocketOptions::server() })
    }
}

/// A request that is not one for an upgrade, or not one that is accepted.
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
pub struct NotAccepted(#[from] pub Refusal);

impl IntoResponse for NotAccepted {
    fn into_response(self) -> Response {
        self.0.to_response().map(Body::from)
    }
}
