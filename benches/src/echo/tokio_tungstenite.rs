//! tokio-tungstenite: messages that are there are answered into its write buffer,
//! which leaves when there are no more.

use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::{accept_async_with_config, tungstenite::protocol::WebSocketConfig};

use super::{Drive, Form};

pub async fn echo(stream: TcpStream, drive: Drive) {
    let config =
        WebSocketConfig::default().read_buffer_size(drive.read).write_buffer_size(drive.read);
    let mut connection = accept_async_with_config(stream, Some(config)).await.expect("a handshake");
    while let Some(Ok(message)) = connection.next().await {
        if message.is_close() {
            return;
        }
        if drive.form == Form::OneByOne {
            if connection.send(message).await.is_err() {
                return;
            }
            continue;
        }
        if connection.feed(message).await.is_err() {
            return;
        }
        while let Some(Some(Ok(message))) = connection.next().now_or_never() {
            if message.is_close() || connection.feed(message).await.is_err() {
                return;
            }
        }
        if connection.flush().await.is_err() {
            return;
        }
    }
}
