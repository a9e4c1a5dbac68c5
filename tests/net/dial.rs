//! Dialling: every address, every option, every way to fail.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};
use wirespeed::WebSocketUrl;
use wirespeed::net::stream::{Duplex, Stream, TlsStream};
use wirespeed::net::{Connector, Error, Phase, ProxyChoice, UrlError};

use crate::certificates::Authority;

/// Runs out in a test; long enough to get as far as that on a busy machine.
pub(crate) const SHORT: Duration = Duration::from_millis(300);

/// A connector for which every name has these addresses.
fn connector(addresses: &[SocketAddr]) -> Connector {
    let addresses = addresses.to_vec();
    let mut connector = Connector::default();
    connector.proxy = ProxyChoice::Direct;
    connector.resolver = Arc::new(move |_: &str, _: u16| Ok(addresses.clone()));
    connector
}

fn listen(ip: impl Into<IpAddr>) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((ip.into(), 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// An address at which connections are refused, taken while the socket lives.
fn dead() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

fn url(text: &str) -> WebSocketUrl {
    text.parse().unwrap()
}

#[test]
fn a_dead_first_address_is_passed_over() {
    let (_listener, live) = listen(Ipv4Addr::LOCALHOST);
    let (_dead_socket, dead) = dead();
    let connected = connector(&[dead, live]).connect(&url("ws://h")).unwrap();
    assert_eq!(connected.stream.peer_addr(), Some(live));
    assert!(!connected.stream.is_tls());
    let socket = connected.stream.tcp().unwrap();
    assert!(socket.nodelay().unwrap());
    assert_eq!(socket.read_timeout().unwrap(), None);
}

#[test]
fn the_error_lists_every_attempt() {
    let ((_socket, one), (_other_socket, two)) = (dead(), dead());
    let error = connector(&[one, two]).connect(&url("ws://h")).unwrap_err();
    let text = error.to_string();
    let Error::Connect { host, attempts } = error else { panic!("{error:?}") };
    assert_eq!(host, "h");
    let tried: Vec<_> = attempts.iter().map(|attempt| attempt.address).collect();
    assert_eq!(tried, [one, two]);
    for attempt in &attempts {
        assert_eq!(attempt.error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(text.contains(&attempt.to_string()), "{text}");
    }
}

/// An address whose accept queue is full, so that it does not answer.
#[cfg(target_os = "linux")]
fn silent() -> (Vec<Socket>, SocketAddr) {
    let stream = || Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let listener = stream();
    listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut sockets = vec![listener];
    for _ in 0..4 {
        let client = stream();
        client.set_nonblocking(true).unwrap();
        let _ = client.connect(&address);
        sockets.push(client);
    }
    (sockets, address.as_socket().unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn a_silent_first_address_delays_nobody() {
    let (_sockets, silent) = silent();
    let (_listener, live) = listen(Ipv4Addr::LOCALHOST);
    let mut connector = connector(&[silent, live]);
    connector.options.stagger = Duration::from_millis(1);
    let connected = connector.connect(&url("ws://h")).unwrap();
    assert_eq!(connected.stream.peer_addr(), Some(live));
}

#[cfg(target_os = "linux")]
#[test]
fn a_silent_address_times_out() {
    let (_sockets, silent) = silent();
    let mut connector = connector(&[silent]);
    for overall in [false, true] {
        connector.options.timeout = if overall { SHORT } else { Duration::from_secs(60) };
        connector.options.attempt_timeout = (!overall).then_some(SHORT);
        let error = connector.connect(&url("ws://h")).unwrap_err();
        let Error::Connect { attempts, .. } = error else { panic!("{error:?}") };
        assert_eq!(attempts[0].address, silent);
        assert_eq!(attempts[0].error.kind(), io::ErrorKind::TimedOut);
    }
}

#[test]
fn ipv6_needs_no_resolver() {
    let (_listener, address) = listen(Ipv6Addr::LOCALHOST);
    let connected =
        connector(&[]).connect(&url(&format!("ws://[::1]:{}/", address.port()))).unwrap();
    assert_eq!(connected.stream.peer_addr(), Some(address));
}

#[test]
fn a_name_without_addresses_is_an_error() {
    let error = connector(&[]).connect(&url("ws://nowhere.example")).unwrap_err();
    let Error::Resolve { host, source } = error else { panic!("{error:?}") };
    assert_eq!((&*host, source.kind()), ("nowhere.example", io::ErrorKind::NotFound));
}

#[test]
fn a_resolver_that_never_answers_is_given_up() {
    let (hold, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let mut connector = connector(&[]);
    connector.resolver = Arc::new(move |_: &str, _: u16| {
        let _ = wait.lock().unwrap().recv();
        Ok(Vec::new())
    });
    connector.options.timeout = SHORT;
    let error = connector.connect(&url("ws://h")).unwrap_err();
    assert!(matches!(error, Error::Timeout(Phase::Resolve)), "{error:?}");
    drop(hold);
}

#[cfg(target_os = "linux")] // which has all of 127.0.0.0/8
#[test]
fn the_local_address_is_bound() {
    let (listener, address) = listen(Ipv4Addr::LOCALHOST);
    let mut connector = connector(&[address]);
    let local = IpAddr::from([127, 0, 0, 2]);
    connector.options.local_address = Some(local);
    drop(connector.connect(&url("ws://h")).unwrap());
    assert_eq!(listener.accept().unwrap().1.ip(), local);
    connector.options.local_address = Some(Ipv6Addr::LOCALHOST.into());
    assert!(matches!(connector.connect(&url("ws://h")), Err(Error::Connect { .. })));
}

#[test]
fn the_socket_is_configured_before_it_connects() {
    let (_listener, address) = listen(Ipv4Addr::LOCALHOST);
    let mut connector = connector(&[address]);
    connector.options.nodelay = false;
    connector.options.receive_buffer = Some(300_000);
    connector.options.send_buffer = Some(200_000);
    connector.options.keepalive = Some(Duration::from_secs(77));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&seen);
    connector.options.configure = Some(Arc::new(move |socket: SockRef<'_>, address| {
        assert!(socket.peer_addr().is_err(), "it is connected already");
        record.lock().unwrap().push(address);
        socket.set_ttl_v4(33)
    }));
    let connected = connector.connect(&url("ws://h")).unwrap();
    let socket = SockRef::from(connected.stream.tcp().unwrap());
    assert!(!socket.tcp_nodelay().unwrap());
    assert!(socket.recv_buffer_size().unwrap() > 200_000);
    assert!(socket.send_buffer_size().unwrap() > 150_000);
    assert!(socket.keepalive().unwrap());
    assert_eq!(socket.ttl_v4().unwrap(), 33);
    assert_eq!(*seen.lock().unwrap(), [address]);
    drop(connected);

    connector.options.configure =
        Some(Arc::new(|_: SockRef<'_>, _: SocketAddr| Err(io::ErrorKind::PermissionDenied.into())));
    let error = connector.connect(&url("ws://h")).unwrap_err();
    let Error::Connect { attempts, .. } = error else { panic!("{error:?}") };
    assert_eq!(attempts[0].error.kind(), io::ErrorKind::PermissionDenied);
}

#[test]
fn r2_connections_to_one_address_take_turns() {
    let (_listener, address) = listen(Ipv4Addr::LOCALHOST);
    let (_other_listener, other) = listen(Ipv4Addr::LOCALHOST);
    let mut connector = connector(&[address]);
    let first = connector.connect(&url("ws://h")).unwrap();
    assert!(first.permit.is_some());

    // Another address of the same name is free.
    let mut both = connector.clone();
    both.resolver = Arc::new(move |_: &str, _: u16| Ok(vec![address, other]));
    let second = both.connect(&url("ws://h")).unwrap();
    assert_eq!(second.stream.peer_addr(), Some(other));

    // Who does not wish to wait need not.
    connector.options.serialize = false;
    assert!(connector.connect(&url("ws://h")).unwrap().permit.is_none());
    connector.options.serialize = true;

    connector.options.timeout = SHORT;
    let error = connector.connect(&url("ws://h")).unwrap_err();
    assert!(matches!(error, Error::Timeout(Phase::Turn)), "{error:?}");

    connector.options.timeout = Duration::from_secs(30);
    let waiting = thread::spawn(move || connector.connect(&url("ws://h")).map(drop));
    // The connection itself lives on.
    drop(first.permit);
    waiting.join().unwrap().unwrap();
}

#[test]
fn r3_wss_speaks_tls_before_anything_else() {
    let authority = Authority::new();
    let server = authority.server(&["h.example"]);
    let (listener, address) = listen(Ipv4Addr::LOCALHOST);
    let mut connector = connector(&[address]);
    connector.tls = Some(authority.client());
    let accepting = thread::spawn(move || {
        let accept = || {
            let socket = Stream::from(listener.accept().unwrap().0);
            TlsStream::accept(socket, server.config().clone(), None)
        };
        (accept().unwrap(), accept().is_err())
    });
    let connected = connector.connect(&url("wss://h.example/feed")).unwrap();
    assert!(connected.stream.is_tls());
    assert_eq!(connected.stream.peer_addr(), Some(address));
    drop(connected.permit);
    // The right address does not help where the name is another.
    let error = connector.connect_to(address, &url("wss://other.example")).unwrap_err();
    assert!(matches!(&error, Error::Tls { host, .. } if host == "other.example"), "{error:?}");
    let (accepted, refused) = accepting.join().unwrap();
    assert!(refused);
    let message = [io::IoSlice::new(b"hello")];
    assert_eq!(accepted.write_vectored(&message).unwrap(), 5);
    assert_eq!(connected.stream.read(&mut [0; 10]).unwrap(), 5);
}

#[test]
fn a_tls_server_that_never_answers_is_given_up() {
    let authority = Authority::new();
    let (_listener, address) = listen(Ipv4Addr::LOCALHOST);
    let mut connector = connector(&[address]);
    connector.tls = Some(authority.client());
    connector.options.timeout = SHORT;
    let error = connector.connect(&url("wss://h")).unwrap_err();
    assert!(matches!(error, Error::Timeout(Phase::Tls)), "{error:?}");
}

#[test]
fn errors_of_urls_become_errors_of_connections() {
    let parse = |text: &str| -> Result<WebSocketUrl, Error> { Ok(text.parse()?) };
    assert!(matches!(parse("http://h"), Err(Error::Url(UrlError::Scheme))));
}
