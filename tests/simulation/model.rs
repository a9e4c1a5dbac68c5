//! What one end has to receive from the other.

use std::collections::VecDeque;

use wirespeed::CloseCode;

/// What arrives when it has arrived whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(CloseCode, String),
}

/// First byte of the payloads of pings that a script writes, a number behind it:
/// the answers to them are told from pongs that a script writes by it.
pub(crate) const NUMBERED: u8 = b'#';

/// What one end wrote and the other has not received yet.
#[derive(Debug, Default)]
pub(crate) struct Model {
    expected: VecDeque<Event>,
    /// A fragmented message that is being written.
    fragments: Option<(bool, Vec<u8>)>,
    pings: u32,
    /// The number of the last ping that arrived, and of the last one answered.
    arrived: Option<u32>,
    answered: Option<u32>,
    /// A keep-alive arrived after it: that one's answer is enough.
    superseded: bool,
    closed: bool,
}

impl Model {
    pub(crate) fn wrote(&mut self, event: Event) {
        assert!(!self.closed, "{event:?} was written behind a close frame");
        self.closed = matches!(event, Event::Close(..));
        self.expected.push_back(event);
    }

    pub(crate) fn wrote_fragment(&mut self, is_text: bool, payload: &[u8], fin: bool) {
        let (is_text, mut whole) = self.fragments.take().unwrap_or((is_text, Vec::new()));
        whole.extend_from_slice(payload);
        if fin {
            self.wrote(if is_text { Event::Text(whole) } else { Event::Binary(whole) });
        } else {
            self.fragments = Some((is_text, whole));
        }
    }

    /// Whether a fragmented message is being written, and of which kind.
    pub(crate) fn fragmented(&self) -> Option<bool> {
        self.fragments.as_ref().map(|(is_text, _)| *is_text)
    }

    pub(crate) fn next_ping(&mut self) -> Vec<u8> {
        self.pings += 1;
        [&[NUMBERED][..], &self.pings.to_be_bytes()].concat()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.expected.is_empty()
    }

    /// An event has arrived; `answers` is the model of the other direction, whose
    /// pings are answered in this one.
    pub(crate) fn arrived(&mut self, event: Event, answers: &mut Self) {
        match &event {
            Event::Pong(payload) if payload.first() == Some(&NUMBERED) => {
                let number = ping_number(payload);
                assert!(answers.arrived >= Some(number), "an answer before its ping");
                assert!(answers.answered < Some(number), "pongs out of order");
                answers.answered = Some(number);
                return;
            }
            // A keep-alive, or its answer: no script writes these.
            Event::Ping(payload) | Event::Pong(payload) if payload.starts_with(b"idle") => {
                self.superseded |= matches!(event, Event::Ping(_));
                return;
            }
            Event::Ping(payload) => {
                self.arrived = Some(ping_number(payload));
                self.superseded = false;
            }
            _ => {}
        }
        let expected = self.expected.pop_front();
        assert_eq!(expected.as_ref(), Some(&event));
    }

    /// Whether the last ping that arrived was answered, or needs no answer.
    pub(crate) fn is_answered(&self) -> bool {
        self.superseded || self.answered == self.arrived
    }
}

fn ping_number(payload: &[u8]) -> u32 {
    u32::from_be_bytes(payload[1..].try_into().expect("a number"))
}
