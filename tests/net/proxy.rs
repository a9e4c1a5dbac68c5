//! Through proxies that live for one connection each.

use std::io::{IoSlice, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use wirespeed::WebSocketError;
use wirespeed::net::proxy::{EnvironmentProxies, ProxyError};
use wirespeed::net::stream::{Duplex, Stream, TlsStream};
use wirespeed::net::tls::TlsServer;
use wirespeed::net::{Connected, Connector, Error, Phase, ProxyChoice};

use crate::certificates::{Authority, certificate};
use crate::dial::SHORT;

/// Runs `serve` with the first connection to a new address.
fn serve<R: Send + 'static>(
    serve: impl FnOnce(Stream) -> R + Send + 'static,
) -> (SocketAddr, JoinHandle<R>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (address, thread::spawn(move || serve(listener.accept().unwrap().0.into())))
}

fn connector(proxy: &str) -> Connector {
    let mut connector = Connector::default();
    connector.proxy = ProxyChoice::Fixed(proxy.parse().unwrap());
    connector
}

fn connect(connector: &Connector, url: &str) -> Result<Connected, Error> {
    connector.connect(&url.parse().unwrap())
}

fn read_head(stream: &mut Stream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

fn secure(stream: Stream, server: &TlsServer) -> Stream {
    TlsStream::accept(stream, server.config().clone(), None).unwrap().into()
}

/// The server at the far end: sends back what it has received, changed.
fn answer(stream: &mut Stream) {
    let mut question = [0; 4];
    stream.read_exact(&mut question).unwrap();
    assert_eq!(&question, b"ping");
    stream.write_all(b"pong").unwrap();
}

fn ask(stream: &Stream) {
    assert_eq!(stream.write_vectored(&[IoSlice::new(b"ping")]).unwrap(), 4);
    let mut answer = [0; 4];
    (&mut &*stream).read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"pong");
}

#[test]
fn bytes_behind_the_answer_of_a_proxy_are_kept() {
    let (proxy, serving) = serve(|mut stream| {
        let head = read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\nVia: test\r\n\r\nglued").unwrap();
        head
    });
    let connected = connect(&connector(&format!("http://{proxy}")), "ws://h.example/a").unwrap();
    assert_eq!(connected.stream.tcp().unwrap().read_timeout().unwrap(), None);
    let mut received = String::new();
    (&mut &connected.stream).read_to_string(&mut received).unwrap();
    assert_eq!(received, "glued");
    let head = serving.join().unwrap();
    assert_eq!(head, "CONNECT h.example:80 HTTP/1.1\r\nHost: h.example:80\r\n\r\n");
}

#[test]
fn wss_runs_through_an_http_proxy() {
    let authority = Authority::new();
    let server = authority.server(&["h.example"]);
    let (proxy, serving) = serve(move |mut stream| {
        let head = read_head(&mut stream);
        assert!(head.starts_with("CONNECT h.example:443 "), "{head}");
        assert!(head.contains("\r\nProxy-Authorization: Basic dTpw\r\n"), "{head}");
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        answer(&mut secure(stream, &server));
    });
    let mut connector = connector(&format!("http://u:p@{proxy}"));
    connector.tls = Some(authority.client());
    let connected = connect(&connector, "wss://h.example/").unwrap();
    assert!(connected.stream.is_tls());
    assert_eq!(connected.stream.peer_addr(), Some(proxy));
    ask(&connected.stream);
    serving.join().unwrap();
}

#[test]
fn wss_runs_through_an_https_proxy() {
    let authority = Authority::new();
    let proxy_server = authority.server(&["127.0.0.1"]);
    let server = authority.server(&["h.example"]);
    let (proxy, serving) = serve(move |stream| {
        let mut stream = secure(stream, &proxy_server);
        assert!(read_head(&mut stream).starts_with("CONNECT h.example:443 "));
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        answer(&mut secure(stream, &server));
    });
    let mut connector = connector(&format!("https://{proxy}"));
    connector.tls = Some(authority.client());
    ask(&connect(&connector, "wss://h.example/").unwrap().stream);
    serving.join().unwrap();
}

/// Whoever looks at the server's certificate then looks in vain.
#[test]
fn a_proxy_that_is_not_trusted_is_named() {
    let proxy_server = Authority::new().server(&["127.0.0.1"]);
    let (proxy, _serving) = serve(move |stream| {
        TlsStream::accept(stream, proxy_server.config().clone(), None).is_err()
    });
    let mut connector = connector(&format!("https://{proxy}"));
    connector.tls = Some(Authority::new().client());
    let error = connect(&connector, "wss://h.example/").unwrap_err();
    assert!(error.to_string().starts_with("TLS with the proxy 127.0.0.1: "), "{error}");
    let error = WebSocketError::from(error);
    assert!(matches!(error, WebSocketError::Connect(_)), "{error:?}");

    let (proxy, _serving) = serve(|mut stream| stream.read_to_end(&mut Vec::new()).unwrap());
    let mut connector = self::connector(&format!("https://{proxy}"));
    connector.tls = Some(Authority::new().client());
    connector.options.timeout = SHORT;
    let error = connect(&connector, "wss://h.example/").unwrap_err();
    assert!(matches!(error, Error::Timeout(Phase::Proxy)), "{error:?}");
}

