//! Entries, acknowledgements and rejections.

use super::*;

#[test]
fn entries_are_pushed_and_acknowledged_in_order() {
    let mut talk = Talk::live(entries(1..=3));
    assert_eq!(talk.kinds(), ["read 0", "push 1.1 1.2 1.3"]);
    talk.ack(1, 2, 1);
    talk.ack(3, 1, 3);
    assert_eq!(talk.document.0.borrow().position, 3);
    assert!(talk.kinds().is_empty(), "nothing is asked for again");
    talk.document.0.borrow_mut().entries.push(entry(1, 4));
    talk.client.edited(CHANNEL);
    assert_eq!(talk.kinds(), ["push 1.4"]);
}

/// Another client has written before them.
#[test]
fn an_acknowledgement_after_a_gap_reads_what_lies_between() {
    let mut talk = Talk::live(entries(1..=1));
    talk.said();
    talk.ack(1, 1, 5);
    assert_eq!(talk.kinds(), ["read 0"]);
}

#[test]
fn unanswered_entries_are_limited_in_number() {
    let most = limits::IN_FLIGHT as u64;
    let mut talk = Talk::live(entries(1..=most + 10));
    let pushed = |said: &[Request]| {
        let mut pushed = Vec::new();
        for request in said {
            if let Request::Push { entries, .. } = request {
                pushed.push(entries.len() as u64);
            }
        }
        pushed
    };
    assert_eq!(pushed(&talk.said()), [most]);
    talk.ack(1, 4, 1);
    assert_eq!(pushed(&talk.said()), [4]);
}

#[test]
fn an_entry_rejected_for_its_time_is_sent_again() {
    let mut talk = Talk::live(entries(1..=3));
    talk.said();
    talk.ack(1, 1, 1);
    talk.hear(&reject(id(1, 2), Reason::Drift));
    assert_eq!(talk.kinds(), ["push 1.2 1.3"]);
    talk.ack(2, 2, 2);
    assert_eq!(talk.ended(), None);
}

/// An entry that is sent between a rejection and its repetition would be refused as well.
#[test]
fn nothing_is_sent_until_pushes_after_a_rejection_are_answered() {
    let mut talk = Talk::live(entries(1..=1));
    for number in 2..=3 {
        let next = entry(1, number);
        talk.document.0.borrow_mut().entries.push(next);
        talk.client.edited(CHANNEL);
    }
    assert_eq!(talk.kinds(), ["read 0", "push 1.1", "push 1.2", "push 1.3"]);
    talk.hear(&reject(id(1, 1), Reason::TooOld));
    talk.hear(&gap(1));
    assert!(talk.kinds().is_empty());
    talk.hear(&gap(1));
    assert_eq!(talk.kinds(), ["push 1.1 1.2 1.3"]);
}

#[test]
fn entries_of_another_id_are_answered_after_a_rejection() {
    let mut talk = Talk::live([entry(1, 1), entry(2, 1), entry(1, 2)]);
    talk.said();
    talk.hear(&reject(id(1, 1), Reason::Limit));
    talk.hear(&Response::Ack {
        channel: CHANNEL,
        ack: Ack {
            id: id(2, 1),
            count: 1,
            first: Sequence::new(1),
            state: state(1),
        },
    });
    assert_eq!(talk.ended(), None);
}

#[test]
fn a_gap_opens_the_document_again() {
    let mut talk = Talk::live(entries(1..=2));
    talk.said();
    talk.hear(&gap(1));
    assert_eq!(talk.kinds(), ["open"]);
}

/// Another tab may have sent the entries between.
#[test]
fn an_entry_taken_after_a_rejection_opens_the_document_again() {
    let mut talk = Talk::live(entries(1..=1));
    talk.document.0.borrow_mut().entries.push(entry(1, 2));
    talk.client.edited(CHANNEL);
    talk.said();
    talk.hear(&reject(id(1, 1), Reason::Drift));
    talk.ack(2, 1, 2);
    assert_eq!(talk.kinds(), ["open"]);
}

/// The client stops sending an entry that the relay rejects repeatedly, because both would repeat
/// the exchange forever.
#[test]
fn an_entry_that_is_rejected_again_and_again_waits() {
    let mut talk = Talk::live(entries(1..=1));
    talk.said();
    let mut sent = 0;
    while talk.ended().is_none() && sent < 20 {
        talk.hear(&reject(id(1, 1), Reason::Drift));
        if talk.kinds() == ["leave"] {
            break;
        }
        sent += 1;
    }
    assert_eq!(sent, 3);
    assert_eq!(talk.document.0.borrow().closed, [Reason::Drift]);
    talk.wait_for_open();
    talk.opened(0);
    assert_eq!(talk.kinds(), ["read 0", "push 1.1"]);
    talk.hear(&reject(id(1, 1), Reason::Drift));
    assert_eq!(talk.kinds(), ["push 1.1"], "the clock may be right by now");
}

/// The permission may have been refused by mistake, and an edit that was rolled back is gone.
#[test]
fn a_forbidden_entry_stays_in_the_outbox() {
    let mut talk = Talk::live(entries(1..=1));
    talk.said();
    talk.hear(&reject(id(1, 1), Reason::Forbidden));
    assert!(talk.document.0.borrow().rejected.is_empty());
    assert_eq!(talk.kinds(), ["leave"]);
    talk.wait_for_open();
    talk.opened_as(Permission::Read, 0, false);
    talk.said();
    talk.page(0, 0, 0);
    assert!(talk.kinds().is_empty(), "a reader sends nothing");
    talk.hear(&Response::Permission {
        channel: CHANNEL,
        permission: Permission::Write,
    });
    assert_eq!(talk.kinds(), ["push 1.1"]);
}
