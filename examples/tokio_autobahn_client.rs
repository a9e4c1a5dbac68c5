//! As `autobahn_client`, on tokio: asks the Autobahn TestSuite's server how many
//! cases there are, runs each by echoing what it receives, and has the reports
//! written. `tests/autobahn/run client tokio` runs it.

use std::error::Error;

use wirespeed::{WebSocketClient, WebSocketError, WebSocketOptions};

const AGENT: &str = "wirespeed-tokio";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = std::env::args().nth(1).ok_or("usage: tokio_autobahn_client URL")?;
    let client = WebSocketClient::new().options(options());

    for case in 1..=case_count(&client, &server).await? {
        let url = format!("{server}/runCase?case={case}&agent={AGENT}");
        if let Err(error) = echo(&client, &url).await {
            // Most cases break a rule; the suite judges how that is answered.
            println!("case {case}: {error}");
        }
    }
    echo(&client, &format!("{server}/updateReports?agent={AGENT}")).await?;
    Ok(())
}

/// The suite sends messages of 16 MiB, and one of 4 MiB in 65,537 fragments.
fn options() -> WebSocketOptions {
    let mut options = WebSocketOptions::client();
    options.limits.fragments = 65_537;
    #[cfg(feature = "deflate")]
    {
        // With the parameter offered, the suite tries windows of all sizes.
        let deflate = wirespeed::deflate::DeflateOptions::for_client();
        options.deflate = Some(deflate.client_max_window_bits(15));
    }
    options
}

async fn case_count(client: &WebSocketClient, server: &str) -> Result<u32, Box<dyn Error>> {
    let mut ws = client.websocket(format!("{server}/getCaseCount")).connect_async().await?;
    let message = ws.receive().await?.ok_or("the server closed without a count")?;
    let count = message.as_text().ok_or("the count is no text")?.parse()?;
    ws.close(1000, "").await?;
    Ok(count)
}

/// Sends every message back until the server closes.
async fn echo(client: &WebSocketClient, url: &str) -> Result<(), WebSocketError> {
    let mut ws = client.websocket(url).connect_async().await?;
    loop {
        match ws.receive().await {
            Ok(Some(message)) if message.is_data() => ws.send(message).await?,
            Ok(Some(_)) => {}
            Ok(None) => return Ok(()),
            Err(error) => {
                // Sees the closing handshake to its end, which is judged as well.
                let _ = ws.close(1000, "").await;
                return Err(error);
            }
        }
    }
}
