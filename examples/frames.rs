//! Single frames, for tools and tests: encodes a few, decodes them again.
//!
//!     cargo run --example frames

use wirespeed::{FrameHeader, Opcode, WebSocketFrame};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let frames = [
        WebSocketFrame::text("hello"),
        WebSocketFrame { mask: Some([1, 2, 3, 4]), ..WebSocketFrame::text("masked") },
        WebSocketFrame { fin: false, ..WebSocketFrame::binary(vec![7; 300]) },
        WebSocketFrame { opcode: Opcode::Continuation, ..WebSocketFrame::binary(vec![8; 3]) },
    ];
    let mut wire = Vec::new();
    for frame in &frames {
        frame.encode_into(&mut wire);
    }

    let mut reader = wire.as_slice();
    while !reader.is_empty() {
        if let Some((header, len)) = FrameHeader::decode(reader)? {
            println!("{len} bytes of header: {header:?}");
        }
        let frame = WebSocketFrame::decode(&mut reader)?;
        println!("  payload of {} bytes", frame.payload.len());
    }
    Ok(())
}
