//! The network, the clock, and the scripts.

use std::{
    io::IoSlice,
    ops::AddAssign,
    time::{Duration, Instant},
};

use fastrand::Rng;
use wirespeed::{
    BufferPool, CloseCode, MaskSource, Opcode, PreparedMessage, Role, WebSocketMessage,
    WebSocketOptions,
    protocol::{ReceiveError, SendError, TransportAction},
};

use crate::{
    compression::{Agreement, compressed},
    end::{End, WAYS, Way},
    model::{Event, Model},
};

/// What happened in a script, or in many.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) messages: u64,
    pub(crate) compressed: u64,
    pub(crate) controls: u64,
    pub(crate) in_pieces: u64,
    pub(crate) clean_closes: u64,
    pub(crate) lost: u64,
    pub(crate) timeouts: u64,
}

impl AddAssign for Summary {
    fn add_assign(&mut self, other: Self) {
        self.messages += other.messages;
        self.compressed += other.compressed;
        self.controls += other.controls;
        self.in_pieces += other.in_pieces;
        self.clean_closes += other.clean_closes;
        self.lost += other.lost;
        self.timeouts += other.timeouts;
    }
}

/// Two ends, what is between them, and what has to happen. `models[i]` is what end
/// `i` wrote; the other one receives it.
pub(crate) struct World {
    rng: Rng,
    ends: [End; 2],
    models: [Model; 2],
    /// Whether end `i` answers pings by itself.
    answers: [bool; 2],
    /// Whether end `i` is done for: its transport was cut, or it gave up.
    down: [bool; 2],
    /// Whether streams are cut and deadlines are missed in this script.
    rough: bool,
    /// A stream was cut, or an end gave up: not everything has to arrive.
    broken: bool,
    now: Instant,
    summary: Summary,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let now = Instant::now();
        let options = [Role::Client, Role::Server].map(|role| options(role, &mut rng));
        let agreement = Agreement::random(&mut rng);
        let end = |role, options| End::new(role, options, agreement.as_ref(), now);
        let ends = [end(Role::Client, &options[0]), end(Role::Server, &options[1])];
        let answers = [options[0].auto_pong, options[1].auto_pong];
        let models = [Model::default(), Model::default()];
        let (down, broken, summary) = ([false; 2], false, Summary::default());
        let rough = rng.u32(0..3) == 0;
        Self { rng, ends, models, answers, down, rough, broken, now, summary }
    }

    pub(crate) fn run(mut self) -> Summary {
        let steps = self.rng.u32(10..150);
        for _ in 0..steps {
            self.step();
        }
        self.settle();
        self.check_delivery();
        self.close();
        self.summary.compressed = self.ends.iter().map(|end| compressed(&end.sender)).sum();
        self.summary
    }

    fn step(&mut self) {
        let end = self.rng.usize(0..2);
        match self.rng.u32(0..100) {
            0..30 => self.write(end),
            30..50 => self.transmit(end),
            50..68 => {
                let most = self.some_len();
                self.ends[end].read(most, self.now);
            }
            68..88 => {
                let way = self.rng.choice(WAYS).expect("three ways");
                self.take(end, way);
            }
            88..91 => {
                self.ends[end].receiver.release_idle();
                self.ends[end].sender.release_idle();
            }
            91..97 => self.pass_time(),
            97 if self.rough => self.end_stream(end),
            98 if self.rough => self.cut(end),
            99 if self.rng.u32(0..2) == 0 => self.write_close(end),
            _ => self.transmit(end),
        }
        self.check_invariants(end);
    }

    /// A number of bytes that finds edges: one, few, or all there are.
    fn some_len(&mut self) -> usize {
        match self.rng.u32(0..5) {
            0 => 1,
            1 => self.rng.usize(0..20),
            2 => self.rng.usize(0..3000),
            _ => usize::MAX,
        }
    }

    fn payload(&mut self, is_text: bool) -> Vec<u8> {
        let len = match self.rng.u32(0..60) {
            0..20 => self.rng.usize(0..10),
            20..45 => self.rng.usize(0..200),
            45..58 => self.rng.usize(0..6000),
            _ => self.rng.usize(60_000..70_000),
        };
        let salt = self.rng.u8(..);
        if is_text {
            let characters = ['a', 'ß', '€', '😀', '\0'];
            (0..len / 2)
                .map(|i| characters[(i * i + usize::from(salt)) % 5])
                .collect::<String>()
                .into()
        } else {
            (0..len).map(|i| (i as u8).wrapping_mul(7).wrapping_add(salt)).collect()
        }
    }

    fn write(&mut self, end: usize) {
        let kind = self.rng.u32(0..10);
        let is_text = match self.models[end].fragmented() {
            Some(is_text) if kind >= 6 => is_text,
            _ => self.rng.bool(),
        };
        let payload = self.payload(is_text);
        let text = if is_text { str::from_utf8(&payload).expect("text") } else { "" };
        let model = &mut self.models[end];
        let sender = &mut self.ends[end].sender;
        let event = |payload: &[u8]| match is_text {
            true => Event::Text(payload.to_vec()),
            false => Event::Binary(payload.to_vec()),
        };
        let (result, written) = match kind {
            0 | 1 if is_text => (sender.write_text(text), event(&payload)),
            0 | 1 => (sender.write_binary(&payload), event(&payload)),
            2 => {
                let message = match is_text {
                    true => WebSocketMessage::from(text),
                    false => WebSocketMessage::from(&payload[..]),
                };
                (sender.write(message), event(&payload))
            }
            3 => {
                let message = match is_text {
                    true => PreparedMessage::text(text),
                    false => PreparedMessage::binary(&payload),
                };
                (sender.write_prepared(&message), event(&payload))
            }
            4 => {
                let ping = model.next_ping();
                (sender.write_ping(&ping), Event::Ping(ping))
            }
            5 => {
                let pong = vec![b'!'; payload.len() % 125 + 1];
                (sender.write_pong(&pong), Event::Pong(pong))
            }
            _ => return self.write_fragment(end, is_text, &payload),
        };
        match result {
            Ok(()) => model.wrote(written),
            Err(SendError::MessageInterrupted) => assert!(model.fragmented().is_some() && kind < 4),
            Err(error) => self.check_refusal(end, &error),
        }
    }

    fn write_fragment(&mut self, end: usize, is_text: bool, payload: &[u8]) {
        let opcode = if is_text { Opcode::Text } else { Opcode::Binary };
        // Anywhere, inside a character too; but the last one has to end the text.
        let fin = self.rng.bool();
        let (first, second) = payload.split_at(self.rng.usize(0..=payload.len()));
        for (piece, fin) in [(first, false), (second, fin)] {
            match self.ends[end].sender.write_fragment(opcode, piece, fin) {
                Ok(()) => self.models[end].wrote_fragment(is_text, piece, fin),
                // Half a character was written, and the other half was refused.
                Err(SendError::Utf8(_)) => {}
                Err(error) => self.check_refusal(end, &error),
            }
        }
    }

    fn check_refusal(&self, end: usize, error: &SendError) {
        let sender = &self.ends[end].sender;
        match error {
            SendError::Closed => assert!(self.is_closing(end), "nothing was closed"),
            SendError::QueueFull(_) => assert!(sender.queued() > 0),
            error => panic!("{error}"),
        }
    }

    /// Whether an end may refuse messages.
    fn is_closing(&self, end: usize) -> bool {
        self.models[end].is_closed() || self.ends[end].ended || self.down[end]
    }

    fn write_close(&mut self, end: usize) {
        let (code, reason) = match self.rng.u32(0..4) {
            0 => (CloseCode::NO_STATUS, ""),
            1 => (CloseCode::NORMAL, "gut gemacht ✓"),
            2 => (CloseCode::from(4999), ""),
            _ => (CloseCode::GOING_AWAY, "see you"),
        };
        self.ends[end].sender.write_close(code, reason).expect("a code that may be sent");
        // It goes even where the other direction has ended without one.
        if !self.models[end].is_closed() && !self.down[end] {
            self.models[end].wrote(Event::Close(code, reason.to_owned()));
        }
    }

    /// Offers what waits to the transport, which takes as much as it likes.
    fn transmit(&mut self, end: usize) {
        let most = self.some_len();
        let slots = self.rng.usize(1..6);
        self.transmit_at_most(end, slots, most);
    }

    fn transmit_at_most(&mut self, end: usize, slots: usize, most: usize) {
        if self.down[end] {
            return;
        }
        let [first, second] = &mut self.ends;
        let (from, to) = if end == 0 { (first, second) } else { (second, first) };
        let mut slices = [IoSlice::new(&[]); 6];
        let wanted = from.sender.wants_transmit();
        let count = from.sender.transmit(self.now, &mut slices[..slots]);
        assert_eq!(count > 0, wanted, "what is wanted is what there is");
        let mut taken = 0;
        for slice in &slices[..count] {
            assert!(!slice.is_empty());
            let len = slice.len().min(most - taken);
            to.inbox.extend(&slice[..len]);
            taken += len;
        }
        from.sender.written(taken, self.now);
    }

    /// Takes one thing in a given way, unless its message was begun in another.
    fn take(&mut self, end: usize, way: Way) -> bool {
        let taken = match self.ends[end].take(way) {
            Err(ReceiveError::OtherWay) => {
                let other = if way == Way::InPieces { Way::Borrowed } else { Way::InPieces };
                self.ends[end].take(other)
            }
            taken => taken,
        };
        match taken {
            Ok(None) => return false,
            Ok(Some(None)) => self.summary.in_pieces += 1,
            Ok(Some(Some(event))) => self.arrived(end, event),
            Err(error) => panic!("nobody broke a rule: {error}"),
        }
        true
    }

    fn arrived(&mut self, end: usize, event: Event) {
        match event {
            Event::Text(_) | Event::Binary(_) => self.summary.messages += 1,
            _ => self.summary.controls += 1,
        }
        let close = match &event {
            Event::Close(code, _) => Some(*code),
            _ => None,
        };
        let [first, second] = &mut self.models;
        let (ours, theirs) = if end == 0 { (first, second) } else { (second, first) };
        theirs.arrived(event, ours);
        if let Some(code) = close
            && !self.is_closing(end)
        {
            // The answer goes by itself.
            self.models[end].wrote(Event::Close(code, String::new()));
        }
    }

    /// Lets time pass, often to just where something is due.
    fn pass_time(&mut self) {
        let deadlines = self.ends.each_ref().map(|end| {
            end.receiver.next_deadline().into_iter().chain(end.sender.next_deadline()).min()
        });
        let due = deadlines.into_iter().flatten().min();
        let soon = self.now + Duration::from_millis(self.rng.u64(0..2000));
        self.now = match (self.rng.u32(0..8), due) {
            (0, Some(due)) if self.rough => due.max(self.now),
            (1, Some(due)) => (due - Duration::from_millis(1)).max(self.now),
            (_, Some(due)) if !self.rough => {
                soon.min((due - Duration::from_millis(1)).max(self.now))
            }
            _ => soon,
        };
        for end in 0..2 {
            self.look_at_clock(end);
        }
    }

    fn look_at_clock(&mut self, end: usize) {
        let End { receiver, sender, ended, .. } = &mut self.ends[end];
        let due = receiver.next_deadline().is_some_and(|at| at <= self.now);
        match receiver.handle_timeout(self.now) {
            Ok(()) => {}
            Err(ReceiveError::Idle | ReceiveError::MessageTimeout) => {
                assert!(due);
                self.summary.timeouts += 1;
                self.broken = true;
                if !self.models[end].is_closed() && !*ended && !self.down[end] {
                    self.models[end]
                        .wrote(Event::Close(CloseCode::POLICY_VIOLATION, String::new()));
                }
            }
            Err(error) => panic!("{error}"),
        }
        let due = sender.next_deadline().is_some_and(|at| at <= self.now);
        match sender.handle_timeout(self.now) {
            Ok(()) => {
                // One that was missed begins anew, once.
                let passed = sender.next_deadline().is_some_and(|at| at <= self.now);
                assert!(!passed, "a deadline that nothing came of");
            }
            Err(SendError::Stalled | SendError::CloseTimeout) => {
                assert!(due);
                assert_eq!(sender.transport_action(), TransportAction::Drop);
                self.summary.timeouts += 1;
                self.cut(end);
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// The stream to `end` ends behind what is on its way.
    fn end_stream(&mut self, end: usize) {
        self.broken = true;
        self.ends[end].ends = true;
        self.down[1 - end] = true;
        self.ends[1 - end].sender.transport_lost();
        self.look_for_end(end);
    }

    /// The transport of `end` breaks: nothing is sent or received there any more,
    /// and what was on its way is lost in part.
    fn cut(&mut self, end: usize) {
        self.broken = true;
        for end in [end, 1 - end] {
            let left = self.rng.usize(0..=self.ends[end].inbox.len());
            self.ends[end].inbox.truncate(left);
            self.ends[end].ends = true;
            self.down[end] = true;
            self.ends[end].sender.transport_lost();
        }
    }

    /// Tells an end that its stream is over, once everything before that was read.
    fn look_for_end(&mut self, end: usize) {
        let end = &mut self.ends[end];
        if end.ends && !end.ended && end.inbox.is_empty() && end.receiver.buffered() == 0 {
            let finished = end.receiver.is_finished();
            end.ended = true;
            match end.receiver.end_of_stream() {
                Ok(()) => assert!(finished),
                Err(ReceiveError::ConnectionLost) => {
                    assert!(!finished);
                    self.summary.lost += 1;
                }
                Err(error) => panic!("{error}"),
            }
            assert!(end.receiver.is_finished());
        }
    }

    /// Carries everything over, and takes it, until nothing is left to do.
    fn settle(&mut self) {
        let way = self.rng.choice(WAYS).expect("three ways");
        loop {
            let mut moved = false;
            for end in 0..2 {
                if self.ends[end].sender.wants_transmit() && !self.down[end] {
                    self.transmit_at_most(end, 6, usize::MAX);
                    moved = true;
                }
                if !self.ends[end].inbox.is_empty() {
                    self.ends[end].read(usize::MAX, self.now);
                    moved = true;
                }
                while self.take(end, way) {
                    moved = true;
                }
                self.look_for_end(end);
            }
            if !moved {
                return;
            }
        }
    }

    fn check_invariants(&mut self, end: usize) {
        let End { receiver, sender, .. } = &mut self.ends[end];
        if receiver.is_finished() {
            assert_eq!(receiver.buffered(), 0);
            assert_eq!(receiver.next_deadline(), None);
            assert!(!receiver.has_buffered_frame());
        }
        if sender.queued() == 0 {
            sender.release_idle();
            assert!(!sender.holds_memory());
        }
    }

    /// All that was written has arrived, where no stream was cut.
    fn check_delivery(&mut self) {
        if self.broken {
            return;
        }
        for end in 0..2 {
            assert!(self.models[end].is_empty(), "{:?} did not arrive", self.models[end]);
            let closing = self.models.iter().any(Model::is_closed);
            if self.answers[1 - end] && !closing {
                assert!(self.models[end].is_answered(), "{:?}", self.models[end]);
            }
        }
    }

    /// Both close, at once or one after the other, and both know it.
    fn close(&mut self) {
        if self.broken {
            return;
        }
        let first = self.rng.usize(0..2);
        self.write_close(first);
        if self.rng.bool() {
            self.write_close(1 - first);
        }
        self.settle();
        for end in 0..2 {
            assert!(self.models[end].is_empty(), "{:?} did not arrive", self.models[end]);
            assert!(self.ends[end].receiver.is_finished());
        }
        let actions = self.ends.each_ref().map(|end| end.sender.transport_action());
        assert_eq!(actions, [TransportAction::AwaitEnd, TransportAction::HalfClose]);
        for end in &mut self.ends {
            end.receiver.end_of_stream().expect("an end after a close frame");
            assert_eq!(end.sender.transport_action(), TransportAction::Drop);
            end.receiver.release_idle();
            end.sender.release_idle();
            assert!(!end.receiver.holds_memory() && !end.sender.holds_memory());
        }
        self.summary.clean_closes += 1;
    }
}

/// Options that find edges: small buffers, small queues, short times.
fn options(role: Role, rng: &mut Rng) -> WebSocketOptions {
    let mut options = match role {
        Role::Client => WebSocketOptions::client(),
        Role::Server => WebSocketOptions::server(),
    };
    let read_size = if rng.bool() { 1 << 10 } else { BufferPool::DEFAULT_READ_SIZE };
    options.pool = BufferPool::new(read_size, 2);
    options.auto_pong = rng.u32(0..4) > 0;
    options.mask_source = if rng.bool() { MaskSource::Strong } else { MaskSource::Fast };
    // Scripts have no manners: what they may do is not what is looked at here.
    options.limits.control_burst = u32::MAX;
    options.limits.empty_fragments = u32::MAX;
    if rng.bool() {
        options.limits.write_queue = 5000;
    }
    if rng.bool() {
        options.limits.idle_ping = None;
        options.limits.idle_timeout = None;
    }
    options
}
