//! Item 17 of the list of mistakes, for what opens a connection: each future is
//! dropped after no poll, after one, after two... until it is done by then. Nothing of
//! it is left, and whoever tries again finds everything as if it had not been tried.

use std::{
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::yield_now,
    time::timeout,
};
use wirespeed::{
    WebSocketClient, WebSocketError, WebSocketOptions, WebSocketUpgrade,
    net::{Connector, ProxyChoice, dial::Resolver},
    tokio::{MaybeTlsStream, WebSocketStream},
};

use crate::{cancellation::in_runtime, wire::Wire};

/// An opening handshake owns its stream: dropped after any number of polls, it
/// closes it, and nobody holds it any more.
#[test]
fn list_17_opening_handshakes() {
    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\n\r\n";
    let accepting = |wire: Wire| async { wirespeed::tokio::accept(wire).await.map(drop) };
    let connecting = |wire: Wire| {
        let client = wirespeed::WebSocketClient::new().websocket("ws://example.com/");
        async { client.connect_async_over(wire).await.map(drop) }
    };
    let reading = |mut wire: Wire| async move {
        let limits = WebSocketOptions::server().limits;
        wirespeed::tokio::read_request(&mut wire, &limits).await.map(drop)
    };
    let answering = |wire: Wire| async {
        WebSocketUpgrade::new().accept_async_on(&upgrade_request(), wire).await.map(drop)
    };
    in_runtime(|| {
        let deliver = |wire: &Wire| wire.deliver(REQUEST);
        let polls = [
            dropped_after_every_poll(accepting, deliver),
            dropped_after_every_poll(reading, deliver),
        ];
        assert!(
            polls.iter().all(|polls| *polls > REQUEST.len()),
            "each byte makes wait: {polls:?}"
        );
        let polls = dropped_after_every_poll(answering, |_| {});
        assert!(polls > "HTTP/1.1 101 Switching Protocols".len(), "{polls}");
        dropped_after_every_poll(connecting, |wire| {
            if let Some(key) = wire.sent_key() {
                let accept = wirespeed::compute_accept_key(&key);
                wire.deliver(
                    format!(
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                         Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
                    )
                    .as_bytes(),
                );
            }
        });
    });
}

/// An opening handshake as another HTTP library hands it on.
fn upgrade_request() -> http::Request<()> {
    http::Request::get("/")
        .header("Host", "example.com")
        .header("Upgrade", "websocket")
        .header("Connection", "Upgrade")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("Sec-WebSocket-Version", "13")
        .body(())
        .unwrap()
}

/// Polls a handshake no time, once, twice... and drops it, until it is done by then;
/// returns how often it had to be polled. `peer` acts before each poll.
fn dropped_after_every_poll<F: Future<Output = Result<(), WebSocketError>>>(
    open: impl Fn(Wire) -> F,
    peer: impl Fn(&Wire),
) -> usize {
    for polls in 0..10_000 {
        let wire = Wire::stuttering(1);
        let mut opening = Box::pin(open(wire.clone()));
        assert!(!wire.is_only_handle());
        let mut answered = false;
        for _ in 0..polls {
            if !answered {
                peer(&wire);
                answered = wire.has_arrived();
            }
            let mut cx = Context::from_waker(Waker::noop());
            if let Poll::Ready(opened) = opening.as_mut().poll(&mut cx) {
                opened.unwrap();
                return polls;
            }
        }
        drop(opening);
        assert!(wire.is_only_handle(), "dropped after {polls} polls");
    }
    panic!("never ready");
}

#[tokio::test]
async fn list_17_dialling_a_name() {
    let server = Server::start(Manner::Plain).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for addresses in [vec![server.address], vec![closed, server.address]] {
        let client = client_of(addresses, ProxyChoice::Direct);
        let connect = || client.websocket("ws://feed.example/").connect_async();
        dropped_dialling(&server, connect).await;
    }
}

