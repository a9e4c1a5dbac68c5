//! Frames in memory: received and sent, by this library and by its peers.

use wirespeed::Role;

use super::Build;
use crate::{
    memory::Aligned,
    peers::{
        FastWebsockets, Nexus, NexusOwned, NexusSender, Sockudo, TokioWebsockets, Tungstenite,
        Wirespeed, WirespeedInPlace, WirespeedOwned, WirespeedSender, add_receipt, add_repeated,
        add_sending,
    },
    timing::Group,
    traffic::{Lengths, Random, Script, stream},
};

/// Payload lengths of messages, in bytes.
pub const SIZES: [usize; 7] = [20, 64, 125, 200, 1 << 10, 4 << 10, 16 << 10];

/// Lengths as they come in traffic of many kinds of messages.
pub const MIXED: Lengths = Lengths::Mixed(20, 300);

pub fn role_name(role: Role) -> &'static str {
    match role {
        Role::Client => "client",
        Role::Server => "server",
    }
}

/// A read of 64 KiB of packed frames arrives, and every message of it is taken.
pub fn receiving() -> Vec<Build> {
    let mut groups = Vec::new();
    for role in [Role::Client, Role::Server] {
        for script in [Script::Ascii, Script::Cyrillic] {
            let id = format!("receive/{}/{}", role_name(role), script.name());
            groups.extend(lengths().map(|lengths| {
                Build::new(id.clone(), move |id| receive(id, role, script, lengths, 1))
            }));
        }
        let id = format!("receive/{}/fragmented", role_name(role));
        groups.push(Build::new(id, move |id| {
            receive(id, role, Script::Ascii, Lengths::Fixed(1 << 10), 4)
        }));
    }
    groups
}

/// The same without the arrival: what the parser itself takes.
pub fn in_place() -> Vec<Build> {
    let of_role = |role: Role| {
        let id = format!("parse/{}", role_name(role));
        lengths().map(move |lengths| Build::new(id.clone(), move |id| parse(id, role, lengths)))
    };
    [Role::Client, Role::Server].into_iter().flat_map(of_role).collect()
}

/// Texts are written one after the other, as many as one write takes, and leave.
pub fn sending() -> Vec<Build> {
    let of_role = |role: Role| {
        let id = format!("send/{}", role_name(role));
        SIZES.into_iter().map(move |len| Build::new(id.clone(), move |id| send(id, role, len)))
    };
    [Role::Client, Role::Server].into_iter().flat_map(of_role).collect()
}

fn lengths() -> impl Iterator<Item = Lengths> {
    SIZES.map(Lengths::Fixed).into_iter().chain([MIXED])
}

fn parse(id: &str, role: Role, lengths: Lengths) -> Group {
    let stream = stream(role, Script::Ascii, lengths, 1);
    let mut group = Group::new(id, lengths.name(), mean(&stream));
    add_repeated::<WirespeedInPlace>(&mut group, role, &stream);
    group
}

fn receive(id: &str, role: Role, script: Script, lengths: Lengths, fragments: usize) -> Group {
    let stream = stream(role, script, lengths, fragments);
    let mut group = Group::new(id, lengths.name(), mean(&stream));
    add_receipt::<Wirespeed>(&mut group, role, &stream);
    add_receipt::<WirespeedOwned>(&mut group, role, &stream);
    add_receipt::<Nexus>(&mut group, role, &stream);
    add_receipt::<NexusOwned>(&mut group, role, &stream);
    add_receipt::<Sockudo>(&mut group, role, &stream);
    add_receipt::<FastWebsockets>(&mut group, role, &stream);
    add_receipt::<TokioWebsockets>(&mut group, role, &stream);
    add_receipt::<Tungstenite>(&mut group, role, &stream);
    group
}

fn send(id: &str, role: Role, len: usize) -> Group {
    // In one place for all who send it, as what is received.
    let text = Aligned::copy_of(&Script::Ascii.text(len, &mut Random::new(99))).leak();
    let text = std::str::from_utf8(text).expect("ASCII");
    let messages = (crate::traffic::READ / (len + 14)).max(1);
    let mut group = Group::new(id, Lengths::Fixed(len).name(), len as f64);
    add_sending::<WirespeedSender>(&mut group, role, text, messages);
    add_sending::<NexusSender>(&mut group, role, text, messages);
    add_sending::<Sockudo>(&mut group, role, text, messages);
    add_sending::<FastWebsockets>(&mut group, role, text, messages);
    add_sending::<TokioWebsockets>(&mut group, role, text, messages);
    add_sending::<Tungstenite>(&mut group, role, text, messages);
    group
}

fn mean(stream: &crate::traffic::Stream) -> f64 {
    stream.payload as f64 / stream.messages as f64
}
