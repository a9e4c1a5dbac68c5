//! TLS whose two directions do not wait for each other.
//!
//! rustls keeps one state for both directions, so one mutex guards it, and
//! nobody performs socket I/O while holding that mutex. Two more locks keep
//! order within a direction:
//!
//! - `incoming`: held by the reader, also while it waits for the socket
//! - `outgoing`: held by a writer, also while it waits for the socket, so that
//!   ciphertext leaves in the order in which it was encrypted
//!
//! Locks are taken in the order incoming, outgoing, session. A writer never
//! takes `incoming`. A reader that has something to send (an alert, say) only
//! tries `outgoing`, and sends only what the socket takes without waiting;
//! whatever it leaves, the next write or flush sends. So neither direction
//! ever waits for the other one's peer, and two such streams that both only
//! write for a while, or both only read, cannot block each other.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};

use super::Duplex;
use crate::net::tls::TlsError;

/// Ciphertext taken from the transport in one read: two records.
const INCOMING_SIZE: usize = 32 * 1024;

/// Ciphertext that waits for the transport at most, give or take the records' headers: as
/// much as rustls takes of plaintext at a time.
const MOST_PENDING: usize = 64 * 1024;

/// The least that is worth a record while others wait.
const LEAST_PIECE: usize = 512;

/// Buffers outlive pauses up to this long, so that a feed does not allocate.
const IDLE: Duration = Duration::from_millis(100);

/// TLS over `T`, full duplex where `T` is.
pub struct TlsStream<T> {
    io: T,
    incoming: Mutex<Incoming>,
    outgoing: Mutex<Outgoing>,
    session: Mutex<Connection>,
    read_timeout: Mutex<Option<Duration>>,
}

impl<T: Duplex> TlsStream<T> {
    /// Performs the handshake of a client, to be over by `deadline`.
    ///
    /// With a deadline, the timeouts of `io` are used for it and unset at the
    /// end; without one they are left alone.
    ///
    /// # Errors
    ///
    /// [`TlsError`]; a refused certificate is [`TlsError::Handshake`].
    pub fn connect(
        io: T,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
        deadline: Option<Instant>,
    ) -> Result<Self, TlsError> {
        let session = ClientConnection::new(config, name).map_err(TlsError::Handshake)?;
        Self::new(io, session.into()).handshake(deadline)
    }

    /// Performs the handshake of a server, to be over by `deadline`, which
    /// covers a peer that sends a byte at a time.
    ///
    /// # Errors
    ///
    /// As for [`connect`](Self::connect).
    pub fn accept(
        io: T,
        config: Arc<ServerConfig>,
        deadline: Option<Instant>,
    ) -> Result<Self, TlsError> {
        let session = ServerConnection::new(config).map_err(TlsError::Handshake)?;
        Self::new(io, session.into()).handshake(deadline)
    }

    /// The stream below.
    pub fn get_ref(&self) -> &T {
        &self.io
    }

    /// Calls `inspect` with the TLS session, which knows the peer's
    /// certificates, the protocol version, and the name that a client asked
    /// for. Both directions wait meanwhile.
    pub fn with_session<R>(&self, inspect: impl FnOnce(&Connection) -> R) -> R {
        inspect(&lock(&self.session))
    }

    /// As [`with_session`](Self::with_session), to refresh keys or export
    /// keying material. What this gives cause to send goes out with the next
    /// write or flush. Data read or written here is lost to the stream.
    pub fn with_session_mut<R>(&self, change: impl FnOnce(&mut Connection) -> R) -> R {
        change(&mut lock(&self.session))
    }

    fn new(io: T, session: Connection) -> Self {
        Self {
            io,
            incoming: Mutex::default(),
            outgoing: Mutex::default(),
            session: Mutex::new(session),
            read_timeout: Mutex::default(),
        }
    }

    fn handshake(self, deadline: Option<Instant>) -> Result<Self, TlsError> {
        loop {
            self.arm(deadline)?;
            self.flush().map_err(|error| transport_error(error, deadline))?;
            if !lock(&self.session).is_handshaking() {
                break;
            }
            let mut incoming = lock(&self.incoming);
            if incoming.is_empty() {
                incoming.fill(&self.io).map_err(|error| transport_error(error, deadline))?;
                if incoming.eof {
                    return Err(TlsError::Io(io::ErrorKind::UnexpectedEof.into()));
                }
            }
            incoming.feed(&mut lock(&self.session));
            if let Some(error) = incoming.failed.take() {
                self.send_if_free();
                return Err(TlsError::Handshake(error));
            }
        }
        if deadline.is_some() {
            self.set_timeouts(None).map_err(TlsError::Io)?;
        }
        Ok(self)
    }

