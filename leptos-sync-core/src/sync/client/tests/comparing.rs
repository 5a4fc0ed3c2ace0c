//! Documents that compare their cells with a relay that went back in time.

use super::*;

fn cells(upto: Option<&[u8]>) -> Response {
    Response::Cells {
        channel: CHANNEL,
        range: CellRange {
            upto: upto.map(|key| PathBuf::new().child(key)),
            state: state(4),
            ..CellRange::default()
        },
    }
}

fn offered(all: bool) -> Response {
    Response::Offered {
        channel: CHANNEL,
        all,
        state: state(4),
    }
}

fn adopted() -> Response {
    Response::Adopted {
        channel: CHANNEL,
        heads: Vec::new(),
        state: state(4),
    }
}

/// A client that has asked for the first range.
fn comparing(permission: Permission, offers: &[usize]) -> Talk {
    let mut talk = Talk::asked();
    {
        let mut calls = talk.document.0.borrow_mut();
        calls.compares = true;
        calls.entries.push(entry(1, 1));
        let offers = offers.iter().map(|count| vec![Patch::default(); *count]);
        calls.offers = offers.collect();
    }
    talk.opened_as(permission, 4, true);
    assert_eq!(talk.kinds(), ["range"]);
    talk
}

#[test]
fn a_document_offers_what_the_relay_lost_range_by_range_before_it_pushes() {
    let mut talk = comparing(Permission::Write, &[2, 0, 1]);
    talk.hear(&cells(Some(b"a")));
    assert_eq!(talk.kinds(), ["offer"]);
    talk.hear(&offered(true));
    let offer = Request::Offer {
        channel: CHANNEL,
        witness: witness(),
        cells: Patch::default(),
    };
    assert_eq!(talk.said(), [offer], "one offer at a time");
    talk.hear(&offered(true));
    assert_eq!(talk.kinds(), ["range after"]);
    talk.hear(&cells(Some(b"b")));
    assert_eq!(talk.kinds(), ["range after"]);
    talk.hear(&cells(None));
    assert_eq!(talk.kinds(), ["offer"]);
    talk.hear(&offered(true));
    assert_eq!(talk.kinds(), ["adopt"]);
    talk.calls();
    talk.document.0.borrow_mut().position = 4;
    talk.hear(&adopted());
    assert_eq!(talk.calls(), ["adopted", "compared", "caught up"]);
    assert_eq!(talk.kinds(), ["read 4", "push 1.1"]);
}

/// It has many cells in the range, and compares them in steps.
#[test]
fn a_document_that_compared_a_part_of_a_range_requests_the_rest_again() {
    let mut talk = comparing(Permission::Write, &[1, 0]);
    let key = PathBuf::new().child(b"a");
    talk.document.0.borrow_mut().stops_at = Some(key.clone());
    talk.hear(&cells(None));
    assert_eq!(talk.kinds(), ["offer"]);
    talk.hear(&offered(true));
    let after = Some(key);
    let channel = CHANNEL;
    assert_eq!(talk.said(), [Request::Range { channel, after }]);
    talk.hear(&cells(None));
    assert_eq!(talk.kinds(), ["adopt"]);
}

/// It is behind the horizon: the relay has lost nothing.
#[test]
fn a_document_that_only_missed_removals_adopts_nothing() {
    let mut talk = Talk::asked();
    talk.document.0.borrow_mut().compares = true;
    talk.opened_as(Permission::Write, 4, false);
    talk.said();
    talk.hear(&cells(None));
    assert_eq!(talk.calls(), ["opened", "range", "compared"]);
    assert_eq!(talk.kinds(), ["read 0"]);
}

/// Its clock may be wrong, or its stamps were never told.
#[test]
fn a_relay_that_does_not_take_all_is_asked_again_later() {
    let mut talk = comparing(Permission::Write, &[1]);
    talk.hear(&cells(None));
    talk.said();
    talk.hear(&offered(false));
    assert!(!talk.calls().contains(&"compared"));
    assert_eq!(talk.kinds(), ["leave"]);
    talk.wait_for_open();
}

/// An operator can permit the user to write, and nothing is lost until then.
#[test]
fn a_reader_keeps_what_only_it_holds_and_says_so() {
    let mut talk = comparing(Permission::Read, &[1, 0]);
    talk.hear(&cells(Some(b"a")));
    assert_eq!(talk.kinds(), ["range after"], "it sees the rest");
    talk.hear(&cells(None));
    assert_eq!(
        talk.calls(),
        ["opened", "range", "not all offered", "range"]
    );
    assert_eq!(talk.document.0.borrow().closed, [Reason::Forbidden]);
    talk.said();
    talk.wait_for_open();
    // In between, a user who may write has restored everything.
    talk.opened_as(Permission::Read, 4, true);
    talk.hear(&cells(None));
    assert_eq!(talk.kinds(), ["range", "read 0"]);
}

#[test]
fn a_comparison_that_is_cut_starts_over() {
    let script = [
        cells(Some(b"a")),
        offered(true),
        cells(None),
        offered(true),
        adopted(),
    ];
    for cut in 0..=script.len() {
        let mut talk = comparing(Permission::Write, &[1, 1]);
        script[..cut]
            .iter()
            .for_each(|response| talk.hear(response));
        assert_eq!(talk.ended(), None, "after {cut} messages");
        talk.client.disconnected(talk.now_ms);
        talk.connect();
        talk.said();
        talk.welcome();
        assert_eq!(talk.kinds(), ["open"]);
        talk.opened_as(Permission::Write, 4, true);
        assert_eq!(talk.kinds(), ["range"], "after {cut} messages");
    }
}
