//! The load: the same for every server, on a thread that never sleeps.

use std::{
    fs::File,
    io::{self, Read, Write},
    mem,
    net::{SocketAddr, TcpStream},
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    time::{Duration, Instant},
};

use wirespeed::{FrameHeader, Opcode};

use crate::traffic::{Random, Script};

/// Clients that send windows of text messages, encoded beforehand, with one system
/// call each, and compare every byte of the answers.
///
/// It keeps the server busy: each connection sends its next window as soon as it
/// has all answers to the last one, whatever the others wait for.
pub struct Load {
    epoll: OwnedFd,
    events: Vec<libc::epoll_event>,
    clients: Vec<Client>,
    /// What goes out at once.
    window: Window,
    /// The only thing that may come back.
    answers: Vec<u8>,
    read: Vec<u8>,
    /// Windows that may still be sent.
    budget: usize,
    under_way: usize,
    /// How long it had nothing to do but wait for the server.
    idle: Duration,
}

struct Client {
    stream: TcpStream,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Resting,
    UnderWay { sent: usize, answered: usize },
}

impl Load {
    /// `clients` connections to `server`, each with `window` messages of `len` bytes
    /// under way at once.
    ///
    /// # Errors
    ///
    /// If they cannot be opened.
    pub fn connect(
        server: SocketAddr,
        clients: usize,
        len: usize,
        window: usize,
    ) -> io::Result<Self> {
        // SAFETY: no memory is passed.
        let epoll = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: just opened, and nobody else's.
        let epoll = unsafe { OwnedFd::from_raw_fd(epoll) };
        let mut load = Self {
            epoll,
            events: vec![libc::epoll_event { events: 0, u64: 0 }; 256],
            clients: Vec::with_capacity(clients),
            window: Window::default(),
            answers: Vec::new(),
            read: Vec::new(),
            budget: 0,
            under_way: 0,
            idle: Duration::ZERO,
        };
        load.fill_window(len, window)?;
        for index in 0..clients {
            let stream = shake_hands(server)?;
            load.watch(&stream, index)?;
            load.clients.push(Client { stream, state: State::Resting });
        }
        Ok(load)
    }

    /// Sends `windows` windows in all, and returns when every answer is there.
    ///
    /// # Errors
    ///
    /// If the server closes a connection, or an answer is not what was sent.
    pub fn run(&mut self, windows: usize) -> io::Result<()> {
        self.budget = windows;
        for index in 0..self.clients.len() {
            self.go_on(index)?;
        }
        while self.under_way > 0 {
            if let [_] = self.clients[..] {
                // Whom to look at is known; a look costs one system call.
                self.go_on(0)?;
            } else {
                self.look_at_ready()?;
            }
        }
        Ok(())
    }

    /// How long it had nothing to do but wait for the server, since it was asked
    /// last; with more than one connection.
    pub fn take_idle(&mut self) -> Duration {
        mem::take(&mut self.idle)
    }

