//! Echo servers over tokio: each library on a thread and a core of its own.
//!
//! All of them run the same way: a runtime of one thread, a task a connection, no
//! timeouts where they can be turned off, `TCP_NODELAY`. Inside the task each
//! library is driven in the fastest way that its interface allows, which is said
//! where it is driven.

mod fastwebsockets;
mod load;
mod sockudo;
mod tokio_tungstenite;
mod tokio_websockets;
mod wirespeed;

use std::{
    net::SocketAddr,
    sync::mpsc,
    thread::{self, JoinHandle},
    time::Duration,
};

use futures_util::future::{Either, select};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime,
    sync::oneshot,
    task::{spawn, unconstrained},
};

use crate::machine::{ThreadClock, pin_this_thread};

pub use load::Load;

/// A library that echoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Library {
    Wirespeed,
    Sockudo,
    Fastwebsockets,
    TokioWebsockets,
    TokioTungstenite,
}

/// How a library is driven, where there is a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An answer is sent before the next message is asked for.
    OneByOne,
    /// All messages that are there are taken, then all answers are sent at once.
    InBatches,
}

/// How a library is driven.
#[derive(Debug, Clone, Copy)]
pub struct Drive {
    pub form: Form,
    /// How much it should be able to read or to queue at once, in bytes, where that can
    /// be said.
    pub read: usize,
    /// Whether silent peers are pinged and given up, where that is the default.
    pub keepalive: bool,
    /// How long it asks for bytes before it sleeps, where it can be told to.
    pub spin: Duration,
}

/// What a reader of the times has to know.
pub const NOTE: &str = "\
Here and in the other tables of echo/tokio every library is driven in the fastest way that its \
interface allows for messages of one size, a window of which comes together. What it reads at \
once is made as large as a window where that can be said:

- wirespeed: messages below 4 KiB in batches and borrowed, others one by one and owned. Reads take \
a window, and no less than its default of 64 KiB, which *wirespeed, default pool* keeps to where \
a window is more. *wirespeed, spinning*, in tables of its own, asks for bytes for up to 100 µs before it sleeps \
(`WebSocketOptions::spin`); no other library has such an option, \
though their users may poll them in a loop of their own.
- sockudo-ws: answers are fed, and leave before it reads again. Reads take 64 KiB, which cannot be \
changed; its high-water mark is a window, and no less than its default of 64 KiB.
- fastwebsockets: one by one, for it has no queue. Reads take 8 KiB, or what a larger frame lacks, \
which cannot be changed.
- tokio-websockets: in batches where a window is more than a message. Reads take 8 KiB, or what a \
larger frame lacks, which cannot be changed; its flush threshold is a window, and no less than \
64 KiB.
- tokio-tungstenite: in batches where a window is more than a message. Its buffers for reading and \
writing take a window, and no less than the reading one's default of 128 KiB.";

/// More than the header of any of the messages.
const HEADER: usize = 14;

impl Library {
    pub const ALL: [Self; 5] = [
        Self::Wirespeed,
        Self::Sockudo,
        Self::Fastwebsockets,
        Self::TokioWebsockets,
        Self::TokioTungstenite,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Wirespeed => "wirespeed",
            Self::Sockudo => "sockudo-ws",
            Self::Fastwebsockets => "fastwebsockets",
            Self::TokioWebsockets => "tokio-websockets",
            Self::TokioTungstenite => "tokio-tungstenite",
        }
    }

    /// The fastest way to drive it for messages of `len` bytes, `window` of which
    /// come together: users know their traffic.
    pub fn drive(self, len: usize, window: usize) -> Drive {
        let in_batches = match self {
            // Large messages that own their bytes are sent by reference; those that
            // borrow them are copied.
            Self::Wirespeed => len < 4 << 10,
            _ => window > 1,
        };
        let form = if in_batches { Form::InBatches } else { Form::OneByOne };
        let read = (window * (len + HEADER)).max(self.default_read());
        Drive { form, read, keepalive: false, spin: Duration::ZERO }
    }

    /// For many connections that are silent most of the time: with the smallest read
    /// buffer that the library's documentation recommends, if it does.
    pub fn drive_of_idle(self) -> Drive {
        let read = if self == Self::TokioTungstenite { 4 << 10 } else { self.default_read() };
        Drive { form: Form::OneByOne, read, keepalive: true, spin: Duration::ZERO }
    }

    /// What it reads at once by default, where that can be changed.
    pub fn default_read(self) -> usize {
        if self == Self::TokioTungstenite { 128 << 10 } else { 64 << 10 }
    }

    /// Accepts, performs opening handshakes, and echoes until each client is gone.
    pub async fn serve(self, listener: TcpListener, drive: Drive) {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).expect("a socket");
            // Each library's task has its own type: a common one would be as large as the
            // largest.
            match self {
                Self::Wirespeed => spawn(unconstrained(wirespeed::echo(stream, drive))),
                Self::Sockudo => spawn(unconstrained(sockudo::echo(stream, drive))),
                Self::Fastwebsockets => spawn(unconstrained(fastwebsockets::echo(stream))),
                Self::TokioWebsockets => {
                    spawn(unconstrained(tokio_websockets::echo(stream, drive)))
                }
                Self::TokioTungstenite => {
                    spawn(unconstrained(tokio_tungstenite::echo(stream, drive)))
                }
            };
        }
    }
}

/// A server on a thread of its own, until it is dropped.
pub struct Server {
    address: SocketAddr,
    clock: ThreadClock,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts it on `core`.
    pub fn start(library: Library, drive: Drive, core: usize) -> Self {
        let (started, start) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("server".to_owned()).spawn(move || {
            pin_this_thread(core);
            let runtime = runtime().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                let address = listener.local_addr().expect("an address");
                started.send((address, ThreadClock::of_this_thread())).expect("a user");
                let serving = std::pin::pin!(library.serve(listener, drive));
                if let Either::Left(_) = select(serving, stopped).await {
                    panic!("{} accepts no more", library.name());
                }
            });
        });
        let (address, clock) = start.recv().expect("a server");
        Self { address, clock, stop: Some(stop), thread: thread.ok() }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The processor's time that it has used up.
    pub fn used(&self) -> Duration {
        self.clock.elapsed()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server has shown already as a client without answers.
            let _ = thread.join();
        }
    }
}

/// The runtime of a server: one thread, with time and sockets.
///
/// # Errors
///
/// If the system has no descriptors left.
pub fn runtime() -> std::io::Result<runtime::Runtime> {
    runtime::Builder::new_current_thread().enable_all().build()
}

/// The opening handshake for libraries that leave it to others.
async fn shake_hands(stream: &mut TcpStream) {
    let mut head = Vec::new();
    let key = loop {
        stream.read_buf(&mut head).await.expect("a request");
        if let Some((request, _)) = sockudo_ws::handshake::parse_request(&head).expect("a request")
        {
            break sockudo_ws::handshake::generate_accept_key(request.key);
        }
    };
    let response = sockudo_ws::handshake::build_response(&key, None, None);
    stream.write_all(&response).await.expect("a client");
}
