//! What drivers rely on in a byte stream.

use std::io::{self, IoSlice};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;
use wirespeed::net::stream::{Duplex, Stream, TlsStream};

use crate::certificates::Authority;

const PATIENCE: Duration = Duration::from_secs(30);

/// Far less than what the tests send, but enough for a segment of loopback.
const SOCKET_BUFFER: usize = 128 * 1024;

/// Two ends of a connection whose sockets hold little.
pub(crate) fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    for socket in [&client, &server] {
        SockRef::from(socket).set_send_buffer_size(SOCKET_BUFFER).unwrap();
        SockRef::from(socket).set_recv_buffer_size(SOCKET_BUFFER).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
    }
    (client, server)
}

pub(crate) fn tls_pair() -> (TlsStream<Stream>, TlsStream<Stream>) {
    let authority = Authority::new();
    let (client, server) = tcp_pair();
    let config = authority.server(&["localhost"]).config().clone();
    let server = thread::spawn(move || TlsStream::accept(server.into(), config, None).unwrap());
    let name = "localhost".try_into().unwrap();
    let client =
        TlsStream::connect(client.into(), authority.client().config().clone(), name, None).unwrap();
    (client, server.join().unwrap())
}

fn write_all(stream: &impl Duplex, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let half = bytes.len() / 2;
        let bufs = [IoSlice::new(&bytes[..half]), IoSlice::new(&bytes[half..])];
        bytes = &bytes[stream.write_vectored(&bufs)?..];
    }
    Ok(())
}

fn read_exact(stream: &impl Duplex, buf: &mut [u8]) {
    let mut filled = 0;
    while filled < buf.len() {
        match stream.read(&mut buf[filled..]).unwrap() {
            0 => panic!("the stream ends after {filled} bytes"),
            count => filled += count,
        }
    }
}

/// The bytes of a stream from `offset` on.
fn pattern(seed: u64, offset: usize, len: usize) -> Vec<u8> {
    (offset..offset + len).map(|i| ((i as u64).wrapping_mul(seed) >> 11) as u8).collect()
}

fn write_pattern(stream: &impl Duplex, seed: u64, total: usize) {
    for offset in (0..total).step_by(50_000) {
        write_all(stream, &pattern(seed, offset, 50_000.min(total - offset))).unwrap();
    }
}

fn read_pattern(stream: &impl Duplex, seed: u64, total: usize) {
    let mut offset = 0;
    let mut buf = vec![0; 70_001];
    while offset < total {
        let count = stream.read(&mut buf).unwrap();
        assert_ne!(count, 0, "the stream ends after {offset} bytes");
        assert!(buf[..count] == pattern(seed, offset, count), "bytes from {offset} on differ");
        offset += count;
    }
    assert_eq!(offset, total);
}

/// Both ends first only write, so that all four directions block in turn.
fn exchange(one: &(impl Duplex + Sync), two: &(impl Duplex + Sync)) {
    const TOTAL: usize = 6_000_000;
    thread::scope(|scope| {
        scope.spawn(|| write_pattern(one, 0x9e37_79b9_7f4a_7c15, TOTAL));
        scope.spawn(|| write_pattern(two, 0xc2b2_ae3d_27d4_eb4f, TOTAL));
        scope.spawn(|| read_pattern(one, 0xc2b2_ae3d_27d4_eb4f, TOTAL));
        scope.spawn(|| read_pattern(two, 0x9e37_79b9_7f4a_7c15, TOTAL));
    });
}

#[test]
fn tcp_carries_both_directions_at_once() {
    let (one, two) = tcp_pair();
    exchange(&one, &two);
}

#[test]
fn tls_carries_both_directions_at_once() {
    let (one, two) = tls_pair();
    exchange(&one, &two);
}

#[test]
fn a_reader_blocked_in_tls_does_not_block_a_writer() {
    let (one, two) = tls_pair();
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut byte = [0];
            read_exact(&one, &mut byte);
            byte
        });
        // The peer answers only after it has all of this, while `one` reads.
        scope.spawn(|| write_pattern(&one, 7, 1_000_000));
        read_pattern(&two, 7, 1_000_000);
        write_all(&two, b"!").unwrap();
        assert_eq!(reader.join().unwrap(), *b"!");
    });
}

#[test]
fn a_writer_blocked_in_tls_does_not_block_a_reader() {
    let (one, two) = tls_pair();
    thread::scope(|scope| {
        // `two` reads none of this until `one` has read everything.
        scope.spawn(|| write_pattern(&one, 7, 3_000_000));
        scope.spawn(|| write_pattern(&two, 9, 3_000_000));
        read_pattern(&one, 9, 3_000_000);
        read_pattern(&two, 7, 3_000_000);
    });
}

#[test]
fn a_key_update_changes_nothing_for_the_user() {
    let (one, two) = tls_pair();
    thread::scope(|scope| {
        scope.spawn(|| {
            for offset in (0..2_000_000).step_by(100_000) {
                write_all(&one, &pattern(7, offset, 100_000)).unwrap();
                one.with_session_mut(|session| match session {
                    rustls::Connection::Client(client) => client.refresh_traffic_keys().unwrap(),
                    rustls::Connection::Server(_) => unreachable!("a client was made"),
                });
            }
        });
        scope.spawn(|| write_pattern(&two, 9, 2_000_000));
        scope.spawn(|| read_pattern(&one, 9, 2_000_000));
        read_pattern(&two, 7, 2_000_000);
    });
}

