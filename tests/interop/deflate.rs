//! The same checks with permessage-deflate, with every combination of its four
//! parameters, asked for by either side: by the client in its offer, by the server
//! in its answer. Whoever asks, the answer must have what was asked for, and no more;
//! only what a client says of its own window our server does not repeat.
//!
//! Both peers can do all 16 combinations in both roles. What they cannot is outside
//! of them: a window of 2^8 bytes, for which zlib has no compressor of raw streams
//! (`ws` starts and compresses with 2^9), and `server_max_window_bits` without a
//! value. tests/deflate has those, without a peer.

use wirespeed::deflate::DeflateOptions;

use crate::client::Target;
use crate::peer::Peer;
use crate::server::Server;

/// The checks' large messages repeat themselves, which by default is taken for
/// a bomb. No message deflates to less than a part in 1,032.
pub(crate) const INFLATE_RATIO: u32 = 1_032;

/// Window bits where they are asked for: small enough to matter.
const WINDOW_BITS: u8 = 9;

/// What the sides ask for, and what they then agree on.
struct Case {
    ours: Wishes,
    theirs: Wishes,
    agreed: Vec<&'static str>,
}

impl Case {
    /// Each combination from our side, and from the peer's.
    fn all() -> impl Iterator<Item = Self> {
        let nothing = Wishes::of(0);
        (0..16).map(Wishes::of).flat_map(move |wishes| {
            [(wishes, nothing), (nothing, wishes)].map(|(ours, theirs)| Self {
                ours,
                theirs,
                agreed: wishes.agreed(),
            })
        })
    }
}

/// What one side asks for.
#[derive(Debug, Clone, Copy)]
struct Wishes {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    client_max_window_bits: Option<u8>,
}

impl Wishes {
    /// One of the 16 combinations; 0 asks for nothing.
    fn of(combination: u8) -> Self {
        let bits = |flag| (combination & flag != 0).then_some(WINDOW_BITS);
        Self {
            server_no_context_takeover: combination & 1 != 0,
            client_no_context_takeover: combination & 2 != 0,
            server_max_window_bits: bits(4),
            client_max_window_bits: bits(8),
        }
    }

    /// As our server is told.
    fn answer(self) -> DeflateOptions {
        // Short messages are compressed as well: most of the checks' are.
        DeflateOptions::for_client()
            .threshold(0)
            .server_no_context_takeover(self.server_no_context_takeover)
            .client_no_context_takeover(self.client_no_context_takeover)
            .server_max_window_bits(self.server_max_window_bits)
            .client_max_window_bits(self.client_max_window_bits)
    }

    /// As our client is told. Without a limit for its own window it still says that
    /// it knows of one: a server that wants to set it declines other offers.
    fn offer(self) -> DeflateOptions {
        self.answer().client_max_window_bits(self.client_max_window_bits.unwrap_or(15))
    }

    /// The parameters of the answer, sorted.
    fn agreed(self) -> Vec<&'static str> {
        [
            ("client_max_window_bits=9", self.client_max_window_bits.is_some()),
            ("client_no_context_takeover", self.client_no_context_takeover),
            ("server_max_window_bits=9", self.server_max_window_bits.is_some()),
            ("server_no_context_takeover", self.server_no_context_takeover),
        ]
        .into_iter()
        .filter_map(|(parameter, asked)| asked.then_some(parameter))
        .collect()
    }

    /// As a peer is told.
    fn arguments(self) -> Vec<&'static str> {
        let mut arguments = vec!["--deflate"];
        if self.server_no_context_takeover {
            arguments.push("--server-no-context-takeover");
        }
        if self.client_no_context_takeover {
            arguments.push("--client-no-context-takeover");
        }
        if self.server_max_window_bits.is_some() {
            arguments.extend(["--server-max-window-bits", "9"]);
        }
        if self.client_max_window_bits.is_some() {
            arguments.extend(["--client-max-window-bits", "9"]);
        }
        arguments
    }
}

#[test]
fn our_client_and_the_peers_servers() {
    let Some(peers) = Peer::all() else { return };
    for Case { ours, theirs, agreed } in Case::all() {
        for peer in &peers {
            println!("{}: we ask for {ours:?}, it for {theirs:?}", peer.name);
            let server = peer.serve(&theirs.arguments());
            Target::plain(server).deflate(ours.offer(), &agreed).check();
        }
    }
}

#[test]
fn our_server_and_the_peers_clients() {
    let Some(peers) = Peer::all() else { return };
    for Case { ours, theirs, agreed } in Case::all() {
        let repeated = |parameter: &&str| {
            ours.client_max_window_bits.is_some() || !parameter.starts_with("client_max_window")
        };
        let agreed = agreed.into_iter().filter(repeated).collect::<Vec<_>>().join("; ");
        for peer in &peers {
            println!("{}: we ask for {ours:?}, it for {theirs:?}", peer.name);
            let server = Server::deflate(ours.answer());
            let mut arguments = theirs.arguments();
            arguments.extend(["--agreed", &agreed]);
            peer.check(&format!("ws://127.0.0.1:{}", server.port), &arguments);
        }
    }
}
