//! fastwebsockets: a frame is written when it is sent; there is no queue, and no way
//! to see whether another frame has arrived: its reads may not be dropped half way.
//! On the bare stream, without hyper between, and without the collector, which
//! only fragments need. Header and payload of a large frame leave in one vectored
//! write, as is its default.

use fastwebsockets::{Frame, OpCode, Role, WebSocket};
use tokio::net::TcpStream;

pub async fn echo(mut stream: TcpStream) {
    super::shake_hands(&mut stream).await;
    let mut connection = WebSocket::after_handshake(stream, Role::Server);
    while let Ok(frame) = connection.read_frame().await {
        if !matches!(frame.opcode, OpCode::Text | OpCode::Binary) {
            return;
        }
        let answer = Frame::new(true, frame.opcode, None, frame.payload);
        if connection.write_frame(answer).await.is_err() {
            return;
        }
    }
}