#[tokio::test]
async fn list_17_dialling_through_a_proxy() {
    let server = Server::start(Manner::Proxy).await;
    let proxy = ProxyChoice::Fixed("http://proxy.example:8080".parse().unwrap());
    let client = client_of(vec![server.address], proxy);
    let connect = || client.websocket("ws://feed.example/").connect_async();
    dropped_dialling(&server, connect).await;
}

#[cfg(feature = "ring")]
#[tokio::test]
async fn list_17_dialling_over_tls() {
    use wirespeed::net::tls::{TlsClient, TlsServer};

    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let tls = TlsServer::from_pem(cert.pem().as_bytes(), signing_key.serialize_pem().as_bytes());
    let server = Server::start(Manner::Tls(tls.unwrap())).await;
    let trust = TlsClient::builder().default_roots(false);
    let trust = trust.add_authority_pem(cert.pem().as_bytes()).unwrap().build().unwrap();
    let client = client_of(vec![server.address], ProxyChoice::Direct).tls(trust);
    let connect = || client.websocket("wss://localhost/").connect_async();
    dropped_dialling(&server, connect).await;
}

/// After each attempt that was dropped, the server sees the end of what came of it,
/// and another one, which has to take its turn, succeeds.
async fn dropped_dialling<F>(server: &Server, connect: impl Fn() -> F)
where
    F: Future<Output = Result<WebSocketStream, WebSocketError>>,
{
    for polls in 0..1000 {
        let dropped = within_polls(polls, connect()).await;
        let done = dropped.is_some();
        for connected in dropped.into_iter().chain([connect().await]) {
            let mut ws = connected.unwrap();
            ws.send("hello").await.unwrap();
            assert_eq!(ws.receive().await.unwrap(), Some("hello".into()));
            ws.close(1000, "").await.unwrap();
        }
        server.is_left_alone().await;
        if done {
            // At its start, for the connection, for the answer; the name may be there at
            // once.
            assert!(polls >= 3, "{polls} polls are no way to a connection");
            return;
        }
    }
    panic!("never ready");
}

/// Polls a future when it is woken, `polls` times at most, and drops it.
async fn within_polls<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let (mut future, mut polled) = (pin!(future), 0);
    poll_fn(|cx| {
        if polled == polls {
            return Poll::Ready(None);
        }
        polled += 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending if polled == polls => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// A client to whom every name has these addresses.
fn client_of(addresses: Vec<SocketAddr>, proxy: ProxyChoice) -> WebSocketClient {
    let resolver: Arc<dyn Resolver> =
        Arc::new(move |_: &str, _: u16| io::Result::Ok(addresses.clone()));
    let mut connector = Connector::default();
    connector.resolver = resolver;
    connector.proxy = proxy;
    WebSocketClient::new().connector(connector)
}

/// A server that echoes, and knows how many connections it has.
struct Server {
    address: SocketAddr,
    connections: Arc<()>,
}

#[derive(Clone)]
enum Manner {
    Plain,
    /// The first request is one for a tunnel, which leads to the server itself.
    Proxy,
    #[cfg(feature = "ring")]
    Tls(wirespeed::net::tls::TlsServer),
}

impl Server {
    async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(());
        let every = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (manner, connection) = (manner.clone(), Arc::clone(&every));
                tokio::spawn(async move {
                    // What is dropped half way is an error here, of one kind or another.
                    let _ = serve(MaybeTlsStream::Tcp(stream), manner).await;
                    drop(connection);
                });
            }
        });
        Self { address, connections }
    }

    /// Waits until it has no connection any more.
    async fn is_left_alone(&self) {
        let all_gone = async {
            // Its own handle and that of its task.
            while Arc::strong_count(&self.connections) > 2 {
                yield_now().await;
            }
        };
        assert!(timeout(PATIENCE, all_gone).await.is_ok(), "a connection is held open");
    }
}

