//! Ping and pong (RFC 6455, 5.5.2 and 5.5.3): requirement 32, and the limits that
//! keep them from being a weapon.

use std::time::Duration;

use wirespeed::{CloseCode, Opcode, Role, WebSocketMessage, WebSocketOptions};

use crate::endpoint::*;

/// The payloads of the pongs that wait to be sent.
fn pongs(endpoint: &mut Endpoint) -> Vec<Vec<u8>> {
    let frames = endpoint.sent_frames();
    assert!(frames.iter().all(|frame| frame.opcode == Opcode::Pong), "{frames:?}");
    frames.into_iter().map(|frame| frame.payload.to_vec()).collect()
}

#[test]
fn c4_3_n32_a_ping_is_answered_with_its_payload() {
    for role in ROLES {
        for payload in [&b""[..], b"beat", &[0xFF; 125]] {
            let mut endpoint = Endpoint::new(role);
            let ping = endpoint.frame(PING, payload);
            let ping_message = WebSocketMessage::Ping(payload.to_vec().into());
            assert_eq!(endpoint.messages(&ping), [ping_message]);
            assert!(endpoint.connection.sender.wants_transmit());
            assert_eq!(pongs(&mut endpoint), [payload]);
            assert!(!endpoint.connection.sender.wants_transmit());
        }
    }
}

#[test]
fn c4_3_n32_of_many_pings_the_latest_is_answered() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        let pings = endpoint.frames((0..50u8).map(|number| (PING, [number])));
        assert_eq!(endpoint.messages(&pings).len(), 50);
        assert_eq!(pongs(&mut endpoint), [[49]]);
    }
}

#[test]
fn c4_3_n32_a_pong_goes_between_the_fragments_that_are_being_sent() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.connection.sender.write_fragment(Opcode::Text, b"a", false).unwrap();
        let ping = endpoint.frame(PING, b"?");
        endpoint.messages(&ping);
        endpoint.connection.sender.write_fragment(Opcode::Text, b"b", true).unwrap();
        let opcodes: Vec<_> = endpoint.sent_frames().iter().map(|frame| frame.opcode).collect();
        assert_eq!(opcodes, [Opcode::Text, Opcode::Pong, Opcode::Continuation]);
    }
}

#[test]
fn c4_3_n32_no_pong_follows_a_close_frame() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        let frames = endpoint.frames([(PING, "before"), (CLOSE, ""), (PING, "after")]);
        assert_eq!(endpoint.messages(&frames).len(), 2);
        let opcodes: Vec<_> = endpoint.sent_frames().iter().map(|frame| frame.opcode).collect();
        assert_eq!(opcodes, [Opcode::Pong, Opcode::Close]);

        let mut endpoint = Endpoint::new(role);
        endpoint.connection.sender.write_close(CloseCode::NORMAL, "").unwrap();
        let ping = endpoint.frame(PING, b"after ours");
        assert_eq!(endpoint.messages(&ping).len(), 1);
        assert_eq!(endpoint.sent_close(), CloseCode::NORMAL);
        assert!(!endpoint.connection.sender.wants_transmit());
    }
}

/// The answer to the last ping before the close, though an earlier one is not sent
/// yet (RFC 6455, 5.5.2).
#[test]
fn c4_3_n32_a_pong_goes_in_front_of_a_close_frame_whatever_waits() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        let first = endpoint.frame(PING, b"first");
        endpoint.messages(&first);
        endpoint.connection.sender.transmit(endpoint.now, &mut []);
        let frames = endpoint.frames([(PING, "second"), (PING, "third"), (CLOSE, "")]);
        assert_eq!(endpoint.messages(&frames).len(), 3);
        let sent = endpoint.sent_frames();
        let sent: Vec<_> = sent.iter().map(|frame| (frame.opcode, &frame.payload[..])).collect();
        let pong = |payload: &'static [u8]| (Opcode::Pong, payload);
        assert_eq!(sent, [pong(b"first"), pong(b"third"), (Opcode::Close, b"")]);
    }
}

#[test]
fn c4_3_n32_a_pong_nobody_asked_for_is_tolerated() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        let frames = endpoint.frames([(PONG, "heartbeat"), (TEXT, "data")]);
        let pong = WebSocketMessage::Pong(b"heartbeat"[..].into());
        assert_eq!(endpoint.messages(&frames), [pong, text("data")]);
        assert!(endpoint.sent().is_empty());
        endpoint.connection.sender.write_pong(b"ours").unwrap();
        assert_eq!(pongs(&mut endpoint), [b"ours"]);
    }
}

