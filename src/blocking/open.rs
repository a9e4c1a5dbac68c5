//! The connections that a server has open.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use super::{WebSocketConnection, shared::Shared};
use crate::{
    frame::CloseCode,
    net::stream::{Duplex, Stream},
};

/// How long a connection that could not be told to close has until it is told
/// again.
const RETRY: Duration = Duration::from_millis(20);

/// A count of connections, with what it takes to close them all.
#[derive(Debug, Clone, Default)]
pub(super) struct OpenConnections(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    seats: Mutex<Vec<Weak<Shared<Stream>>>>,
    left: Condvar,
}

impl OpenConnections {
    /// A place for one more connection, if there are fewer than `max`.
    pub(super) fn seat(&self, max: usize) -> Option<Seat> {
        let mut seats = self.seats();
        if seats.len() >= max {
            return None;
        }
        // Empty until the handshake is done.
        seats.push(Weak::new());
        Some(Seat { open: self.clone(), connection: Weak::new() })
    }

    /// Closes all connections with 1001 that take it, drops the transports of those that
    /// are not over within `timeout`, and waits for their handlers.
    pub(super) fn close_all(&self, timeout: Duration) {
        let begun = Instant::now();
        loop {
            // Again and again: a thread may be sending just now, and a handshake
            // that was under way may have made another connection.
            self.each(|connection| {
                // One whose transport fails ends by that.
                let _ = connection.try_close(CloseCode::GOING_AWAY);
            });
            let seats = self.seats();
            let left = timeout.saturating_sub(begun.elapsed());
            if seats.is_empty() || left.is_zero() {
                break;
            }
            drop(self.0.left.wait_timeout(seats, left.min(RETRY)));
        }
        loop {
            // Again and again here as well: a handshake may be over a little late.
            self.each(|connection| {
                // Gone already, if this fails.
                let _ = connection.stream.shutdown();
            });
            let seats = self.seats();
            if seats.is_empty() {
                return;
            }
            drop(self.0.left.wait_timeout(seats, RETRY));
        }
    }

    fn each(&self, act: impl Fn(&Shared<Stream>)) {
        let connections: Vec<_> = self.seats().iter().filter_map(Weak::upgrade).collect();
        connections.iter().for_each(|connection| act(connection));
    }

    fn seats(&self) -> MutexGuard<'_, Vec<Weak<Shared<Stream>>>> {
        self.0.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place; leaving it makes room for another.
#[derive(Debug)]
pub(super) struct Seat {
    open: OpenConnections,
    connection: Weak<Shared<Stream>>,
}

impl Seat {
    /// Makes `connection` one that is closed with the others.
    pub(super) fn occupied_by(mut self, connection: &WebSocketConnection<Stream>) -> Self {
        let connection = connection.downgrade();
        let mut seats = self.open.seats();
        if let Some(seat) = seats.iter_mut().find(|seat| seat.ptr_eq(&self.connection)) {
            *seat = connection.clone();
        }
        drop(seats);
        self.connection = connection;
        self
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.open.seats();
        if let Some(index) = seats.iter().position(|seat| seat.ptr_eq(&self.connection)) {
            seats.swap_remove(index);
        }
        drop(seats);
        self.open.0.left.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::{TcpListener, TcpStream},
        sync::mpsc,
        thread,
    };

    use bytes::Bytes;

    use super::*;
    use crate::{frame::Role, options::WebSocketOptions};

    /// Its handshake was under way when the time was up.
    #[test]
    fn a_connection_that_comes_late_is_closed_with_the_others() {
        let open = OpenConnections::default();
        let seat = open.seat(1).unwrap();
        let closing = {
            let open = open.clone();
            thread::spawn(move || open.close_all(Duration::ZERO))
        };
        thread::sleep(RETRY);

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let _silent = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        let options = WebSocketOptions::server();
        let stream = Stream::Tcp(stream);
        let ws = WebSocketConnection::from_stream(stream, Role::Server, &options, Bytes::new());
        let ws = ws.unwrap();
        let seat = seat.occupied_by(&ws);
        let (sender, ended) = mpsc::channel();
        thread::spawn(move || {
            let _ = sender.send(ws.messages().all(|message| message.is_err()));
            drop(seat);
        });
        // A connection that nobody closes has no end.
        ended.recv_timeout(Duration::from_secs(60)).expect("closed");
        closing.join().unwrap();
    }
}
