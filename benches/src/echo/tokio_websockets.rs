//! tokio-websockets: its stream sends whatever is queued each time it is asked for a
//! message, so a batch is taken first and answered afterwards.

use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_websockets::{Config, ServerBuilder};

use super::{Drive, Form};

pub async fn echo(stream: TcpStream, drive: Drive) {
    let config = Config::default().flush_threshold(drive.read);
    let accepted = ServerBuilder::new().config(config).accept(stream).await;
    let (_, mut connection) = accepted.expect("a handshake");
    let mut batch = Vec::new();
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
        batch.push(message);
        while let Some(Some(Ok(message))) = connection.next().now_or_never() {
            batch.push(message);
        }
        for message in batch.drain(..) {
            if connection.feed(message).await.is_err() {
                return;
            }
        }
        if connection.flush().await.is_err() {
            return;
        }
    }
}
