//! What messages cost in allocations, once the connection is warm: none.

use std::io::IoSlice;

use bytes::Bytes;
use wirespeed::{
    BufferPool, Opcode, PreparedMessage, Role, WebSocketMessage, WebSocketOptions,
    protocol::{Connection, Received},
};

use crate::{counting::measure, endpoint::ROLES};

/// Messages of each size; 16 GiB for the largest.
const MESSAGES: usize = 1_000_000;

const SIZES: [usize; 3] = [20, 200, 16 << 10];

/// Messages that are queued before the transport takes them: many small ones, or
/// few large ones.
fn batch(size: usize) -> usize {
    (48 << 10) / size
}

/// Two connections and what lies between them.
struct Pair {
    sender: Connection,
    receiver: Connection,
    now: std::time::Instant,
}

impl Pair {
    /// One in `role` that sends, and its peer.
    fn new(role: Role) -> Self {
        let options = |role| {
            let mut options = match role {
                Role::Client => WebSocketOptions::client(),
                Role::Server => WebSocketOptions::server(),
            };
            options.pool = BufferPool::new(BufferPool::DEFAULT_READ_SIZE, 4);
            options
        };
        let peer = if role == Role::Client { Role::Server } else { Role::Client };
        let now = std::time::Instant::now();
        Self {
            sender: Connection::new(role, &options(role), now),
            receiver: Connection::new(peer, &options(peer), now),
            now,
        }
    }

    /// Takes all that is queued to the peer, which takes messages with `take` after
    /// every read.
    fn carry(&mut self, mut take: impl FnMut(&mut Connection)) {
        loop {
            let mut slices = [IoSlice::new(&[]); 32];
            let count = self.sender.sender.transmit(self.now, &mut slices);
            if count == 0 {
                return;
            }
            let mut room = self.receiver.receiver.read_buffer();
            let mut len = 0;
            for slice in &slices[..count] {
                let taken = slice.len().min(room.len());
                room[..taken].copy_from_slice(&slice[..taken]);
                room = &mut room[taken..];
                len += taken;
            }
            self.sender.sender.written(len, self.now);
            self.receiver.receiver.received(len, self.now);
            take(&mut self.receiver);
        }
    }

    /// Writes `count` messages in batches and takes each batch over.
    fn send(
        &mut self,
        count: usize,
        size: usize,
        mut write: impl FnMut(&mut Connection),
        mut take: impl FnMut(&mut Connection),
    ) {
        let mut left = count;
        while left > 0 {
            let batch = batch(size).min(left);
            (0..batch).for_each(|_| write(&mut self.sender));
            self.carry(&mut take);
            left -= batch;
        }
    }
}

fn take_borrowed(taken: &mut usize) -> impl FnMut(&mut Connection) {
    move |connection| {
        while let Some(message) = connection.receiver.next_ref().unwrap() {
            assert!(message.is_data());
            *taken += 1;
        }
    }
}

#[test]
fn messages_of_a_client_allocate_nothing() {
    write_and_borrow(Role::Client);
}

#[test]
fn messages_of_a_server_allocate_nothing() {
    write_and_borrow(Role::Server);
}

/// `role` writes, its peer borrows.
fn write_and_borrow(role: Role) {
    for size in SIZES {
        let text = "x".repeat(size);
        let mut pair = Pair::new(role);
        let write = |connection: &mut Connection| connection.sender.write_text(&text).unwrap();
        let mut warm = 0;
        pair.send(2 * batch(size), size, write, take_borrowed(&mut warm));
        let mut taken = 0;
        let ((), cost) = measure(|| {
            pair.send(MESSAGES, size, write, take_borrowed(&mut taken));
        });
        assert_eq!(taken, MESSAGES);
        assert_eq!((cost.allocations, cost.kept), (0, 0), "{role:?} sends {size} bytes");
    }
}

/// What a caller shares is sent without a copy of it.
#[test]
fn shared_and_prepared_messages_allocate_nothing() {
    let count = MESSAGES / 10;
    for role in ROLES {
        for size in SIZES {
            let payload = Bytes::from(vec![7; size]);
            let prepared = PreparedMessage::binary(&payload);
            let mut pair = Pair::new(role);
            let write = |connection: &mut Connection| {
                let sender = &mut connection.sender;
                sender.write(WebSocketMessage::Binary(payload.clone())).unwrap();
                sender.write_prepared(&prepared).unwrap();
            };
            let mut warm = 0;
            pair.send(10 * batch(size), size, write, take_borrowed(&mut warm));
            let mut taken = 0;
            let ((), cost) = measure(|| pair.send(count, size, write, take_borrowed(&mut taken)));
            assert_eq!(taken, 2 * count);
            assert_eq!((cost.allocations, cost.kept), (0, 0), "{role:?} sends {size} bytes");
        }
    }
}

