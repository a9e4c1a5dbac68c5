//! The copy cliff: copies whose target lies 1 to 15 bytes further within its page
//! than the source, in memory and in the system's copy of a read.

use std::{
    hint::black_box,
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    time::Instant,
};

use wirespeed::{
    Role, WebSocketOptions,
    protocol::{Connection, Receiver},
    simd::{Kernels, Mask},
};

use super::Build;
use crate::{memory::Aligned, timing::Group, traffic::bytes};

/// Bytes past the start of a page.
const OFFSETS: [usize; 8] = [0, 1, 4, 6, 14, 15, 16, 64];

/// What one read brings.
const LEN: usize = 64 << 10;

pub fn groups() -> Vec<Build> {
    let of_len = |len: usize| {
        let id = format!("cliff/memory/{}", bytes(len));
        let build = move |offset| Build::new(id.clone(), move |id| in_memory(id, len, offset));
        OFFSETS.into_iter().map(build)
    };
    let mut groups: Vec<Build> = [4 << 10, LEN].into_iter().flat_map(of_len).collect();
    groups.push(Build::new("cliff/loopback", over_loopback));
    groups
}

fn in_memory(id: &str, len: usize, offset: usize) -> Group {
    let mut group = Group::new(id, format!("offset {offset}"), len as f64);
    let buffers = || (Aligned::new(len), Aligned::new(offset + len));

    let (source, mut target) = buffers();
    group.add("memcpy", 1, move || {
        black_box(&mut target[offset..]).copy_from_slice(black_box(&source));
    });
    let (source, mut target) = buffers();
    group.add("wirespeed, copy and mask", 1, move || {
        let mask = Mask::new([1, 2, 3, 4]);
        let target = black_box(&mut target[offset..]);
        Kernels::active().copy_masked_into(black_box(&source), target, mask);
    });
    group
}

/// 64 KiB written to a socket and read from it, to places at different offsets, and
/// to where the read buffer puts it when a frame's header was cut by the last read.
fn over_loopback(id: &str) -> Group {
    let mut group = Group::new(id, bytes(LEN), LEN as f64);
    for offset in OFFSETS {
        let mut pair = Pair::new();
        let mut target = Aligned::new(offset + LEN);
        group.add(format!("read to offset {offset}"), 1, move || {
            pair.pass(&mut target[offset..]);
        });
    }
    for leftover in [0, 1, 6] {
        let mut pair = Pair::new();
        let now = Instant::now();
        let mut receiver = receiver_with(leftover, now);
        group.add(format!("read buffer, {leftover} bytes left over"), 1, move || {
            let room = receiver.read_buffer();
            let len = room.len().min(LEN);
            pair.pass(&mut room[..len]);
        });
    }
    group
}

/// A receiver in whose buffer a part of a header waits.
fn receiver_with(leftover: usize, now: Instant) -> Receiver {
    let mut receiver = Connection::new(Role::Server, &WebSocketOptions::server(), now).receiver;
    // A header with a 16-bit length and the first bytes of its key.
    let header = [0x82, 0x80 | 126, 0x40, 0, 1, 2];
    receiver.receive_from(&header[..leftover], now);
    assert!(receiver.next_ref().expect("no error").is_none());
    receiver
}

/// Both ends of a connection, in the hands of one thread.
struct Pair {
    near: TcpStream,
    far: TcpStream,
    source: Aligned,
}

impl Pair {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let near = TcpStream::connect(listener.local_addr().expect("an address")).expect("a peer");
        let (far, _) = listener.accept().expect("a connection");
        for end in [&near, &far] {
            end.set_nonblocking(true).expect("a socket");
            end.set_nodelay(true).expect("a socket");
        }
        Self { near, far, source: Aligned::new(LEN) }
    }

    /// Sends as much as `target` takes, and reads it there.
    fn pass(&mut self, target: &mut [u8]) {
        let (mut written, mut read) = (0, 0);
        while read < target.len() {
            if written < target.len() {
                written += progress(self.near.write(&self.source[written..target.len()]));
            }
            read += progress(self.far.read(&mut target[read..]));
        }
    }
}

fn progress(result: std::io::Result<usize>) -> usize {
    match result {
        Ok(len) => len,
        Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
        Err(error) => panic!("loopback fails: {error}"),
    }
}
