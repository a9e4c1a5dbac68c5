//! Connecting and accepting, over sockets of this machine.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use wirespeed::{
    TimedOut, WebSocketClient, WebSocketError, WebSocketMessage, WebSocketState, WebSocketUpgrade,
    handshake::{OriginPolicy, ServerPolicy},
    net::{ProxyChoice, dial::Resolver},
};

/// A server that accepts one connection and echoes; its outcome, and its address.
async fn echo(upgrade: WebSocketUpgrade) -> (JoinHandle<Result<(), WebSocketError>>, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await?;
        let mut ws = upgrade.accept_async(stream).await?;
        while let Some(message) = ws.receive().await? {
            if message.is_data() {
                ws.send(message).await?;
            }
        }
        Ok(())
    });
    (serving, address)
}

fn client() -> WebSocketClient {
    WebSocketClient::new().proxy(ProxyChoice::Direct)
}

#[tokio::test]
async fn a_connection_from_end_to_end() {
    let policy = ServerPolicy::new().subprotocols(["book.v2", "book.v1"]);
    let (serving, address) = echo(WebSocketUpgrade::new().policy(policy)).await;
    let builder = client().websocket(format!("ws://{address}/feed")).subprotocol("book.v1");
    let mut ws = builder.connect_async().await.unwrap();
    assert_eq!(ws.state(), WebSocketState::Open);
    assert_eq!(ws.subprotocol(), Some("book.v1"));
    assert_eq!(ws.response().unwrap().status(), 101);
    ws.send("hello").await.unwrap();
    assert_eq!(ws.receive().await.unwrap(), Some("hello".into()));
    ws.close(1000, "").await.unwrap();
    assert_eq!(ws.state(), WebSocketState::Closed);
    serving.await.unwrap().unwrap();
}

/// Whoever takes the directions apart is still told what was agreed on.
#[tokio::test]
async fn halves_know_what_was_agreed() {
    let (ours, theirs) = tokio::io::duplex(1024);
    let policy = ServerPolicy::new().subprotocols(["book.v2"]);
    let accepting = WebSocketUpgrade::new().policy(policy).accept_async(theirs);
    let builder = client().websocket("ws://example.com/").subprotocol("book.v2");
    let (server, client) = tokio::join!(accepting, builder.connect_async_over(ours));
    let (reader, writer) = server.unwrap().split();
    assert_eq!((reader.subprotocol(), writer.subprotocol()), (Some("book.v2"), Some("book.v2")));
    assert!(reader.response().is_none() && writer.response().is_none());
    let (reader, writer) = client.unwrap().split();
    assert_eq!((reader.subprotocol(), writer.subprotocol()), (Some("book.v2"), Some("book.v2")));
    for response in [reader.response(), writer.response()] {
        assert_eq!(response.unwrap().headers()["sec-websocket-protocol"], "book.v2");
    }
}

#[tokio::test]
async fn an_accepted_request_is_handed_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let builder = client().websocket(format!("ws://{address}/book?depth=5"));
    let connecting = tokio::spawn(builder.header("X-Token", "secret").connect_async());
    let (stream, _) = listener.accept().await.unwrap();
    let accepting = WebSocketUpgrade::new().accept_request_async(stream);
    let (request, _ws) = accepting.await.unwrap();
    assert_eq!(request.uri(), "/book?depth=5");
    assert_eq!(request.headers()["x-token"], "secret");
    connecting.await.unwrap().unwrap();
}