    /// Bounds the transport's next calls by what is left until `deadline`.
    fn arm(&self, deadline: Option<Instant>) -> Result<(), TlsError> {
        let Some(deadline) = deadline else { return Ok(()) };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(TlsError::TimedOut);
        }
        self.set_timeouts(Some(left)).map_err(TlsError::Io)
    }

    fn set_timeouts(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.io.set_read_timeout(timeout)?;
        self.io.set_write_timeout(timeout)
    }

    /// Sends what receiving has given cause for, if that needs no waiting.
    fn send_if_free(&self) {
        if let Some(mut outgoing) = try_lock(&self.outgoing) {
            outgoing.collect(&mut lock(&self.session));
            // The next write meets the same error, and reports it.
            let _ = outgoing.try_send(&self.io);
        }
    }

    /// Encrypts what rustls takes at a time.
    fn encrypt(&self, outgoing: &mut Outgoing, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut session = lock(&self.session);
        let taken = session.writer().write_vectored(bufs)?;
        outgoing.collect(&mut session);
        Ok(taken)
    }

    /// Encrypts some of `buf` behind what still waits, if there is room: what has gone
    /// makes some, so that a peer that is slow, but steady, is seen to take something.
    fn join(&self, outgoing: &mut Outgoing, buf: &[u8]) -> Option<io::Result<usize>> {
        let room = MOST_PENDING.saturating_sub(outgoing.pending().len());
        if buf.is_empty() || room < LEAST_PIECE {
            return None;
        }
        Some(self.encrypt(outgoing, &[IoSlice::new(&buf[..buf.len().min(room)])]))
    }

    fn release_idle_buffers(&self) {
        let mut incoming = lock(&self.incoming);
        if incoming.is_empty() {
            incoming.buffer = Vec::new();
        }
        if let Ok(mut outgoing) = self.outgoing.try_lock()
            && outgoing.pending().is_empty()
        {
            *outgoing = Outgoing::default();
        }
    }
}

impl<T: Duplex> Duplex for TlsStream<T> {
    /// Decrypts every record that has arrived, as far as `buf` has room;
    /// what is decrypted already is handed out without touching the transport.
    fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let mut incoming = lock(&self.incoming);
        let mut give_up: Option<Instant> = None;
        loop {
            let mut session = lock(&self.session);
            let read = incoming.decrypt(&mut session, buf);
            let has_to_send = session.wants_write();
            drop(session);
            if has_to_send {
                self.send_if_free();
            }
            match read {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
            // The transport would wait as long for each piece of a record.
            if let Some(at) = give_up {
                let left = at.saturating_duration_since(Instant::now());
                if left.is_zero() || !self.io.wait_readable(Some(left))? {
                    return Err(io::ErrorKind::TimedOut.into());
                }
            } else if let Some(timeout) = *lock(&self.read_timeout) {
                give_up = Instant::now().checked_add(timeout);
            }
            incoming.fill(&self.io)?;
        }
    }

    fn write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut outgoing = lock(&self.outgoing);
        match outgoing.send(&self.io) {
            Ok(()) => {}
            Err(error) if is_timeout(&error) => {
                let first = bufs.iter().find(|buf| !buf.is_empty());
                let first = first.map_or(&[][..], |buf| buf);
                return self.join(&mut outgoing, first).unwrap_or(Err(error));
            }
            Err(error) => return Err(error),
        }
        let taken = self.encrypt(&mut outgoing, bufs)?;
        match outgoing.send(&self.io) {
            // The bytes are encrypted, so they cannot be given back: what is
            // left of them goes out first next time.
            Err(error) if is_timeout(&error) && taken > 0 => Ok(taken),
            result => result.map(|()| taken),
        }
    }

    fn flush(&self) -> io::Result<()> {
        let mut outgoing = lock(&self.outgoing);
        outgoing.collect(&mut lock(&self.session));
        outgoing.send(&self.io)?;
        self.io.flush()
    }

    fn shutdown_write(&self) -> io::Result<()> {
        let mut outgoing = lock(&self.outgoing);
        {
            let mut session = lock(&self.session);
            session.send_close_notify();
            outgoing.collect(&mut session);
        }
        outgoing.send(&self.io)?;
        self.io.shutdown_write()
    }

    fn shutdown(&self) -> io::Result<()> {
        self.io.shutdown()
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.io.set_read_timeout(timeout)?;
        *lock(&self.read_timeout) = timeout;
        Ok(())
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.io.set_write_timeout(timeout)
    }

    /// Gives the stream's own buffers back after 100 ms of silence.
    fn wait_readable(&self, timeout: Option<Duration>) -> io::Result<bool> {
        if lock(&self.incoming).has_something() {
            return Ok(true);
        }
        let first = timeout.map_or(IDLE, |timeout| timeout.min(IDLE));
        if self.io.wait_readable(Some(first))? {
            return Ok(true);
        }
        if timeout.is_some_and(|timeout| timeout <= IDLE) {
            return Ok(false);
        }
        self.release_idle_buffers();
        self.io.wait_readable(timeout.map(|timeout| timeout - first))
    }

    fn try_write(&self, buf: &[u8]) -> Option<io::Result<usize>> {
        let Some(mut outgoing) = try_lock(&self.outgoing) else {
            return Some(Err(io::ErrorKind::WouldBlock.into()));
        };
        outgoing.collect(&mut lock(&self.session));
        match outgoing.try_send(&self.io)? {
            Ok(()) => {}
            Err(error) if is_timeout(&error) => {
                return self.join(&mut outgoing, buf).or(Some(Err(error)));
            }
            Err(error) => return Some(Err(error)),
        }
        let taken = self.encrypt(&mut outgoing, &[IoSlice::new(buf)]);
        match outgoing.try_send(&self.io)? {
            Err(error) if !is_timeout(&error) => Some(Err(error)),
            _ => Some(taken),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for TlsStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream").field("io", &self.io).finish_non_exhaustive()
    }
}

