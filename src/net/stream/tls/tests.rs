use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::*;
use crate::net::tls::{TlsClient, TlsServer};

fn pair() -> (TlsStream<UnixStream>, TlsStream<UnixStream>) {
    let identity = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = identity.cert.pem().into_bytes();
    let key = identity.signing_key.serialize_pem();
    let server = TlsServer::from_pem(&certificate, key.as_bytes()).unwrap();
    let client = TlsClient::builder().default_roots(false);
    let client = client.add_authority_pem(&certificate).unwrap().build().unwrap();
    let (one, two) = UnixStream::pair().unwrap();
    let config = server.config().clone();
    let server = thread::spawn(move || TlsStream::accept(two, config, None).unwrap());
    let name = "localhost".try_into().unwrap();
    let client = TlsStream::connect(one, client.config().clone(), name, None).unwrap();
    (client, server.join().unwrap())
}

#[test]
fn an_idle_stream_holds_no_buffer() {
    let (one, two) = pair();
    one.write_vectored(&[IoSlice::new(&[7; 1000])]).unwrap();
    let mut buf = [0; 999];
    assert_eq!(two.read(&mut buf).unwrap(), 999);
    // What is decrypted already makes it readable, and no longer idle.
    assert!(two.wait_readable(Some(Duration::ZERO)).unwrap());
    assert_eq!(two.read(&mut buf).unwrap(), 1);
    two.write_vectored(&[IoSlice::new(&buf)]).unwrap();
    assert_ne!(lock(&two.incoming).buffer.capacity(), 0);
    assert_ne!(lock(&two.outgoing).ciphertext.capacity(), 0);
    assert!(!two.wait_readable(Some(IDLE * 2)).unwrap());
    assert_eq!(lock(&two.incoming).buffer.capacity(), 0);
    assert_eq!(lock(&two.outgoing).ciphertext.capacity(), 0);
}

/// A stream that delivers a byte at a time, and notes how long it was waited for. It
/// takes what it is told to have room for.
struct Drip {
    io: UnixStream,
    waits: Mutex<Vec<Duration>>,
    stops_after: usize,
    room: AtomicUsize,
}

impl Drip {
    fn between(stream: TlsStream<UnixStream>, stops_after: usize) -> TlsStream<Self> {
        let TlsStream { io, incoming, outgoing, session, read_timeout } = stream;
        let io = Self { io, waits: Mutex::default(), stops_after, room: AtomicUsize::new(0) };
        TlsStream { io, incoming, outgoing, session, read_timeout }
    }
}

impl Duplex for Drip {
    fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        Duplex::read(&self.io, &mut buf[..1])
    }

    fn write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let len = bufs[0].len().min(self.room.load(Ordering::Relaxed));
        if len == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let len = Duplex::write_vectored(&self.io, &[IoSlice::new(&bufs[0][..len])])?;
        self.room.fetch_sub(len, Ordering::Relaxed);
        Ok(len)
    }

    fn try_write(&self, buf: &[u8]) -> Option<io::Result<usize>> {
        Some(if buf.is_empty() { Ok(0) } else { self.write_vectored(&[IoSlice::new(buf)]) })
    }

    fn shutdown_write(&self) -> io::Result<()> {
        Duplex::shutdown_write(&self.io)
    }

    fn shutdown(&self) -> io::Result<()> {
        Duplex::shutdown(&self.io)
    }

    fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(()) // each byte comes in time
    }

    fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn wait_readable(&self, timeout: Option<Duration>) -> io::Result<bool> {
        let mut waits = self.waits.lock().unwrap();
        waits.extend(timeout);
        Ok(waits.len() < self.stops_after)
    }
}

/// Though the transport has nothing more to say.
#[test]
fn the_end_that_came_with_the_last_bytes_is_readable() {
    let (one, two) = pair();
    one.write_vectored(&[IoSlice::new(&[7; 10])]).unwrap();
    lock(&one.session).send_close_notify();
    one.flush().unwrap();
    assert_eq!(two.read(&mut [0; 100]).unwrap(), 10);
    assert!(two.wait_readable(Some(Duration::ZERO)).unwrap());
    assert_eq!(two.read(&mut [0; 100]).unwrap(), 0);
}

