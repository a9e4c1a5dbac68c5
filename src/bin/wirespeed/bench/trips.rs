//! Round trips to an echo server in the same process.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use wirespeed::{WebSocketClient, WebSocketError, WebSocketListener};

use crate::{
    echo::echo,
    error::ToolError,
    interrupt::Interrupt,
    report::tally::{Delay, Tally},
};

/// The payload of a round trip.
pub(crate) const BYTES: usize = 200;

/// Round trips before the clock starts.
const WARM_UP: usize = 1_000;

/// Sends a text and waits for its echo, over and over for `time`.
///
/// # Errors
///
/// Those of the connection.
pub(crate) fn measure(time: Duration, interrupt: &Interrupt) -> Result<Tally, ToolError> {
    let listener = WebSocketListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    let stop = listener.stop_handle();
    let server = thread::spawn(move || listener.serve(echo));
    let measured = ping_pong(addr, time, interrupt);
    stop.stop();
    server.join().map_err(|_| ToolError::Panicked("server"))??;
    Ok(measured?)
}

fn ping_pong(
    addr: SocketAddr,
    time: Duration,
    interrupt: &Interrupt,
) -> Result<Tally, WebSocketError> {
    // Given the address, it is dialled past any proxy of the environment.
    let builder = WebSocketClient::new().websocket(format!("ws://{addr}/")).address(addr);
    let mut connection = builder.connect()?;
    let text = "x".repeat(BYTES);
    let mut trip = || {
        let start = Instant::now();
        connection.send(&text)?;
        while let Some(message) = connection.receive_ref()? {
            if message.is_data() {
                return Ok(start.elapsed());
            }
        }
        Err(WebSocketError::ConnectionClosed)
    };
    for _ in 0..WARM_UP {
        trip()?;
    }
    let mut tally = Tally::new();
    let begun = Instant::now();
    while begun.elapsed() < time && !interrupt.is_raised() {
        let nanos = trip()?.as_nanos();
        tally.add(BYTES, Delay::SinceSent(u64::try_from(nanos).unwrap_or(u64::MAX)));
    }
    connection.close(1000, "")?;
    Ok(tally)
}
