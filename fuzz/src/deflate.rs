//! permessage-deflate, as options and parameters of the fuzzer's choice.

use wirespeed::{
    deflate::{self, DeflateOffer, DeflateOptions, DeflateParams, EXTENSION_NAME},
    handshake::{Extension, extension},
};

use crate::input::Input;

/// Reads what one end wants of compression.
pub fn options(input: &mut Input<'_>) -> DeflateOptions {
    let [flags, levels, windows, threshold] = input.array();
    let window = |bits: u8| (bits & 7 != 0).then_some(8 + (bits & 7));
    let mut options = DeflateOptions::for_client()
        .level(levels & 15)
        .memory_level(levels >> 4)
        .threshold(threshold.into())
        .server_no_context_takeover(flags & 1 != 0)
        .client_no_context_takeover(flags & 2 != 0)
        .fallback_offer(flags & 4 != 0)
        .server_max_window_bits(window(windows))
        .client_max_window_bits(window(windows >> 3));
    if flags & 8 != 0 {
        options = options.window_bits(9 + (flags >> 4 & 7));
    }
    options
}

/// Reads parameters that two ends may have agreed to.
pub fn params(input: &mut Input<'_>) -> DeflateParams {
    let [flags, windows] = input.array();
    DeflateParams {
        server_no_context_takeover: flags & 1 != 0,
        client_no_context_takeover: flags & 2 != 0,
        server_max_window_bits: 8 + (windows & 7),
        client_max_window_bits: 8 + (windows >> 3 & 7),
    }
}

/// What a client and a server with these options agree to, through the header:
/// the client's view and the server's. `None` if the server declines.
pub fn negotiate(
    client: &DeflateOptions,
    server: &DeflateOptions,
) -> Option<(DeflateParams, DeflateParams)> {
    let offers = deflate::offers(client);
    let header = offers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let (servers, response) = choose(&header, server)?;
    let clients = judge(&response, &offers).expect("a client agrees to what was made of its offer");
    assert_eq!(clients.server_no_context_takeover, servers.server_no_context_takeover);
    assert!(clients.client_no_context_takeover || !servers.client_no_context_takeover);
    assert!(servers.server_max_window_bits <= clients.server_max_window_bits);
    assert!(clients.client_max_window_bits <= servers.client_max_window_bits);
    Some((clients, servers))
}

/// The server's part: what it makes of a request's header.
pub fn choose(header: &str, options: &DeflateOptions) -> Option<(DeflateParams, String)> {
    let offers = extension::parse([header]).ok()?;
    let offers = offers.iter().filter(|offer| offer.name == EXTENSION_NAME);
    deflate::choose(offers.map(|offer| offer.pairs().collect::<Vec<_>>()), options)
}

/// The client's part: what it makes of a response's header.
pub fn judge(header: &str, offers: &[DeflateOffer]) -> Option<DeflateParams> {
    let extensions = extension::parse([header]).ok()?;
    let [agreed]: &[Extension; 1] = extensions.as_slice().try_into().ok()?;
    deflate::accept_response(agreed.pairs(), offers).ok()
}