#[tokio::test]
async fn halves_of_a_socket() {
    let (serving, address) = echo(WebSocketUpgrade::new()).await;
    let ws = client().websocket(format!("ws://{address}")).connect_async().await.unwrap();
    let (mut reader, mut writer) = ws.split();
    let writing = tokio::spawn(async move {
        for i in 0..1000 {
            writer.send(&format!("message {i}")).await.unwrap();
        }
        assert_eq!(writer.state(), WebSocketState::Open);
        writer.close(1000, "").await.unwrap();
        assert_ne!(writer.state(), WebSocketState::Open);
    });
    for i in 0..1000 {
        let expected = format!("message {i}");
        assert_eq!(reader.receive_ref().await.unwrap().unwrap().as_text(), Some(&*expected));
    }
    let close = reader.receive().await.unwrap();
    assert_eq!(close, Some(WebSocketMessage::Close(1000.into(), "".into())));
    assert_eq!(reader.receive().await.unwrap(), None);
    writing.await.unwrap();
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_refusal_arrives() {
    let policy = ServerPolicy::new().origin(OriginPolicy::SameOrigin);
    let (serving, address) = echo(WebSocketUpgrade::new().policy(policy)).await;
    let builder = client().websocket(format!("ws://{address}")).origin("https://elsewhere.example");
    match builder.connect_async().await.unwrap_err() {
        WebSocketError::UpgradeFailed(failure) => assert_eq!(failure.status, 403),
        other => panic!("{other}"),
    }
    assert!(matches!(serving.await.unwrap(), Err(WebSocketError::Refused(_))));
}

/// A peer that is refused and does not close its side is not waited for.
#[tokio::test(start_paused = true)]
async fn a_refusal_is_reported_whatever_the_peer_does_then() {
    let (ours, mut theirs) = tokio::io::duplex(1024);
    theirs.write_all(b"POST / HTTP/1.1\r\nHost: example.com\r\n\r\n").await.unwrap();
    let refused = wirespeed::tokio::accept(ours).await.unwrap_err();
    assert!(matches!(refused, WebSocketError::Refused(_)), "{refused}");
    let mut answer = String::new();
    theirs.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
}

/// A refusal whose body never ends is one all the same.
#[tokio::test(start_paused = true)]
async fn a_refusal_without_an_end_is_reported() {
    let (ours, mut theirs) = tokio::io::duplex(1024);
    theirs.write_all(b"HTTP/1.1 401 Unauthorized\r\n\r\nno").await.unwrap();
    let connecting = client().websocket("ws://example.com/").connect_async_over(ours);
    let error = connecting.await.unwrap_err();
    let WebSocketError::UpgradeFailed(failure) = error else { panic!("{error}") };
    assert_eq!((failure.status.as_u16(), &failure.body[..]), (401, &b"no"[..]));
}

/// The clock stands still until every task waits, so that time passes at once.
#[tokio::test(start_paused = true)]
async fn a_handshake_that_stalls_is_given_up() {
    let timed_out = |error| matches!(error, WebSocketError::Timeout(TimedOut::Handshake));
    let (ours, _theirs) = tokio::io::duplex(1024);
    assert!(timed_out(wirespeed::tokio::accept(ours).await.unwrap_err()));
    let (ours, _theirs) = tokio::io::duplex(1024);
    let connecting = client().websocket("ws://example.com").connect_async_over(ours);
    assert!(timed_out(connecting.await.unwrap_err()));
}

/// What is no server, or nobody, is an error that says so; addresses race.
#[tokio::test]
async fn an_address_that_fails_makes_way_for_the_next() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (_serving, open) = echo(WebSocketUpgrade::new()).await;
    let resolver = |addresses: Vec<SocketAddr>| -> Arc<dyn Resolver> {
        Arc::new(move |_: &str, _: u16| io::Result::Ok(addresses.clone()))
    };
    let connect = |addresses| {
        let mut connector = wirespeed::net::Connector::default();
        connector.resolver = resolver(addresses);
        connector.proxy = ProxyChoice::Direct;
        let client = WebSocketClient::new().connector(connector);
        client.websocket("ws://feed.example/").connect_async()
    };
    let mut ws = connect(vec![closed, open]).await.unwrap();
    ws.send("hello").await.unwrap();
    assert!(matches!(connect(vec![closed]).await, Err(WebSocketError::Connect(_))));
    assert!(matches!(connect(vec![]).await, Err(WebSocketError::Connect(_))));
}

/// RFC 6455, 4.1, step 2: no two connections to an address are in their opening
/// handshake at once. Here each waits, in a task, for those before it to fail.
#[tokio::test]
async fn connections_to_one_address_take_turns() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let order = Arc::new(Mutex::new(Vec::new()));
    const CONNECTIONS: usize = 20;
    let connecting: [_; CONNECTIONS] = std::array::from_fn(|number| {
        let (order, connecting) = (Arc::clone(&order), client().websocket(&*url).connect_async());
        tokio::spawn(async move {
            assert!(connecting.await.is_err());
            order.lock().unwrap().push(number);
        })
    });
    for finished in 0..CONNECTIONS {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        assert_eq!(order.lock().unwrap().len(), finished, "the others wait");
        stream.write_all(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    }
    for task in connecting {
        task.await.unwrap();
    }
    assert!(order.lock().unwrap().iter().copied().eq(0..CONNECTIONS), "first come, first served");
}

#[tokio::test]
async fn through_a_proxy() {
    let (_serving, target) = echo(WebSocketUpgrade::new()).await;
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = proxy.local_addr().unwrap();
    let proxying = tokio::spawn(async move {
        let (mut stream, _) = proxy.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        assert!(head.starts_with(b"CONNECT feed.example:80 HTTP/1.1\r\n"));
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let mut onward = TcpStream::connect(target).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut onward).await;
    });
    let proxy = ProxyChoice::Fixed(format!("http://{address}").parse().unwrap());
    let client = WebSocketClient::new().proxy(proxy);
    let mut ws = client.websocket("ws://feed.example").connect_async().await.unwrap();
    ws.send("hello").await.unwrap();
    assert_eq!(ws.receive().await.unwrap(), Some("hello".into()));
    drop(ws);
    proxying.await.unwrap();
}

