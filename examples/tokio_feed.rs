//! A feed server: one ticker for any number of clients, of which some are slow. The
//! client says in the path what is to happen then: `/all` to be disconnected,
//! `/latest` to see only the latest price of each symbol.
//!
//! ```sh
//! cargo run --features tokio --example tokio_feed -- 127.0.0.1:9001
//! ```

use std::{error::Error, time::Duration};

use tokio::net::{
    TcpListener, TcpStream,
    tcp::{OwnedReadHalf, OwnedWriteHalf},
};
use wirespeed::{
    CloseCode, Limits, PreparedMessage, WebSocketError, WebSocketUpgrade,
    handshake::{OriginPolicy, ServerPolicy},
    tokio::{
        WebSocketReader, WebSocketWriter,
        feed::{Feed, FeedEnded, SlowConsumer, Subscription},
        read_request,
    },
};

const SYMBOLS: [&str; 3] = ["EURUSD", "GBPUSD", "USDJPY"];

/// How long a failed accept waits before the next: what fails is mostly the process's
/// supply of sockets, which comes back as connections end.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(20);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    let feed = Feed::new();
    tokio::spawn(publish(feed.clone()));
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_BACKOFF).await;
            continue;
        };
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
    let ws = upgrade.accept_async_on(&incoming.request, stream).await?;
    let (mut reader, mut writer) = ws.split();
    let ended = ticks.ended();
    let why = tokio::select! {
        received = receive(&mut reader) => return received,
        sent = send(&mut writer, &mut ticks) => sent?,
        // Behind what such a client has not taken, nothing would ever be sent.
        why @ FeedEnded::TooSlow = ended => why,
    };
    drop(ticks);
    let (code, reason) = match why {
        FeedEnded::TooSlow => (CloseCode::POLICY_VIOLATION, "too slow"),
        _ => (CloseCode::GOING_AWAY, ""),
    };
    // If it takes nothing at all, the limits see to the end.
    let (closed, received) = tokio::join!(writer.close(code, reason), receive(&mut reader));
    closed.and(received)
}

/// Clients have nothing to say; but pings and the close are answered here.
async fn receive(
    reader: &mut WebSocketReader<OwnedReadHalf, OwnedWriteHalf>,
) -> Result<(), WebSocketError> {
    while reader.receive_ref().await?.is_some() {}
    Ok(())
}

/// Sends ticks until there will be no more, and says why; all that wait go at once.
async fn send(
    writer: &mut WebSocketWriter<OwnedWriteHalf>,
    ticks: &mut Subscription<&'static str>,
) -> Result<FeedEnded, WebSocketError> {
    loop {
        match ticks.receive().await {
            Ok(tick) => writer.write(&tick).await?,
            Err(ended) => return Ok(ended),
        }
        while let Some(tick) = ticks.try_receive() {
            writer.write(&tick).await?;
        }
        writer.flush().await?;
    }
}
