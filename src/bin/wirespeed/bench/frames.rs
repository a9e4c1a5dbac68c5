//! Messages through the protocol in memory, without a socket.

use std::{
    hint::black_box,
    io::IoSlice,
    time::{Duration, Instant},
};

use wirespeed::{
    Role, WebSocketError, WebSocketOptions,
    protocol::{Connection, Receiver},
};

use crate::interrupt::Interrupt;

/// Payload bytes of one round: more than a first-level cache holds, less than a
/// second-level one.
const ROUND_BYTES: usize = 128 << 10;

/// Nanoseconds a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameCosts {
    /// Copying the payload: what no implementation can do without.
    pub(crate) copy: f64,
    /// Framing and masking.
    pub(crate) client_sends: f64,
    /// Parsing, unmasking and validating.
    pub(crate) server_receives: f64,
    /// Parsing and validating.
    pub(crate) client_receives: f64,
}

impl FrameCosts {
    /// Measures text messages of `size` bytes, each direction for `time`, or shorter if
    /// the end is asked for.
    ///
    /// # Errors
    ///
    /// Those of the protocol, which has no reason for any.
    pub(crate) fn measure(
        size: usize,
        time: Duration,
        interrupt: &Interrupt,
    ) -> Result<Self, WebSocketError> {
        // One string that is cut up, so that the copy reads what the protocol reads.
        let count = ROUND_BYTES.div_ceil(size);
        let text = "x".repeat(size * count);
        let texts: Vec<&str> = (0..count).map(|index| &text[index * size..][..size]).collect();
        let (mut client, mut server) = (connection(Role::Client), connection(Role::Server));
        let masked = send(&mut client, &texts, Vec::extend_from_slice)?;
        let plain = send(&mut server, &texts, Vec::extend_from_slice)?;
        let best = |round: &mut dyn FnMut() -> Result<(), WebSocketError>| {
            Ok::<f64, WebSocketError>(best_round(time, interrupt, round)? / count as f64)
        };

        let mut copies = vec![0; size];
        Ok(Self {
            copy: best(&mut || {
                for text in &texts {
                    copies.copy_from_slice(black_box(text.as_bytes()));
                    black_box(&mut copies);
                }
                Ok(())
            })?,
            client_sends: best(&mut || {
                send(&mut client, &texts, |_, slice| {
                    black_box(slice);
                })?;
                Ok(())
            })?,
            server_receives: best(&mut || receive(&mut server.receiver, &masked, count))?,
            client_receives: best(&mut || receive(&mut client.receiver, &plain, count))?,
        })
    }
}

fn connection(role: Role) -> Connection {
    let options = match role {
        Role::Client => WebSocketOptions::client(),
        Role::Server => WebSocketOptions::server(),
    };
    Connection::new(role, &options, Instant::now())
}

/// Queues all texts and takes what is to be written.
fn send(
    connection: &mut Connection,
    texts: &[&str],
    mut take: impl FnMut(&mut Vec<u8>, &[u8]),
) -> Result<Vec<u8>, WebSocketError> {
    let now = Instant::now();
    let mut taken = Vec::new();
    for text in texts {
        connection.sender.write_text(text)?;
    }
    loop {
        let mut slices = [IoSlice::new(&[]); 32];
        let count = connection.sender.transmit(now, &mut slices);
        if count == 0 {
            return Ok(taken);
        }
        slices[..count].iter().for_each(|slice| take(&mut taken, slice));
        let written = slices[..count].iter().map(|slice| slice.len()).sum();
        connection.sender.written(written, now);
    }
}

/// Receives all that is on the wire, which holds `count` messages.
fn receive(receiver: &mut Receiver, mut wire: &[u8], count: usize) -> Result<(), WebSocketError> {
    let now = Instant::now();
    let mut received = 0;
    while !wire.is_empty() {
        let read = receiver.receive_from(wire, now);
        wire = &wire[read..];
        while let Some(message) = receiver.next_ref()? {
            black_box(message.as_bytes());
            received += 1;
        }
    }
    // A benchmark that loses messages measures nothing.
    if received == count { Ok(()) } else { Err(WebSocketError::ConnectionLost) }
}

/// Nanoseconds of the fastest round: what disturbs a machine only ever adds.
fn best_round(
    time: Duration,
    interrupt: &Interrupt,
    round: &mut dyn FnMut() -> Result<(), WebSocketError>,
) -> Result<f64, WebSocketError> {
    let begun = Instant::now();
    let mut best = Duration::MAX;
    while (begun.elapsed() < time && !interrupt.is_raised()) || best == Duration::MAX {
        let start = Instant::now();
        round()?;
        best = best.min(start.elapsed());
    }
    Ok(best.as_nanos() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_received_whole() {
        let text = "ä".repeat(1_000);
        let texts = [text.as_str(); 50];
        for (from, to) in [(Role::Client, Role::Server), (Role::Server, Role::Client)] {
            let wire = send(&mut connection(from), &texts, Vec::extend_from_slice).unwrap();
            assert!(wire.len() > 50 * 2_000);
            let mut peer = connection(to);
            receive(&mut peer.receiver, &wire, 50).unwrap();
            assert_eq!(peer.receiver.buffered(), 0);
            assert!(receive(&mut peer.receiver, &wire, 51).is_err());
        }
    }

    #[test]
    fn every_cost_is_measured() {
        let costs = FrameCosts::measure(200, Duration::ZERO, &Interrupt::default()).unwrap();
        let FrameCosts { copy, client_sends, server_receives, client_receives } = costs;
        for cost in [copy, client_sends, server_receives, client_receives] {
            assert!(cost > 0.0 && cost.is_finite(), "{costs:?}");
        }
    }

    #[test]
    fn a_measurement_ends_when_it_is_asked_to() {
        let interrupt = Interrupt::default();
        interrupt.raise();
        let time = Duration::from_secs(600);
        let begun = Instant::now();
        FrameCosts::measure(200, time, &interrupt).unwrap();
        assert!(begun.elapsed() < time);
    }
}
