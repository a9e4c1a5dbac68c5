//! One subscriber's connection: a thread that sends, and one that listens.

use std::{
    thread,
    time::{Duration, Instant},
};

use wirespeed::{CloseCode, WebSocketConnection, WebSocketError, WebSocketReader, WebSocketWriter};

use super::{
    hub::{Hub, name},
    outbox::{End, Next, Outbox},
};
use crate::report::progress;

/// As venues do, and often enough for what stands between to keep the connection.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// Sends the feed to this subscriber until one of both ends.
///
/// # Errors
///
/// Why the subscriber was lost, unless it closed the connection or was dropped.
pub(crate) fn serve(connection: WebSocketConnection, hub: &Hub) -> Result<(), WebSocketError> {
    let peer = connection.stream().peer_addr();
    let (reader, writer) = connection.split();
    let outbox = hub.join(peer, writer.clone());
    let sent = thread::scope(|scope| {
        scope.spawn(|| listen(reader, &outbox));
        let sent = send(&writer, &outbox);
        if sent.is_err() {
            // Wakes the listening thread; there is nothing left to hear.
            let _ = writer.abort();
        }
        sent
    });
    let ended = outbox.ended();
    hub.leave(&outbox);
    if matches!(ended, Some(End::Gone | End::TooSlow)) {
        return Ok(());
    }
    sent.inspect_err(|error| progress::log(format_args!("{} lost: {error}", name(peer))))
}

/// Takes what the subscriber sends, which answers its pings and its close frame.
fn listen(mut reader: WebSocketReader, outbox: &Outbox) {
    while let Ok(Some(_)) = reader.receive_ref() {}
    outbox.end(End::Gone);
}

fn send(writer: &WebSocketWriter, outbox: &Outbox) -> Result<(), WebSocketError> {
    let mut next_ping = Instant::now() + PING_INTERVAL;
    loop {
        match outbox.next(next_ping) {
            Next::Group(group) => {
                for message in group.iter() {
                    writer.write(message)?;
                }
                writer.flush()?;
            }
            Next::Idle => {}
            Next::End(End::Finished) => {
                return writer.close(CloseCode::NORMAL, "end of the feed");
            }
            Next::End(End::Interrupted) => {
                return writer.close(CloseCode::GOING_AWAY, "the feed is shutting down");
            }
            Next::End(End::TooSlow | End::Gone) => return Ok(()),
        }
        if Instant::now() >= next_ping {
            writer.ping("")?;
            next_ping = Instant::now() + PING_INTERVAL;
        }
    }
}