#[test]
fn c4_3_n32_a_caller_may_answer_pings_itself() {
    for role in ROLES {
        let mut endpoint = Endpoint::with(role, |options| options.auto_pong = false);
        let ping = endpoint.frame(PING, b"mine");
        assert_eq!(endpoint.messages(&ping).len(), 1);
        assert!(endpoint.sent().is_empty());
        endpoint.connection.sender.write_pong(b"mine").unwrap();
        assert_eq!(pongs(&mut endpoint), [b"mine"]);
    }
}

/// While a pong waits for a peer that does not read, the next one waits outside the
/// queue, where the one after it takes its place.
#[test]
fn c4_3_n32_one_pong_waits_at_most_however_often_the_transport_is_tried() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.connection.sender.write_text("stuck").unwrap();
        let pings = (0..100u8).map(|number| endpoint.frame(PING, &[number; 125]));
        for ping in pings.collect::<Vec<_>>() {
            endpoint.messages(&ping);
            endpoint.connection.sender.transmit(endpoint.now, &mut []);
        }
        assert!(endpoint.connection.sender.queued() < 200);
        let sent = endpoint.sent_frames();
        let payloads: Vec<_> = sent.iter().map(|frame| frame.payload[0]).collect();
        assert_eq!(payloads, [b's', 0, 99]);
    }
}

#[test]
fn a_silent_peer_is_pinged_once_and_then_given_up() {
    let mut server = Endpoint::new(Role::Server);
    let start = server.now;
    let after = |seconds| start + Duration::from_secs(seconds);
    let receiver = &mut server.connection.receiver;
    assert_eq!(receiver.next_deadline(), Some(after(30)));
    receiver.handle_timeout(after(29)).unwrap();
    receiver.handle_timeout(after(30)).unwrap();
    receiver.handle_timeout(after(31)).unwrap();
    assert_eq!(receiver.next_deadline(), Some(after(60)));
    receiver.received(0, after(40)); // nothing: no sign of life
    assert_eq!(receiver.next_deadline(), Some(after(60)));
    keepalive_ping(&mut server);

    let pong = server.frame(PONG, b"");
    server.now = after(59);
    server.messages(&pong);
    let receiver = &mut server.connection.receiver;
    assert_eq!(receiver.next_deadline(), Some(after(89)));
    receiver.handle_timeout(after(89)).unwrap();
    receiver.handle_timeout(after(118)).unwrap();
    assert!(receiver.handle_timeout(after(119)).is_err());
    assert_eq!(receiver.next_deadline(), None);
    assert!(receiver.handle_timeout(after(120)).is_ok(), "it is said once");
    assert_eq!(server.sent_close(), CloseCode::POLICY_VIOLATION);
}

/// What a peer sent while nobody looked may not have been read: after a silence that
/// was not watched it is pinged, and has its time to answer.
#[test]
fn a_peer_is_not_given_up_for_a_time_that_nobody_watched() {
    let mut server = Endpoint::new(Role::Server);
    let start = server.now;
    let after = |seconds| start + Duration::from_secs(seconds);
    let receiver = &mut server.connection.receiver;
    receiver.handle_timeout(after(100)).unwrap();
    keepalive_ping(&mut server);
    let receiver = &mut server.connection.receiver;
    assert_eq!(receiver.next_deadline(), Some(after(130)));
    assert!(receiver.handle_timeout(after(130)).is_err());

    let no_ping = |options: &mut WebSocketOptions| options.limits.idle_ping = None;
    let mut server = Endpoint::with(Role::Server, no_ping);
    let receiver = &mut server.connection.receiver;
    assert!(receiver.handle_timeout(server.now + Duration::from_secs(60)).is_err());
}

/// A peer that only listens says nothing unless it is asked, and needs time to answer.
#[test]
fn a_peer_that_is_pinged_late_has_as_much_time_to_answer() {
    for milliseconds in [30_000, 59_950, 60_000, 60_500, 75_000] {
        let mut server = Endpoint::new(Role::Server);
        let late = server.now + Duration::from_millis(milliseconds);
        let receiver = &mut server.connection.receiver;
        receiver.handle_timeout(late).unwrap();
        let end = late + Duration::from_secs(30);
        assert_eq!(receiver.next_deadline(), Some(end), "{milliseconds} ms");
        keepalive_ping(&mut server);
        let receiver = &mut server.connection.receiver;
        receiver.handle_timeout(end - Duration::from_millis(1)).unwrap();
        assert!(receiver.handle_timeout(end).is_err(), "{milliseconds} ms");
    }
}

