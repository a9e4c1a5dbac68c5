//! sockudo-ws: answers are fed, and leave when no message is left, for its stream
//! sends what is queued before it reads, 64 KiB at most. It may queue as much as the
//! drive says. Without keepalive, whose clock it would look at for each message.

use futures_util::{SinkExt, StreamExt};
use sockudo_ws::{Config, Message, WebSocketStream};
use tokio::net::TcpStream;

use super::Drive;

pub async fn echo(mut stream: TcpStream, drive: Drive) {
    super::shake_hands(&mut stream).await;
    let config = Config::builder().auto_ping(false).idle_timeout(0).build();
    let mut connection = WebSocketStream::server(stream, config);
    connection.set_high_water_mark(drive.read);
    while let Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) = connection.next().await
    {
        if connection.feed(message).await.is_err() {
            return;
        }
    }
}
