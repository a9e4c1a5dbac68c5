//! What a client records about the messages it receives.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use wirespeed::{MessageRef, Opcode, deflate::DeflateTotals};

use crate::{
    digest::FeedDigest,
    report::{
        tally::{Delay, Tally, per_second},
        units,
    },
    stamp,
};

/// Figures that one thread records and another shows.
#[derive(Clone)]
pub(crate) struct Intake {
    figures: Arc<Mutex<Figures>>,
}

/// What was received since `begun`.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    /// Counts and delays.
    pub(crate) tally: Tally,
    /// The fingerprint.
    pub(crate) digest: FeedDigest,
    /// What compression has come to, if it was agreed on.
    pub(crate) deflate: Option<DeflateTotals>,
    /// When the first message was there, and the last.
    span: Option<(Instant, Instant)>,
}

/// A text or binary message, seen while it was borrowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    bytes: usize,
    latency: Option<u64>,
}

impl Intake {
    pub(crate) fn new() -> Self {
        let figures = Figures {
            tally: Tally::new(),
            digest: FeedDigest::default(),
            deflate: None,
            span: None,
        };
        Self { figures: Arc::new(Mutex::new(figures)) }
    }

    /// Looks at a message; `None` for a control frame. [`record`](Self::record)
    /// counts it, once the connection is no longer borrowed.
    pub(crate) fn see(&self, message: &MessageRef<'_>, log: Option<&SendLog>) -> Option<Seen> {
        let opcode = match message {
            MessageRef::Text(_) => Opcode::Text,
            MessageRef::Binary(_) => Opcode::Binary,
            _ => return None,
        };
        let payload = message.as_bytes();
        let mut figures = self.lock();
        let index = figures.digest.messages;
        figures.digest.add(opcode, payload);
        drop(figures);
        let latency = match log {
            Some(log) => log.age(index),
            None => stamp::age(opcode, payload),
        };
        Some(Seen { bytes: payload.len(), latency })
    }

    /// Counts a message whose bytes were read at `read_at`.
    pub(crate) fn record(&self, seen: Seen, read_at: Instant) {
        let now = Instant::now();
        let delay = match seen.latency {
            Some(nanos) => Delay::SinceSent(nanos),
            None => Delay::SinceRead(as_nanos(now.saturating_duration_since(read_at))),
        };
        let mut figures = self.lock();
        figures.tally.add(seen.bytes, delay);
        figures.span = Some((figures.span.map_or(now, |(first, _)| first), now));
    }

    /// Notes what compression has come to so far.
    pub(crate) fn note_deflate(&self, totals: Option<DeflateTotals>) {
        self.lock().deflate = totals;
    }

    /// The figures so far.
    pub(crate) fn figures(&self) -> Figures {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Figures> {
        // Figures are added one by one, so a panicking holder left them usable.
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Figures {
    /// The time from the first message to the last.
    pub(crate) fn elapsed(&self) -> Duration {
        self.span.map_or(Duration::ZERO, |(first, last)| last - first)
    }
}

/// A line of figures that remembers the last one, for the rates in between.
pub(crate) struct LiveLine {
    intake: Intake,
    unicode: bool,
    at: Instant,
    messages: u64,
    bytes: u64,
}

impl LiveLine {
    pub(crate) fn new(intake: &Intake, unicode: bool) -> Self {
        Self { intake: intake.clone(), unicode, at: Instant::now(), messages: 0, bytes: 0 }
    }

    /// The figures since the last line.
    pub(crate) fn next(&mut self) -> String {
        let (now, figures) = (Instant::now(), self.intake.figures());
        let tally = &figures.tally;
        let over = now - self.at;
        let (_, delays) = tally.delays();
        let kind = if tally.latency.is_empty() { "in buffer" } else { "latency" };
        let percentile = |part| units::nanos(delays.value_at_quantile(part), self.unicode);
        let line = format!(
            "{}  {}/s  {kind} p50 {}  p99 {}  p99.9 {}  max {}  {} messages",
            units::rate(per_second(tally.messages - self.messages, over)),
            units::bytes(per_second(tally.bytes - self.bytes, over)),
            percentile(0.5),
            percentile(0.99),
            percentile(0.999),
            units::nanos(delays.max(), self.unicode),
            units::count(tally.messages),
        );
        (self.at, self.messages, self.bytes) = (now, tally.messages, tally.bytes);
        line
    }
}

/// When each message of a feed was sent, for a receiver in the same process
/// whose messages must stay as they are and so carry no stamp.
#[derive(Debug)]
pub(crate) struct SendLog {
    begun: Instant,
    /// Nanoseconds since `begun`, by the message's place in the feed; 0 is not sent yet.
    sent: Box<[AtomicU64]>,
}

impl SendLog {
    /// A log of this many messages.
    pub(crate) fn new(messages: usize) -> Self {
        let sent = std::iter::repeat_with(AtomicU64::default).take(messages).collect();
        Self { begun: Instant::now(), sent }
    }

    /// Notes that the message is sent now.
    pub(crate) fn note(&self, index: u64) {
        if let Some(sent) = self.at(index) {
            sent.store(as_nanos(self.begun.elapsed()).max(1), Ordering::Relaxed);
        }
    }

    /// Nanoseconds since the message was sent, if it is known.
    fn age(&self, index: u64) -> Option<u64> {
        let sent = self.at(index)?.load(Ordering::Relaxed);
        (sent > 0).then(|| as_nanos(self.begun.elapsed()).saturating_sub(sent))
    }

    fn at(&self, index: u64) -> Option<&AtomicU64> {
        self.sent.get(usize::try_from(index).ok()?)
    }
}

fn as_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_counted_and_control_frames_are_not() {
        let intake = Intake::new();
        let mut payload = *b"abc";
        let seen = intake.see(&MessageRef::Binary(&mut payload), None).unwrap();
        intake.record(seen, Instant::now());
        assert!(intake.see(&MessageRef::Ping(b"abc"), None).is_none());
        let figures = intake.figures();
        assert_eq!((figures.tally.messages, figures.tally.bytes), (1, 3));
        assert_eq!((figures.digest.messages, figures.digest.bytes), (1, 3));
        assert_eq!(figures.tally.in_buffer.len(), 1);
    }

    #[test]
    fn a_send_log_dates_messages_by_their_place() {
        let intake = Intake::new();
        let log = SendLog::new(1);
        assert_eq!(log.age(0), None);
        log.note(0);
        log.note(7);
        for _ in 0..2 {
            let seen = intake.see(&MessageRef::Binary(&mut [1]), Some(&log)).unwrap();
            intake.record(seen, Instant::now());
        }
        let figures = intake.figures();
        assert_eq!((figures.tally.latency.len(), figures.tally.in_buffer.len()), (1, 1));
    }

    #[test]
    fn the_live_line_shows_what_came_since_the_last_one() {
        let intake = Intake::new();
        let mut line = LiveLine::new(&intake, false);
        let seen = intake.see(&MessageRef::Binary(&mut [1]), None).unwrap();
        intake.record(seen, Instant::now());
        assert!(line.next().ends_with("  1 messages"));
        assert!(line.next().starts_with("0.00/s  0 B/s  in buffer p50 "));
    }
}
