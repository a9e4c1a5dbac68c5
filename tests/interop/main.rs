//! Interoperability with Python `websockets` and Node `ws`, in both
//! directions, over `ws` and `wss`. README.md beside this file tells what is
//! tested and what the two sides agree on.

mod certificates;
mod client;
#[cfg(feature = "deflate")]
mod deflate;
mod peer;
mod server;

use certificates::Certificates;
use client::Target;
use peer::Peer;
use server::Server;

/// Text of one to four bytes a character.
const TEXT: &str = "Zażółć gęślą jaźń, 価格 ¥1,234, 🚀";
/// Around every length at which the header of a frame changes, and a large one.
const SIZES: [usize; 7] = [1, 125, 126, 127, 65_535, 65_536, 1 << 20];
/// What the server speaks, the one it prefers first.
const SUBPROTOCOLS: [&str; 2] = ["v2.feed", "v1.feed"];
const CLOSES: [(u16, &str); 5] =
    [(1000, ""), (1000, "goodbye"), (1001, "going away"), (3000, "żegnaj"), (4999, LONGEST_REASON)];
/// 123 bytes, of which all but the last belong to characters of two.
const LONGEST_REASON: &str = "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé.";

/// The checks hold between the peers, so that where one fails against this
/// crate it is not the check that is wrong.
#[test]
fn the_peers_agree_with_each_other() {
    let Some([python, node]) = Peer::all() else { return };
    for (server_peer, client_peer) in [(&python, &node), (&node, &python)] {
        let server = server_peer.serve(&[]);
        client_peer.check(&format!("ws://127.0.0.1:{}", server.port), &[]);
        let tls = Certificates::get();
        let server = server_peer.serve(&tls.for_server());
        client_peer.check(&format!("wss://localhost:{}", server.port), &tls.for_client());
    }
}

#[test]
fn our_client_and_the_peers_servers() {
    let Some(peers) = Peer::all() else { return };
    for peer in &peers {
        Target::plain(peer.serve(&[])).check();
    }
}

#[test]
fn our_client_and_the_peers_servers_over_tls() {
    let Some(peers) = Peer::all() else { return };
    for peer in &peers {
        Target::secure(peer.serve(&Certificates::get().for_server())).check();
    }
}

#[test]
fn our_server_and_the_peers_clients() {
    let Some(peers) = Peer::all() else { return };
    for peer in &peers {
        let server = Server::plain();
        peer.check(&format!("ws://127.0.0.1:{}", server.port), &[]);
        expect_closes(&server);
    }
}

#[test]
fn our_server_and_the_peers_clients_over_tls() {
    let Some(peers) = Peer::all() else { return };
    for peer in &peers {
        let server = Server::secure();
        let url = format!("wss://localhost:{}", server.port);
        peer.check(&url, &Certificates::get().for_client());
        expect_closes(&server);
    }
}

/// The peer's client has closed with every code and reason.
fn expect_closes(server: &Server) {
    let seen = server.closes();
    for (code, reason) in CLOSES {
        assert!(seen.contains(&(code, reason.to_owned())), "{code} {reason:?} not in {seen:?}");
    }
}
