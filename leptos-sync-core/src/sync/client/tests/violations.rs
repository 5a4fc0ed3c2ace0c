//! A relay that violates the protocol.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::sync::message::tests::generators::response;

/// Checks that a message ends the connection, and that the client then starts over with everything
/// that it had.
fn ends(mut talk: Talk, response: &Response) {
    let left = talk.document.0.borrow().entries.len();
    talk.hear(response);
    let (reason, text) = talk.client.ended().expect("the connection goes on");
    assert_eq!(reason, Reason::Malformed, "{response:?}");
    assert!(text.contains("relay"), "{text}");
    let action = talk.client.next_action(talk.now_ms);
    assert_eq!(action, ConnectionAction::Disconnect);
    talk.client.disconnected(talk.now_ms);
    assert_eq!(talk.document.0.borrow().entries.len(), left);
    talk.connect();
    talk.said();
    talk.welcome();
    assert_eq!(talk.kinds(), ["open"]);
}

fn range(upto: Option<&[u8]>) -> Response {
    Response::Cells {
        channel: CHANNEL,
        range: CellRange {
            upto: upto.map(|key| PathBuf::new().child(key)),
            ..CellRange::default()
        },
    }
}

fn comparing() -> Talk {
    let mut talk = Talk::asked();
    talk.document.0.borrow_mut().compares = true;
    talk.opened_as(Permission::Write, 0, true);
    talk
}

#[test]
fn answers_that_nobody_asked_for_end_the_connection() {
    let state = state(1);
    let offered = Response::Offered {
        channel: CHANNEL,
        all: true,
        state,
    };
    let adopted = Response::Adopted {
        channel: CHANNEL,
        heads: Vec::new(),
        state,
    };
    let behind = Response::BehindHorizon { channel: CHANNEL };
    let asked = Response::EpochsNeeded { channel: CHANNEL };
    for response in [&offered, &adopted, &behind, &asked, &range(None)] {
        ends(Talk::live([]), response);
    }
    for response in [&offered, &adopted, &behind, &page(0, 1, 1)] {
        ends(comparing(), response);
    }
    let mut talk = Talk::asked();
    talk.hear(&asked);
    ends(talk, &asked);
}

#[test]
fn answers_about_entries_that_were_not_sent_end_the_connection() {
    let talk = || Talk::live([entry(1, 5), entry(1, 6), entry(2, 1)]);
    for response in [
        &ack(6, 1, 1),
        &ack(5, 3, 1),
        &reject(id(1, 6), Reason::Drift),
        &reject(id(3, 1), Reason::Drift),
        &gap(3),
    ] {
        ends(talk(), response);
    }
    ends(comparing(), &ack(1, 1, 1));
}

/// The client would ask for the same again without end.
#[test]
fn pages_and_ranges_without_progress_end_the_connection() {
    let mut talk = Talk::asked();
    talk.opened(5);
    ends(talk, &page(0, 0, 5));
    let mut talk = comparing();
    talk.hear(&range(Some(b"b")));
    ends(talk, &range(Some(b"b")));
    let mut talk = comparing();
    talk.hear(&range(Some(b"b")));
    ends(talk, &range(Some(b"a")));
}

/// The client could not tell them from the answer.
#[test]
fn pages_before_the_channel_is_live_end_the_connection() {
    let mut talk = Talk::asked();
    talk.opened(5);
    ends(talk, &page(4, 5, 5));
}

#[test]
fn a_second_welcome_ends_the_connection() {
    let welcome = Response::Welcome {
        protocol: PROTOCOL,
        now_ms: 0,
        silence_ms: 30_000,
    };
    ends(Talk::live([]), &welcome);
}

/// Its cells may contradict the document, which is not the fault of other documents.
#[test]
fn a_page_that_the_document_cannot_join_stops_only_that_document() {
    let mut talk = Talk::live([]);
    talk.said();
    talk.document.0.borrow_mut().page_error = Some(Error::corrupt("no"));
    talk.page(0, 1, 1);
    assert_eq!(talk.ended(), None);
    assert_eq!(talk.document.0.borrow().closed, [Reason::Other]);
    assert_eq!(talk.kinds(), ["leave"]);
    talk.wait_for_open();
}

proptest! {
    /// Only an acknowledgement of what was sent removes an entry.
    #[test]
    fn no_sequence_of_messages_loses_an_entry(
        responses in vec(response(), 0..30),
        compares in any::<bool>(),
    ) {
        let mut talk = Talk::asked();
        {
            let mut calls = talk.document.0.borrow_mut();
            calls.entries.extend(entries(1..=3));
            calls.compares = compares;
        }
        for response in &responses {
            talk.hear(response);
            talk.said();
            if talk.ended().is_some() {
                talk.client.disconnected(talk.now_ms);
                if talk.client.wake_at().is_none() {
                    // The relay speaks no common protocol.
                    break;
                }
                talk.connect();
                talk.welcome();
                talk.said();
            }
        }
        let acknowledged = talk.calls().contains(&"acknowledged");
        let left = talk.document.0.borrow().entries.len();
        prop_assert!(acknowledged || left == 3);
    }
}
