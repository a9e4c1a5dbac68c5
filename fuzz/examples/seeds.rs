//! Writes the seed corpora: `cargo run --example seeds` in this directory.
//!
//! The same files each time. A seed is a name and bytes in the layout that its
//! target reads: options first, zeros for the defaults, then what the library is
//! given.

use std::{fs, io, path::Path};

use wirespeed::{FrameHeader, Opcode, WebSocketFrame, compute_accept_key};

fn main() -> io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (target, seeds) in [
        ("frames", frames()),
        ("receive", receive()),
        ("inflate", inflate()),
        ("kernels", kernels()),
        ("handshake", handshake()),
        ("connections", connections()),
    ] {
        let directory = corpus.join(target);
        fs::create_dir_all(&directory)?;
        for (name, bytes) in seeds {
            fs::write(directory.join(name), bytes)?;
        }
    }
    Ok(())
}

type Seeds = Vec<(&'static str, Vec<u8>)>;

const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// ASCII, and sequences of two, three and four bytes at the ends of their ranges.
const TEXT: &str = "price \u{80}\u{7FF}\u{800}\u{D7FF}\u{E000}\u{FFFF}\u{10000}\u{10FFFF} end";

/// What Unicode and RFC 3629 forbid: a lone continuation, overlong forms,
/// a surrogate, beyond the last character, cut short.
const NO_TEXTS: [(&str, &[u8]); 6] = [
    ("lone_continuation", b"ab\x80cd"),
    ("overlong_2", b"ab\xC0\xAFcd"),
    ("overlong_3", b"ab\xE0\x9F\xBFcd"),
    ("surrogate", b"ab\xED\xA0\x80cd"),
    ("beyond_the_last", b"ab\xF4\x90\x80\x80cd"),
    ("cut_short", b"ab\xF0\x9F\x98"),
];

fn frame(fin: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    WebSocketFrame { fin, opcode, mask: None, payload: payload.to_vec().into() }.encode()
}

fn frames() -> Seeds {
    let masked = WebSocketFrame { mask: Some(KEY), ..WebSocketFrame::text("hello") };
    let header = |len| FrameHeader::new(Opcode::Binary, len).encode().to_vec();
    let decode = |bytes: Vec<u8>| [vec![2], bytes].concat();
    let close = |payload: &[u8]| [&[0], payload].concat();
    vec![
        ("text", decode(frame(true, Opcode::Text, b"hello"))),
        ("text_masked", decode(masked.encode())),
        ("fragment", decode(frame(false, Opcode::Binary, &[7; 3]))),
        ("length_16", decode(frame(true, Opcode::Binary, &[7; 126]))),
        ("length_64", decode(header(1 << 16))),
        ("length_largest", decode(header((1 << 63) - 1))),
        ("length_not_minimal", decode(vec![0x82, 126, 0, 125])),
        ("ping", decode(frame(true, Opcode::Ping, b"?"))),
        ("reserved_opcode", decode(vec![0x83, 0])),
        ("close_empty", close(b"")),
        ("close_code", close(&[0x03, 0xE8])),
        ("close_reason", [&[0, 0x0F, 0xA0], TEXT.as_bytes()].concat()),
        ("close_no_status", close(&[0x03, 0xED])),
        ("close_bad_reason", close(&[0x03, 0xE8, 0xFF])),
        ("encode", [&[1, 0x91, 1, 2, 3, 4], TEXT.as_bytes()].concat()),
    ]
}

/// For both roles: in one piece, byte by byte, and in pieces of several lengths
/// under small limits.
fn receive() -> Seeds {
    let fragments = [
        frame(false, Opcode::Text, &TEXT.as_bytes()[..7]),
        frame(true, Opcode::Ping, b"now"),
        frame(false, Opcode::Continuation, b""),
        frame(true, Opcode::Continuation, &TEXT.as_bytes()[7..]),
    ]
    .concat();
    let messages = [
        frame(true, Opcode::Text, TEXT.as_bytes()),
        frame(true, Opcode::Binary, &[0x55; 200]),
        frame(true, Opcode::Ping, b"ping"),
        frame(true, Opcode::Pong, b""),
        frame(true, Opcode::Text, b""),
        frame(true, Opcode::Close, b"\x03\xE8done"),
    ]
    .concat();
    let long = frame(true, Opcode::Text, TEXT.repeat(60).as_bytes());
    let blocks = [
        frame(false, Opcode::Text, TEXT.repeat(200).as_bytes()),
        frame(true, Opcode::Continuation, TEXT.repeat(400).as_bytes()),
        frame(true, Opcode::Binary, &[0x55; 5000]),
    ]
    .concat();
    let client = |cuts: [u8; 8], stream: &[u8]| receipt(0, cuts, stream);
    let server = |cuts: [u8; 8], stream: &[u8]| receipt(1, cuts, stream);
    let mut seeds = vec![
        ("client_messages", client([0; 8], &messages)),
        ("server_messages", server([0; 8], &messages)),
        ("client_bytes", client([1; 8], &messages)),
        ("server_bytes", server([1; 8], &fragments)),
        ("client_fragments", client([5, 0, 1, 30, 2, 2, 9, 80], &fragments)),
        ("server_fragments", server([3, 7, 0, 60, 1, 1, 4, 17], &fragments)),
        ("server_long", server([120, 3, 90, 1, 0, 128, 7, 64], &long)),
        // Under the longer of the two reads, so that pieces are as long as a block.
        ("server_blocks", receipt(0b11, [175, 5, 129, 1, 207, 0, 144, 160], &blocks)),
        ("client_limited", receipt(0b1_1000, [4; 8], &[fragments, messages].concat())),
        ("server_no_frame", server([2; 8], &[0x81, 0x85, 1, 2, 3, 4, 5, 6, 7, 8, 9])),
        ("client_continuation_first", client([0; 8], &frame(true, Opcode::Continuation, b"x"))),
    ];
    for (name, text) in NO_TEXTS {
        seeds.push((name, server([3, 1, 1, 1, 1, 1, 1, 1], &frame(true, Opcode::Text, text))));
    }
    seeds
}

fn receipt(flags: u8, cuts: [u8; 8], stream: &[u8]) -> Vec<u8> {
    let ways = [0x1B, 0x72, 0xC9, 0x36, 0x5A, 0xA5, 0xE4, 0x1B];
    [&limits(flags)[..], &cuts, &ways, &KEY, stream].concat()
}

/// Flags, then limits of 100 bytes a message and 60 a frame, two fragments, one
/// empty one, two control frames at once.
fn limits(flags: u8) -> [u8; 8] {
    [flags, 100, 0, 60, 0, 2, 1, 2]
}

/// The examples of RFC 7692, 7.2.3, and a long run of one byte.
fn inflate() -> Seeds {
    const HELLO: &[u8] = &[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];
    const HELLO_AGAIN: &[u8] = &[0xF2, 0x00, 0x11, 0x00, 0x00];
    const FINAL: &[u8] = &[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00];
    const STORED: &[u8] = &[0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00];
    const TWO_BLOCKS: &[u8] =
        &[0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00];
    // Forty letters a, b and c.
    const OWN_CODES: &[u8] = &[
        0x04, 0xC1, 0x01, 0x01, 0x00, 0x00, 0x00, 0x82, 0xA0, 0xAD, 0xD8, 0xFF, 0x0F, 0x01, 0xC0,
        0x04, 0x06, 0x00, 0x10, 0xE1, 0x00,
    ];
    // "a", then references of 258 bytes, each a byte back.
    let mut run = vec![0x4A, 0x1C, 0x05];
    run.resize(60, 0xA3);
    run.push(0x00);

    let whole = |payloads: &[&[u8]]| compressed(1, 0b0010, payloads);
    let plain_between = [
        &compressed(0, 0, &[])[..],
        &[0xC1, HELLO.len() as u8],
        HELLO,
        &frame(true, Opcode::Text, b"plain"),
        &[0xC1, HELLO_AGAIN.len() as u8],
        HELLO_AGAIN,
    ]
    .concat();
    let mut no_takeover = whole(&[HELLO, HELLO]);
    no_takeover[8] = 3;
    vec![
        ("one_block", whole(&[HELLO])),
        ("shared_window", whole(&[HELLO, HELLO_AGAIN])),
        ("stored", whole(&[STORED])),
        ("final_block", whole(&[FINAL])),
        ("two_blocks", whole(&[TWO_BLOCKS])),
        ("own_codes", whole(&[OWN_CODES, HELLO_AGAIN])),
        ("empty", whole(&[&[0x00]])),
        ("empty_fixed_block", whole(&[&[0x02, 0x00]])),
        ("run", whole(&[&run])),
        ("fragments", compressed(0, 0b1010, &[&TWO_BLOCKS[..3], &TWO_BLOCKS[3..]])),
        ("no_takeover", no_takeover),
        ("plain_between", plain_between),
    ]
}

/// Payloads that the target makes frames of, each with its length in front.
fn compressed(flags: u8, shape: u8, payloads: &[&[u8]]) -> Vec<u8> {
    let mut seed = [&limits(flags)[..], &[0, 0xFF], &[2, 1, 0, 9, 3, 1, 1, 40], &KEY].concat();
    seed.push(shape);
    for payload in payloads {
        seed.push(payload.len() as u8);
        seed.extend_from_slice(payload);
    }
    seed
}

/// Texts at several places of a block, and cut at several places.
fn kernels() -> Seeds {
    const OPERATIONS: [u8; 8] = [0, 1, 0xF0, 0x31, 6 << 1, 1, 7 << 1 | 1, 0];
    let case = |key: [u8; 4], cuts: [u8; 8], [from, to, ahead, times]: [u8; 4], text: &[u8]| {
        [&key[..], &cuts, &[from, to, 3, ahead, times], &OPERATIONS, text].concat()
    };
    let ascii = b"{\"e\":\"bookTicker\",\"b\":\"65001.10\"}";
    let mut seeds = vec![
        ("ascii", case(KEY, [0; 8], [0, 1, 0, 0], ascii)),
        ("ascii_long", case(KEY, [64, 65, 63, 1, 0, 127, 7, 31], [3, 60, 5, 7], ascii)),
        ("ascii_unmasked", case([0; 4], [9; 8], [1, 2, 1, 3], ascii)),
        ("text", case(KEY, [1; 8], [0, 0, 0, 0], TEXT.as_bytes())),
        ("text_long", case(KEY, [13, 1, 64, 3, 2, 77, 0, 5], [17, 33, 50, 7], TEXT.as_bytes())),
        ("text_unmasked", case([0; 4], [0; 8], [5, 9, 120, 2], TEXT.as_bytes())),
        ("text_restarted", {
            let mut seed = case(KEY, [7, 1, 0, 30, 3, 2, 64, 5], [0, 0, 0, 3], TEXT.as_bytes());
            seed[17..25].copy_from_slice(&[1, 5 << 1, 0x71, 4 << 1, 1, 6 << 1, 5 << 1 | 1, 7 << 1]);
            seed
        }),
    ];
    for (name, text) in NO_TEXTS {
        seeds.push((name, case(KEY, [61, 1, 1, 1, 1, 30, 2, 0], [2, 7, 61, 1], text)));
    }
    seeds
}

/// The first byte says what the rest is.
fn handshake() -> Seeds {
    const SAMPLE_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    let cut =
        |kind: u8, text: &str| [&[kind][..], &[20, 1, 1, 1, 0, 90, 3, 7], text.as_bytes()].concat();
    let request = |lines: &str| {
        let head = format!(
            "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Key: {SAMPLE_KEY}\r\n\
             Sec-WebSocket-Version: 13\r\n{lines}\r\n"
        );
        cut(b'Q', &head)
    };
    let response = |lines: &str| {
        let accept = compute_accept_key(SAMPLE_KEY);
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{lines}\r\n"
        );
        cut(b'R', &head)
    };
    let refusal = |rest: &str| cut(b'R', &format!("HTTP/1.1 403 Forbidden\r\n{rest}"));
    let text = |kind: u8, text: &str| [&[kind], text.as_bytes()].concat();
    let negotiation =
        |options: [u8; 8], header: &str| [&[b'D'][..], &options, header.as_bytes()].concat();
    vec![
        ("request", request("")),
        (
            "request_full",
            request(
                "Origin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\n\
                 Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
            ),
        ),
        ("request_folded", request("A: b\r\n c\r\n")),
        ("request_with_body", request("Content-Length: 3\r\n")),
        ("response", response("")),
        (
            "response_full",
            response(
                "Sec-WebSocket-Protocol: chat\r\n\
                 Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10\r\n",
            ),
        ),
        ("response_early_hints", cut(b'R', "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/")),
        ("refusal_length", refusal("Content-Length: 6\r\n\r\ndenied")),
        ("refusal_chunked", refusal("Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nden\r\n0\r\n\r\n")),
        ("refusal_open", refusal("\r\ndenied")),
        ("extensions", text(b'E', "permessage-deflate; client_max_window_bits, foo; a=\"b\";c=d")),
        ("extensions_lines", text(b'E', "a;b=c\n, d ;\te = \"f\\g\" ,\nh")),
        ("negotiation", negotiation([0; 8], "permessage-deflate")),
        (
            "negotiation_full",
            negotiation(
                [0x07, 0x51, 0o21, 0, 0x03, 0x56, 0o12, 64],
                "permessage-deflate; server_no_context_takeover; client_max_window_bits=\"12\"; \
                 server_max_window_bits=10, permessage-deflate; client_no_context_takeover",
            ),
        ),
        ("url", text(b'U', "wss://example.com:8443/stream?streams=a/b@c")),
        ("url_v4", text(b'U', "ws://127.0.0.1")),
        ("url_v6", text(b'U', "ws://[2001:db8::1]:80/%7e/\u{e9}?q")),
        (
            "own_request",
            text(b'C', "localhost:80stream?a=b&c=d/%e9X-Header a value of 16 chatnull"),
        ),
    ]
}

