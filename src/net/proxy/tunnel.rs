//! A tunnel through a proxy, as bytes in and bytes out.

use std::fmt;

use super::http_connect::HttpConnect;
use super::socks5::Socks5;
use super::{Proxy, ProxyError, ProxyScheme};
use crate::net::WebSocketUrl;

/// The talk with a proxy that ends in a tunnel to the target.
///
/// A driver repeats, until [`is_open`](Self::is_open): send
/// [`outgoing`](Self::outgoing) and report it to [`sent`](Self::sent); once
/// that is empty, read at most [`wanted`](Self::wanted) bytes and hand them to
/// [`receive`](Self::receive). Whoever reads no more than is wanted leaves
/// everything behind the proxy's answer to the next protocol.
pub struct Tunnel {
    outgoing: Vec<u8>,
    sent: usize,
    protocol: Protocol,
}

enum Protocol {
    Http(HttpConnect),
    Socks5(Socks5),
}

impl Tunnel {
    /// Asks `proxy` for a tunnel to the host and port of `target`.
    ///
    /// # Errors
    ///
    /// [`ProxyError::CredentialsForm`].
    pub fn new(proxy: &Proxy, target: &WebSocketUrl) -> Result<Self, ProxyError> {
        let credentials = proxy.credentials.as_ref();
        let (outgoing, protocol) = match proxy.scheme {
            ProxyScheme::Http | ProxyScheme::Https => {
                let (request, state) = HttpConnect::start(target, credentials)?;
                (request, Protocol::Http(state))
            }
            ProxyScheme::Socks5 => {
                let (greeting, state) = Socks5::start(target, credentials)?;
                (greeting, Protocol::Socks5(state))
            }
        };
        Ok(Self { outgoing, sent: 0, protocol })
    }

    /// What to send now.
    #[must_use]
    pub fn outgoing(&self) -> &[u8] {
        &self.outgoing[self.sent..]
    }

    /// Reports that the first `count` bytes of [`outgoing`](Self::outgoing)
    /// were sent.
    pub fn sent(&mut self, count: usize) {
        self.sent = self.outgoing.len().min(self.sent + count);
    }

    /// How many bytes may be read without reading past the proxy's answer;
    /// 0 once the tunnel is open.
    #[must_use]
    pub fn wanted(&self) -> usize {
        match &self.protocol {
            Protocol::Http(state) => state.wanted(),
            Protocol::Socks5(state) => state.wanted(),
        }
    }

    /// Whether the tunnel is open: all that follows belongs to the target.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.wanted() == 0
    }

    /// Takes what the proxy has sent, up to the end of its answer, and returns
    /// how many of the bytes that were.
    ///
    /// # Errors
    ///
    /// [`ProxyError`]; the tunnel is then of no more use.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<usize, ProxyError> {
        let mut used = 0;
        while used < bytes.len() && !self.is_open() {
            let piece = &bytes[used..bytes.len().min(used + self.wanted())];
            used += piece.len();
            match &mut self.protocol {
                Protocol::Http(state) => state.receive(piece)?,
                Protocol::Socks5(state) => {
                    if let Some(reply) = state.receive(piece)? {
                        self.outgoing = reply;
                        self.sent = 0;
                    }
                }
            }
        }
        Ok(used)
    }
}

