//! The opening handshake over a stream. A client's time limit is the caller's; what a
//! server does has its deadline, which is not to hide a refusal.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout_at},
};

use super::client::by;
use crate::{
    error::WebSocketError,
    handshake::{
        ClientHandshake, ClientUpgrade, HandshakeError, HeadLimits, IncomingRequest,
        ServerHandshake,
    },
};

/// Bytes read at a time; a head of a handshake is rarely longer.
const READ_SIZE: usize = 2 << 10;

/// How long a peer that is refused has to take the answer and to close, at most.
const LINGER: Duration = Duration::from_secs(1);

/// Sends the request and takes the response.
pub(super) async fn upgrade<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    handshake: &mut ClientHandshake,
) -> Result<ClientUpgrade, WebSocketError> {
    write(stream, handshake.request()).await?;
    let mut bytes = [0; READ_SIZE];
    loop {
        let upgrade = match stream.read(&mut bytes).await? {
            0 => return Err(handshake.end_of_stream().into()),
            len => handshake.receive(&bytes[..len])?,
        };
        if let Some(upgrade) = upgrade {
            return Ok(upgrade);
        }
    }
}

/// Takes a request. One that cannot be understood is answered here.
pub(super) async fn request<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    limits: HeadLimits,
    deadline: Option<Instant>,
) -> Result<IncomingRequest, WebSocketError> {
    let mut handshake = ServerHandshake::new(limits);
    let received = by(deadline, async {
        let mut bytes = [0; READ_SIZE];
        loop {
            let received = match stream.read(&mut bytes).await? {
                0 => return Err(handshake.end_of_stream().into()),
                len => handshake.receive(&bytes[..len]),
            };
            if let Some(received) = received.transpose() {
                return Ok(received);
            }
        }
    });
    let received = received.await?;
    if let Err(HandshakeError::Refused(refusal)) = &received {
        refuse(stream, &refusal.to_bytes(), deadline).await;
    }
    Ok(received?)
}

pub(super) async fn write<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// Sends a refusal, and closes so that it arrives: a stream closed with unread bytes
/// would be reset. What is wrong with the stream, or a peer that does not close, is not
/// worth more words than the refusal.
pub(super) async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    response: &[u8],
    deadline: Option<Instant>,
) {
    let refusing = async {
        write(stream, response).await?;
        stream.shutdown().await?;
        let mut rest = [0; READ_SIZE];
        // As much as a peer may have sent before it saw the answer.
        for _ in 0..32 {
            if stream.read(&mut rest).await? == 0 {
                break;
            }
        }
        io::Result::Ok(())
    };
    let linger = Instant::now() + LINGER;
    let end = deadline.map_or(linger, |deadline| deadline.min(linger));
    let _ = timeout_at(end, refusing).await;
}