#[test]
fn messages_in_pieces_allocate_nothing() {
    let count = MESSAGES / 10;
    for role in ROLES {
        for size in SIZES {
            let text = "x".repeat(size);
            let mut pair = Pair::new(role);
            let write = |connection: &mut Connection| connection.sender.write_text(&text).unwrap();
            let mut bytes = 0;
            let mut take = |connection: &mut Connection| {
                while let Some(received) = connection.receiver.next_chunk().unwrap() {
                    match received {
                        Received::Chunk(chunk) => bytes += chunk.payload.len(),
                        Received::Control(frame) => panic!("{frame:?}"),
                    }
                }
            };
            pair.send(batch(size), size, write, &mut take);
            let ((), cost) = measure(|| pair.send(count, size, write, &mut take));
            assert_eq!((cost.allocations, cost.kept), (0, 0), "{role:?} sends {size} bytes");
            assert_eq!(bytes, (batch(size) + count) * size);
        }
    }
}

/// An owned message is a reference count on the read buffer, and the buffer is used
/// again when its messages are gone.
#[test]
fn owned_messages_do_not_allocate_each() {
    for role in ROLES {
        for size in SIZES {
            let text = "x".repeat(size);
            let mut pair = Pair::new(role);
            let write = |connection: &mut Connection| connection.sender.write_text(&text).unwrap();
            let mut taken = 0;
            let mut take = |connection: &mut Connection| {
                while let Some(message) = connection.receiver.next_message().unwrap() {
                    taken += usize::from(message.is_data());
                }
            };
            pair.send(10 * batch(size), size, write, &mut take);
            let count = MESSAGES / 10;
            let ((), cost) = measure(|| pair.send(count, size, write, &mut take));
            assert_eq!(taken, 10 * batch(size) + count);
            assert!(cost.allocations < count as u64 / 100, "{role:?}, {size} bytes: {cost:?}");
        }
    }
}

#[test]
fn an_idle_connection_holds_no_buffer() {
    for role in ROLES {
        let mut pairs: Vec<_> = (0..10).map(|_| Pair::new(role)).collect();
        let ((), cost) = measure(|| {
            for pair in &mut pairs {
                let write = |connection: &mut Connection| {
                    connection.sender.write_text(&"x".repeat(1000)).unwrap();
                };
                pair.send(100, 1000, write, take_borrowed(&mut 0));
                for connection in [&mut pair.sender, &mut pair.receiver] {
                    connection.receiver.release_idle();
                    connection.sender.release_idle();
                    assert!(!connection.receiver.holds_memory());
                    assert!(!connection.sender.holds_memory());
                }
            }
        });
        // Each pair has two pools, which rest with one or two blocks for all.
        let blocks = 10 * 3 * 66 * 1024;
        assert!(cost.kept < blocks + 10 * 2048, "{role:?}: {cost:?}");
    }
}

/// What a large message leaves of the memory it was put together in is not kept: it
/// would keep all of it alive.
#[test]
fn large_messages_that_were_taken_leave_nothing() {
    for len in [64 << 10, 260 << 10, 700 << 10, 1 << 20] {
        for opcode in [Opcode::Text, Opcode::Binary] {
            let mut pair = Pair::new(Role::Client);
            let payload = vec![b'x'; len];
            let mut carry = || {
                for piece in payload.chunks(len / 3 + 1) {
                    let fin = piece.as_ptr_range().end == payload.as_ptr_range().end;
                    pair.sender.sender.write_fragment(opcode, piece, fin).unwrap();
                }
                let mut taken = 0;
                pair.carry(|connection| {
                    taken += connection
                        .receiver
                        .next_message()
                        .unwrap()
                        .map_or(0, |m| m.as_bytes().len());
                });
                assert_eq!(taken, len);
                for connection in [&mut pair.sender, &mut pair.receiver] {
                    connection.receiver.release_idle();
                    connection.sender.release_idle();
                }
            };
            let ((), cost) = measure(&mut carry);
            // The blocks that reads and writes rest with in their pools.
            let blocks = 6 * 66 * 1024;
            assert!(cost.kept < blocks, "{opcode:?} of {len} bytes: {cost:?}");
        }
    }
}
