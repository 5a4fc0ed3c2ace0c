//! Documents that the relay closes, refuses or removes, many documents, and presence.

use super::*;

/// Returns the channels of the documents that were opened.
fn asked_for(said: &[Request]) -> Vec<u32> {
    let mut channels = Vec::new();
    for request in said {
        if let Request::Open { channel, .. } = request {
            channels.push(channel.0);
        }
    }
    channels
}

/// The relay may have answered so by mistake, for example while it could not read its keys.
#[test]
fn a_refused_document_is_opened_again_after_increasing_delays() {
    for reason in [Reason::Forbidden, Reason::Unauthorized, Reason::Damaged] {
        let mut talk = Talk::asked();
        let mut longest = 0;
        for _ in 0..40 {
            talk.close(reason);
            assert_eq!(talk.kinds(), ["leave"]);
            longest = longest.max(talk.wait_for_open());
        }
        assert!(longest >= 60_000, "{longest}");
        talk.opened(0);
        assert!(talk.client.is_welcome());
    }
}

#[test]
fn a_refused_document_is_opened_at_once_with_new_credentials() {
    let mut talk = Talk::asked();
    talk.close(Reason::Forbidden);
    talk.said();
    talk.client.set_credentials(b"second".to_vec());
    talk.hear(&Response::Renewed);
    assert_eq!(talk.kinds(), ["renew", "open"]);
}

#[test]
fn a_document_that_is_closed_for_a_moment_is_opened_soon() {
    let mut talk = Talk::live([]);
    talk.said();
    talk.close(Reason::Unavailable);
    assert_eq!(talk.document.0.borrow().closed, [Reason::Unavailable]);
    assert!(talk.wait_for_open() <= 500);
}

#[test]
fn a_removed_document_is_opened_again_only_on_request() {
    let mut talk = Talk::live(entries(1..=1));
    talk.said();
    talk.hear(&Response::Removed { channel: CHANNEL });
    assert!(talk.calls().contains(&"removed"));
    assert_eq!(talk.kinds(), ["leave"]);
    assert_eq!(talk.document.0.borrow().entries.len(), 1);
    talk.client.set_credentials(b"second".to_vec());
    talk.hear(&Response::Renewed);
    talk.client.disconnected(talk.now_ms);
    talk.connect();
    talk.said();
    talk.welcome();
    assert!(talk.kinds().is_empty());
    talk.client.retry(CHANNEL);
    assert_eq!(talk.kinds(), ["open"]);
}

#[test]
fn a_document_beyond_a_limit_is_opened_once_another_is_left() {
    let mut talk = Talk::begin();
    let beyond = Recorder::default();
    talk.client.open("second", 0, beyond.clone()).unwrap();
    talk.client.open("third", 0, Recorder::default()).unwrap();
    talk.welcome();
    assert_eq!(asked_for(&talk.said()), [0, 1, 2]);
    for channel in [1, 2] {
        talk.hear(&Response::Closed {
            channel: Channel(channel),
            reason: Reason::TooManyDocuments,
            text: String::new(),
        });
    }
    assert_eq!(beyond.0.borrow().closed, [Reason::TooManyDocuments]);
    assert!(talk.said().is_empty());
    talk.client.leave(CHANNEL);
    assert_eq!(asked_for(&talk.said()), [1]);

    let mut talk = Talk::begin();
    talk.client.set_max_documents(1);
    talk.client.open("second", 0, Recorder::default()).unwrap();
    talk.welcome();
    assert_eq!(asked_for(&talk.said()), [0]);
    talk.client.leave(CHANNEL);
    assert_eq!(asked_for(&talk.said()), [1]);
}

#[test]
fn presence_is_sent_once_the_document_is_open() {
    let mut talk = Talk::asked();
    talk.client.set_presence(CHANNEL, b"here".to_vec()).unwrap();
    assert!(talk.kinds().is_empty());
    talk.opened(0);
    assert_eq!(talk.kinds(), ["presence", "read 0"]);
    talk.client
        .set_presence(CHANNEL, b"there".to_vec())
        .unwrap();
    assert_eq!(talk.kinds(), ["presence"]);
    talk.hear(&Response::Presence {
        channel: CHANNEL,
        peer: ReplicaId::new(4),
        user: "bob".to_owned(),
        data: b"line 3".to_vec(),
    });
    let present = talk.document.0.borrow().present.clone();
    assert_eq!(present, [("bob".to_owned(), b"line 3".to_vec())]);
}

#[test]
fn a_document_that_was_left_gets_no_messages() {
    let mut talk = Talk::live([]);
    talk.said();
    talk.client.leave(CHANNEL);
    assert_eq!(talk.kinds(), ["leave"]);
    talk.page(0, 1, 1);
    talk.ack(1, 1, 1);
    assert_eq!(talk.ended(), None);
}
