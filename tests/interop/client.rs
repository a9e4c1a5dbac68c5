//! Our client, checked against a peer's server.

use wirespeed::{
    Opcode, WebSocketClient, WebSocketConnection, WebSocketMessage, net::tls::TlsClient,
};
#[cfg(feature = "deflate")]
use wirespeed::{WebSocketOptions, deflate::DeflateOptions};

use crate::certificates::Certificates;
#[cfg(feature = "deflate")]
use crate::deflate::INFLATE_RATIO;
use crate::peer::PeerServer;
use crate::{CLOSES, SIZES, TEXT};

/// A peer's server and the way to it.
pub(crate) struct Target {
    client: WebSocketClient,
    base: String,
    server: PeerServer,
    /// The parameters of permessage-deflate that are to be agreed on, sorted.
    agreed: Option<Vec<String>>,
}

impl Target {
    pub(crate) fn plain(server: PeerServer) -> Self {
        let base = format!("ws://127.0.0.1:{}", server.port);
        Self { client: WebSocketClient::new(), base, server, agreed: None }
    }

    pub(crate) fn secure(server: PeerServer) -> Self {
        let authority = &Certificates::get().authority;
        let builder = TlsClient::builder().default_roots(false);
        let tls = builder.add_authority_file(authority).unwrap().build().unwrap();
        let base = format!("wss://localhost:{}", server.port);
        Self { client: WebSocketClient::new().tls(tls), base, server, agreed: None }
    }

    /// Offers permessage-deflate, which the server then has to agree to with these
    /// parameters, sorted.
    #[cfg(feature = "deflate")]
    pub(crate) fn deflate(mut self, deflate: DeflateOptions, agreed: &[&str]) -> Self {
        let mut options = WebSocketOptions::client();
        options.deflate = Some(deflate);
        options.limits.inflate_ratio = INFLATE_RATIO;
        self.client = self.client.options(options);
        self.agreed = Some(agreed.iter().copied().map(str::to_owned).collect());
        self
    }

    /// Runs every check of README.md.
    pub(crate) fn check(&self) {
        self.check_messages();
        self.check_sizes();
        self.check_fragmented();
        self.check_ping();
        self.check_pipelined();
        self.check_subprotocols();
        self.check_close_by_client();
        self.check_close_by_server();
    }

    fn check_messages(&self) {
        let ws = self.dial("/echo", &[]);
        for text in ["hello", "", TEXT] {
            echo(&ws, text.into());
        }
        echo(&ws, (0..=255).collect::<Vec<u8>>().into());
        echo(&ws, Vec::new().into());
        self.finish(&ws);
    }

    fn check_sizes(&self) {
        for path in ["/echo", "/fragments"] {
            let ws = self.dial(path, &[]);
            for size in SIZES {
                echo(&ws, (0..size).map(|i| (i * 7) as u8).collect::<Vec<u8>>().into());
                echo(&ws, TEXT.chars().cycle().take(size).collect::<String>().into());
            }
            self.finish(&ws);
        }
    }

    fn check_fragmented(&self) {
        for path in ["/echo", "/fragments"] {
            let ws = self.dial(path, &[]);
            for (at, byte) in TEXT.bytes().enumerate() {
                ws.send_fragment(Opcode::Text, &[byte], at + 1 == TEXT.len()).unwrap();
            }
            assert_eq!(next(&ws), TEXT.into());
            for part in ["", "one", "", "two"] {
                ws.send_fragment(Opcode::Binary, part.as_bytes(), false).unwrap();
            }
            ws.send_fragment(Opcode::Binary, b"", true).unwrap();
            assert_eq!(next(&ws), b"onetwo".as_slice().into());
            ws.send_fragment(Opcode::Text, b"", false).unwrap();
            ws.send_fragment(Opcode::Text, b"", true).unwrap();
            assert_eq!(next(&ws), "".into());
            self.finish(&ws);
        }
    }

