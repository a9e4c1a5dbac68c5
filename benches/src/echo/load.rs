//! The load: the same for every server, on a thread that never sleeps.

use std::{
    fs::File,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    os::fd::{AsRawFd, FromRawFd},
};

use wirespeed::{FrameHeader, Opcode};

use crate::traffic::{Random, Script};

/// Clients that send windows of text messages, encoded beforehand, with one system
/// call each, and compare every byte of the answers.
///
/// It keeps the server busy: each connection sends its next window as soon as it
/// has all answers to the last one, whatever the others wait for. It asks every
/// connection in turn: to be told by the system which one has answers would be work
/// for the server's core, whose system calls deliver them.
pub struct Load {
    clients: Vec<Client>,
    /// What goes out at once.
    window: Window,
    /// The only thing that may come back.
    answers: Vec<u8>,
    read: Vec<u8>,
    /// Windows that may still be sent.
    budget: usize,
    under_way: usize,
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
        let mut load = Self {
            clients: Vec::with_capacity(clients),
            window: Window::default(),
            answers: Vec::new(),
            read: Vec::new(),
            budget: 0,
            under_way: 0,
        };
        load.fill_window(len, window)?;
        for _ in 0..clients {
            let stream = shake_hands(server)?;
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
            for index in 0..self.clients.len() {
                if let State::UnderWay { .. } = self.clients[index].state {
                    self.go_on(index)?;
                }
            }
        }
        Ok(())
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
