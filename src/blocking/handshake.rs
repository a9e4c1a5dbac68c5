//! The opening handshake over a stream, within one deadline.

use std::{
    io::{self, IoSlice},
    time::Instant,
};

use super::shared::{is_timeout, or_unsupported};
use crate::{
    error::{TimedOut, WebSocketError},
    handshake::{
        ClientHandshake, ClientUpgrade, HandshakeError, HeadLimits, IncomingRequest,
        ServerHandshake,
    },
    net::stream::Duplex,
};

/// Bytes read at a time; a head of a handshake is rarely longer.
const READ_SIZE: usize = 2 << 10;

/// A stream in its opening handshake. The deadline is for all of it, so that a
/// peer that sends a byte at a time gains nothing by it.
pub(super) struct HandshakeIo<'a, S> {
    stream: &'a S,
    deadline: Option<Instant>,
}

impl<'a, S: Duplex> HandshakeIo<'a, S> {
    pub(super) fn new(stream: &'a S, deadline: Option<Instant>) -> Self {
        Self { stream, deadline }
    }

    /// Sends the request and takes the response.
    pub(super) fn upgrade(
        &self,
        mut handshake: ClientHandshake,
    ) -> Result<ClientUpgrade, WebSocketError> {
        self.write_all(handshake.request())?;
        let mut bytes = [0; READ_SIZE];
        loop {
            let upgrade = match self.read(&mut bytes) {
                Ok(0) => return Err(handshake.end_of_stream().into()),
                Ok(len) => handshake.receive(&bytes[..len])?,
                Err(error) => return Err(handshake.refusal().map_or(error, Into::into)),
            };
            if let Some(upgrade) = upgrade {
                return Ok(upgrade);
            }
        }
    }

    /// Takes a request. One that cannot be understood is answered here.
    pub(super) fn request(&self, limits: HeadLimits) -> Result<IncomingRequest, WebSocketError> {
        let mut handshake = ServerHandshake::new(limits);
        let mut bytes = [0; READ_SIZE];
        loop {
            let received = match self.read(&mut bytes)? {
                0 => return Err(handshake.end_of_stream().into()),
                len => handshake.receive(&bytes[..len]),
            };
            match received {
                Ok(Some(request)) => return Ok(request),
                Ok(None) => {}
                Err(error) => {
                    if let HandshakeError::Refused(refusal) = &error {
                        self.refuse(&refusal.to_bytes());
                    }
                    return Err(error.into());
                }
            }
        }
    }

    pub(super) fn write_all(&self, mut bytes: &[u8]) -> Result<(), WebSocketError> {
        loop {
            or_unsupported(self.stream.set_write_timeout(self.left()?))?;
            let written = match bytes {
                [] => self.stream.flush().map(|()| None),
                bytes => self.stream.write_vectored(&[IoSlice::new(bytes)]).map(Some),
            };
            match written {
                Ok(None) => return Ok(()),
                Ok(Some(0)) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(Some(len)) => bytes = &bytes[len..],
                Err(error) if is_timeout(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Sends a refusal, and closes so that it arrives: a stream closed with
    /// unread bytes would be reset. Nothing would end the wait for the peer's end over
    /// a stream without timeouts. What is wrong with the stream is not worth more words
    /// than the refusal.
    pub(super) fn refuse(&self, response: &[u8]) {
        let _ = self.write_all(response).and_then(|()| {
            self.stream.shutdown_write()?;
            self.stream.set_read_timeout(self.left()?)?;
            let mut rest = [0; READ_SIZE];
            // As much as a peer may have sent before it saw the answer.
            for _ in 0..32 {
                if self.read(&mut rest)? == 0 {
                    break;
                }
            }
            Ok(())
        });
    }

    fn read(&self, bytes: &mut [u8]) -> Result<usize, WebSocketError> {
        loop {
            or_unsupported(self.stream.set_read_timeout(self.left()?))?;
            match self.stream.read(bytes) {
                Err(error) if is_timeout(&error) => {}
                read => return Ok(read?),
            }
        }
    }

    fn left(&self) -> Result<Option<std::time::Duration>, WebSocketError> {
        let Some(deadline) = self.deadline else { return Ok(None) };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(WebSocketError::Timeout(TimedOut::Handshake));
        }
        Ok(Some(left))
    }
}