/// What has come from the transport and not gone to the user.
#[derive(Default)]
struct Incoming {
    /// Empty, or [`INCOMING_SIZE`] long; ciphertext lies at `start..end`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes that the session has decrypted and still holds.
    plaintext: usize,
    eof: bool,
    /// The peer's `close_notify` is behind what was decrypted.
    closed: bool,
    failed: Option<rustls::Error>,
}

impl Incoming {
    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    fn has_something(&self) -> bool {
        let ended = self.eof || self.closed || self.failed.is_some();
        ended || !self.is_empty() || self.plaintext > 0
    }

    /// Reads from the transport, which may wait. The buffer must be empty.
    fn fill(&mut self, io: &impl Duplex) -> io::Result<()> {
        if self.buffer.is_empty() {
            self.buffer = vec![0; INCOMING_SIZE];
        }
        self.start = 0;
        self.end = 0;
        self.end = io.read(&mut self.buffer)?;
        self.eof = self.end == 0;
        Ok(())
    }

    /// Moves plaintext to `buf`, decrypting until it is full or ciphertext has
    /// run out; `WouldBlock` if there is nothing to move.
    fn decrypt(&mut self, session: &mut Connection, buf: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buf.len() {
            match session.reader().read(&mut buf[filled..]) {
                Ok(0) => return Ok(filled), // close_notify
                Ok(count) => {
                    filled += count;
                    self.plaintext = self.plaintext.saturating_sub(count);
                }
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                Err(_) if !self.is_empty() && self.failed.is_none() => self.feed(session),
                // Before an error comes what was received before it.
                Err(_) if filled > 0 => break,
                Err(would_block) => return Err(self.end_of_data().unwrap_or(would_block)),
            }
        }
        Ok(filled)
    }

    fn end_of_data(&self) -> Option<io::Error> {
        match &self.failed {
            Some(error) => Some(io::Error::new(io::ErrorKind::InvalidData, error.clone())),
            None if self.eof => Some(io::ErrorKind::UnexpectedEof.into()),
            None => None,
        }
    }

    /// Hands ciphertext to the session, as much as that takes at a time.
    fn feed(&mut self, session: &mut Connection) {
        let taken = session.read_tls(&mut &self.buffer[self.start..self.end]);
        match taken {
            Ok(0) => self.start = self.end, // the peer has closed: what follows is void
            Ok(count) => self.start += count,
            // A record longer than TLS allows.
            Err(error) => self.failed = Some(rustls::Error::General(error.to_string())),
        }
        match session.process_new_packets() {
            Ok(state) => {
                self.plaintext = state.plaintext_bytes_to_read();
                self.closed = state.peer_has_closed();
            }
            Err(error) => self.failed = Some(error),
        }
    }
}

/// Ciphertext on its way to the transport.
#[derive(Default)]
struct Outgoing {
    ciphertext: Vec<u8>,
    sent: usize,
}

impl Outgoing {
    fn pending(&self) -> &[u8] {
        &self.ciphertext[self.sent..]
    }

    /// Takes over everything that the session wants to send.
    fn collect(&mut self, session: &mut Connection) {
        self.ciphertext.drain(..mem::take(&mut self.sent));
        while session.wants_write() {
            // Writing to a Vec cannot fail.
            let _ = session.write_tls(&mut self.ciphertext);
        }
    }

    /// Writes to the transport what it takes without waiting, if it can do that; what is
    /// left stays pending.
    fn try_send(&mut self, io: &impl Duplex) -> Option<io::Result<()>> {
        loop {
            match io.try_write(self.pending())? {
                Ok(0) if self.pending().is_empty() => break,
                Ok(0) => return Some(Err(io::ErrorKind::WriteZero.into())),
                Ok(count) => self.sent += count,
                Err(error) => return Some(Err(error)),
            }
        }
        self.ciphertext.clear();
        self.sent = 0;
        Some(Ok(()))
    }

    /// Writes everything to the transport; what an error leaves stays pending.
    fn send(&mut self, io: &impl Duplex) -> io::Result<()> {
        while self.sent < self.ciphertext.len() {
            match io.write_vectored(&[IoSlice::new(self.pending())])? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => self.sent += count,
            }
        }
        self.ciphertext.clear();
        self.sent = 0;
        Ok(())
    }
}

/// No invariant spans a panic under these locks, so that a poisoned one is
/// as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn transport_error(error: io::Error, deadline: Option<Instant>) -> TlsError {
    if deadline.is_some() && is_timeout(&error) { TlsError::TimedOut } else { TlsError::Io(error) }
}

#[cfg(all(test, feature = "ring", unix))]
mod tests;
