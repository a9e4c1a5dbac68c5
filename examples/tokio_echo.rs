//! A server that sends back what it receives, on tokio, with compression for who
//! offers it:
//!
//! ```sh
//! cargo run --features tokio,deflate --example tokio_echo -- 127.0.0.1:9001
//! ```

use std::{error::Error, time::Duration};

use tokio::net::{TcpListener, TcpStream};
use wirespeed::{WebSocketError, WebSocketOptions, WebSocketUpgrade, handshake};

/// How long a failed accept waits before the next: what fails is mostly the process's
/// supply of sockets, which comes back as connections end.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(20);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_BACKOFF).await;
            continue;
        };
        tokio::spawn(async move {
            if let Err(error) = echo(stream).await {
                println!("{peer}: {error}");
            }
        });
    }
}

async fn echo(stream: TcpStream) -> Result<(), WebSocketError> {
    stream.set_nodelay(true)?;
    // An echo has no secrets, so that any page may ask for one.
    let policy = handshake::ServerPolicy::new().origin(handshake::OriginPolicy::Any);
    let upgrade = WebSocketUpgrade::new().policy(policy).options(options());
    let mut ws = upgrade.accept_async(stream).await?;
    loop {
        match ws.receive().await {
            Ok(Some(message)) if message.is_data() => ws.write(message).await?,
            Ok(Some(_)) => {}
            Ok(None) => return Ok(()),
            Err(error) => {
                // Tells the peer why, and waits until it has read that.
                let _ = ws.close(1000, "").await;
                return Err(error);
            }
        }
        // All messages of one read are answered together.
        if !ws.has_buffered_message() {
            ws.flush().await?;
        }
    }
}

/// Room for large messages in many fragments, as test suites send them.
fn options() -> WebSocketOptions {
    let mut options = WebSocketOptions::server();
    options.limits.message = 16 << 20;
    options.limits.write_queue = 16 << 20;
    options.limits.fragments = 65_537;
    #[cfg(feature = "deflate")]
    {
        options.deflate = Some(wirespeed::deflate::DeflateOptions::for_server());
    }
    options
}
