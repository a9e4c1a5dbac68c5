//! `wirespeed echo`: sends every message back.

#[cfg(feature = "tokio")]
mod on_tokio;

use wirespeed::{
    CloseCode, WebSocketConnection, WebSocketError, WebSocketMessage, WebSocketOptions,
    deflate::DeflateOptions, handshake::ServerPolicy,
};

use crate::{
    Outcome,
    args::{EchoArgs, Runtime},
    endpoint::{self, Socket},
    error::ToolError,
    interrupt::Interrupt,
    report::progress,
};

/// Runs the command.
pub(crate) fn run(args: &EchoArgs, interrupt: &Interrupt) -> Result<Outcome, ToolError> {
    let serve = match args.runtime {
        Runtime::Blocking => serve_blocking,
        #[cfg(feature = "tokio")]
        Runtime::Tokio => on_tokio::serve,
        #[cfg(not(feature = "tokio"))]
        Runtime::Tokio => return Err(ToolError::NoTokio),
    };
    let socket = endpoint::bind(args.listen, &args.tls)?;
    let mut options = WebSocketOptions::server();
    options.limits.message = args.max_message;
    options.limits.fragments = args.max_fragments;
    // Whatever its size, what came compressed goes back compressed.
    options.deflate = args.deflate.then(|| DeflateOptions::for_server().threshold(0));
    let policy = ServerPolicy::new().subprotocols(args.subprotocols.iter().map(String::as_str));
    progress::log(format_args!("echoing on {}; Ctrl-C ends it", socket.url));
    serve(socket, options, policy, interrupt)?;
    Ok(Outcome::Done)
}

fn serve_blocking(
    socket: Socket,
    options: WebSocketOptions,
    policy: ServerPolicy,
    interrupt: &Interrupt,
) -> Result<(), ToolError> {
    let listener = socket.listener()?.options(options).policy(policy);
    let stop = listener.stop_handle();
    interrupt.on_raise(move || stop.stop());
    Ok(listener.serve(echo)?)
}

/// Echoes text and binary messages; what arrived together goes back together.
pub(crate) fn echo(connection: WebSocketConnection) -> Result<(), WebSocketError> {
    while let Some(message) = receive(&connection)? {
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

fn receive(connection: &WebSocketConnection) -> Result<Option<WebSocketMessage>, WebSocketError> {
    connection.receive().inspect_err(|_| {
        // Tells the peer why, and waits until it has read that.
        let _ = connection.close(CloseCode::NORMAL, "");
    })
}
