//! Two connections joined, and a sequence of operations at both: what arrives is
//! what was sent, whatever is compressed, fragmented, cut or answered on the way.
#![no_main]

use arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;
use wirespeed::{BufferPool, WebSocketOptions};
use wirespeed_fuzz::{deflate, input::Input, model::Joined};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let flags = input.byte();
    let deflate = [deflate::options(&mut input), deflate::options(&mut input)];
    let options = [read_options(&mut input), read_options(&mut input)];
    let agreed = if flags & 1 == 0 { None } else { deflate::negotiate(&deflate[0], &deflate[1]) };
    let deflate = agreed.map(|(client, server)| {
        let [of_client, of_server] = deflate;
        [(client, of_client), (server, of_server)]
    });

    let mut joined = Joined::new(options, deflate);
    let mut u = Unstructured::new(input.rest());
    while !u.is_empty() {
        let (Ok(at), Ok(operation)) = (u.arbitrary::<u8>(), u.arbitrary()) else { break };
        joined.apply(usize::from(at & 1), operation);
    }
    joined.finish();
});

fn read_options(input: &mut Input<'_>) -> WebSocketOptions {
    let (flags, queue) = (input.byte(), input.byte());
    let mut options = WebSocketOptions::client();
    options.auto_pong = flags & 1 == 0;
    options.pool = BufferPool::new(if flags & 2 == 0 { 1 << 10 } else { 20 << 10 }, 4);
    if flags & 4 != 0 {
        options.limits.write_queue = usize::from(queue) << 6;
    }
    // The operations know no limit of these, and no time passes.
    options.limits.control_burst = u32::MAX;
    options.limits.fragments = u32::MAX;
    options.limits.empty_fragments = u32::MAX;
    options
}
