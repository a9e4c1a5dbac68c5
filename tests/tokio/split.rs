//! Two tasks, one a direction, under load, and pings both ways: every message is
//! accounted for. `WIRESPEED_SPLIT_MESSAGES` makes it longer.

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use wirespeed::{
    Role, WebSocketMessage, WebSocketOptions,
    tokio::{WebSocketReader, WebSocketStream, WebSocketWriter},
};

const MESSAGES: u64 = 20_000;
/// Messages between two pings.
const PING_EVERY: u64 = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_is_accounted_for() {
    let messages = std::env::var("WIRESPEED_SPLIT_MESSAGES")
        .map_or(MESSAGES, |count| count.parse().expect("a number of messages"));
    // Small, so that both directions are blocked most of the time.
    let (one, other) = tokio::io::duplex(4 << 10);
    let ends = [(one, Role::Client), (other, Role::Server)].map(|(stream, role)| {
        let mut options = WebSocketOptions::server();
        (options.limits.control_rate, options.limits.control_burst) = (u32::MAX, u32::MAX);
        let ws = WebSocketStream::from_stream(stream, role, &options, Bytes::new());
        let (reader, writer) = ws.split();
        (tokio::spawn(receive(reader, messages)), tokio::spawn(send(writer, messages)))
    });
    let mut halves = Vec::new();
    for (reading, writing) in ends {
        let (writer, pings) = writing.await.unwrap();
        let (reader, pings_seen, pongs) = reading.await.unwrap();
        assert_eq!(pings_seen, pings, "both ends send as many");
        // A ping may be answered together with a later one (RFC 6455, 5.5.3), but
        // someone is there to answer.
        assert!((1..=pings).contains(&pongs), "{pongs} pongs for {pings} pings");
        halves.push((reader, writer));
    }
    halves[0].1.close(1000, "").await.unwrap();
    let ends = halves.into_iter().map(|(mut reader, _)| {
        tokio::spawn(async move { while reader.receive().await.unwrap().is_some() {} })
    });
    for end in ends.collect::<Vec<_>>() {
        end.await.unwrap();
    }
}

/// What answers pings by itself does so from either half.
#[tokio::test]
async fn the_writer_answers_pings_where_the_connection_does_not() {
    let (ours, theirs) = tokio::io::duplex(4 << 10);
    let mut options = WebSocketOptions::server();
    options.auto_pong = false;
    let [(mut reader, mut writer), (mut peer_reader, mut peer)] =
        [(ours, Role::Server), (theirs, Role::Client)].map(|(stream, role)| {
            WebSocketStream::from_stream(stream, role, &options, Bytes::new()).split()
        });
    peer.ping("are you there").await.unwrap();
    let Some(WebSocketMessage::Ping(payload)) = reader.receive().await.unwrap() else { panic!() };
    writer.pong(payload).await.unwrap();
    let pong = peer_reader.receive().await.unwrap();
    assert_eq!(pong, Some(WebSocketMessage::Pong("are you there".into())));
}

/// Sends numbered messages of all sizes; returns how many pings went with them.
async fn send<W: AsyncWrite + Unpin>(
    mut writer: WebSocketWriter<W>,
    messages: u64,
) -> (WebSocketWriter<W>, u64) {
    let mut pings = 0;
    for number in 0..messages {
        let mut payload = number.to_be_bytes().to_vec();
        payload.resize(8 + (number % 1000) as usize, number as u8);
        writer.write(payload).await.unwrap();
        if number % PING_EVERY == 0 {
            writer.ping(Bytes::copy_from_slice(&number.to_be_bytes())).await.unwrap();
            pings += 1;
        }
    }
    writer.flush().await.unwrap();
    (writer, pings)
}

/// Checks what arrives; returns how many pings and pongs were among it.
async fn receive<R, W>(
    mut reader: WebSocketReader<R, W>,
    messages: u64,
) -> (WebSocketReader<R, W>, u64, u64)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let (mut next, mut pings, mut pongs) = (0u64, 0, 0);
    while next < messages {
        match reader.receive().await.unwrap().expect("more messages") {
            WebSocketMessage::Binary(payload) => {
                assert_eq!(payload[..8], next.to_be_bytes());
                assert_eq!(payload.len(), 8 + (next % 1000) as usize);
                assert!(payload[8..].iter().all(|&byte| byte == next as u8));
                next += 1;
            }
            WebSocketMessage::Ping(_) => pings += 1,
            WebSocketMessage::Pong(_) => pongs += 1,
            other => panic!("nobody sends {other:?}"),
        }
    }
    (reader, pings, pongs)
}
