//! What both directions of a connection share: the stream, the sending side and what
//! was agreed on.

use std::{
    io::{self, IoSlice},
    sync::{
        Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use http::Response;

#[cfg(feature = "deflate")]
use crate::deflate::DeflateTotals;
use crate::{
    error::WebSocketError,
    frame::CloseCode,
    net::stream::Duplex,
    protocol::{SendError, Sender, Signals, TransportAction, WRITE_SLICES, WebSocketState},
};

/// The stream, and the sending side behind a lock that the data path of a
/// reader never waits for.
#[derive(Debug)]
pub(super) struct Shared<S> {
    pub(super) stream: S,
    sender: Mutex<Sender>,
    signals: Signals,
    /// Something that the peer is owed, or what goes before it, may be left to send: the
    /// stream had no room, or another thread was sending. The reader tries again, whoever
    /// tried before.
    left: AtomicBool,
    /// How long the peer may take to answer a close frame.
    pub(super) close_timeout: Duration,
    pub(super) subprotocol: Option<String>,
    /// The server's, at a client.
    pub(super) response: Option<Response<()>>,
}

impl<S: Duplex> Shared<S> {
    pub(super) fn new(
        stream: S,
        sender: Sender,
        subprotocol: Option<String>,
        response: Option<Response<()>>,
    ) -> io::Result<Self> {
        // The core counts what a stalled peer keeps waiting; a write only has to
        // come back now and then for it to look.
        or_unsupported(stream.set_write_timeout(Some(STALL_TICK)))?;
        let (signals, close_timeout) = (sender.signals(), sender.close_timeout());
        let (sender, left) = (Mutex::new(sender), AtomicBool::new(false));
        Ok(Self { stream, sender, signals, left, close_timeout, subprotocol, response })
    }

    /// Queues `len` bytes with `write`, after making room for them.
    pub(super) fn write(
        &self,
        len: usize,
        write: impl FnOnce(&mut Sender) -> Result<(), SendError>,
    ) -> Result<(), WebSocketError> {
        let mut sender = self.queue(len, write)?;
        // The reader does not wait for the lock, and does not see what has joined the queue.
        if sender.has_queued_answer() {
            self.offer_locked(&mut sender)?;
        }
        drop(sender);
        if self.signals.is_owing() {
            self.offer_answers()?;
        }
        Ok(())
    }

    /// As [`write`](Self::write), and sends all that waits.
    pub(super) fn send(
        &self,
        len: usize,
        write: impl FnOnce(&mut Sender) -> Result<(), SendError>,
    ) -> Result<(), WebSocketError> {
        let mut sender = self.queue(len, write)?;
        self.flush_locked(&mut sender)?;
        drop(sender);
        self.answer_peer()
    }

    /// Sends all that waits. It is an error if the other side has found the transport lost
    /// before that, and with it what waited.
    pub(super) fn flush(&self) -> Result<(), WebSocketError> {
        let mut sender = self.lock();
        self.flush_locked(&mut sender)?;
        if sender.has_dropped() {
            return Err(WebSocketError::ConnectionLost);
        }
        drop(sender);
        self.answer_peer()
    }

    /// Sends all that waits, as long as the stream takes some of it each time; returns
    /// whether that was all.
    pub(super) fn flush_a_while(&self) -> Result<bool, WebSocketError> {
        let all = self.advance_locked(&mut self.lock());
        self.set_left(matches!(all, Ok(false)));
        all
    }

    /// Sends what the receiving side owes the peer, unless another thread is
    /// sending: that one sends it before it is done, because it comes here too
    /// after it has let go of the lock.
    pub(super) fn answer_peer(&self) -> Result<(), WebSocketError> {
        while self.signals.is_owing() {
            let Some(mut sender) = self.try_lock() else { return Ok(()) };
            self.flush_locked(&mut sender)?;
        }
        Ok(())
    }

    /// As [`answer_peer`](Self::answer_peer), but while the peer may have more to say as far
    /// as that needs no waiting: the reader has to go on reading, for there are peers that
    /// read only when they have sent. What [was left](Self::has_left) is tried again.
    pub(super) fn offer_answers(&self) -> Result<(), WebSocketError> {
        if !self.has_left() && !self.signals.is_owing() {
            return Ok(());
        }
        // Unless it is a close frame of our own that is left, the peer has said its last.
        if self.state() != WebSocketState::Open && !self.is_closing() {
            self.set_left(false);
            return self.answer_peer();
        }
        let Some(mut sender) = self.try_lock() else {
            self.set_left(true);
            return Ok(());
        };
        self.offer_locked(&mut sender)
    }

    /// Whether something that the peer is owed may be left to send.
    pub(super) fn has_left(&self) -> bool {
        self.left.load(Ordering::Relaxed)
    }

    /// Queues a close frame; from now on no write waits for long, where the stream has
    /// timeouts.
    pub(super) fn begin_close(&self, code: CloseCode, reason: &str) -> Result<(), WebSocketError> {
        self.lock().write_close(code, reason)?;
        // Some systems refuse it where the stream is closed already.
        let _ = self.stream.set_write_timeout(Some(CLOSE_TICK));
        Ok(())
    }

    /// Sends a close frame as far as that needs no waiting, neither for a thread that is
    /// sending. To be called again until the connection is over.
    pub(super) fn try_close(&self, code: CloseCode) -> Result<(), WebSocketError> {
        if let Some(mut sender) = self.try_lock() {
            sender.write_close(code, "")?;
            self.offer_locked(&mut sender)?;
        }
        Ok(())
    }

    pub(super) fn state(&self) -> WebSocketState {
        self.signals.state()
    }

    pub(super) fn round_trip(&self) -> Option<Duration> {
        self.signals.round_trip()
    }

    /// Whether a close frame was written.
    pub(super) fn is_closing(&self) -> bool {
        self.signals.is_closing()
    }

    /// Whether the sending side has found the stream to take nothing any more, if that can be
    /// had without waiting: a thread that is sending is told itself.
    pub(super) fn is_lost(&self) -> bool {
        self.is_closing()
            && self
                .try_lock()
                .is_some_and(|sender| sender.transport_action() == TransportAction::Drop)
    }

    /// The sending side's deadline, if it can be had without waiting: a thread
    /// that is sending looks after it itself.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.try_lock()?.next_deadline()
    }

    /// Lets the sending side see that it is `now`.
    pub(super) fn handle_timeout(&self, now: Instant) -> Result<(), WebSocketError> {
        self.try_lock().map_or(Ok(()), |mut sender| Ok(sender.handle_timeout(now)?))
    }

    #[cfg(feature = "deflate")]
    pub(super) fn deflate_totals(&self) -> Option<DeflateTotals> {
        self.lock().deflate_totals()
    }

    pub(super) fn transport_action(&self) -> TransportAction {
        self.lock().transport_action()
    }

    /// Says that the stream is of no more use.
    pub(super) fn transport_lost(&self) {
        if let Some(mut sender) = self.try_lock() {
            sender.transport_lost();
        }
    }

    /// Gives back what the sending side has not used since this was last called.
    pub(super) fn release_unused(&self) {
        if let Some(mut sender) = self.try_lock() {
            sender.release_unused();
        }
    }

    pub(super) fn release_idle(&self) {
        if let Some(mut sender) = self.try_lock() {
            sender.release_idle();
        }
    }

    fn queue(
        &self,
        len: usize,
        write: impl FnOnce(&mut Sender) -> Result<(), SendError>,
    ) -> Result<MutexGuard<'_, Sender>, WebSocketError> {
        let mut sender = self.lock();
        if !sender.has_room(len) {
            self.flush_locked(&mut sender)?;
        }
        if let Err(error) = write(&mut sender) {
            // The close frame that is owed may have joined the queue by this.
            if sender.is_closing() {
                let _ = self.flush_locked(&mut sender);
            }
            return Err(error.into());
        }
        Ok(sender)
    }

    fn flush_locked(&self, sender: &mut Sender) -> Result<(), WebSocketError> {
        while !self.advance_locked(sender)? {}
        Ok(())
    }

    /// Sends until nothing is left, or the stream has taken nothing for as long as a write
    /// may wait; returns whether nothing is left.
    fn advance_locked(&self, sender: &mut Sender) -> Result<bool, WebSocketError> {
        if sender.is_lost() {
            return Ok(true); // with what the stream held back
        }
        let mut now = Instant::now();
        loop {
            let mut slices = [IoSlice::new(&[]); WRITE_SLICES];
            let count = sender.transmit(now, &mut slices);
            let sent = match &slices[..count] {
                [] => self.stream.flush().map(|()| None),
                slices => self.stream.write_vectored(slices).map(Some),
            };
            let lost = match sent {
                Ok(None) => {
                    sender.flushed();
                    return Ok(true);
                }
                Ok(Some(0)) => io::ErrorKind::WriteZero.into(),
                Ok(Some(len)) => {
                    now = Instant::now();
                    sender.written(len, now);
                    // A stream that takes a little each time never says that it waits.
                    self.judge(sender, now)?;
                    continue;
                }
                Err(error) if is_timeout(&error) => {
                    if count == 0 {
                        sender.begin_flush(now);
                    }
                    self.judge(sender, Instant::now())?;
                    return Ok(false);
                }
                Err(error) => error,
            };
            sender.transport_lost();
            return Err(lost.into());
        }
    }

    /// Sends what the stream takes without waiting, where it can do that.
    fn offer_locked(&self, sender: &mut Sender) -> Result<(), WebSocketError> {
        let left = self.send_without_waiting(sender);
        self.set_left(matches!(left, Ok(true)));
        left.map(|_| ())
    }

    /// [`offer_locked`](Self::offer_locked); returns whether something is left.
    fn send_without_waiting(&self, sender: &mut Sender) -> Result<bool, WebSocketError> {
        if sender.is_lost() {
            return Ok(false);
        }
        loop {
            let now = Instant::now();
            let mut slices = [IoSlice::new(&[])];
            sender.transmit(now, &mut slices);
            let [piece] = slices;
            let waits = !piece.is_empty();
            let lost = match self.stream.try_write(&piece) {
                None => return self.flush_locked(sender).map(|()| false),
                Some(Ok(0)) if !waits => {
                    sender.flushed();
                    return Ok(false);
                }
                Some(Ok(0)) => io::ErrorKind::WriteZero.into(),
                Some(Ok(len)) => {
                    let now = Instant::now();
                    sender.written(len, now);
                    self.judge(sender, now)?;
                    continue;
                }
                Some(Err(error)) if is_timeout(&error) => {
                    if !waits {
                        sender.begin_flush(now);
                    }
                    self.judge(sender, now)?;
                    return Ok(true);
                }
                Some(Err(error)) => error,
            };
            sender.transport_lost();
            return Err(lost.into());
        }
    }

    /// Looks whether the peer has kept us waiting for too long, and ends its stream if so:
    /// nobody is to wait to hear of it.
    fn judge(&self, sender: &mut Sender, now: Instant) -> Result<(), SendError> {
        sender.handle_timeout(now).inspect_err(|_| {
            // It may be gone already, which is all that is wanted.
            let _ = self.stream.shutdown();
        })
    }

    fn set_left(&self, left: bool) {
        self.left.store(left, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Sender> {
        // A panic in a thread that was sending leaves a queue of whole frames.
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`lock`](Self::lock), unless another thread has it.
    fn try_lock(&self) -> Option<MutexGuard<'_, Sender>> {
        match self.sender.try_lock() {
            Ok(sender) => Some(sender),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// How long a write may block before the deadlines are looked at.
const STALL_TICK: Duration = Duration::from_millis(500);

/// The same while the peer is closed, which may have to be read before it takes anything.
const CLOSE_TICK: Duration = Duration::from_millis(10);

/// A stream that has no timeouts is driven without them: its reads and writes
/// come back when they can, and the deadlines are looked at then.
pub(super) fn or_unsupported(set: io::Result<()>) -> io::Result<()> {
    match set {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        set => set,
    }
}

pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::{
        frame::{Opcode, Role, WebSocketFrame},
        options::WebSocketOptions,
        protocol::Connection,
    };

    #[test]
    fn a_pong_that_a_writer_could_not_send_is_sent_by_the_reader() {
        let (stream, peer) = UnixStream::pair().unwrap();
        let mut filled = 0;
        while let Some(Ok(len)) = stream.try_write(&[0; 1000]) {
            filled += len;
        }
        let connection = Connection::new(Role::Client, &WebSocketOptions::client(), Instant::now());
        let Connection { mut receiver, sender } = connection;
        let shared = Shared::new(stream, sender, None, None).unwrap();
        let ping = WebSocketFrame { opcode: Opcode::Ping, ..WebSocketFrame::binary(&b"?"[..]) };
        receiver.receive_from(&ping.encode(), Instant::now());
        receiver.next_ref().unwrap();
        // Before the reader comes to offer it, the pong leaves its slot.
        shared.write(1, |sender| sender.write_text("!")).unwrap();
        assert!(!shared.signals.is_owing() && shared.lock().queued() > 0);

        io::Read::read_exact(&mut &peer, &mut vec![0; filled]).unwrap();
        shared.offer_answers().unwrap();
        assert_eq!(shared.lock().queued(), 0);
        assert!(!shared.has_left());
    }
}
