//! Two tasks on the two directions of a connection, and a peer, in every order: no
//! task may sleep while there is something for it to do.
//!
//! Each order is run from the start, as in a model checker: at every step there is
//! a choice between the tasks that were woken and the peer's next act. When nothing
//! is left to choose, both tasks have to be done.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use tokio::runtime::Runtime;
use wirespeed::{Opcode, TimedOut, WebSocketError, WebSocketOptions};

use crate::wire::{Wire, client_fragment, server, server_with};

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// What the peer, or the network, does next.
enum Act {
    /// Sends bytes.
    Deliver(Vec<u8>),
    /// Takes this many bytes.
    Take(usize),
    End,
    /// Lets this time pass, once no task has anything to do.
    Pass(Duration),
}

const CLOSE: &[u8] = b"\x03\xe8";

fn close() -> Act {
    Act::Deliver(client_fragment(Opcode::Close, CLOSE, true))
}

fn ping() -> Act {
    Act::Deliver(client_fragment(Opcode::Ping, b"?", true))
}

/// The writer is blocked while the reader owes a pong; both go on with every byte
/// that is taken.
#[test]
fn a_pong_behind_a_blocked_writer() {
    let script = || vec![Act::Take(3), ping(), Act::Take(4), Act::Take(100), close(), Act::End];
    let expected = |wire: &Wire| {
        let texts = wire.sent_texts();
        let position = |wanted| texts.iter().position(|text| text == wanted);
        assert!(position("one") < position("two") || position("two").is_none());
        assert_eq!(wire.sent().last().unwrap().payload, CLOSE);
        assert!(wire.is_shut_down());
    };
    every_order(script, expected, |wire| {
        let (mut reader, mut writer) = server(wire).split_with(|wire| (wire.clone(), wire));
        (
            Box::pin(async move { while reader.receive().await.unwrap().is_some() {} }),
            Box::pin(async move {
                // The peer may have closed before.
                let _ = writer.send("one").await;
                let _ = writer.send("two").await;
            }),
        )
    });
}

/// The writer closes: the reader sees the transport to its end.
#[test]
fn a_close_by_the_writer() {
    let script = || vec![Act::Take(2), ping(), Act::Take(100), close(), Act::End];
    let expected = |wire: &Wire| {
        assert_eq!(wire.sent().last().unwrap().opcode, Opcode::Close);
        assert!(wire.is_shut_down());
    };
    every_order(script, expected, |wire| {
        let (mut reader, mut writer) = server(wire).split_with(|wire| (wire.clone(), wire));
        (
            Box::pin(async move { while reader.receive().await.unwrap().is_some() {} }),
            Box::pin(async move { writer.close(1000, "").await.unwrap() }),
        )
    });
}

/// The writer closes, and the peer never answers: it is the reader who waits for that,
/// and so it has to hear of the close while it sleeps.
#[test]
fn a_close_by_the_writer_that_is_not_answered() {
    let script =
        || vec![Act::Take(2), ping(), Act::Take(100), Act::Pass(Duration::from_millis(5_500))];
    let expected = |wire: &Wire| {
        assert_eq!(wire.sent().last().unwrap().opcode, Opcode::Close);
        assert!(wire.is_shut_down());
    };
    every_order(script, expected, |wire| {
        let (mut reader, mut writer) = server(wire).split_with(|wire| (wire.clone(), wire));
        (
            Box::pin(async move {
                let error = loop {
                    match reader.receive().await {
                        Ok(received) => assert!(received.is_some(), "an end without a close"),
                        Err(error) => break error,
                    }
                };
                assert!(matches!(error, WebSocketError::Timeout(TimedOut::Close)), "{error}");
            }),
            Box::pin(async move { writer.close(1000, "").await.unwrap() }),
        )
    });
}

/// The peer closes while the writer is blocked: the echo goes behind what is queued,
/// and the writer is told.
#[test]
fn a_close_by_the_peer_of_a_blocked_writer() {
    let script = || vec![Act::Take(1), close(), Act::Take(4), Act::Take(100), Act::End];
    let expected = |wire: &Wire| {
        assert_eq!(wire.sent().last().unwrap().payload, CLOSE);
        assert!(wire.is_shut_down());
    };
    every_order(script, expected, |wire| {
        let (mut reader, mut writer) = server(wire).split_with(|wire| (wire.clone(), wire));
        (
            Box::pin(async move { while reader.receive().await.unwrap().is_some() {} }),
            Box::pin(async move {
                for _ in 0..5 {
                    let _ = writer.send("more").await;
                }
            }),
        )
    });
}

/// The connection is lost while the writer is blocked: neither sleeps on.
#[test]
fn an_end_without_a_close() {
    let script = || vec![Act::Take(1), ping(), Act::Take(3), Act::End];
    every_order(
        script,
        |_| {},
        |wire| {
            let (mut reader, mut writer) = server(wire).split_with(|wire| (wire.clone(), wire));
            (
                Box::pin(async move { while let Ok(Some(_)) = reader.receive().await {} }),
                Box::pin(async move {
                    for _ in 0..5 {
                        // Four bytes of them are taken.
                        writer.send("more").await.unwrap_err();
                    }
                }),
            )
        },
    );
}

/// The halves that a combinator makes of the whole connection share its transport
/// in two tasks as well.
#[test]
fn halves_of_a_stream_and_sink() {
    let script = || vec![Act::Take(3), ping(), Act::Take(4), Act::Take(100), close(), Act::End];
    let expected = |wire: &Wire| {
        assert_eq!(wire.sent().last().unwrap().payload, CLOSE);
        assert!(wire.is_shut_down());
    };
    every_order(script, expected, |wire| {
        let (mut sink, mut stream) = StreamExt::split(server(wire));
        (
            Box::pin(async move { while let Some(Ok(_)) = stream.next().await {} }),
            Box::pin(async move {
                let _ = sink.send("one".into()).await;
                let _ = sink.send("two".into()).await;
            }),
        )
    });
}