/// No test waits for so long, unless it fails.
const PATIENCE: Duration = Duration::from_secs(60);

async fn serve(mut stream: MaybeTlsStream, manner: Manner) -> Result<(), WebSocketError> {
    match manner {
        Manner::Plain => {}
        Manner::Proxy => {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await?);
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        }
        #[cfg(feature = "ring")]
        Manner::Tls(tls) => {
            let MaybeTlsStream::Tcp(tcp) = stream else { panic!("over TLS twice") };
            stream = MaybeTlsStream::accept_tls(tcp, &tls).await?;
        }
    }
    let mut ws = wirespeed::tokio::accept(stream).await?;
    while let Some(message) = ws.receive().await? {
        if message.is_data() {
            ws.send(message).await?;
        }
    }
    Ok(())
}

/// However little time is left for it: what was wrong counts, not that the client has
/// not closed by then.
#[tokio::test(start_paused = true)]
async fn a_refusal_is_no_timeout() {
    const NO_UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";
    const NO_HTTP: &[u8] = b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n";
    let mut options = WebSocketOptions::server();
    options.limits.handshake_timeout = Duration::from_secs(5);
    for request in [NO_UPGRADE, NO_HTTP] {
        let (ours, mut theirs) = tokio::io::duplex(1024);
        let client = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(4500)).await;
            theirs.write_all(request).await.unwrap();
            theirs
        });
        let begun = tokio::time::Instant::now();
        let upgrade = WebSocketUpgrade::new().options(options.clone());
        let refused = upgrade.accept_async(ours).await.unwrap_err();
        assert!(matches!(refused, WebSocketError::Refused(_)), "{refused:?}");
        let took = begun.elapsed();
        assert!(took <= Duration::from_millis(5001), "{took:?} are more than the limit");
        let mut answer = Vec::new();
        client.await.unwrap().read_to_end(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 4"), "{}", answer.escape_ascii());
    }
}

#[cfg(feature = "hyper")]
mod upgrades {
    use std::convert::Infallible;

    use http::{Request, Response};
    use http_body_util::Empty;
    use hyper::{
        body::{Bytes, Incoming},
        client::conn::http1::{SendRequest, handshake},
        server,
        service::service_fn,
    };
    use hyper_util::rt::TokioIo;
    use tokio::{sync::mpsc, task::JoinHandle};
    use wirespeed::{
        handshake::{HandshakeError, RequestError},
        tokio::hyper::{HyperStream, Upgrading, connect, upgrade},
    };

    use super::*;

    type Ws = WebSocketStream<HyperStream>;

    /// Both ends of a connection that hyper speaks HTTP on.
    struct Pair {
        sender: SendRequest<Empty<Bytes>>,
        upgrading: mpsc::Receiver<Upgrading>,
        drivers: [JoinHandle<()>; 2],
    }

    impl Pair {
        /// Over a pipe that takes few bytes at once.
        async fn open() -> Self {
            let (ours, theirs) = tokio::io::duplex(16);
            let (upgraded, upgrading) = mpsc::channel(1);
            let respond = service_fn(move |mut request: Request<Incoming>| {
                let upgraded = upgraded.clone();
                async move {
                    let accepted = upgrade(WebSocketUpgrade::new(), &mut request);
                    let (response, upgrading) = accepted.unwrap();
                    let _ = upgraded.send(upgrading).await;
                    Ok::<Response<Empty<Bytes>>, Infallible>(response.map(|()| Empty::new()))
                }
            });
            let serving = server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(theirs), respond)
                .with_upgrades();
            let (sender, client) = handshake(TokioIo::new(ours)).await.unwrap();
            let drivers = [
                tokio::spawn(async move { drop(serving.await) }),
                tokio::spawn(async move { drop(client.with_upgrades().await) }),
            ];
            Self { sender, upgrading, drivers }
        }

