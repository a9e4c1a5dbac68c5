//! The halves of two connections on a thread each.

use std::{
    io::IoSlice,
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc::{self, Receiver as Inbox, Sender as Outbox},
    },
    thread,
    time::Instant,
};

use wirespeed::{
    CloseCode, MessageRef, Role, WebSocketOptions,
    protocol::{Connection, Receiver, Sender, TransportAction},
};

const MESSAGES: u32 = 20_000;
const PINGS: u32 = MESSAGES / 100;

/// How many of the two ends have received everything.
type Done = AtomicU32;

/// Sends numbered messages and pings, and whatever the receiving half asks for in
/// between; the client closes when both ends have everything.
fn send(mut sender: Sender, outbox: &Outbox<Vec<u8>>, now: Instant, done: &Done) {
    for number in 0..MESSAGES {
        sender.write_binary(&number.to_be_bytes()).unwrap();
        if number % 100 == 0 {
            sender.write_ping(&number.to_be_bytes()).unwrap();
        }
        transmit(&mut sender, outbox, now);
    }
    while sender.transport_action() == TransportAction::Keep {
        if sender.role() == Role::Client && done.load(Ordering::Acquire) == 2 {
            sender.write_close(CloseCode::NORMAL, "").unwrap();
        }
        transmit(&mut sender, outbox, now);
        thread::yield_now();
    }
}

fn transmit(sender: &mut Sender, outbox: &Outbox<Vec<u8>>, now: Instant) {
    let mut slices = [IoSlice::new(&[]); 4];
    let count = sender.transmit(now, &mut slices);
    let bytes: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.iter().copied()).collect();
    if !bytes.is_empty() {
        sender.written(bytes.len(), now);
        outbox.send(bytes).unwrap();
    }
}

/// Receives them in order, and counts the pongs.
fn receive(mut receiver: Receiver, inbox: &Inbox<Vec<u8>>, now: Instant, done: &Done) -> u32 {
    let (mut next, mut pongs) = (0u32, 0);
    while !receiver.is_finished() {
        let bytes = inbox.recv().unwrap();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let taken = receiver.receive_from(rest, now);
            rest = &rest[taken..];
            while let Some(message) = receiver.next_ref().unwrap() {
                match message {
                    MessageRef::Binary(number) => {
                        assert_eq!(*number, next.to_be_bytes());
                        next += 1;
                        if next == MESSAGES {
                            done.fetch_add(1, Ordering::AcqRel);
                        }
                    }
                    MessageRef::Pong(_) => pongs += 1,
                    _ => {}
                }
            }
        }
    }
    assert_eq!(next, MESSAGES);
    pongs
}

#[test]
fn halves_on_four_threads_lose_nothing() {
    let now = Instant::now();
    let connection = |role, mut options: WebSocketOptions| {
        options.limits.control_burst = u32::MAX;
        Connection::new(role, &options, now)
    };
    let client = connection(Role::Client, WebSocketOptions::client());
    let server = connection(Role::Server, WebSocketOptions::server());
    let (to_server, from_client) = mpsc::channel();
    let (to_client, from_server) = mpsc::channel();
    let done = &Done::new(0);
    thread::scope(|scope| {
        let senders = [(client.sender, &to_server), (server.sender, &to_client)]
            .map(|(sender, outbox)| scope.spawn(move || send(sender, outbox, now, done)));
        let receivers = [(client.receiver, from_server), (server.receiver, from_client)]
            .map(|(receiver, inbox)| scope.spawn(move || receive(receiver, &inbox, now, done)));
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        for pongs in receivers.map(|receiver| receiver.join().unwrap()) {
            // Only the latest ping has to be answered, so some answers may be saved.
            assert!((1..=PINGS).contains(&pongs), "{pongs} pongs");
        }
    });
}
