//! A client of a feed that connects again whenever the connection ends, with more
//! patience each time. When to do so, and what to subscribe to again, is for the
//! application to decide: here it is all in one loop.
//!
//! ```sh
//! cargo run --features tokio --example tokio_client -- wss://example.com/feed
//! ```

use std::{error::Error, time::Duration};

use wirespeed::{WebSocketClient, WebSocketError, WebSocketOptions, tokio::WebSocketStream};

/// Between two attempts: from this long, doubled each time,
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// to this long.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("usage: tokio_client URL")?;
    // Kept for all connections: they share the TLS session and the buffers. A feed that
    // falls silent is asked for a sign of life, and then given up.
    let mut options = WebSocketOptions::client();
    options.limits.idle_ping = Some(Duration::from_secs(15));
    options.limits.idle_timeout = Some(Duration::from_secs(30));
    let client = WebSocketClient::new().options(options);
    let mut wait = FIRST_WAIT;
    loop {
        match client.websocket(&*url).connect_async().await {
            Ok(mut ws) => {
                println!("connected");
                match follow(&mut ws, &mut wait).await {
                    Ok(()) => println!("closed by the server"),
                    Err(error) => println!("lost: {error}"),
                }
            }
            // No second attempt makes a wrong URL right.
            Err(error @ WebSocketError::InvalidUrl(_)) => return Err(error.into()),
            Err(error) => println!("not connected: {error}"),
        }
        // A jitter, so that not all clients of a server come back at once.
        tokio::time::sleep(wait.mul_f64(0.5 + fastrand::f64())).await;
        wait = (2 * wait).min(LONGEST_WAIT);
    }
}

/// Prints the feed. The first message says that the server is well again, not the
/// connection.
async fn follow(ws: &mut WebSocketStream, wait: &mut Duration) -> Result<(), WebSocketError> {
    ws.send(r#"{"op":"subscribe","channel":"ticker"}"#).await?;
    while let Some(message) = ws.receive_ref().await? {
        *wait = FIRST_WAIT;
        if let Some(text) = message.as_text() {
            println!("{text}");
        }
    }
    Ok(())
}