    fn check_ping(&self) {
        let ws = self.dial("/echo", &[]);
        for payload in [b"".as_slice(), &[b'x'; 125]] {
            ws.ping(payload).unwrap();
            assert_eq!(next(&ws), WebSocketMessage::Pong(payload.to_vec().into()));
        }
        ws.send_fragment(Opcode::Binary, b"before ", false).unwrap();
        ws.ping("inside").unwrap();
        ws.send_fragment(Opcode::Binary, b"after", true).unwrap();
        assert_eq!(next(&ws), WebSocketMessage::Pong("inside".into()));
        assert_eq!(next(&ws), b"before after".as_slice().into());
        self.finish(&ws);
    }

    fn check_pipelined(&self) {
        let ws = self.dial("/echo", &[]);
        let text = |n: usize| format!("message {n}").repeat(n % 7);
        for n in 0..500 {
            ws.write(text(n)).unwrap();
        }
        ws.flush().unwrap();
        for n in 0..500 {
            assert_eq!(next(&ws), text(n).into());
        }
        self.finish(&ws);
    }

    fn check_subprotocols(&self) {
        let both = ["v1.feed", "v2.feed"].as_slice();
        let one = ["v1.feed"].as_slice();
        for (offered, agreed) in [(both, Some("v2.feed")), (one, Some("v1.feed")), (&[], None)] {
            let ws = self.dial("/echo", offered);
            assert_eq!(ws.subprotocol(), agreed);
            echo(&ws, "agreed".into());
            self.finish(&ws);
        }
    }

    fn check_close_by_client(&self) {
        for (code, reason) in CLOSES {
            let ws = self.dial("/echo", &[]);
            echo(&ws, "last words".into());
            ws.close(code, reason).unwrap();
            assert_eq!(self.server.next_line(), format!("closed {code} {reason}"));
        }
    }

    fn check_close_by_server(&self) {
        for (code, reason) in CLOSES {
            let reason_in_url = reason.replace(' ', "%20");
            let ws = self.dial(&format!("/close?code={code}&reason={reason_in_url}"), &[]);
            assert_eq!(next(&ws), WebSocketMessage::Close(code.into(), reason.into()));
            assert!(ws.receive().unwrap().is_none(), "nothing comes behind a close");
            // The answer to a close has its code; the reason need not come back.
            let line = self.server.next_line();
            assert!(line.starts_with(&format!("closed {code} ")), "{line}");
        }
    }

    fn dial(&self, path: &str, subprotocols: &[&str]) -> WebSocketConnection {
        let mut builder = self.client.websocket(format!("{}{path}", self.base));
        for subprotocol in subprotocols {
            builder = builder.subprotocol(*subprotocol);
        }
        let ws = builder.connect().unwrap_or_else(|error| panic!("{}{path}: {error}", self.base));
        let headers = ws.response().unwrap().headers();
        let extension = headers.get("sec-websocket-extensions");
        let agreed = extension.map(|value| parameters_of(value.to_str().unwrap()));
        assert_eq!(agreed, self.agreed);
        ws
    }

    fn finish(&self, ws: &WebSocketConnection) {
        ws.close(1000, "done").unwrap();
        assert_eq!(self.server.next_line(), "closed 1000 done");
    }
}

/// The parameters of the only extension of a header, sorted.
fn parameters_of(extension: &str) -> Vec<String> {
    let (_name, parameters) = extension.split_once(';').unwrap_or((extension, ""));
    let parameters = parameters.split(';').map(str::trim).filter(|text| !text.is_empty());
    let mut parameters: Vec<String> = parameters.map(str::to_owned).collect();
    parameters.sort_unstable();
    parameters
}

fn echo(ws: &WebSocketConnection, message: WebSocketMessage) {
    ws.send(message.clone()).unwrap();
    // assert_eq! would print megabytes.
    let size = message.as_bytes().len();
    assert!(next(ws) == message, "a message of {size} bytes came back changed");
}

fn next(ws: &WebSocketConnection) -> WebSocketMessage {
    ws.receive().unwrap().expect("the connection is open")
}
