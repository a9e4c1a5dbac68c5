//! Connects to a server, subscribes, and prints what comes.
//!
//!     cargo run --example client -- ws://127.0.0.1:9001/ '{"op":"subscribe"}'

use std::env;

use wirespeed::{WebSocketClient, WebSocketError, WebSocketMessage};

fn main() -> Result<(), WebSocketError> {
    let mut args = env::args().skip(1);
    let url = args.next().unwrap_or_else(|| "ws://127.0.0.1:9001/".into());

    let ws = WebSocketClient::new().websocket(url).connect()?;
    for subscription in args {
        ws.send(subscription)?;
    }
    for message in ws.messages() {
        match message? {
            WebSocketMessage::Text(text) => println!("{text}"),
            WebSocketMessage::Binary(bytes) => println!("{} bytes", bytes.len()),
            WebSocketMessage::Close(code, reason) => println!("closed: {code} {reason:?}"),
            // Answered already.
            WebSocketMessage::Ping(_) | WebSocketMessage::Pong(_) => {}
        }
    }
    Ok(())
}
