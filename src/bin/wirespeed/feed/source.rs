//! A feed as a sequence of groups, each with the time it is due.

use std::{sync::Arc, time::Duration};

use wirespeed::PreparedMessage;

use super::{
    burst::{BurstModel, LARGEST_GROUP},
    capture::{Capture, CaptureFileError},
    profile::{Generator, Profile},
};
use crate::args::SourceArgs;

/// Messages that are written together and then flushed.
pub(crate) type Group = Arc<[PreparedMessage]>;

/// A flat-out group ends once it has this many payload bytes.
const FLAT_GROUP_BYTES: usize = 64 << 10;

/// A flat-out synthetic feed repeats this many messages, so that what is
/// measured is their way to the client and not their making.
const FLAT_CYCLE: usize = 10_000;

/// Replayed messages whose times differ by less than this go out as one group:
/// the capture's clock and a sleeping thread resolve no finer.
const REPLAY_GROUP: Duration = Duration::from_micros(50);

/// Where a feed's messages come from, and at which pace.
#[derive(Debug)]
pub(crate) enum Source {
    /// A generator that makes each message when it is due.
    Paced {
        /// The arrivals.
        bursts: BurstModel,
        /// The messages.
        generator: Box<Generator>,
        /// The group whose time was asked for last.
        next: Option<super::burst::Group>,
    },
    /// Messages that are made already, each group due at once.
    Flat {
        /// What is sent.
        messages: Vec<PreparedMessage>,
        /// How many were sent.
        sent: usize,
        /// Whether to start over at the end.
        cycle: bool,
    },
    /// A capture at its own pace.
    Replay {
        /// What is sent.
        capture: Capture,
        /// How many were sent.
        sent: usize,
        /// How many times faster than it was recorded.
        speed: f64,
    },
}

impl Source {
    /// A synthetic feed with the model's bursts; `rate` is the mean in messages
    /// a second, or else the model's own.
    pub(crate) fn synthetic(profile: Profile, seed: u64, rate: Option<f64>) -> Self {
        let bursts = match rate {
            Some(rate) => BurstModel::with_mean_rate(seed, rate),
            None => BurstModel::new(seed),
        };
        Self::Paced { bursts, generator: Box::new(Generator::new(profile, seed)), next: None }
    }

    /// A synthetic feed as fast as it is taken, in a cycle of 10,000 messages
    /// without send stamps.
    pub(crate) fn synthetic_flat_out(profile: Profile, seed: u64) -> Self {
        let mut generator = Generator::new(profile, seed);
        let messages = (0..FLAT_CYCLE).map(|_| generator.next(None)).collect();
        Self::Flat { messages, sent: 0, cycle: true }
    }

    /// A capture, `speed` times faster than it was recorded.
    pub(crate) fn replay(capture: Capture, speed: f64) -> Self {
        Self::Replay { capture, sent: 0, speed }
    }

    /// A capture as fast as it is taken.
    pub(crate) fn replay_flat_out(capture: Capture) -> Self {
        let texts = capture.messages.into_iter().map(|message| message.payload);
        Self::Flat { messages: texts.map(PreparedMessage::text).collect(), sent: 0, cycle: false }
    }

    /// What the options ask for: a capture or a synthetic feed, paced or flat out.
    ///
    /// # Errors
    ///
    /// [`CaptureFileError`] if the capture cannot be read.
    pub(crate) fn from_args(args: &SourceArgs, flat_out: bool) -> Result<Self, CaptureFileError> {
        let SourceArgs { profile, ref replay, speed, rate, seed } = *args;
        Ok(match (replay, flat_out) {
            (Some(path), true) => Self::replay_flat_out(Capture::open(path)?),
            (Some(path), false) => Self::replay(Capture::open(path)?, speed.unwrap_or(1.0)),
            (None, true) => Self::synthetic_flat_out(profile, seed),
            (None, false) => Self::synthetic(profile, seed, rate),
        })
    }

    /// How many messages are left of a capture; `None` for an endless feed.
    pub(crate) fn remaining(&self) -> Option<usize> {
        match self {
            Self::Flat { messages, sent, cycle: false } => Some(messages.len() - sent),
            Self::Replay { capture, sent, .. } => Some(capture.messages.len() - sent),
            Self::Paced { .. } | Self::Flat { .. } => None,
        }
    }

    /// Makes a paced replay as much faster as it must be to end within `longest`.
    pub(crate) fn end_within(&mut self, longest: Duration) {
        if let Self::Replay { capture, speed, .. } = self {
            *speed = speed.max(capture.duration().as_secs_f64() / longest.as_secs_f64());
        }
    }

    /// When the next group is due, counted from the start of the feed; `None`
    /// at the end of a capture.
    pub(crate) fn next_due(&mut self) -> Option<Duration> {
        match self {
            Self::Paced { bursts, next, .. } => {
                if next.is_none() {
                    *next = bursts.next();
                }
                next.map(|group| group.due)
            }
            Self::Flat { messages, sent, cycle } => {
                (*cycle || *sent < messages.len()).then_some(Duration::ZERO)
            }
            Self::Replay { capture, sent, speed } => {
                Some(capture.messages.get(*sent)?.due.div_f64(*speed))
            }
        }
    }

