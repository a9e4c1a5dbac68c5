//! Connections are as old as the runtime's clock says, from the moment they are open.

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::advance,
};
use wirespeed::{
    Limits, WebSocketBuilder, WebSocketClient, WebSocketOptions, WebSocketUpgrade,
    tokio::{WebSocketStream, accept, read_request},
};

use crate::wire::poll_once;

/// The silence after which a server gives a client up, but for the time by which it may
/// have missed that.
const LONG: Duration = Duration::from_millis(60_500);

fn client() -> WebSocketBuilder {
    let mut options = WebSocketOptions::client();
    options.limits.idle_timeout = Limits::server().idle_timeout;
    options.limits.handshake_timeout = 2 * LONG;
    WebSocketClient::new().options(options).websocket("ws://example.com/")
}

/// Each end waits for the other one, for whom nobody has waited yet.
fn assert_fresh<S: AsyncRead + AsyncWrite + Unpin>(
    one: &mut WebSocketStream<S>,
    other: &mut WebSocketStream<S>,
) {
    for ws in [one, other] {
        let received = poll_once(ws.receive());
        assert!(received.is_pending(), "{received:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_opens_a_connection_that_has_all_its_time() {
    advance(LONG).await;
    let (ours, theirs) = tokio::io::duplex(1024);
    let (accepted, connected) = tokio::join!(accept(theirs), client().connect_async_over(ours));
    assert_fresh(&mut accepted.unwrap(), &mut connected.unwrap());

    let (ours, mut theirs) = tokio::io::duplex(1024);
    let accepting = async {
        let incoming = read_request(&mut theirs, &Limits::server()).await?;
        WebSocketUpgrade::new().accept_async_on(&incoming.request, theirs).await
    };
    let (accepted, connected) = tokio::join!(accepting, client().connect_async_over(ours));
    assert_fresh(&mut accepted.unwrap(), &mut connected.unwrap());
}

/// A service may take its time to answer, and hyper to write that.
#[cfg(feature = "hyper")]
#[tokio::test(start_paused = true)]
async fn an_upgrade_opens_a_connection_that_has_all_its_time() {
    use std::convert::Infallible;

    use http::{Request, Response};
    use http_body_util::Empty;
    use hyper::{
        body::{Bytes, Incoming},
        client::conn::http1::handshake,
        server,
        service::service_fn,
    };
    use hyper_util::rt::TokioIo;
    use tokio::sync::mpsc;
    use wirespeed::tokio::hyper::{connect, upgrade};

    let (ours, theirs) = tokio::io::duplex(1024);
    let (upgraded, mut upgrading) = mpsc::channel(1);
    let respond = service_fn(move |mut request: Request<Incoming>| {
        let upgraded = upgraded.clone();
        async move {
            let (response, upgrading) = upgrade(WebSocketUpgrade::new(), &mut request).unwrap();
            upgraded.send(upgrading).await.unwrap();
            advance(LONG).await;
            Ok::<Response<Empty<Bytes>>, Infallible>(response.map(|()| Empty::new()))
        }
    });
    tokio::spawn(
        server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(theirs), respond)
            .with_upgrades(),
    );
    let (mut sender, driver) = handshake::<_, Empty<Bytes>>(TokioIo::new(ours)).await.unwrap();
    tokio::spawn(driver.with_upgrades());
    let mut connected = connect(client(), &mut sender).await.unwrap();
    let mut upgraded = upgrading.recv().await.unwrap().await.unwrap();
    assert_fresh(&mut upgraded, &mut connected);
}