/// Who the client is concerns the server alone.
#[test]
fn a_proxy_that_asks_for_a_certificate_is_shown_none() {
    let authority = Authority::new();
    let identity = authority.issue(&["client.example"]);
    let proxy_server = authority.asking_server(&["127.0.0.1"], true);
    let server = authority.asking_server(&["h.example"], false);
    let shown = |stream: &TlsStream<Stream>| {
        stream.with_session(|session| session.peer_certificates().map(<[_]>::to_vec))
    };
    let (proxy, serving) = serve(move |stream| {
        let stream = TlsStream::accept(stream, proxy_server.config().clone(), None).unwrap();
        let to_proxy = shown(&stream);
        let mut stream = Stream::from(stream);
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let stream = TlsStream::accept(stream, server.config().clone(), None).unwrap();
        let to_server = shown(&stream);
        answer(&mut stream.into());
        (to_proxy, to_server)
    });
    let mut connector = connector(&format!("https://{proxy}"));
    connector.tls = Some(authority.client_with(&identity));
    ask(&connect(&connector, "wss://h.example/").unwrap().stream);
    let (to_proxy, to_server) = serving.join().unwrap();
    assert_eq!(to_proxy, None);
    assert_eq!(to_server, Some(vec![certificate(&identity.chain)]));
}

#[test]
fn ws_and_wss_run_through_a_socks_proxy() {
    let authority = Authority::new();
    for secured in [false, true] {
        let server = authority.server(&["h.example"]);
        let (proxy, serving) = serve(move |mut stream| {
            let mut greeting = [0; 4];
            stream.read_exact(&mut greeting).unwrap();
            assert_eq!(greeting, [5, 2, 0, 2]);
            stream.write_all(&[5, 2]).unwrap();
            let mut login = [0; 5];
            stream.read_exact(&mut login).unwrap();
            assert_eq!(&login, b"\x01\x01u\x01p");
            stream.write_all(&[1, 0]).unwrap();
            let mut request = [0; 16];
            stream.read_exact(&mut request).unwrap();
            // The name goes to the proxy unresolved.
            let port = if secured { b"\x01\xbb" } else { b"\x00\x50" };
            assert_eq!(request[..], [&b"\x05\x01\x00\x03\x09h.example"[..], port].concat());
            stream.write_all(b"\x05\x00\x00\x03\x03abc\x00\x00").unwrap();
            answer(&mut if secured { secure(stream, &server) } else { stream });
        });
        let mut connector = connector(&format!("socks5h://u:p@{proxy}"));
        connector.tls = Some(authority.client());
        let scheme = if secured { "wss" } else { "ws" };
        ask(&connect(&connector, &format!("{scheme}://h.example/")).unwrap().stream);
        serving.join().unwrap();
    }
}

#[test]
fn a_refusal_says_why() {
    let (proxy, _serving) = serve(|mut stream| {
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 407 Who?\r\nContent-Length: 0\r\n\r\n").unwrap();
    });
    let error =
        connect(&connector(&format!("http://{proxy}")), "ws://refused.example").unwrap_err();
    assert!(matches!(error, Error::Proxy(ProxyError::Refused { status: 407 })), "{error:?}");

    let (proxy, _serving) = serve(|mut stream| drop(read_head(&mut stream)));
    let error =
        connect(&connector(&format!("http://{proxy}")), "ws://refused.example").unwrap_err();
    assert!(matches!(error, Error::Proxy(ProxyError::Closed)), "{error:?}");
}

#[test]
fn a_silent_proxy_is_given_up() {
    let (proxy, _serving) = serve(|mut stream| stream.read_to_end(&mut Vec::new()).unwrap());
    let mut connector = connector(&format!("socks5://{proxy}"));
    connector.options.timeout = SHORT;
    let error = connect(&connector, "ws://silent.example").unwrap_err();
    assert!(matches!(error, Error::Timeout(Phase::Proxy)), "{error:?}");
}

#[test]
fn an_unreachable_proxy_is_named() {
    // Bound, so that nobody else listens there.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let proxy = socket.local_addr().unwrap().as_socket().unwrap();
    let error = connect(&connector(&format!("http://{proxy}")), "ws://h.example").unwrap_err();
    let Error::Connect { host, attempts } = error else { panic!("{error:?}") };
    assert_eq!((&*host, attempts[0].address), ("127.0.0.1", proxy));
}

#[test]
fn r2_a_name_behind_a_proxy_takes_turns() {
    let open = |mut stream: Stream| {
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        stream
    };
    let (proxy, _serving) = serve(open);
    let first = connect(&connector(&format!("http://{proxy}")), "ws://turns.example").unwrap();
    let (proxy, _serving) = serve(open);
    let mut connector = connector(&format!("http://{proxy}"));
    connector.options.timeout = SHORT;
    let error = connect(&connector, "ws://turns.example").unwrap_err();
    assert!(matches!(error, Error::Timeout(Phase::Turn)), "{error:?}");
    drop(first);
    connector.options.timeout = Duration::from_secs(30);
    connect(&connector, "ws://turns.example").unwrap();
}

#[test]
fn the_environment_chooses_the_proxy() {
    let (proxy, serving) = serve(|mut stream| {
        let head = read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        head
    });
    let lookup = |name: &str| match name {
        "http_proxy" => Some(format!("http://{proxy}")),
        "https_proxy" => Some("gopher://nonsense".to_owned()),
        _ => None,
    };
    let mut connector = Connector::default();
    connector.proxy = ProxyChoice::Environment(EnvironmentProxies::from_lookup(lookup));
    connect(&connector, "ws://chosen.example/").unwrap();
    assert!(serving.join().unwrap().starts_with("CONNECT chosen.example:80 "));
    let error = connect(&connector, "wss://chosen.example/").unwrap_err();
    assert!(matches!(error, Error::Proxy(ProxyError::Scheme)), "{error:?}");
}
