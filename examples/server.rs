//! Echoes text and binary messages to every client.
//!
//!     cargo run --example server -- 127.0.0.1:9001

use std::env;

use wirespeed::{MessageRef, WebSocketError, WebSocketListener};

fn main() -> Result<(), WebSocketError> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let listener = WebSocketListener::bind(address)?;
    println!("listening on ws://{}/", listener.local_addr()?);

    listener.serve(|ws| {
        let (mut reader, writer) = ws.split();
        // Borrowed from the read buffer: nothing is allocated or copied.
        while let Some(message) = reader.receive_ref()? {
            match message {
                MessageRef::Text(text) => writer.send(&*text)?,
                MessageRef::Binary(bytes) => writer.send(&*bytes)?,
                MessageRef::Ping(_) | MessageRef::Pong(_) | MessageRef::Close(..) => {}
            }
        }
        Ok(())
    })
}
