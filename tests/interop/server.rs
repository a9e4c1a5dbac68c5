//! Our server, for a peer's client to check.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

#[cfg(feature = "deflate")]
use wirespeed::deflate::DeflateOptions;
use wirespeed::handshake::{HeadLimits, IncomingRequest, ServerHandshake, ServerPolicy};
use wirespeed::net::stream::{Duplex, Stream, TlsStream};
use wirespeed::net::tls::TlsServer;
use wirespeed::{
    Opcode, WebSocketConnection, WebSocketError, WebSocketMessage, WebSocketOptions,
    WebSocketUpgrade,
};

use crate::SUBPROTOCOLS;
use crate::certificates::Certificates;
#[cfg(feature = "deflate")]
use crate::deflate::INFLATE_RATIO;

/// The size of the fragments in which `/fragments` answers.
const FRAGMENT: usize = 1000;

/// A server that does what README.md says, for as long as the test runs.
pub(crate) struct Server {
    pub(crate) port: u16,
    closes: Receiver<(u16, String)>,
}

impl Server {
    pub(crate) fn plain() -> Self {
        Self::start(None, options())
    }

    pub(crate) fn secure() -> Self {
        let Certificates { certificate, key, .. } = Certificates::get();
        Self::start(Some(TlsServer::from_pem_files(certificate, key).unwrap()), options())
    }

    #[cfg(feature = "deflate")]
    pub(crate) fn deflate(deflate: DeflateOptions) -> Self {
        let mut options = options();
        options.deflate = Some(deflate);
        options.limits.inflate_ratio = INFLATE_RATIO;
        Self::start(None, options)
    }

    /// The closes that clients began, in the order of their arrival.
    pub(crate) fn closes(&self) -> Vec<(u16, String)> {
        self.closes.try_iter().collect()
    }

    fn start(tls: Option<TlsServer>, options: WebSocketOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, closes) = channel();
        thread::spawn(move || {
            for socket in listener.incoming() {
                let (tls, options, closes) = (tls.clone(), options.clone(), sender.clone());
                thread::spawn(move || serve(socket.unwrap(), tls, options, &closes).unwrap());
            }
        });
        Self { port, closes }
    }
}

fn options() -> WebSocketOptions {
    let mut options = WebSocketOptions::server();
    // The largest text is a million characters of more than a byte each.
    options.limits.message = 4 << 20;
    options
}

fn serve(
    socket: TcpStream,
    tls: Option<TlsServer>,
    options: WebSocketOptions,
    closes: &Sender<(u16, String)>,
) -> Result<(), WebSocketError> {
    socket.set_nodelay(true)?;
    let stream = Stream::Tcp(socket);
    let stream = match tls {
        Some(tls) => {
            Stream::Tls(Box::new(TlsStream::accept(stream, Arc::clone(tls.config()), None)?))
        }
        None => stream,
    };
    let incoming = read_request(&stream)?;
    let ws = WebSocketUpgrade::new()
        .policy(ServerPolicy::new().subprotocols(SUBPROTOCOLS))
        .options(options)
        .received(incoming.leftover)
        .accept_on(&incoming.request, stream)?;
    let uri = incoming.request.uri();
    match uri.path() {
        "/close" => {
            let (code, reason) = close_wanted(uri.query().unwrap());
            ws.close(code, &reason)
        }
        path => answer(&ws, path == "/fragments", closes),
    }
}

fn read_request(stream: &Stream) -> Result<IncomingRequest, WebSocketError> {
    let mut handshake = ServerHandshake::new(HeadLimits::SERVER);
    let mut buf = [0; 1024];
    loop {
        let count = stream.read(&mut buf)?;
        if count == 0 {
            return Err(handshake.end_of_stream().into());
        }
        if let Some(incoming) = handshake.receive(&buf[..count])? {
            return Ok(incoming);
        }
    }
}

/// Sends every message back, and notes how the client closes.
fn answer(
    ws: &WebSocketConnection,
    in_fragments: bool,
    closes: &Sender<(u16, String)>,
) -> Result<(), WebSocketError> {
    for message in ws.messages() {
        match message? {
            WebSocketMessage::Close(code, reason) => {
                // The test may be over by now.
                let _ = closes.send((code.get(), reason.to_string()));
            }
            message if !message.is_data() => {}
            message if in_fragments => send_in_fragments(ws, &message)?,
            message => ws.send(message)?,
        }
    }
    Ok(())
}

fn send_in_fragments(
    ws: &WebSocketConnection,
    message: &WebSocketMessage,
) -> Result<(), WebSocketError> {
    let opcode = if message.as_text().is_some() { Opcode::Text } else { Opcode::Binary };
    let mut rest = message.as_bytes();
    while rest.len() > FRAGMENT {
        let (fragment, behind) = rest.split_at(FRAGMENT);
        ws.send_fragment(opcode, fragment, false)?;
        rest = behind;
    }
    ws.send_fragment(opcode, rest, true)
}

/// The code and the reason of `code=C&reason=R`.
fn close_wanted(query: &str) -> (u16, String) {
    let value = |name: &str| {
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
            .unwrap_or_default()
    };
    (value("code").parse().unwrap(), decode_form(value("reason")))
}

/// Undoes the encoding of a form's value: `+` and `%XX`.
fn decode_form(value: &str) -> String {
    let mut bytes = value.bytes();
    let mut decoded = Vec::with_capacity(value.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).unwrap()
}
