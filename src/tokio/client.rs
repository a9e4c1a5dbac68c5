//! Connecting to a server.

use std::{future::Future, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, timeout_at},
};

use super::{
    MaybeTlsStream, WebSocketStream,
    connect::{self, Connected},
    handshake,
    timer::{deadline_in, now},
};
use crate::{
    client::{WebSocketBuilder, WebSocketClient},
    error::{TimedOut, WebSocketError},
    handshake::Opening,
    net::WebSocketUrl,
};

/// Connects to a `ws` or `wss` URL with the defaults. Who connects more than once
/// keeps a [`WebSocketClient`], whose connections share what can be shared.
///
/// ```no_run
/// # async fn example() -> Result<(), wirespeed::WebSocketError> {
/// let mut ws = wirespeed::tokio::connect("wss://example.com/ws").await?;
/// ws.send("hello").await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`connect_async`](WebSocketBuilder::connect_async).
pub async fn connect(url: impl Into<String>) -> Result<WebSocketStream, WebSocketError> {
    WebSocketClient::new().websocket(url).connect_async().await
}

impl WebSocketBuilder {
    /// As `connect`, on tokio.
    ///
    /// Names are resolved by a blocking task of the runtime. To drop the future
    /// gives the connection up.
    ///
    /// # Errors
    ///
    /// [`InvalidUrl`](WebSocketError::InvalidUrl) or
    /// [`InvalidRequest`](WebSocketError::InvalidRequest) before anything is
    /// sent; [`Connect`](WebSocketError::Connect), [`Tls`](WebSocketError::Tls)
    /// or [`Timeout`](WebSocketError::Timeout) on the way to the server;
    /// [`UpgradeFailed`](WebSocketError::UpgradeFailed) if it answers anything but
    /// 101, and others if it breaks the rules.
    pub async fn connect_async(self) -> Result<WebSocketStream, WebSocketError> {
        let connecting = async move {
            let url: WebSocketUrl = self.url.parse()?;
            // A request that cannot be made should not cost the server a connection.
            self.opening.handshake(&url)?;
            let Connected { stream, permit } =
                connect::connect(&self.connector, &url, self.address).await?;
            // The permit lets go when the handshake is over, however it ends.
            let _turn = permit;
            open::<MaybeTlsStream>(&self.opening, &url, stream).await
        };
        // What is needed only here should not be a part of the caller's future.
        Box::pin(connecting).await
    }

    /// As `connect_over`, on tokio: performs the opening handshake on a stream that
    /// is connected already. Of the URL, only `Host` and the resource are used.
    ///
    /// # Errors
    ///
    /// As [`connect_async`](Self::connect_async), from the opening handshake on.
    pub async fn connect_async_over<S: AsyncRead + AsyncWrite + Unpin>(
        self,
        stream: S,
    ) -> Result<WebSocketStream<S>, WebSocketError> {
        let url = self.url.parse()?;
        Box::pin(async move { open(&self.opening, &url, stream).await }).await
    }
}

async fn open<S: AsyncRead + AsyncWrite + Unpin>(
    opening: &Opening,
    url: &WebSocketUrl,
    mut stream: S,
) -> Result<WebSocketStream<S>, WebSocketError> {
    let mut handshake = opening.handshake(url)?;
    let upgrading = handshake::upgrade(&mut stream, &mut handshake);
    let upgrade = within(opening.options.limits.handshake_timeout, upgrading).await;
    let upgrade = upgrade.map_err(|error| handshake.refusal().map_or(error, Into::into))?;
    Ok(WebSocketStream::open(stream, opening.open(upgrade, now())?))
}

/// Bounds an opening handshake.
pub(super) async fn within<T>(
    time: Duration,
    handshake: impl Future<Output = Result<T, WebSocketError>>,
) -> Result<T, WebSocketError> {
    by(deadline_in(time), handshake).await
}

/// Bounds a part of an opening handshake.
pub(super) async fn by<T>(
    deadline: Option<Instant>,
    part: impl Future<Output = Result<T, WebSocketError>>,
) -> Result<T, WebSocketError> {
    let Some(deadline) = deadline else { return part.await };
    match timeout_at(deadline, part).await {
        Ok(done) => done,
        Err(_) => Err(WebSocketError::Timeout(TimedOut::Handshake)),
    }
}
