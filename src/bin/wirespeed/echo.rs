//! `wirespeed echo`: sends every message back.

use wirespeed::{
    WebSocketConnection, WebSocketError, WebSocketOptions, deflate::DeflateOptions,
    handshake::ServerPolicy,
};

use crate::{
    Outcome, args::EchoArgs, endpoint, error::ToolError, interrupt::Interrupt, report::progress,
};

/// Runs the command.
pub(crate) fn run(args: &EchoArgs, interrupt: &Interrupt) -> Result<Outcome, ToolError> {
    let (listener, url) = endpoint::listen(args.listen, &args.tls)?;
    let mut options = WebSocketOptions::server();
    options.limits.message = args.max_message;
    options.limits.frame = args.max_message;
    options.limits.fragments = args.max_fragments;
    // Whatever its size, what came compressed goes back compressed.
    options.deflate = args.deflate.then(|| DeflateOptions::for_server().threshold(0));
    let policy = ServerPolicy::new().subprotocols(args.subprotocols.iter().map(String::as_str));
    let listener = listener.options(options).policy(policy);
    let stop = listener.stop_handle();
    interrupt.on_raise(move || stop.stop());
    progress::log(format_args!("echoing on {url}; Ctrl-C ends it"));
    listener.serve(echo)?;
    Ok(Outcome::Done)
}

/// Echoes text and binary messages; what arrived together goes back together.
pub(crate) fn echo(connection: WebSocketConnection) -> Result<(), WebSocketError> {
    while let Some(message) = connection.receive()? {
        if !message.is_data() {
            continue;
        }
        connection.write(message)?;
        if !connection.has_buffered_message() {
            connection.flush()?;
        }
    }
    Ok(())
}
