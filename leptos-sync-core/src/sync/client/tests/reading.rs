//! Opening, and reading page by page.

use super::*;

#[test]
fn a_document_is_read_page_by_page_and_settled_at_the_head_of_the_opening() {
    let mut talk = Talk::asked();
    talk.document.0.borrow_mut().entries.push(entry(1, 1));
    talk.opened(10);
    assert_eq!(talk.kinds(), ["read 0"]);
    talk.page(0, 6, 12);
    assert_eq!(talk.kinds(), ["read 6"], "one page at a time");
    assert_eq!(talk.calls(), ["opened", "page"]);
    talk.page(6, 11, 12);
    // The head at the opening is read. Then others have written.
    assert_eq!(talk.calls(), ["page", "caught up"]);
    assert_eq!(talk.kinds(), ["read 11", "push 1.1"]);
    talk.page(11, 12, 12);
    assert_eq!(talk.calls(), ["page"]);
    assert!(
        talk.kinds().is_empty(),
        "from now on the relay sends pages on its own"
    );
    talk.page(12, 13, 13);
    assert_eq!(talk.calls(), ["page"]);
}

#[test]
fn a_relay_that_does_not_know_the_epoch_gets_the_list() {
    let mut talk = Talk::asked();
    talk.hear(&Response::EpochsNeeded { channel: CHANNEL });
    let channel = CHANNEL;
    let epochs = epochs();
    assert_eq!(talk.said(), [Request::Epochs { channel, epochs }]);
    talk.opened(0);
    assert_eq!(talk.kinds(), ["read 0"]);
}

/// A channel becomes live with a page, also if there is nothing to read.
#[test]
fn a_document_that_has_everything_still_asks_for_a_page() {
    let mut talk = Talk::asked();
    talk.document.0.borrow_mut().position = 9;
    talk.opened(9);
    assert_eq!(talk.kinds(), ["read 9"]);
    assert_eq!(talk.calls(), ["opened", "caught up"]);
    talk.page(9, 9, 9);
    assert!(talk.kinds().is_empty());
}

#[test]
fn a_page_that_was_read_before_changes_nothing() {
    let mut talk = Talk::live([]);
    talk.page(0, 3, 3);
    talk.page(1, 2, 3);
    assert_eq!(talk.document.0.borrow().position, 3);
    assert!(talk.kinds().len() <= 2, "nothing is asked for again");
}

#[test]
fn a_gap_between_pages_is_read_once() {
    let mut talk = Talk::live([]);
    talk.said();
    talk.page(4, 5, 5);
    talk.page(5, 6, 6);
    assert_eq!(talk.kinds(), ["read 0"]);
    talk.page(0, 6, 6);
    assert_eq!(talk.document.0.borrow().position, 6);
    talk.page(6, 7, 7);
    assert!(talk.kinds().is_empty());
    assert_eq!(talk.document.0.borrow().position, 7);
}

#[test]
fn a_document_behind_the_horizon_is_opened_again() {
    let mut talk = Talk::asked();
    talk.opened(9);
    talk.said();
    talk.hear(&Response::BehindHorizon { channel: CHANNEL });
    assert_eq!(talk.kinds(), ["open"]);
}

#[test]
fn a_document_that_misses_a_page_is_opened_again_and_not_for_ever_at_once() {
    let mut talk = Talk::live([]);
    talk.said();
    let mut opened = 0;
    loop {
        talk.document.0.borrow_mut().page_error = Some(Error::gap("a page is missing"));
        let position = talk.document.0.borrow().position;
        talk.page(position, position + 1, position + 1);
        let said = talk.kinds();
        if said != ["open"] {
            assert_eq!(said, ["leave"]);
            break;
        }
        opened += 1;
        talk.opened(position);
        talk.said();
        if opened > 20 {
            panic!("the document is opened again and again without a delay");
        }
    }
    talk.wait_for_open();
}

/// Every message of a conversation may be the last one before the connection is lost.
#[test]
fn a_connection_lost_at_any_point_starts_again_with_the_opening() {
    let script: Vec<Response> = vec![
        Response::EpochsNeeded { channel: CHANNEL },
        Response::Opened {
            channel: CHANNEL,
            permission: Permission::Write,
            opened: Opened {
                state: state(4),
                ..Opened::default()
            },
        },
        page(0, 2, 4),
        page(2, 4, 5),
        page(4, 5, 5),
        ack(1, 1, 6),
        reject(id(1, 2), Reason::Drift),
        ack(2, 2, 7),
    ];
    for cut in 0..=script.len() {
        let mut talk = Talk::asked();
        talk.document.0.borrow_mut().entries.extend(entries(1..=3));
        script[..cut]
            .iter()
            .for_each(|response| talk.hear(response));
        assert_eq!(talk.ended(), None, "after {cut} messages");
        talk.client.disconnected(talk.now_ms);
        talk.connect();
        talk.said();
        talk.welcome();
        let said = talk.said();
        let [Request::Open { opening, .. }] = &said[..] else {
            panic!("after {cut} messages: {:?}", kinds(&said));
        };
        let position = talk.document.0.borrow().position;
        assert_eq!(opening.cursor.position.sequence.get(), position);
        // What was on its way is sent again.
        let left = talk.document.0.borrow().entries.len();
        talk.opened(position);
        talk.page(position, position, position);
        let said = talk.kinds();
        let pushed = said.iter().filter(|kind| kind.starts_with("push"));
        assert_eq!(pushed.count(), usize::from(left > 0), "{said:?}");
    }
}

/// The relay sent them before it received the request.
#[test]
fn answers_to_requests_before_an_opening_are_ignored() {
    let mut talk = Talk::live(entries(1..=2));
    talk.hear(&gap(1));
    talk.said();
    talk.calls();
    talk.ack(1, 2, 1);
    talk.page(0, 9, 9);
    talk.hear(&gap(1));
    assert_eq!(talk.ended(), None);
    assert!(talk.calls().is_empty());
    talk.opened(0);
    assert_eq!(talk.kinds(), ["read 0", "push 1.1 1.2"]);
}

/// Reading may take longer than a clock may be wrong.
#[test]
fn the_relays_time_goes_on_while_a_document_is_read() {
    let mut talk = Talk::asked();
    talk.opened(4);
    talk.now_ms += 600_000;
    talk.page(0, 4, 4);
    assert_eq!(talk.document.0.borrow().windows[0].now_ms, 605_000);
}
