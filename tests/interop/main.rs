//! Interoperability with Python `websockets` and Node `ws`, in both
//! directions, over `ws` and `wss`. README.md beside this file tells what is
//! tested and what the two sides agree on.

mod certificates;
mod peer;

use certificates::Certificates;
use peer::Peer;

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
