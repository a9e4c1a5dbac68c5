//! The client that the Autobahn TestSuite tests: it asks the suite's server how
//! many cases there are, runs each by echoing what it receives, and has the
//! reports written. `tests/autobahn/run client` runs it.
//!
//! ```sh
//! cargo run --example autobahn_client -- ws://127.0.0.1:9001
//! ```

use std::error::Error;

use wirespeed::{WebSocketClient, WebSocketError, WebSocketOptions};

const AGENT: &str = "wirespeed";

fn main() -> Result<(), Box<dyn Error>> {
    let server = std::env::args().nth(1).ok_or("usage: autobahn_client URL")?;
    let client = WebSocketClient::new().options(options());

    for case in 1..=case_count(&client, &server)? {
        let url = format!("{server}/runCase?case={case}&agent={AGENT}");
        if let Err(error) = echo(&client, &url) {
            // Most cases break a rule; the suite judges how that is answered.
            println!("case {case}: {error}");
        }
    }
    echo(&client, &format!("{server}/updateReports?agent={AGENT}"))?;
    Ok(())
}

/// The suite sends messages of 16 MiB, and one of 4 MiB in 65,537 fragments.
fn options() -> WebSocketOptions {
    let mut options = WebSocketOptions::client();
    options.limits.message = 16 << 20;
    options.limits.fragments = 65_537;
    #[cfg(feature = "deflate")]
    {
        // With the parameter offered, the suite tries windows of all sizes.
        let deflate = wirespeed::deflate::DeflateOptions::for_client();
        options.deflate = Some(deflate.client_max_window_bits(15));
    }
    options
}

fn case_count(client: &WebSocketClient, server: &str) -> Result<u32, Box<dyn Error>> {
    let ws = client.websocket(format!("{server}/getCaseCount")).connect()?;
    let message = ws.receive()?.ok_or("the server closed without a count")?;
    let count = message.as_text().ok_or("the count is no text")?.parse()?;
    ws.close(1000, "")?;
    Ok(count)
}

/// Sends every message back until the server closes.
fn echo(client: &WebSocketClient, url: &str) -> Result<(), WebSocketError> {
    let ws = client.websocket(url).connect()?;
    for message in ws.messages() {
        let message = message?;
        if message.is_data() {
            ws.send(message)?;
        }
    }
    Ok(())
}