    fn fill_window(&mut self, len: usize, window: usize) -> io::Result<()> {
        let (mut random, mut frames) = (Random::new(7), Vec::new());
        for _ in 0..window {
            let text = Script::Ascii.text(len, &mut random);
            let key = [0; 4].map(|_| random.within(1, 255) as u8);
            let plain = FrameHeader::new(Opcode::Text, len as u64);
            let masked = FrameHeader { mask: Some(key), ..plain };
            frames.extend_from_slice(&masked.encode());
            frames.extend(text.iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]));
            self.answers.extend_from_slice(&plain.encode());
            self.answers.extend_from_slice(&text);
        }
        self.read = vec![0; self.answers.len()];
        self.window = Window::new(frames)?;
        Ok(())
    }

    /// Edges suffice: whatever is ready is used up, or is all there can be.
    fn watch(&self, stream: &TcpStream, index: usize) -> io::Result<()> {
        let events = (libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLET) as u32;
        let mut event = libc::epoll_event { events, u64: index as u64 };
        let (epoll, stream) = (self.epoll.as_raw_fd(), stream.as_raw_fd());
        // SAFETY: both are open, and the event is only read.
        check(unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, stream, &mut event) })?;
        Ok(())
    }

    fn look_at_ready(&mut self) -> io::Result<()> {
        let mut count = self.look()?;
        if count == 0 {
            let start = Instant::now();
            while count == 0 {
                count = self.look()?;
            }
            self.idle += start.elapsed();
        }
        for event in 0..count {
            self.go_on(self.events[event].u64 as usize)?;
        }
        Ok(())
    }

    fn look(&mut self) -> io::Result<usize> {
        let (epoll, room) = (self.epoll.as_raw_fd(), self.events.len() as i32);
        // SAFETY: `room` events fit.
        let count = check(unsafe { libc::epoll_wait(epoll, self.events.as_mut_ptr(), room, 0) })?;
        Ok(count as usize)
    }

    /// Does all that a connection lets it do.
    fn go_on(&mut self, index: usize) -> io::Result<()> {
        let client = &mut self.clients[index];
        loop {
            let State::UnderWay { sent, answered } = &mut client.state else {
                if self.budget == 0 {
                    return Ok(());
                }
                self.budget -= 1;
                self.under_way += 1;
                client.state = State::UnderWay { sent: 0, answered: 0 };
                continue;
            };
            if *sent == 0 {
                // Nothing can be there to be read.
                let Some(len) = at_once(self.window.send(&client.stream, 0))? else {
                    return Ok(());
                };
                *sent = len;
                return Ok(());
            }
            let wanted = &self.answers[*answered..];
            let Some(len) = at_once(client.stream.read(&mut self.read[..wanted.len()]))? else {
                if *sent == self.window.len() {
                    return Ok(());
                }
                let Some(len) = at_once(self.window.send(&client.stream, *sent))? else {
                    return Ok(());
                };
                *sent += len;
                continue;
            };
            if self.read[..len] != wanted[..len] {
                return Err(io::Error::other("an answer that is not what was sent"));
            }
            *answered += len;
            if *answered == self.answers.len() {
                client.state = State::Resting;
                self.under_way -= 1;
            } else if len < wanted.len() && *sent == self.window.len() {
                return Ok(());
            }
        }
    }
}

/// Bytes to be sent again and again.
#[derive(Default)]
struct Window {
    bytes: Vec<u8>,
    /// The same as a file, if they are many: the system sends its pages without
    /// a copy, and the load has the less to do.
    file: Option<File>,
}

/// The length from which a copy costs more than the way through a file.
const WORTH_A_FILE: usize = 12 << 10;

impl Window {
    fn new(bytes: Vec<u8>) -> io::Result<Self> {
        if bytes.len() < WORTH_A_FILE {
            return Ok(Self { bytes, file: None });
        }
        // SAFETY: the name is a string with its end.
        let file = check(unsafe { libc::memfd_create(c"window".as_ptr(), libc::MFD_CLOEXEC) })?;
        // SAFETY: just opened, and nobody else's.
        let mut file = unsafe { File::from_raw_fd(file) };
        file.write_all(&bytes)?;
        Ok(Self { bytes, file: Some(file) })
    }

    fn len(&self) -> usize {
        self.bytes.len()
    }

    fn send(&self, mut stream: &TcpStream, from: usize) -> io::Result<usize> {
        let Some(file) = &self.file else { return stream.write(&self.bytes[from..]) };
        let mut offset = from as libc::off_t;
        let (stream, file) = (stream.as_raw_fd(), file.as_raw_fd());
        // SAFETY: both are open, and the offset is there to be changed.
        let sent = unsafe { libc::sendfile(stream, file, &mut offset, self.len() - from) };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }
}

fn shake_hands(server: SocketAddr) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    write!(
        stream,
        "GET / HTTP/1.1\r\nHost: {server}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    if !head.starts_with(b"HTTP/1.1 101 ") {
        return Err(io::Error::other(String::from_utf8_lossy(&head)));
    }
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// What a system call did, or nothing if it would have to wait.
fn at_once(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(len) => Ok(Some(len)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

fn check(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
