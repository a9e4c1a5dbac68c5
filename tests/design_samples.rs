//! The code that users have been promised compiles and works as it stands.

#![cfg(feature = "blocking")]

use std::{net::TcpListener, thread};

use wirespeed::{WebSocketConnection, WebSocketListener, WebSocketUpgrade, net::stream::Stream};

type IncomingRequest = http::Request<()>;
type Connection = Stream;
type Error = wirespeed::WebSocketError;

/// The first sample, as written but for the URL, which is that of a server here.
mod client {
    use bytes::Bytes;

    fn handle_binary(data: Bytes) {
        assert_eq!(data, [1, 2, 3].as_slice());
    }

    pub(super) fn run(url: &str) -> Result<(), super::Error> {
        use wirespeed::{WebSocketClient, WebSocketMessage};

        let ws = WebSocketClient::new().websocket(url).subprotocol("graphql-ws").connect()?;

        ws.send(WebSocketMessage::Text("hello".into()))?;
        ws.send(WebSocketMessage::Binary(vec![1, 2, 3].into()))?;

        for message in ws.messages() {
            match message? {
                WebSocketMessage::Text(text) => println!("{text}"),
                WebSocketMessage::Binary(data) => handle_binary(data),
                WebSocketMessage::Ping(data) => ws.pong(data)?,
                WebSocketMessage::Pong(_) => {}
                WebSocketMessage::Close(code, reason) => {
                    println!("closed: {code} - {reason}");
                    break;
                }
            }
        }
        ws.close(1000, "goodbye")?;
        Ok(())
    }
}

/// The second sample.
mod server {
    use super::{Connection, Error, IncomingRequest, WebSocketConnection, WebSocketUpgrade};

    fn handle_http(_: IncomingRequest, _: Connection) -> Result<(), Error> {
        unreachable!("the client asks for an upgrade")
    }

    pub(super) fn handle_request(request: IncomingRequest, conn: Connection) -> Result<(), Error> {
        if WebSocketUpgrade::is_upgrade_request(&request) {
            let ws = WebSocketUpgrade::accept(request, conn)?;
            handle_websocket(ws)
        } else {
            handle_http(request, conn)
        }
    }

    fn handle_websocket(ws: WebSocketConnection) -> Result<(), Error> {
        for message in ws.messages() {
            ws.send(message?)?;
        }
        Ok(())
    }
}

#[test]
fn the_first_sample_runs() {
    let listener = WebSocketListener::bind("127.0.0.1:0")
        .unwrap()
        .policy(wirespeed::handshake::ServerPolicy::new().subprotocols(["graphql-ws"]));
    let url = format!("ws://{}/ws", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let ws = listener.accept().unwrap();
        assert_eq!(ws.subprotocol(), Some("graphql-ws"));
        ws.ping("are you there").unwrap();
        let mut echoed = 0;
        for message in ws.messages() {
            let message = message.unwrap();
            if message.is_data() {
                ws.send(message).unwrap();
                echoed += 1;
            }
            if echoed == 2 {
                ws.start_close(1000, "done").unwrap();
                echoed = 0;
            }
        }
    });
    client::run(&url).unwrap();
    server.join().unwrap();
}

#[test]
fn the_second_sample_runs() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/echo", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (socket, _) = listener.accept().unwrap();
        let (request, stream) = read_request(socket);
        server::handle_request(request, stream).unwrap();
    });
    let ws = wirespeed::WebSocketClient::new().websocket(url).connect().unwrap();
    ws.send("echo").unwrap();
    assert_eq!(ws.receive().unwrap().unwrap().as_text(), Some("echo"));
    ws.close(1000, "").unwrap();
    server.join().unwrap();
}

/// What an HTTP server does before it hands a request over.
fn read_request(socket: std::net::TcpStream) -> (IncomingRequest, Connection) {
    use std::io::Read;
    use wirespeed::handshake::{HeadLimits, ServerHandshake};

    let mut stream = Stream::from(socket);
    let mut handshake = ServerHandshake::new(HeadLimits::SERVER);
    let mut bytes = [0; 1024];
    loop {
        let len = stream.read(&mut bytes).unwrap();
        if let Some(incoming) = handshake.receive(&bytes[..len]).unwrap() {
            assert!(incoming.leftover.is_empty());
            return (incoming.request, stream);
        }
    }
}
