//! The same checks with permessage-deflate, in each way it can be agreed on.

use wirespeed::deflate::DeflateOptions;

use crate::client::Target;
use crate::peer::Peer;
use crate::server::Server;

/// The checks' large messages repeat themselves, which by default is taken for
/// a bomb. No message deflates to less than a part in 1,032.
pub(crate) const INFLATE_RATIO: u32 = 1_032;

/// What a peer is told, and what we are.
fn agreements() -> [(&'static [&'static str], DeflateOptions); 3] {
    // Short messages are compressed as well: most of the checks' are.
    let options = DeflateOptions::for_client().threshold(0);
    [
        (&["--deflate"], options.clone()),
        (
            &["--deflate", "--server-no-context-takeover", "--client-no-context-takeover"],
            options.clone().server_no_context_takeover(true).client_no_context_takeover(true),
        ),
        (
            &["--deflate", "--server-max-window-bits", "9", "--client-max-window-bits", "9"],
            options.server_max_window_bits(9).client_max_window_bits(9),
        ),
    ]
}

#[test]
fn our_client_and_the_peers_servers() {
    let Some(peers) = Peer::all() else { return };
    for peer in &peers {
        for (arguments, options) in agreements() {
            Target::plain(peer.serve(arguments)).deflate(options).check();
        }
    }
}

#[test]
fn our_server_and_the_peers_clients() {
    let Some(peers) = Peer::all() else { return };
    for peer in &peers {
        for (arguments, options) in agreements() {
            let server = Server::deflate(options);
            peer.check(&format!("ws://127.0.0.1:{}", server.port), arguments);
        }
    }
}
