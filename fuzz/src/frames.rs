//! Frames that a peer sends.

use wirespeed::{FrameHeader, Role, apply_mask};

/// The stream as it comes from the peer of `role`: a server gets the frames in
/// it masked with `key`. What cannot be a frame stays as it is, and so does all
/// that follows.
pub fn from_peer_of(role: Role, stream: &[u8], key: [u8; 4]) -> Vec<u8> {
    if role == Role::Client {
        return stream.to_vec();
    }
    let mut sent = Vec::with_capacity(stream.len() + stream.len() / 2);
    let mut rest = stream;
    while let Ok(Some((header, header_len))) = FrameHeader::decode(rest) {
        sent.extend_from_slice(&FrameHeader { mask: Some(key), ..header }.encode());
        let len = usize::try_from(header.payload_len).unwrap_or(usize::MAX);
        let payload = &rest[header_len..][..len.min(rest.len() - header_len)];
        let start = sent.len();
        sent.extend_from_slice(payload);
        apply_mask(&mut sent[start..], key);
        rest = &rest[header_len + payload.len()..];
    }
    sent.extend_from_slice(rest);
    sent
}
