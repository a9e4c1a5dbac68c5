//! Peers that are slow on purpose: those that take next to nothing, and those that do
//! not finish what they have begun.

use std::time::Duration;

use wirespeed::{
    CloseCode, Role, WebSocketOptions,
    protocol::{ReceiveError, SendError},
};

use crate::endpoint::*;

/// A byte now and then is no progress: it would keep us waiting for as long as the
/// peer likes.
#[test]
fn a_peer_that_takes_next_to_nothing_is_given_up() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        let start = endpoint.now;
        let after = |seconds| start + Duration::from_secs(seconds);
        let sender = &mut endpoint.connection.sender;
        sender.write_binary(&[7; 10_000]).unwrap();
        sender.transmit(start, &mut []);

        // As slow as it may be.
        sender.written(2_399, after(3));
        sender.written(1, after(9));
        assert_eq!(sender.next_deadline(), Some(after(19)));
        sender.handle_timeout(after(18)).unwrap();
        sender.written(2_399, after(18));
        assert_eq!(sender.next_deadline(), Some(after(19)));
        assert_eq!(sender.handle_timeout(after(19)), Err(SendError::Stalled));

        let mut endpoint = Endpoint::new(role);
        let sender = &mut endpoint.connection.sender;
        sender.write_binary(&[7; 1_000]).unwrap();
        sender.transmit(start, &mut []);
        sender.written(sender.queued(), after(9));
        assert_eq!(sender.next_deadline(), None, "all that waited was taken");

        let any = |options: &mut WebSocketOptions| options.limits.write_progress = 1;
        let mut endpoint = Endpoint::with(role, any);
        let sender = &mut endpoint.connection.sender;
        sender.write_binary(&[7; 1_000]).unwrap();
        sender.transmit(start, &mut []);
        sender.written(1, after(9));
        assert_eq!(sender.next_deadline(), Some(after(19)));
    }
}

/// Who looks at the clock too late does not know what the peer would have taken, and
/// gives it its time once more: once.
#[test]
fn a_deadline_of_the_sender_that_was_missed_begins_anew() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        let start = endpoint.now;
        let after = |seconds| start + Duration::from_secs(seconds);
        let sender = &mut endpoint.connection.sender;
        sender.write_binary(&[7; 10_000]).unwrap();
        sender.transmit(start, &mut []);
        sender.handle_timeout(after(12)).unwrap();
        assert_eq!(sender.next_deadline(), Some(after(22)));
        // Too little to count.
        sender.written(1, after(21));
        assert_eq!(sender.handle_timeout(after(30)), Err(SendError::Stalled));

        let mut endpoint = Endpoint::new(role);
        let sender = &mut endpoint.connection.sender;
        sender.write_close(CloseCode::NORMAL, "").unwrap();
        sender.transmit(start, &mut []);
        sender.handle_timeout(after(12)).unwrap();
        // What the peer takes after that counts, and so does the next look.
        sender.written(sender.queued(), after(13));
        assert_eq!(sender.next_deadline(), Some(after(18)));
        sender.handle_timeout(after(20)).unwrap();
        assert_eq!(sender.handle_timeout(after(40)), Err(SendError::CloseTimeout));
    }
}

/// A message that drips in, its bytes or its fragments and pings between them, holds
/// what has come of it for two minutes at most.
#[test]
fn a_message_that_drips_in_is_given_up() {
    let mut server = Endpoint::new(Role::Server);
    let start = server.now;
    let after = |seconds| start + Duration::from_secs(seconds);
    let first = server.header(TEXT_BEGINS, 5);
    server.messages(&first);
    let drips = [
        server.payload(b"hello"),
        server.frame(PING, b""),
        server.frame(CONTINUES, b"h"),
        server.frame(PONG, b""),
        server.header(CONTINUES, 5),
    ];
    let world = server.payload(b"world");
    let drips = drips.iter().flatten().chain(&world);
    for (second, drip) in (3..120).step_by(3).zip(drips) {
        server.now = after(second);
        server.messages(&[*drip]);
        server.connection.receiver.handle_timeout(server.now).unwrap();
        assert!(server.connection.receiver.next_deadline() <= Some(after(120)));
    }
    let receiver = &mut server.connection.receiver;
    assert_eq!(receiver.handle_timeout(after(120)), Err(ReceiveError::MessageTimeout));
    assert!(receiver.is_finished() && receiver.next_deadline().is_none());
    receiver.release_idle();
    assert!(!receiver.holds_memory());
    assert_eq!(server.sent_close(), CloseCode::POLICY_VIOLATION);
}

#[test]
fn every_message_has_its_own_time_and_a_client_waits_for_ever() {
    let mut server = Endpoint::with(Role::Server, |options| {
        options.limits.idle_ping = None;
        options.limits.idle_timeout = None;
    });
    for _ in 0..3 {
        let begun = server.frame(TEXT_BEGINS, b"a");
        server.messages(&begun);
        let deadline = server.now + Duration::from_secs(120);
        assert_eq!(server.connection.receiver.next_deadline(), Some(deadline));
        server.now = deadline - Duration::from_nanos(1);
        server.connection.receiver.handle_timeout(server.now).unwrap();
        let ended = server.frame(ENDS, b"b");
        assert_eq!(server.messages(&ended).len(), 1);
        assert_eq!(server.connection.receiver.next_deadline(), None);
    }

    // A caller that was away has not read what came meanwhile.
    let begun = server.frame(TEXT_BEGINS, b"a");
    server.messages(&begun);
    let back = server.now + Duration::from_secs(500);
    server.connection.receiver.handle_timeout(back).unwrap();
    let deadline = back + Duration::from_secs(120);
    assert_eq!(server.connection.receiver.next_deadline(), Some(deadline));
    // One who always comes late would wait for ever.
    let late = deadline + Duration::from_secs(5);
    let gave_up = server.connection.receiver.handle_timeout(late);
    assert_eq!(gave_up, Err(ReceiveError::MessageTimeout));

    let mut client = Endpoint::new(Role::Client);
    let begun = client.frame(TEXT_BEGINS, b"a");
    client.messages(&begun);
    assert_eq!(client.connection.receiver.next_deadline(), None);
}

/// Whoever looks at the clock too rarely gives a silent peer its time once more, and
/// not over and over again.
#[test]
fn a_silent_peer_is_given_up_even_by_one_who_always_looks_late() {
    let mut server = Endpoint::new(Role::Server);
    let start = server.now;
    let after = |seconds| start + Duration::from_secs(seconds);
    let receiver = &mut server.connection.receiver;
    receiver.handle_timeout(after(66)).unwrap();
    assert_eq!(receiver.next_deadline(), Some(after(96)));
    receiver.handle_timeout(after(99)).unwrap();
    assert_eq!(receiver.next_deadline(), Some(after(129)));
    receiver.handle_timeout(after(132)).unwrap();
    assert_eq!(receiver.next_deadline(), Some(after(162)));
    assert_eq!(receiver.handle_timeout(after(165)), Err(ReceiveError::Idle));
}
