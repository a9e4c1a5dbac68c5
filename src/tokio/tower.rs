//! A service that performs upgrades, for routers and servers that take
//! [`tower_service::Service`]s, and for the middleware in front of them.
//!
//! ```
//! use axum::Router;
//! use wirespeed::{WebSocketUpgrade, tokio::tower::WebSocketService};
//!
//! let echo = WebSocketService::new(WebSocketUpgrade::new(), |_request, mut ws| async move {
//!     while let Ok(Some(message)) = ws.receive().await {
//!         if message.is_data() && ws.send(message).await.is_err() {
//!             break;
//!         }
//!     }
//! });
//! let app: Router = Router::new().route_service("/ws", echo);
//! ```

use std::{
    convert::Infallible,
    fmt,
    future::{Future, Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower_service::Service;

use super::{WebSocketStream, hyper};
use crate::handshake::WebSocketUpgrade;

/// Answers requests for an upgrade, and runs a handler for each connection that
/// comes of it, in a task of its own.
///
/// A request that is none for an upgrade, or one that is not accepted, is answered
/// with the [`Refusal`](crate::handshake::Refusal) for it; that is not an error. The
/// service is always ready: how many connections there may be is for a middleware to
/// say, or for the handler. If the client goes away before the upgrade, the handler
/// is not run.
///
/// The upgrade is that of HTTP/1.1; the server below has to let it happen, as
/// [hyper's](::hyper::server::conn::http1::Connection::with_upgrades) does if it is
/// told to, and axum's always.
pub struct WebSocketService<H> {
    upgrade: WebSocketUpgrade,
    handler: Arc<H>,
}

impl<H> WebSocketService<H> {
    /// A service that accepts as `upgrade` says. The handler is given the request
    /// without its body, for its path and headers, and the connection, which keeps
    /// nothing of the request.
    pub fn new<F>(upgrade: WebSocketUpgrade, handler: H) -> Self
    where
        H: Fn(Request<()>, WebSocketStream<hyper::HyperStream>) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        Self { upgrade, handler: Arc::new(handler) }
    }
}

impl<H, F, B> Service<Request<B>> for WebSocketService<H>
where
    H: Fn(Request<()>, WebSocketStream<hyper::HyperStream>) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut request = request.map(|_| ());
        let response = match hyper::upgrade(self.upgrade.clone(), &mut request) {
            Ok((response, upgrading)) => {
                let handler = Arc::clone(&self.handler);
                tokio::spawn(async move {
                    if let Ok(connection) = upgrading.await {
                        handler(request, connection).await;
                    }
                });
                response.map(|()| Full::default())
            }
            Err(refusal) => refusal.to_response().map(Full::new),
        };
        ready(Ok(response))
    }
}

impl<H> Clone for WebSocketService<H> {
    fn clone(&self) -> Self {
        Self { upgrade: self.upgrade.clone(), handler: Arc::clone(&self.handler) }
    }
}

impl<H> fmt::Debug for WebSocketService<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketService").field("upgrade", &self.upgrade).finish_non_exhaustive()
    }
}