#[test]
fn shutdown_wakes_a_blocked_reader() {
    let (one, _two) = tls_pair();
    thread::scope(|scope| {
        let reader = scope.spawn(|| one.read(&mut [0; 10]));
        while !reader.is_finished() {
            one.shutdown().unwrap();
            thread::yield_now();
        }
        // TLS has not been closed in order.
        assert_eq!(reader.join().unwrap().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    });
}

#[test]
fn half_closed_tls_still_receives() {
    let (one, two) = tls_pair();
    write_all(&one, b"last").unwrap();
    one.shutdown_write().unwrap();
    let mut buf = [0; 10];
    assert_eq!(two.read(&mut buf).unwrap(), 4);
    assert_eq!(two.read(&mut buf).unwrap(), 0);
    assert_eq!(two.read(&mut buf).unwrap(), 0, "the end stays the end");
    write_all(&two, b"answer").unwrap();
    two.shutdown_write().unwrap();
    assert_eq!(one.read(&mut buf).unwrap(), 6);
    assert_eq!(one.read(&mut buf).unwrap(), 0);
}

#[test]
fn tls_cut_off_is_an_error_after_the_data() {
    let (one, two) = tls_pair();
    write_all(&one, b"data").unwrap();
    one.get_ref().shutdown_write().unwrap();
    let mut buf = [0; 10];
    assert_eq!(two.read(&mut buf).unwrap(), 4);
    assert_eq!(two.read(&mut buf).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(two.read(&mut buf).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn forged_ciphertext_is_an_error_that_stays() {
    let (one, two) = tls_pair();
    write_all(&one, b"data").unwrap();
    let forged = [&[23, 3, 3, 0, 32][..], &[0; 32]].concat();
    write_all(one.get_ref(), &forged).unwrap();
    let mut buf = [0; 10];
    assert_eq!(two.read(&mut buf).unwrap(), 4);
    assert_eq!(two.read(&mut buf).unwrap_err().kind(), io::ErrorKind::InvalidData);
    assert_eq!(two.read(&mut buf).unwrap_err().kind(), io::ErrorKind::InvalidData);
    // The peer is told.
    let error = one.read(&mut buf).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
}

#[test]
fn small_reads_are_served_from_what_is_decrypted() {
    let (one, two) = tls_pair();
    write_all(&one, &pattern(3, 0, 5_000)).unwrap();
    one.shutdown_write().unwrap();
    let mut received = Vec::new();
    let mut buf = [0; 7];
    loop {
        assert!(two.wait_readable(Some(PATIENCE)).unwrap());
        match two.read(&mut buf).unwrap() {
            0 => break,
            count => received.extend_from_slice(&buf[..count]),
        }
    }
    assert!(received == pattern(3, 0, 5_000));
}

#[test]
fn a_read_timeout_loses_nothing() {
    for tls in [false, true] {
        let (one, two): (Box<dyn Duplex>, Box<dyn Duplex>) = if tls {
            let (one, two) = tls_pair();
            (Box::new(one), Box::new(two))
        } else {
            let (one, two) = tcp_pair();
            (Box::new(one), Box::new(two))
        };
        two.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let mut buf = [0; 10];
        let kind = two.read(&mut buf).unwrap_err().kind();
        assert!(matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut), "{kind}");
        assert!(!two.wait_readable(Some(Duration::from_millis(1))).unwrap());
        // Longer than the stream keeps idle buffers.
        assert!(!two.wait_readable(Some(Duration::from_millis(150))).unwrap());
        one.write_vectored(&[IoSlice::new(b"late")]).unwrap();
        two.set_read_timeout(Some(PATIENCE)).unwrap();
        assert!(two.wait_readable(None).unwrap());
        assert_eq!(two.read(&mut buf).unwrap(), 4);
    }
}

#[test]
fn a_write_timeout_loses_nothing() {
    let (one, two) = tls_pair();
    one.set_write_timeout(Some(Duration::from_millis(5))).unwrap();
    let mut taken = 0;
    loop {
        let piece = pattern(5, taken, 30_000);
        match one.write_vectored(&[IoSlice::new(&piece)]) {
            Ok(count) => taken += count,
            Err(error) => {
                let kind = error.kind();
                assert!(matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut));
                break;
            }
        }
    }
    one.set_write_timeout(Some(PATIENCE)).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            one.flush().unwrap();
            one.shutdown_write().unwrap();
        });
        read_pattern(&two, 5, taken);
        assert_eq!(two.read(&mut [0; 10]).unwrap(), 0);
    });
}

#[test]
fn a_tls_handshake_has_a_deadline() {
    let (client, server) = tcp_pair();
    let config = Authority::new().server(&["localhost"]).config().clone();
    let deadline = Instant::now() + Duration::from_millis(20);
    let error = TlsStream::accept(server, config, Some(deadline)).unwrap_err();
    assert!(matches!(error, wirespeed::net::tls::TlsError::TimedOut), "{error}");
    drop(client);
}