/// Operations, each behind the end that it is done at.
fn connections() -> Seeds {
    let text = |at: u8, text: &str| [&[at, 0, 0, text.len() as u8], text.as_bytes()].concat();
    let binary = |at: u8, times: u8| vec![at, 8, times, 4, 1, 2, 3, 4];
    let fragment =
        |at: u8, what: u8, part: &[u8]| [&[at, 2 | what << 3, 0, part.len() as u8], part].concat();
    let (first, last, last_binary) = (0b00, 0b10, 0b11);
    let ping = |at: u8| vec![at, 3, 2, b'h', b'i'];
    let pong = |at: u8| vec![at, 11, 1, b'h'];
    let close = |at: u8| vec![at, 15, 0xE8, 0x03, 4, b'd', b'o', b'n', b'e'];
    let release = |at: u8| vec![at, 7];
    // From one end to the other: many bytes or a few, in one of three ways.
    let exchange = |from: u8, way: u8| vec![from, 4, 200, 1 - from, 6 | way << 3, 255];
    let bytewise = |from: u8, way: u8| vec![from, 4, 3, 1 - from, 6 | way << 3, 1];

    let dialogue = [
        text(0, TEXT),
        exchange(0, 0),
        text(1, "{\"e\":\"bookTicker\",\"s\":\"BTCUSDT\"}"),
        text(1, "{\"e\":\"bookTicker\",\"s\":\"ETHUSDT\"}"),
        exchange(1, 1),
        binary(0, 255),
        exchange(0, 2),
        release(0),
        release(1),
    ]
    .concat();
    let fragments = [
        fragment(0, first, &TEXT.as_bytes()[..7]),
        ping(0),
        bytewise(0, 2),
        fragment(0, first, &TEXT.as_bytes()[7..9]),
        exchange(0, 2),
        fragment(0, last, &TEXT.as_bytes()[9..]),
        exchange(0, 0),
        exchange(1, 1),
        fragment(1, last_binary, &[1, 2, 3]),
    ]
    .concat();
    let closing = [ping(1), pong(0), close(1), text(0, "late"), exchange(1, 0), close(0)].concat();

    let plain = [0; 13];
    let mut takeover = plain;
    takeover[0] = 1;
    let small = [1, 0x0B, 0x16, 0o21, 0, 0x07, 0x19, 0o11, 40, 4, 8, 6, 4];
    vec![
        ("plain", [&plain[..], &dialogue, &fragments, &closing].concat()),
        ("deflate", [&takeover[..], &dialogue, &fragments, &closing].concat()),
        ("deflate_small", [&small[..], &dialogue, &fragments].concat()),
        ("fragments", [&plain[..], &fragments].concat()),
        ("closing", [&plain[..], &closing].concat()),
    ]
}
