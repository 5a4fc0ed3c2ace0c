//! A relay whose wall clock jumps.

use todo_e2e::{Device, FakeClock, Page, RelayProcess, Site};

const DAY: i64 = 24 * 60 * 60;

/// Expects both pages to show these todos in any order, and to be synced.
#[track_caller]
fn expect(pages: [&Page<'_>; 2], titles: &[&str]) {
    for page in pages {
        page.expect_titles_in_any_order(titles);
        page.expect_synced();
    }
}

#[test]
fn edits_stay_readable_and_editable_by_all_when_the_relays_clock_jumps() {
    let Some(clock) = FakeClock::new() else {
        return;
    };
    let (adas, bobs) = (Site::of_todo(), Site::of_todo());
    let mut relay = RelayProcess::start_by_clock(&[adas.origin(), bobs.origin()], clock);
    for site in [&adas, &bobs] {
        site.exchange_with(&relay.url(), "");
    }
    let (laptop, phone) = (Device::at(adas.url()), Device::at(bobs.url()));
    let (laptop, phone) = (laptop.launch(), phone.launch());
    let (ada, bob) = (laptop.open(), phone.open());
    ada.add("first");
    expect([&ada, &bob], &["first"]);
    relay.expect_health("ok");

    // For a moment, the clock is a year ahead. The relay continues with the time before the jump.
    relay.clock().set_ahead(365 * DAY);
    relay.expect_health("degraded");
    ada.add("in a wrong year");
    expect([&ada, &bob], &["first", "in a wrong year"]);
    relay.clock().set_ahead(0);
    relay.expect_health("ok");

    // The relay follows a clock that stays a day ahead, and so do the edits.
    relay.clock().set_ahead(DAY);
    relay.expect_health("degraded");
    relay.expect_health("ok");
    let mut all = vec!["first", "in a wrong year", "tomorrow"];
    bob.reload();
    bob.expect_synced();
    bob.add("tomorrow");
    expect([&ada, &bob], &all);

    // The clock is right again. Who opens the document now can read and replace all edits.
    relay.clock().set_ahead(0);
    relay.restart();
    relay.expect_health("ok");
    let third = Device::at(adas.url());
    let third = third.launch();
    let cat = third.open();
    cat.expect_titles_in_any_order(&all);
    cat.edit("tomorrow");
    cat.type_over("today\u{e007}");
    all[2] = "today";
    expect([&cat, &bob], &all);
    ada.edit("today");
    ada.type_over("now\u{e007}");
    ada.toggle("first");
    let all = ["first", "in a wrong year", "now"];
    expect([&ada, &bob], &all);
    expect([&cat, &bob], &all);
    cat.expect_completed(&["first"]);

    // The clock falls behind, and stays there.
    relay.clock().set_ahead(-DAY);
    relay.expect_health("degraded");
    ada.add("a");
    relay.expect_health("ok");
    bob.reload();
    bob.edit("now");
    bob.type_over("yesterday\u{e007}");
    bob.delete("first");
    let all = ["a", "in a wrong year", "yesterday"];
    expect([&ada, &bob], &all);
    expect([&cat, &bob], &all);
}
