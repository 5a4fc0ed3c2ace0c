//! A relay that says nothing.

use super::*;

/// Lets the client wake up until the connection ends, or for `ms` milliseconds. The relay answers
/// with `response`. Returns the time that passed.
fn wait(talk: &mut Talk, ms: u64, response: Option<&Response>) -> u64 {
    let begun = talk.now_ms;
    while talk.ended().is_none() && talk.now_ms < begun + ms {
        let next = talk.client.wake_at().unwrap();
        assert!(next > talk.now_ms, "the client wakes up without end");
        talk.now_ms = next;
        talk.client.wake(next);
        if let (false, Some(response)) = (talk.said().is_empty(), response) {
            talk.hear(response);
        }
    }
    talk.now_ms - begun
}

/// Checks that the client leaves the connection and tries again.
fn is_left(mut talk: Talk) {
    assert_eq!(talk.ended(), Some(Reason::Timeout));
    let action = talk.client.next_action(talk.now_ms);
    assert_eq!(action, ConnectionAction::Disconnect);
    talk.client.disconnected(talk.now_ms);
    talk.connect();
}

#[test]
fn a_relay_that_stops_answering_is_left_after_the_silence_that_it_has_set() {
    for silence_ms in [30_000, 6_000] {
        let mut talk = Talk::begin();
        talk.hear(&Response::Welcome {
            protocol: PROTOCOL,
            now_ms: 0,
            silence_ms,
        });
        talk.said();
        let passed = wait(&mut talk, 1_000_000, None);
        assert_eq!(passed, u64::from(silence_ms));
        is_left(talk);
    }
}

#[test]
fn a_relay_that_does_not_greet_is_left_after_the_time_of_a_handshake() {
    let mut talk = Talk::begin();
    talk.said();
    let passed = wait(&mut talk, 1_000_000, None);
    assert_eq!(passed, limits::HANDSHAKE_MS);
    is_left(talk);
}

#[test]
fn a_relay_that_answers_pings_keeps_the_connection() {
    let mut talk = Talk::live([]);
    talk.said();
    let hours = 10 * 60 * 60 * 1_000;
    wait(&mut talk, hours, Some(&Response::Pong { now_ms: 0 }));
    assert_eq!(talk.ended(), None);
}