/// A connection may go from task to task while nothing waits for it: the one that
/// polled last is woken, by the transport and by the time.
#[test]
fn a_connection_that_is_handed_on() {
    let runtime = runtime();
    let _context = runtime.enter();
    let wire = Wire::open();
    let mut ws = server_with(&wire, &WebSocketOptions::server());
    let tasks = [(); 3].map(|()| Arc::new(Woken(AtomicBool::new(false))));
    for task in &tasks {
        for _ in 0..2 {
            assert!(poll_by(task, ws.receive()).is_pending());
            wire.deliver_message(&"for whoever waits".into());
            assert!(task.0.swap(false, Ordering::SeqCst));
            assert!(poll_by(task, ws.receive()).is_ready());
        }
        assert!(poll_by(task, ws.receive()).is_pending());
        runtime.block_on(tokio::time::advance(Duration::from_secs(31)));
        assert!(task.0.swap(false, Ordering::SeqCst), "a ping is due");
        assert!(poll_by(task, ws.receive()).is_pending());
        assert_eq!(wire.sent().last().unwrap().opcode, Opcode::Ping);
    }
}

/// Whoever flushes each time that it is polled does not keep itself awake while the
/// peer's close frame is on its way.
#[test]
fn a_flush_of_nothing_wakes_nobody() {
    let runtime = runtime();
    let _context = runtime.enter();
    let mut ws = server(&Wire::open());
    let task = Arc::new(Woken(AtomicBool::new(false)));
    assert!(poll_by(&task, ws.receive()).is_pending());
    assert!(poll_by(&task, ws.start_close(1000, "")).is_ready());
    assert!(task.0.swap(false, Ordering::SeqCst), "its own receive has to know");
    assert!(poll_by(&task, ws.receive()).is_pending());
    assert!(poll_by(&task, ws.flush()).is_ready());
    assert!(!task.get());
}

fn poll_by<F: Future>(task: &Arc<Woken>, future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(&Arc::clone(task).into()))
}

/// Its clock stands still.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// Runs the two tasks that `tasks` makes, and the peer's `script`, in every order.
fn every_order(
    script: impl Fn() -> Vec<Act>,
    expected: impl Fn(&Wire),
    tasks: impl Fn(&Wire) -> (Task, Task),
) {
    let runtime = runtime();
    let _context = runtime.enter();

    let mut order = Order::default();
    let mut runs = 0;
    loop {
        let wire = Wire::default();
        let (first, second) = tasks(&wire);
        let trace = run(&runtime, &mut order, [Some(first), Some(second)], script(), &wire);
        assert!(trace.is_ok(), "asleep after {trace:?}; sent {:?}", wire.sent_texts());
        expected(&wire);
        runs += 1;
        assert!(runs < 200_000, "the script is too long for every order of it");
        if !order.advance() {
            break;
        }
    }
    assert!(runs > 50, "{runs} orders are no exploration");
}

/// Runs one order; the choices made, as an error if a task sleeps on at the end.
fn run(
    runtime: &Runtime,
    order: &mut Order,
    tasks: [Option<Task>; 2],
    script: Vec<Act>,
    wire: &Wire,
) -> Result<(), Vec<&'static str>> {
    const NAMES: [&str; 3] = ["the reader", "the writer", "the peer"];
    let mut tasks = tasks;
    let woken = [(); 2].map(|()| Arc::new(Woken(AtomicBool::new(true))));
    let mut script = script.into_iter().peekable();
    let mut trace = Vec::new();
    loop {
        let mut choices: Vec<usize> =
            (0..2).filter(|&task| tasks[task].is_some() && woken[task].get()).collect();
        match script.peek() {
            None => {}
            Some(Act::Pass(_)) if !choices.is_empty() => {}
            Some(_) => choices.push(2),
        }
        if choices.is_empty() {
            return if tasks.iter().all(Option::is_none) { Ok(()) } else { Err(trace) };
        }
        let choice = choices[order.choose(choices.len())];
        trace.push(NAMES[choice]);
        if choice == 2 {
            match script.next() {
                Some(Act::Deliver(bytes)) => wire.deliver(&bytes),
                Some(Act::Take(len)) => wire.grant(len),
                Some(Act::Pass(time)) => runtime.block_on(tokio::time::advance(time)),
                Some(Act::End) | None => wire.end(),
            }
            continue;
        }
        woken[choice].0.store(false, Ordering::SeqCst);
        let waker = Arc::clone(&woken[choice]).into();
        if let Some(task) = &mut tasks[choice]
            && let Poll::Ready(()) = task.as_mut().poll(&mut Context::from_waker(&waker))
        {
            tasks[choice] = None;
        }
    }
}

struct Woken(AtomicBool);

impl Woken {
    fn get(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// The choices of one run, and how many there were at each step: a path through
/// the tree of all orders.
#[derive(Default)]
struct Order {
    path: Vec<(usize, usize)>,
    step: usize,
}

impl Order {
    fn choose(&mut self, choices: usize) -> usize {
        if self.step == self.path.len() {
            self.path.push((0, choices));
        }
        self.step += 1;
        self.path[self.step - 1].0
    }

    /// Goes to the next path; `false` after the last one.
    fn advance(&mut self) -> bool {
        self.step = 0;
        while let Some((choice, choices)) = self.path.pop() {
            if choice + 1 < choices {
                self.path.push((choice + 1, choices));
                return true;
            }
        }
        false
    }
}