/// A record that drips in does not hold a read for longer than its timeout, and what
/// has come of it is not lost.
#[test]
fn a_read_timeout_bounds_the_wait_for_a_whole_record() {
    let (one, two) = pair();
    let two = Drip::between(two, usize::MAX);
    one.write_vectored(&[IoSlice::new(&[7; 1000])]).unwrap();
    two.set_read_timeout(Some(Duration::from_nanos(1))).unwrap();
    let mut buf = [0; 1000];
    let (mut read, mut timeouts) = (0, 0);
    while read < buf.len() {
        match two.read(&mut buf[read..]) {
            Ok(len) => read += len,
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::TimedOut);
                timeouts += 1;
            }
        }
    }
    assert_eq!(buf, [7; 1000]);
    assert!(timeouts > 500, "{timeouts}");
}

/// The last piece is not waited for as long as the first one.
#[test]
fn what_is_left_of_a_read_timeout_shrinks_with_each_piece() {
    let (one, two) = pair();
    let two = Drip::between(two, 5);
    one.write_vectored(&[IoSlice::new(&[7; 1000])]).unwrap();
    two.set_read_timeout(Some(Duration::from_secs(1000))).unwrap();
    let error = two.read(&mut [0; 1000]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    let waits = two.io.waits.lock().unwrap();
    assert_eq!(waits.len(), 5);
    assert!(waits.is_sorted_by(|one, next| one > next), "{waits:?}");
}

/// However little a peer takes at a time: who sends is to see that it takes something.
#[test]
fn a_slow_peer_is_seen_to_take_what_it_takes() {
    let (one, two) = pair();
    let one = Drip::between(one, 0);
    let reading = thread::spawn(move || {
        let mut received = Vec::new();
        let mut buf = [0; 4096];
        while let Ok(len) = two.read(&mut buf)
            && len > 0
        {
            received.extend_from_slice(&buf[..len]);
        }
        received
    });
    let sent: Vec<u8> = (0..200_000).map(|at| (at % 251) as u8).collect();
    let mut taken = one.write_vectored(&[IoSlice::new(&sent)]).unwrap();
    assert!(taken < MOST_PENDING + LEAST_PIECE, "{taken}");
    while taken < sent.len() {
        one.io.room.store(1_000, Ordering::Relaxed);
        taken += one.write_vectored(&[IoSlice::new(&sent[taken..])]).expect("progress");
        assert!(lock(&one.outgoing).ciphertext.len() < MOST_PENDING + LEAST_PIECE);
    }
    one.io.room.store(usize::MAX, Ordering::Relaxed);
    one.shutdown_write().unwrap();
    assert!(reading.join().unwrap() == sent);
}

/// What does not go at once goes before what comes later.
#[test]
fn what_is_written_without_waiting_arrives_in_order() {
    let (one, two) = pair();
    let one = Drip::between(one, 0);
    let reading = thread::spawn(move || {
        let mut received = vec![0; 200_000];
        let mut len = 0;
        while len < received.len() {
            len += two.read(&mut received[len..]).unwrap();
        }
        received
    });
    let sent: Vec<u8> = (0..200_000).map(|at| (at % 251) as u8).collect();
    let (mut taken, mut full, mut in_a_row) = (0, 0, 0);
    while taken < sent.len() || one.try_write(&[]).unwrap().is_err() {
        one.io.room.store(300, Ordering::Relaxed);
        let end = sent.len().min(taken + 3_000);
        match one.try_write(&sent[taken..end]).unwrap() {
            Ok(len) => {
                taken += len;
                in_a_row = 0;
            }
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                full += 1;
                in_a_row += 1;
            }
        }
        // What has gone is seen soon.
        assert!(taken == sent.len() || in_a_row <= LEAST_PIECE / 300 + 1, "{taken}");
    }
    assert!(full > 100, "{full}");
    assert!(reading.join().unwrap() == sent);
}

#[test]
fn a_reader_sends_nothing_while_a_writer_is_at_it() {
    let (one, two) = pair();
    // A record that cannot be decrypted calls for an alert.
    one.get_ref()
        .write_vectored(&[IoSlice::new(&[23, 3, 3, 0, 17]), IoSlice::new(&[0; 17])])
        .unwrap();
    let writer = lock(&two.outgoing);
    assert_eq!(two.read(&mut [0; 10]).unwrap_err().kind(), io::ErrorKind::InvalidData);
    assert!(lock(&two.session).wants_write(), "the alert waits");
    drop(writer);
    two.flush().unwrap();
    assert_eq!(one.read(&mut [0; 10]).unwrap_err().kind(), io::ErrorKind::InvalidData);
}