    /// The group that [`next_due`](Self::next_due) spoke of, of at most `most`
    /// messages; those of a paced synthetic feed say that they were sent at
    /// what `stamp` returns. Empty at the end.
    pub(crate) fn next_group(&mut self, most: u64, mut stamp: impl FnMut() -> u64) -> Group {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        match self {
            Self::Paced { generator, next, .. } => {
                let count = next.take().map_or(0, |group| group.messages) as usize;
                (0..count.min(most)).map(|_| generator.next(Some(stamp()))).collect()
            }
            Self::Flat { messages, sent, cycle } => {
                if *cycle && *sent == messages.len() {
                    *sent = 0;
                }
                let rest = &messages[*sent..];
                let count = flat_group(&rest[..rest.len().min(most)]);
                *sent += count;
                rest[..count].into()
            }
            Self::Replay { capture, sent, speed } => {
                let rest = &capture.messages[*sent..];
                let Some(first) = rest.first() else { return Group::default() };
                let last = first.due + REPLAY_GROUP.mul_f64(*speed);
                let group = rest.iter().take(LARGEST_GROUP as usize).take(most);
                let group: Group = group
                    .take_while(|message| message.due <= last)
                    .map(|message| PreparedMessage::text(message.payload.clone()))
                    .collect();
                *sent += group.len();
                group
            }
        }
    }
}

/// How many of the first messages make up a group of [`FLAT_GROUP_BYTES`]: at least one.
fn flat_group(messages: &[PreparedMessage]) -> usize {
    let mut bytes = 0;
    let full = messages.iter().position(|message| {
        bytes += message.payload().len();
        bytes >= FLAT_GROUP_BYTES
    });
    full.map_or(messages.len(), |last| last + 1)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::stamp;

    fn capture() -> Capture {
        let text = "0\ta\n10\tb\n40\tc\n1000\td\n1000\te\n3000000\tf\n";
        Capture::parse(Bytes::from_static(text.as_bytes())).unwrap()
    }

    fn drain(mut source: Source) -> Vec<(Duration, String)> {
        let mut groups = Vec::new();
        assert_eq!(source.remaining(), Some(6));
        while let Some(due) = source.next_due() {
            let group = source.next_group(u64::MAX, || 0);
            let texts = group.iter().map(|message| message.payload().to_vec());
            groups.push((due, String::from_utf8(texts.flatten().collect()).unwrap()));
        }
        assert!(source.next_group(u64::MAX, || 0).is_empty());
        assert_eq!(source.remaining(), Some(0));
        groups
    }

    #[test]
    fn a_replay_keeps_order_and_pace() {
        let groups = drain(Source::replay(capture(), 2.0));
        let expected = [(0, "abc"), (500, "de"), (1_500_000, "f")];
        assert_eq!(
            groups,
            expected.map(|(micros, texts)| (Duration::from_micros(micros), texts.to_owned()))
        );
    }

    #[test]
    fn a_replay_can_be_made_to_end_in_time() {
        let last_due = |speed, longest| {
            let mut source = Source::replay(capture(), speed);
            source.end_within(Duration::from_secs(longest));
            drain(source).last().unwrap().0
        };
        assert_eq!(last_due(1.0, 1), Duration::from_secs(1));
        assert_eq!(last_due(1.0, 10), Duration::from_secs(3));
        assert_eq!(last_due(6.0, 1), Duration::from_millis(500));
    }

    #[test]
    fn a_replay_flat_out_is_due_at_once_and_ends() {
        assert_eq!(drain(Source::replay_flat_out(capture())), [(Duration::ZERO, "abcdef".into())]);
    }

    #[test]
    fn a_flat_out_group_is_bounded_in_bytes_and_holds_at_least_one() {
        let message = |bytes| PreparedMessage::binary(vec![0; bytes]);
        assert_eq!(flat_group(&[message(1 << 20), message(1)]), 1);
        assert_eq!(flat_group(&[message(60 << 10), message(4 << 10), message(1)]), 2);
        assert_eq!(flat_group(&[message(1), message(1)]), 2);
    }

    #[test]
    fn a_flat_out_feed_starts_over_at_its_end() {
        let mut source = Source::synthetic_flat_out(Profile::Tiny, 1);
        let mut payloads = Vec::new();
        while payloads.len() < FLAT_CYCLE + 10 {
            assert_eq!(source.next_due(), Some(Duration::ZERO));
            let group = source.next_group(1_000, || unreachable!("no stamps"));
            assert!((1..=1_000).contains(&group.len()));
            payloads.extend(group.iter().map(|message| message.payload().to_vec()));
        }
        assert_eq!(payloads[0], payloads[FLAT_CYCLE]);
    }

    #[test]
    fn a_paced_feed_stamps_each_message_when_it_is_made() {
        let mut source = Source::synthetic(Profile::Ticker, 1, None);
        let mut now = 1_732_362_000_000_000_000;
        for _ in 0..100 {
            let due = source.next_due().unwrap();
            assert_eq!(source.next_due(), Some(due), "asking does not advance");
            let group = source.next_group(5, || {
                now += 1;
                now
            });
            assert!((1..=5).contains(&group.len()));
            for (index, message) in group.iter().rev().enumerate() {
                let sent = stamp::find(message.opcode(), message.payload());
                assert_eq!(sent, Some(now - index as u64));
            }
        }
    }
}