#[cfg(feature = "ring")]
#[tokio::test]
async fn over_tls_whole_and_in_halves() {
    use wirespeed::{
        net::tls::{TlsClient, TlsServer},
        tokio::MaybeTlsStream,
    };

    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let tls = TlsServer::from_pem(cert.pem().as_bytes(), signing_key.serialize_pem().as_bytes());
    let tls = tls.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let stream = MaybeTlsStream::accept_tls(stream, &tls).await.unwrap();
        let ws = wirespeed::tokio::accept(stream).await.unwrap();
        let (mut reader, mut writer) = ws.split();
        while let Some(message) = reader.receive().await.unwrap() {
            if message.is_data() {
                writer.send(message).await.unwrap();
            }
        }
    });

    let trust = TlsClient::builder().default_roots(false);
    let trust = trust.add_authority_pem(cert.pem().as_bytes()).unwrap().build().unwrap();
    let url = format!("wss://localhost:{}", address.port());
    let builder = client().tls(trust).websocket(url).address(address);
    let mut ws = builder.connect_async().await.unwrap();
    assert!(ws.get_ref().is_tls());
    for message in ["hello".into(), WebSocketMessage::from(vec![7; 1 << 20])] {
        ws.send(message.clone()).await.unwrap();
        assert_eq!(ws.receive().await.unwrap(), Some(message));
    }
    ws.close(1000, "").await.unwrap();
    serving.await.unwrap();
}

#[cfg(feature = "deflate")]
#[tokio::test]
async fn compressed() {
    use wirespeed::{WebSocketOptions, deflate::DeflateOptions};

    let mut options = WebSocketOptions::server();
    options.deflate = Some(DeflateOptions::for_server());
    let (_serving, address) = echo(WebSocketUpgrade::new().options(options)).await;
    let builder =
        client().websocket(format!("ws://{address}")).deflate(DeflateOptions::for_client());
    let mut ws = builder.connect_async().await.unwrap();
    let extensions = &ws.response().unwrap().headers()["sec-websocket-extensions"];
    assert!(extensions.to_str().unwrap().starts_with("permessage-deflate"));
    let text = "over and over and ".repeat(10_000);
    ws.send(&text).await.unwrap();
    let mut reader = ws.receive_reader().await.unwrap().unwrap();
    let mut echoed = String::new();
    reader.read_to_string(&mut echoed).await.unwrap();
    assert_eq!(echoed, text);
    drop(reader);

    let (sent, received) = ws.deflate_totals().unwrap();
    assert_eq!((sent.messages, sent.inflated), (1, text.len() as u64));
    assert_eq!((received.messages, received.inflated), (1, text.len() as u64));
    let (reader, writer) = ws.split();
    assert_eq!(reader.deflate_totals(), Some(received));
    assert_eq!(writer.deflate_totals(), Some(sent));
}

/// Who the client is concerns the server alone.
#[cfg(all(feature = "blocking", feature = "ring"))]
#[tokio::test]
async fn a_proxy_that_asks_for_a_certificate_is_shown_none() {
    use rustls::{
        RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, pem::PemObject},
        server::WebPkiClientVerifier,
    };
    use wirespeed::net::{
        stream::{Stream, TlsStream},
        tls::TlsClient,
    };

    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (pem, key) = (cert.pem(), signing_key.serialize_pem());
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let asking = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider))
        .allow_unauthenticated()
        .build()
        .unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(asking)
        .with_single_cert(
            vec![cert.der().clone()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let serving = tokio::task::spawn_blocking(move || {
        let stream = Stream::from(listener.accept().unwrap().0);
        let stream = TlsStream::accept(stream, Arc::new(config), None).unwrap();
        stream.with_session(|session| session.peer_certificates().map(<[_]>::len))
    });
    let tls = TlsClient::builder().default_roots(false);
    let tls = tls.add_authority_pem(pem.as_bytes()).unwrap();
    let tls = tls.identity_pem(pem.as_bytes(), key.as_bytes()).unwrap().build().unwrap();
    let client = client().tls(tls).proxy(ProxyChoice::Fixed(proxy.parse().unwrap()));
    // The proxy has seen enough then.
    client.websocket("wss://example.com/").connect_async().await.unwrap_err();
    assert_eq!(serving.await.unwrap(), None);
}