#[test]
fn the_round_trip_of_a_keepalive_ping_is_measured() {
    for role in ROLES {
        let mut endpoint = pinging(role);
        assert_eq!(endpoint.connection.receiver.round_trip(), None);
        for milliseconds in [250, 3, 0] {
            let ping = silence_and_ping(&mut endpoint);
            endpoint.now += Duration::from_millis(milliseconds);
            let pong = endpoint.frame(PONG, &ping);
            endpoint.messages(&pong);
            // A peer on the same tick of the clock is measured, too.
            let measured = Duration::from_millis(milliseconds).max(Duration::from_nanos(1));
            assert_eq!(endpoint.connection.receiver.round_trip(), Some(measured));
            assert_eq!(endpoint.connection.sender.signals().round_trip(), Some(measured));
        }
    }
}

#[test]
fn pongs_that_answer_no_keepalive_ping_measure_nothing() {
    let mut endpoint = pinging(Role::Server);
    let deliver = |endpoint: &mut Endpoint, payload: &[u8]| {
        endpoint.now += Duration::from_secs(1);
        let pong = endpoint.frame(PONG, payload);
        endpoint.messages(&pong);
        endpoint.connection.receiver.round_trip()
    };
    // Nobody asked.
    assert_eq!(deliver(&mut endpoint, b"idle\0\0\0\0"), None);
    assert_eq!(deliver(&mut endpoint, b"idle\0\0\0\x01"), None);

    // Nobody asked for that, or not yet; and the caller's pings are not ours.
    let first = silence_and_ping(&mut endpoint);
    endpoint.connection.sender.write_ping(b"caller's").unwrap();
    for payload in [&b"heartbeat"[..], b"", b"caller's", &first[..7], b"idle\0\0\0\x02"] {
        assert_eq!(deliver(&mut endpoint, payload), None);
    }

    // The answer to the ping before the last one, the last one's, and that again.
    let second = silence_and_ping(&mut endpoint);
    assert_ne!(first, second);
    assert_eq!(deliver(&mut endpoint, &first), None);
    assert_eq!(deliver(&mut endpoint, &second), Some(Duration::from_secs(2)));
    assert_eq!(deliver(&mut endpoint, &second), Some(Duration::from_secs(2)));
    assert_eq!(deliver(&mut endpoint, &first), Some(Duration::from_secs(2)));
}

/// An end that pings after 30 s, whichever it is, and never gives up.
fn pinging(role: Role) -> Endpoint {
    Endpoint::with(role, |options| {
        options.limits.idle_ping = Some(Duration::from_secs(30));
        options.limits.idle_timeout = None;
    })
}

/// Waits until the silence has lasted long enough; the payload of the ping.
fn silence_and_ping(endpoint: &mut Endpoint) -> Vec<u8> {
    endpoint.sent();
    endpoint.now = endpoint.connection.receiver.next_deadline().expect("a ping is to come");
    endpoint.connection.receiver.handle_timeout(endpoint.now).unwrap();
    keepalive_ping(endpoint)
}

/// The payload of the one frame that waits to be sent, a ping.
fn keepalive_ping(endpoint: &mut Endpoint) -> Vec<u8> {
    let frames = endpoint.sent_frames();
    let [ping] = &frames[..] else { panic!("not one frame: {frames:?}") };
    assert_eq!(ping.opcode, Opcode::Ping);
    ping.payload.to_vec()
}

/// Times beyond what a clock can hold are never.
#[test]
fn endless_timeouts_are_no_deadlines() {
    for role in ROLES {
        let mut endpoint = Endpoint::with(role, |options| {
            options.limits.idle_ping = Some(Duration::MAX);
            options.limits.idle_timeout = Some(Duration::MAX);
            options.limits.write_stall = Duration::MAX;
            options.limits.close_timeout = Duration::MAX;
        });
        endpoint.connection.sender.write_close(CloseCode::NORMAL, "").unwrap();
        endpoint.connection.sender.transmit(endpoint.now, &mut []);
        assert_eq!(endpoint.connection.next_deadline(), None);
        endpoint.sent();
        assert_eq!(endpoint.connection.next_deadline(), None);
        let later = endpoint.now + Duration::from_secs(1 << 30);
        endpoint.connection.receiver.handle_timeout(later).unwrap();
        endpoint.connection.sender.handle_timeout(later).unwrap();
    }
}
