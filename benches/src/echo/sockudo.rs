//! sockudo-ws: answers are fed, and leave when no message is left, for its stream
//! sends what is queued before it waits. Without keepalive, whose clock it would
//! look at for each message.

use futures_util::{SinkExt, StreamExt};
use sockudo_ws::{Config, Message, WebSocketStream};
use tokio::net::TcpStream;

pub async fn echo(mut stream: TcpStream) {
    super::shake_hands(&mut stream).await;
    let config = Config::builder().auto_ping(false).idle_timeout(0).build();
    let mut connection = WebSocketStream::server(stream, config);
    while let Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) = connection.next().await
    {
        if connection.feed(message).await.is_err() {
            return;
        }
    }
}
