//! Loopback echo: a client and a server that block, each on a thread and, where
//! there are two, a core of its own.

use std::{
    net::{TcpListener, TcpStream},
    thread,
};

use tungstenite::Message;
use wirespeed::{WebSocketClient, WebSocketListener};

use super::Build;
use crate::{
    machine::pin_this_thread,
    timing::Group,
    traffic::{Lengths, Random, Script},
};

const SIZES: [usize; 4] = [20, 200, 1 << 10, 16 << 10];

/// Messages under way at once.
const WINDOWS: [usize; 2] = [1, 16];

/// What a reader of the times has to know.
pub const NOTE: &str = "\
Both libraries have their defaults here: wirespeed reads 64 KiB at once, tungstenite 128 KiB.";

pub fn groups() -> Vec<Build> {
    let of_window = |window: usize| {
        let id = format!("echo/blocking/window {window}");
        let build = move |len| Build::new(id.clone(), move |id| echo(id, len, window));
        SIZES.into_iter().map(build)
    };
    WINDOWS.into_iter().flat_map(of_window).collect()
}

fn echo(id: &str, len: usize, window: usize) -> Group {
    let text = String::from_utf8(Script::Ascii.text(len, &mut Random::new(7))).expect("ASCII");
    let mut group = Group::new(id, Lengths::Fixed(len).name(), len as f64);
    add_wirespeed(&mut group, text.clone(), window);
    add_tungstenite(&mut group, text, window);
    group
}

fn add_wirespeed(group: &mut Group, text: String, window: usize) {
    let listener = WebSocketListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        pin_this_thread(0);
        let mut connection = listener.accept().expect("a client");
        // Answers to all that came with one read leave with one write.
        while let Ok(Some(message)) = connection.receive_ref() {
            let message = message.to_message();
            if !message.is_data() || connection.write(message).is_err() {
                return;
            }
            if !connection.has_buffered_message() && connection.flush().is_err() {
                return;
            }
        }
    });
    let client = WebSocketClient::new().websocket(format!("ws://{address}/"));
    let mut connection = client.connect().expect("a server");
    group.add("wirespeed", window, move || {
        for _ in 0..window {
            connection.write(&text).expect("room");
        }
        connection.flush().expect("a transport");
        for _ in 0..window {
            let reply = connection.receive_ref().expect("a reply").expect("no end");
            assert_eq!(reply.as_bytes(), text.as_bytes());
        }
    });
}

fn add_tungstenite(group: &mut Group, text: String, window: usize) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        pin_this_thread(0);
        let (stream, _) = listener.accept().expect("a client");
        stream.set_nodelay(true).expect("a socket");
        let mut connection = tungstenite::accept(stream).expect("a handshake");
        // It does not tell whether more messages are there: each answer is sent.
        while let Ok(message) = connection.read() {
            if message.is_close() || connection.send(message).is_err() {
                return;
            }
        }
    });
    let stream = TcpStream::connect(address).expect("a server");
    stream.set_nodelay(true).expect("a socket");
    let (mut connection, _) =
        tungstenite::client(format!("ws://{address}/"), stream).expect("a handshake");
    group.add("tungstenite", window, move || {
        for _ in 0..window {
            connection.write(Message::text(text.as_str())).expect("room");
        }
        connection.flush().expect("a transport");
        for _ in 0..window {
            let reply = connection.read().expect("a reply");
            assert_eq!(reply.to_text().ok(), Some(text.as_str()));
        }
    });
}
