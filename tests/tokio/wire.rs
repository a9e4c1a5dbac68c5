//! A transport in memory that a test has in its hands: what has arrived, how much
//! it takes, and when it makes its reader or writer wait.

use std::{
    collections::VecDeque,
    future::Future,
    io,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wirespeed::{
    Opcode, Role, WebSocketFrame, WebSocketMessage, WebSocketOptions, tokio::WebSocketStream,
};

/// One end of the transport. Clones are the same end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wire(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    arrived: VecDeque<u8>,
    ended: bool,
    sent: Vec<u8>,
    shut_down: bool,
    /// Bytes that are taken before a writer has to wait.
    capacity: usize,
    /// Bytes that one call moves at most; 0 is any number.
    step: usize,
    /// Every call waits once, and moves bytes the next time.
    stutters: bool,
    stutter: bool,
    // One task for each direction, the last one that waited, as sockets have it.
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Wire {
    /// A transport that takes everything at once.
    pub(crate) fn open() -> Self {
        let wire = Self::default();
        wire.grant(usize::MAX);
        wire
    }

    /// One that moves `step` bytes in a call and makes every call wait before.
    pub(crate) fn stuttering(step: usize) -> Self {
        let wire = Self::open();
        wire.lock().step = step;
        wire.lock().stutters = true;
        wire
    }

    pub(crate) fn deliver(&self, bytes: &[u8]) {
        let mut state = self.lock();
        state.arrived.extend(bytes);
        wake(&mut state.reader);
    }

    /// Bytes that arrive, of which nobody is told.
    pub(crate) fn deliver_silently(&self, bytes: &[u8]) {
        self.lock().arrived.extend(bytes);
    }

    pub(crate) fn deliver_message(&self, message: &WebSocketMessage) {
        self.deliver(&client_frame(message));
    }

    /// The peer closes its side.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        wake(&mut state.reader);
    }

    /// Room for `len` bytes more.
    pub(crate) fn grant(&self, len: usize) {
        let mut state = self.lock();
        state.capacity = state.capacity.saturating_add(len);
        wake(&mut state.writer);
    }

    /// The frames that were sent so far.
    pub(crate) fn sent(&self) -> Vec<WebSocketFrame> {
        let state = self.lock();
        let mut bytes = state.sent.as_slice();
        let mut frames = Vec::new();
        while !bytes.is_empty() {
            frames.push(WebSocketFrame::decode(&mut bytes).expect("whole frames"));
        }
        frames
    }

    /// Their payloads as text.
    pub(crate) fn sent_texts(&self) -> Vec<String> {
        let frames = self.sent().into_iter();
        frames.map(|frame| String::from_utf8_lossy(&frame.payload).into_owned()).collect()
    }

    pub(crate) fn is_shut_down(&self) -> bool {
        self.lock().shut_down
    }

    /// The key of the upgrade request that was sent, once it is whole.
    pub(crate) fn sent_key(&self) -> Option<String> {
        let head = String::from_utf8_lossy(&self.lock().sent).into_owned();
        let mut lines = head.strip_suffix("\r\n\r\n")?.lines();
        let line =
            lines.find(|line| line.to_ascii_lowercase().starts_with("sec-websocket-key:"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    }

    /// Whether something was delivered and not read yet.
    pub(crate) fn has_arrived(&self) -> bool {
        !self.lock().arrived.is_empty()
    }

    /// Whether the connection has let go of the transport.
    pub(crate) fn is_only_handle(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    fn stutters(&mut self, cx: &Context<'_>) -> bool {
        self.stutter = self.stutters && !self.stutter;
        if self.stutter {
            cx.waker().wake_by_ref();
        }
        self.stutter
    }

    fn step(&self, len: usize) -> usize {
        if self.step == 0 { len } else { len.min(self.step) }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        if state.stutters(cx) {
            return Poll::Pending;
        }
        if state.arrived.is_empty() && !state.ended {
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let len = state.step(buf.remaining()).min(state.arrived.len());
        let read: Vec<u8> = state.arrived.drain(..len).collect();
        buf.put_slice(&read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.lock();
        if state.stutters(cx) {
            return Poll::Pending;
        }
        if state.capacity == 0 {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let len = state.step(buf.len()).min(state.capacity);
        state.capacity -= len;
        state.sent.extend_from_slice(&buf[..len]);
        Poll::Ready(Ok(len))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lock().stutters(cx) { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        if state.stutters(cx) {
            return Poll::Pending;
        }
        state.shut_down = true;
        Poll::Ready(Ok(()))
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

/// A server without deadlines over `wire`.
pub(crate) fn server(wire: &Wire) -> WebSocketStream<Wire> {
    server_with(wire, &quiet())
}

pub(crate) fn server_with(wire: &Wire, options: &WebSocketOptions) -> WebSocketStream<Wire> {
    WebSocketStream::from_stream(wire.clone(), Role::Server, options, bytes::Bytes::new())
}

/// A server's options, without pings of its own.
pub(crate) fn quiet() -> WebSocketOptions {
    let mut options = WebSocketOptions::server();
    options.limits.idle_ping = None;
    options.limits.idle_timeout = None;
    options
}

/// The frame in which a client sends `message`.
pub(crate) fn client_frame(message: &WebSocketMessage) -> Vec<u8> {
    let (opcode, payload) = match message.clone() {
        WebSocketMessage::Text(text) => (Opcode::Text, text.into_bytes()),
        WebSocketMessage::Binary(bytes) => (Opcode::Binary, bytes),
        WebSocketMessage::Ping(bytes) => (Opcode::Ping, bytes),
        WebSocketMessage::Pong(bytes) => (Opcode::Pong, bytes),
        WebSocketMessage::Close(code, reason) => {
            let code = code.get().to_be_bytes();
            (Opcode::Close, [&code, reason.as_bytes()].concat().into())
        }
    };
    client_fragment(opcode, &payload, true)
}

pub(crate) fn client_fragment(opcode: Opcode, payload: &[u8], fin: bool) -> Vec<u8> {
    let payload = bytes::Bytes::copy_from_slice(payload);
    WebSocketFrame { fin, opcode, mask: Some([1, 2, 3, 4]), payload }.encode()
}

/// Polls a future once, with a waker that does nothing, and drops it.
pub(crate) fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Makes a future anew for each poll, until one is ready at its first.
pub(crate) fn drop_at_every_poll<C, T>(
    connection: &mut C,
    mut poll: impl FnMut(&mut C) -> Poll<T>,
) -> T {
    for _ in 0..100_000 {
        if let Poll::Ready(outcome) = poll(connection) {
            return outcome;
        }
    }
    panic!("never ready");
}
