//! A feed server: one ticker for any number of clients, of which some are slow. The
//! client says in the path what is to happen then: `/all` to be disconnected,
//! `/latest` to see only the latest price of each symbol.
//!
//! ```sh
//! cargo run --features tokio --example tokio_feed -- 127.0.0.1:9001
//! ```

use std::{error::Error, time::Duration};

use tokio::net::{TcpListener, TcpStream};
use wirespeed::{
    CloseCode, Limits, PreparedMessage, WebSocketError, WebSocketUpgrade,
    handshake::{OriginPolicy, ServerPolicy},
    tokio::{
        WebSocketStream,
        feed::{Feed, FeedEnded, SlowConsumer, Subscription},
        read_request,
    },
};

const SYMBOLS: [&str; 3] = ["EURUSD", "GBPUSD", "USDJPY"];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    let feed = Feed::new();
    tokio::spawn(publish(feed.clone()));
    loop {
        let Ok((stream, peer)) = listener.accept().await else { continue };
        let feed = feed.clone();
        tokio::spawn(async move {
            if let Err(error) = serve(stream, &feed).await {
                println!("{peer}: {error}");
            }
        });
    }
}

/// Ten ticks a second. Each is encoded once, however many clients there are.
async fn publish(feed: Feed<&'static str>) {
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    for number in 0u64.. {
        ticks.tick().await;
        let symbol = SYMBOLS[number as usize % SYMBOLS.len()];
        let tick = format!(r#"{{"symbol":"{symbol}","number":{number}}}"#);
        feed.publish(symbol, &PreparedMessage::text(tick));
    }
}

async fn serve(mut stream: TcpStream, feed: &Feed<&'static str>) -> Result<(), WebSocketError> {
    stream.set_nodelay(true)?;
    let incoming = read_request(&mut stream, &Limits::server()).await?;
    let mut ticks = match incoming.request.uri().path() {
        "/latest" => feed.subscribe(SlowConsumer::LatestByKey, SYMBOLS.len()),
        _ => feed.subscribe(SlowConsumer::Disconnect, 1000),
    };
    let policy = ServerPolicy::new().origin(OriginPolicy::Any);
    let upgrade = WebSocketUpgrade::new().policy(policy).received(incoming.leftover);
    let mut ws = upgrade.accept_async_on(&incoming.request, stream).await?;
    loop {
        tokio::select! {
            tick = ticks.receive() => match tick {
                Ok(tick) => send(&mut ws, tick, &mut ticks).await?,
                Err(FeedEnded::TooSlow) => {
                    return ws.close(CloseCode::POLICY_VIOLATION, "too slow").await;
                }
                Err(_) => return ws.close(CloseCode::GOING_AWAY, "").await,
            },
            // Clients have nothing to say; but pings and the close are answered here.
            message = ws.receive_ref() => if message?.is_none() {
                return Ok(());
            },
        }
    }
}

/// Sends a tick and all that wait behind it at once.
async fn send(
    ws: &mut WebSocketStream<TcpStream>,
    tick: PreparedMessage,
    ticks: &mut Subscription<&'static str>,
) -> Result<(), WebSocketError> {
    ws.write(&tick).await?;
    while let Some(tick) = ticks.try_receive() {
        ws.write(&tick).await?;
    }
    ws.flush().await
}