/// Without what is sent, which may hold credentials.
impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tunnel").field("wanted", &self.wanted()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tunnel(proxy: &str, target: &str) -> Tunnel {
        Tunnel::new(&proxy.parse().unwrap(), &target.parse().unwrap()).unwrap()
    }

    fn refused(proxy: &str) -> ProxyError {
        Tunnel::new(&proxy.parse().unwrap(), &"ws://h".parse().unwrap()).unwrap_err()
    }

    /// Plays the `(expected, answer)` script with answers cut into `step`s.
    fn play(mut tunnel: Tunnel, script: &[(&[u8], &[u8])], step: usize) -> Result<(), ProxyError> {
        for (expected, answer) in script {
            assert_eq!(tunnel.outgoing(), *expected);
            tunnel.sent(expected.len());
            assert!(tunnel.outgoing().is_empty());
            let mut rest = *answer;
            while !rest.is_empty() {
                let piece = &rest[..step.min(rest.len())];
                let used = tunnel.receive(piece)?;
                rest = &rest[used..];
                if tunnel.is_open() {
                    assert_eq!(rest, b"", "the answer goes on");
                }
            }
        }
        assert!(tunnel.is_open());
        assert_eq!(tunnel.receive(b"target").unwrap(), 0);
        Ok(())
    }

    fn play_all(make: impl Fn() -> Tunnel, script: &[(&[u8], &[u8])]) -> Result<(), ProxyError> {
        let outcomes: Vec<_> = [1, 2, 3, 7, 10_000].map(|step| play(make(), script, step)).into();
        assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{outcomes:?}");
        outcomes[0].clone()
    }

    #[test]
    fn http_connect_opens_a_tunnel() {
        let request = b"CONNECT feed.example:443 HTTP/1.1\r\nHost: feed.example:443\r\n\r\n";
        for answer in [
            &b"HTTP/1.1 200 Connection established\r\n\r\n"[..],
            b"HTTP/1.0 200\r\nVia: x\r\nContent-Length: 10\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 Yes\r\n\r\n",
            b"HTTP/1.1 200 OK\nVia: x\n\n",
        ] {
            let make = || tunnel("http://proxy", "wss://feed.example");
            assert_eq!(play_all(make, &[(request, answer)]), Ok(()));
        }
    }

    #[test]
    fn http_connect_brackets_addresses_and_sends_credentials() {
        let request = b"CONNECT [::1]:80 HTTP/1.1\r\nHost: [::1]:80\r\n\
            Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n";
        let make = || tunnel("https://Aladdin:open%20sesame@proxy", "ws://[::1]");
        assert_eq!(play_all(make, &[(request, b"HTTP/1.1 200 OK\r\n\r\n")]), Ok(()));
        assert_eq!(refused("http://a%3Ab:c@proxy"), ProxyError::CredentialsForm);
    }

    #[test]
    fn http_connect_is_refused() {
        for (answer, error) in [
            (&b"HTTP/1.1 407 Who?\r\n\r\n"[..], ProxyError::Refused { status: 407 }),
            (b"HTTP/1.1 502 Bad\r\nContent-Length: 3\r\n\r\n", ProxyError::Refused { status: 502 }),
            (b"HTTP/1.1 301 Moved\r\n\r\n", ProxyError::Refused { status: 301 }),
            (b"HTTP/1.1 101 What?\r\n\r\n", ProxyError::Refused { status: 101 }),
            (b"SSH-2.0-OpenSSH\r\n\r\n", ProxyError::Malformed),
            (b"\x05\x00\n\n", ProxyError::Malformed),
        ] {
            let mut tunnel = tunnel("http://proxy", "ws://h:1");
            assert_eq!(tunnel.receive(answer), Err(error));
        }
    }

    #[test]
    fn http_connect_is_bounded() {
        let mut endless = tunnel("http://proxy", "ws://h:1");
        let mut received = 0;
        let error = loop {
            match endless.receive(b"HTTP/1.1 200 OK") {
                Ok(used) => received += used,
                Err(error) => break error,
            }
        };
        assert_eq!(error, ProxyError::TooLarge);
        assert!(received <= 8 * 1024);
        let mut interim = tunnel("http://proxy", "ws://h:1");
        let endless = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000);
        assert_eq!(interim.receive(&endless), Err(ProxyError::TooLarge));
        let mut crowded = tunnel("http://proxy", "ws://h:1");
        let head = [&b"HTTP/1.1 200 OK\r\n"[..], &b"a: b\r\n".repeat(65), b"\r\n"].concat();
        assert_eq!(crowded.receive(&head), Err(ProxyError::TooLarge));
    }

    #[test]
    fn socks5_lets_the_proxy_resolve() {
        let request = b"\x05\x01\x00\x03\x0cfeed.example\x01\xbb";
        for reply in [
            &b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50"[..],
            b"\x05\x00\x00\x03\x02ab\x00\x50",
            b"\x05\x00\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x50",
        ] {
            let make = || tunnel("socks5h://proxy", "wss://feed.example");
            let script = [(&b"\x05\x01\x00"[..], &b"\x05\x00"[..]), (request, reply)];
            assert_eq!(play_all(make, &script), Ok(()));
        }
    }

    #[test]
    fn socks5_passes_addresses_as_addresses() {
        for (target, request) in [
            ("ws://127.0.0.1", &b"\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50"[..]),
            ("ws://[::1]", b"\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x50"),
        ] {
            let make = || tunnel("socks5://proxy", target);
            let script = [
                (&b"\x05\x01\x00"[..], &b"\x05\x00"[..]),
                (request, b"\x05\x00\x00\x01\0\0\0\0\0\0"),
            ];
            assert_eq!(play_all(make, &script), Ok(()));
        }
    }

    #[test]
    fn socks5_authenticates() {
        let make = || tunnel("socks5://user:pass@proxy", "ws://h:1");
        let request = (&b"\x05\x01\x00\x03\x01h\x00\x01"[..], &b"\x05\x00\x00\x01\0\0\0\0\0\0"[..]);
        let greeting = &b"\x05\x02\x00\x02"[..];
        let login = &b"\x01\x04user\x04pass"[..];
        let asked = [(greeting, &b"\x05\x02"[..]), (login, b"\x01\x00"), request];
        assert_eq!(play_all(make, &asked), Ok(()));
        let not_asked = [(greeting, &b"\x05\x00"[..]), request];
        assert_eq!(play_all(make, &not_asked), Ok(()));
        let wrong = [(greeting, &b"\x05\x02"[..]), (login, b"\x01\x01")];
        assert_eq!(play_all(make, &wrong), Err(ProxyError::AuthenticationRefused));
        let long = format!("socks5://user:{}@proxy", "a".repeat(256));
        assert_eq!(refused(&long), ProxyError::CredentialsForm);
    }

    #[test]
    fn socks5_is_refused() {
        let greeting = &b"\x05\x01\x00"[..];
        let request = &b"\x05\x01\x00\x03\x01h\x00\x01"[..];
        let make = || tunnel("socks5://proxy", "ws://h:1");
        for (answer, error) in [
            (&b"\x05\xff"[..], ProxyError::NoAuthenticationMethod),
            // A method that was not on offer.
            (b"\x05\x02", ProxyError::NoAuthenticationMethod),
            (b"\x04\x00", ProxyError::Malformed),
            (b"HT", ProxyError::Malformed),
        ] {
            assert_eq!(play_all(make, &[(greeting, answer)]), Err(error));
        }
        for (reply, error) in [
            (&b"\x05\x05\x00\x01\0\0\0\0\0\0"[..], ProxyError::SocksReply { code: 5 }),
            (b"\x05\xee\x00\x03\x00\0\0", ProxyError::SocksReply { code: 0xee }),
            (b"\x05\x00\x00\x02\x01", ProxyError::Malformed),
            (b"\x04\x00\x00\x01\x01", ProxyError::Malformed),
        ] {
            let script = [(greeting, &b"\x05\x00"[..]), (request, reply)];
            assert_eq!(play_all(make, &script), Err(error));
        }
        assert!(ProxyError::SocksReply { code: 5 }.to_string().contains("refused"));
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_survived(answer in proptest::collection::vec(0_u8.., 0..300)) {
            for proxy in ["http://proxy", "socks5://u:p@proxy"] {
                let mut tunnel = tunnel(proxy, "ws://h:1");
                if let Ok(used) = tunnel.receive(&answer) {
                    proptest::prop_assert!(used == answer.len() || tunnel.is_open());
                }
            }
        }
    }
}