        /// hyper lets go of both ends.
        async fn ends(self) {
            drop((self.sender, self.upgrading));
            for driver in self.drivers {
                timeout(PATIENCE, driver).await.expect("held open").unwrap();
            }
        }
    }

    fn builder() -> wirespeed::WebSocketBuilder {
        WebSocketClient::new().websocket("ws://example.com/")
    }

    async fn exchange(client: &mut Ws, server: &mut Ws) {
        client.send("hello").await.unwrap();
        assert_eq!(server.receive().await.unwrap(), Some("hello".into()));
        server.send("and back").await.unwrap();
        assert_eq!(client.receive().await.unwrap(), Some("and back".into()));
    }

    #[tokio::test]
    async fn http_1_0_cannot_switch_on_hyper_either() {
        let (ours, mut theirs) = tokio::io::duplex(1024);
        let server = tokio::spawn(async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(theirs.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            let is_key = |name: &str| name.eq_ignore_ascii_case("Sec-WebSocket-Key");
            let mut fields = head.lines().filter_map(|line| line.split_once(": "));
            let (_, key) = fields.find(|(name, _)| is_key(name)).unwrap();
            let accept = wirespeed::compute_accept_key(key);
            let answer = format!(
                "HTTP/1.0 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                 Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            theirs.write_all(answer.as_bytes()).await.unwrap();
            theirs
        });
        let (mut sender, client) = handshake::<_, Empty<Bytes>>(TokioIo::new(ours)).await.unwrap();
        tokio::spawn(async move { drop(client.with_upgrades().await) });
        let refused = connect(builder(), &mut sender).await.unwrap_err();
        let _open = server.await.unwrap();
        let WebSocketError::Handshake(HandshakeError::HttpVersion) = refused else {
            panic!("{refused:?}")
        };
    }

    #[tokio::test]
    async fn a_target_that_hyper_cannot_carry_makes_no_request() {
        let mut pair = Pair::open().await;
        let url = format!("ws://example.com/{}", "a".repeat(1 << 16));
        let builder = WebSocketClient::new().websocket(url);
        let refused = connect(builder, &mut pair.sender).await.unwrap_err();
        let WebSocketError::InvalidRequest(RequestError::InvalidTarget(_)) = refused else {
            panic!("{refused:?}")
        };
    }

    #[cfg(feature = "axum")]
    #[tokio::test]
    async fn axums_extractor_says_why_it_refuses() {
        use axum::extract::FromRequestParts;
        use wirespeed::{handshake::RefusalReason, tokio::axum::WebSocketUpgrade};

        let request = Request::get("/").header("Host", "example.com").body(()).unwrap();
        let (mut parts, ()) = request.into_parts();
        let refused = WebSocketUpgrade::from_request_parts(&mut parts, &()).await;
        let refusal = refused.unwrap_err().0;
        assert_eq!(
            (refusal.status().as_u16(), refusal.reason()),
            (426, &RefusalReason::NotAnUpgrade)
        );
    }

    /// A server, or a middleware, may let no upgrade happen. To answer 101 all the same
    /// would have the client speak to nobody.
    #[cfg(all(feature = "axum", feature = "tower"))]
    #[tokio::test]
    async fn a_request_that_cannot_be_upgraded_is_refused() {
        use axum::{extract::FromRequestParts, response::IntoResponse};
        use tower_service::Service;
        use wirespeed::{
            handshake::{Refusal, RefusalReason},
            tokio::{axum::WebSocketUpgrade as Extractor, tower::WebSocketService},
        };

        let cannot = |refusal: &Refusal| {
            (refusal.status().as_u16(), refusal.reason()) == (500, &RefusalReason::CannotUpgrade)
        };

        let refusal = upgrade(WebSocketUpgrade::new(), &mut upgrade_request()).unwrap_err();
        assert!(cannot(&refusal), "{refusal:?}");

        let (mut parts, ()) = upgrade_request().into_parts();
        let refused = Extractor::from_request_parts(&mut parts, &()).await;
        let refused = refused.unwrap_err();
        assert!(cannot(&refused.0), "{refused:?}");
        assert_eq!(refused.into_response().status(), 500);

        let mut service = WebSocketService::new(WebSocketUpgrade::new(), |_, _| async {});
        assert_eq!(service.call(upgrade_request()).await.unwrap().status(), 500);

        // What is wrong with the request itself is said first.
        let mut plain = Request::get("/").header("Host", "example.com").body(()).unwrap();
        let refusal = upgrade(WebSocketUpgrade::new(), &mut plain).unwrap_err();
        assert_eq!(refusal.reason(), &RefusalReason::NotAnUpgrade);
    }

    #[tokio::test]
    async fn list_17_connecting_on_hyper() {
        for polls in 0..1000 {
            let mut pair = Pair::open().await;
            let connected = within_polls(polls, connect(builder(), &mut pair.sender)).await;
            if let Some(connected) = connected {
                let mut client = connected.unwrap();
                let mut server = pair.upgrading.recv().await.unwrap().await.unwrap();
                exchange(&mut client, &mut server).await;
                pair.ends().await;
                // At its start, and for the response.
                assert!(polls >= 2, "{polls}");
                return;
            }
            pair.ends().await;
        }
        panic!("never ready");
    }

    /// With the combinators in scope, too, to split is to take the directions apart.
    #[tokio::test]
    async fn halves_of_an_upgraded_connection() {
        use futures_util::StreamExt;

        let mut pair = Pair::open().await;
        let mut client = connect(builder(), &mut pair.sender).await.unwrap();
        let server = pair.upgrading.recv().await.unwrap().await.unwrap();
        let (mut reader, mut writer) = server.split();
        let serving = tokio::spawn(async move {
            while let Some(message) = reader.next().await {
                if message.as_ref().unwrap().is_data() {
                    writer.send(message.unwrap()).await.unwrap();
                }
            }
        });
        client.send("hello").await.unwrap();
        assert_eq!(client.receive().await.unwrap(), Some("hello".into()));
        client.close(1000, "").await.unwrap();
        serving.await.unwrap();
    }

    /// It may be polled through a reference, too, dropped after each poll.
    #[tokio::test]
    async fn list_17_upgrading_on_hyper() {
        let mut pair = Pair::open().await;
        let connecting = tokio::spawn(async move {
            let connected = connect(builder(), &mut pair.sender).await;
            (connected, pair.upgrading, pair.sender, pair.drivers)
        });
        let (connected, mut upgrading, sender, drivers) = connecting.await.unwrap();
        let mut client = connected.unwrap();
        let mut server = upgrading.recv().await.unwrap();
        let mut server = loop {
            let polled = within_polls(1, &mut server).await;
            match polled {
                Some(upgraded) => break upgraded.unwrap(),
                None => yield_now().await,
            }
        };
        exchange(&mut client, &mut server).await;
        Pair { sender, upgrading, drivers }.ends().await;
    }

    #[tokio::test]
    async fn list_17_upgrading_on_hyper_given_up() {
        for polls in 0..1000 {
            let mut pair = Pair::open().await;
            let mut sender = pair.sender;
            let connecting =
                tokio::spawn(async move { (connect(builder(), &mut sender).await, sender) });
            let upgrading = pair.upgrading.recv().await.unwrap();
            let upgraded = within_polls(polls, upgrading).await;
            let (connected, sender) = connecting.await.unwrap();
            let mut client = connected.unwrap();
            pair.sender = sender;
            if let Some(upgraded) = upgraded {
                exchange(&mut client, &mut upgraded.unwrap()).await;
                pair.ends().await;
                assert!(polls >= 1);
                return;
            }
            let lost = timeout(PATIENCE, client.receive()).await.expect("held open");
            assert!(matches!(lost, Err(WebSocketError::ConnectionLost)), "{lost:?}");
            pair.ends().await;
        }
        panic!("never ready");
    }
}
