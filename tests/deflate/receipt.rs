//! Compressed messages through a connection.

use std::time::Instant;

use wirespeed::{
    FrameHeader, Opcode, WebSocketOptions,
    protocol::{Connection, Received},
};

use super::*;

/// Some bytes of a compressed message make nothing yet, in the middle of a symbol
/// or of a block's header: that is no piece of it.
#[test]
fn only_the_last_piece_of_an_inflated_message_may_be_empty() {
    for payload in [&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..], &[0x02, 0x00]] {
        let now = Instant::now();
        let options = WebSocketOptions::client();
        let mut connection = Connection::new(Role::Client, &options, now);
        connection.enable_deflate(&takeover(), &eager(), &options);

        let header = FrameHeader::new(Opcode::Text, payload.len() as u64);
        let mut frame = FrameHeader { rsv1: true, ..header }.encode().to_vec();
        frame.extend_from_slice(payload);
        let mut pieces = Vec::new();
        for byte in frame {
            assert_eq!(connection.receiver.receive_from(&[byte], now), 1);
            while let Some(received) = connection.receiver.next_chunk().unwrap() {
                let Received::Chunk(chunk) = received else { panic!("{received:?}") };
                pieces.push((chunk.payload.to_vec(), chunk.last));
            }
        }
        let (last, others) = pieces.split_last().expect("a message arrived");
        assert!(last.1);
        assert!(others.iter().all(|(bytes, last)| !bytes.is_empty() && !last), "{pieces:?}");
    }
}

/// While bytes of a compressed message have made nothing yet, nothing of it was
/// handed out: it may still be received in any way.
#[test]
fn a_message_that_made_nothing_yet_may_be_received_in_another_way() {
    let payload = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let now = Instant::now();
    let options = WebSocketOptions::client();
    let mut connection = Connection::new(Role::Client, &options, now);
    connection.enable_deflate(&takeover(), &eager(), &options);

    let header = FrameHeader::new(Opcode::Text, payload.len() as u64);
    let header = FrameHeader { rsv1: true, ..header }.encode();
    connection.receiver.receive_from(&header, now);
    connection.receiver.receive_from(&payload[..1], now);
    assert!(connection.receiver.next_chunk().unwrap().is_none());
    assert!(connection.receiver.next_ref().unwrap().is_none());
    connection.receiver.receive_from(&payload[1..], now);
    let message = connection.receiver.next_ref().unwrap().expect("the message is whole");
    assert_eq!(message.to_message(), "Hello".into());
}
