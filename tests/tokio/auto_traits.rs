//! What connections and their futures can be used for: to be moved to another task, shared
//! between threads, and polled without being pinned.

use tokio::{io::AsyncReadExt, net::TcpStream};
use wirespeed::{
    Opcode, PreparedMessage, WebSocketClient, WebSocketError, WebSocketUpgrade,
    tokio::{
        MaybeTlsStream, WebSocketReader, WebSocketStream, WebSocketWriter,
        feed::{Feed, SlowConsumer, Subscription},
    },
};

fn everything<T: Send + Sync + Unpin>() {}
fn is_send<T: Send>(value: T) -> T {
    value
}

#[test]
fn connections_and_feeds() {
    everything::<WebSocketStream>();
    everything::<WebSocketStream<TcpStream>>();
    everything::<WebSocketReader>();
    everything::<WebSocketWriter>();
    everything::<MaybeTlsStream>();
    everything::<Feed<String>>();
    everything::<Subscription<String>>();
}

/// hyper's side of an upgraded connection is not `Sync`.
#[cfg(feature = "hyper")]
#[test]
fn upgraded_connections() {
    use wirespeed::tokio::{
        Halves,
        hyper::{HyperStream, Upgrading},
    };

    fn is_send_and_unpin<T: Send + Unpin>() {}
    is_send_and_unpin::<WebSocketStream<HyperStream>>();
    is_send_and_unpin::<Halves<HyperStream>>();
    everything::<Upgrading>();
}

async fn use_all(mut ws: WebSocketStream, feed: &Feed<u8>) -> Result<(), WebSocketError> {
    let mut buf = [0];
    is_send(ws.receive()).await?;
    is_send(ws.receive_ref()).await?;
    is_send(ws.receive_chunk()).await?;
    is_send(ws.receive_batch(|message, answers| answers.write(message))).await?;
    if let Some(mut reader) = is_send(ws.receive_reader()).await? {
        is_send(reader.read(&mut buf)).await?;
    }
    is_send(ws.send(&PreparedMessage::text("all"))).await?;
    is_send(ws.write("all")).await?;
    is_send(ws.flush()).await?;
    let _ = is_send(ws.send_writer(Opcode::Text));
    is_send(ws.start_close(1000, "")).await?;
    is_send(ws.close(1000, "")).await?;
    let mut subscription = feed.subscribe(SlowConsumer::DropOldest, 1);
    let _ = is_send(subscription.ended()).await;
    let _ = is_send(subscription.receive()).await;
    Ok(())
}

/// They are only made, and by nobody polled.
#[test]
fn futures() {
    let builder = || WebSocketClient::new().websocket("ws://example.com/");
    let over = |stream: TcpStream| is_send(builder().connect_async_over(stream));
    let accept = |stream: TcpStream| is_send(WebSocketUpgrade::new().accept_async(stream));
    let using = |ws, feed| drop(is_send(use_all(ws, feed)));
    drop(is_send(builder().connect_async()));
    let _ = (over, accept, using);
}
