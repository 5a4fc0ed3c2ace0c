//! Two users who edit one list through the page's own server. TodoMVC does not specify this.

use std::thread;

use todo_e2e::{Browser, Device, Page, Server};

/// Opens the page, and waits until it is connected to the relay.
#[track_caller]
fn open<'a>(browser: &'a Browser<'_>) -> Page<'a> {
    let page = browser.open();
    page.expect_synced();
    page
}

/// Expects both pages to have no pending edits and to show the same list.
#[track_caller]
fn expect_equal(one: &Page<'_>, other: &Page<'_>) {
    one.expect_synced();
    other.expect_synced();
    one.expect_same_as(other);
}

#[test]
fn two_devices_that_are_edited_at_the_same_time_end_with_the_same_list() {
    let server = Server::start();
    let (laptop, phone) = (Device::at(&server.url()), Device::at(&server.url()));
    let (laptop, phone) = (laptop.launch(), phone.launch());
    let (ada, bob) = (open(&laptop), open(&phone));
    ada.paste("milk\nbread\nsoap");
    bob.expect_titles(&["milk", "bread", "soap"]);

    // New todos appear at the end, so no row moves away from the pointer.
    thread::scope(|both| {
        both.spawn(|| {
            ada.add("stamps");
            ada.edit("milk");
            ada.type_over("oat milk\u{e007}");
            ada.add("string");
            ada.toggle("bread");
            ada.add("nails");
        });
        both.spawn(|| {
            // The first todo was "Milk"; its title may have changed.
            bob.click("[data-testid=todo-item]:first-child .toggle");
            bob.add("pepper");
            // Saving an empty title deletes the todo.
            bob.edit("soap");
            bob.type_over("\u{e007}");
            bob.add("rice");
        });
    });
    for page in [&ada, &bob] {
        page.expect_titles_in_any_order(&[
            "bread", "nails", "oat milk", "pepper", "rice", "stamps", "string",
        ]);
        page.expect_completed(&["oat milk", "bread"]);
        page.expect_count("5 items left");
        page.expect_text("[data-testid=completed-ever]", "2");
    }
    expect_equal(&ada, &bob);
}

#[test]
fn what_two_devices_did_without_the_network_is_on_both_when_it_is_back() {
    let server = Server::start();
    let (laptop, phone) = (Device::at(&server.url()), Device::at(&server.url()));
    let (laptop, phone) = (laptop.launch(), phone.launch());
    let (ada, bob) = (open(&laptop), open(&phone));
    ada.paste("milk\nbread\nsalt");
    bob.expect_titles(&["milk", "bread", "salt"]);

    for (browser, page) in [(&laptop, &ada), (&phone, &bob)] {
        browser.set_offline(true);
        page.expect_connection("offline");
    }
    // Edit the same todo and others. The title that was typed last wins, no matter which device
    // reconnects first.
    ada.edit("milk");
    ada.type_over("oat milk\u{e007}");
    ada.toggle("bread");
    ada.add("from Ada");
    ada.expect_saved();
    ada.expect_status("3 edits are waiting");
    bob.edit("milk");
    bob.type_over("soy milk\u{e007}");
    bob.toggle("soy milk");
    bob.delete("salt");
    bob.add("from Bob");
    bob.expect_saved();

    phone.set_offline(false);
    bob.expect_synced();
    laptop.set_offline(false);
    for page in [&ada, &bob] {
        page.expect_titles(&["soy milk", "bread", "from Ada", "from Bob"]);
        page.expect_completed(&["soy milk", "bread"]);
        page.expect_text("[data-testid=completed-ever]", "2");
    }
    expect_equal(&ada, &bob);
}

#[test]
fn a_server_killed_amid_edits_and_started_again_has_all_of_them_for_both() {
    let mut server = Server::start();
    let (laptop, phone) = (Device::at(&server.url()), Device::at(&server.url()));
    let (laptop, phone) = (laptop.launch(), phone.launch());
    let (ada, bob) = (open(&laptop), open(&phone));
    let mut expected = Vec::new();
    for round in 1..=2 {
        let titles: Vec<_> = (1..=4).map(|n| format!("round {round}, {n}")).collect();
        let (before, after) = titles.split_at(2);
        for title in before {
            ada.add(&format!("Ada: {title}"));
            bob.add(&format!("Bob: {title}"));
        }
        // The last edits may be in flight to the relay, at the relay, or acknowledged.
        server.kill();
        for title in after {
            ada.add(&format!("Ada: {title}"));
            bob.add(&format!("Bob: {title}"));
        }
        ada.expect_connection("offline");
        bob.expect_connection("offline");
        server.restart();
        expected.extend(
            titles
                .iter()
                .flat_map(|title| [format!("Ada: {title}"), format!("Bob: {title}")]),
        );
    }
    expected.sort();
    let expected: Vec<_> = expected.iter().map(String::as_str).collect();
    ada.expect_titles_in_any_order(&expected);
    bob.expect_titles_in_any_order(&expected);
    expect_equal(&ada, &bob);
}

#[test]
fn what_was_typed_before_a_browser_was_killed_is_delivered_when_it_is_opened_again() {
    let mut server = Server::start();
    let (laptop, phone) = (Device::at(&server.url()), Device::at(&server.url()));
    let phone = phone.launch();
    let bob = open(&phone);
    let browser = laptop.launch();
    let ada = open(&browser);
    ada.add("milk");
    bob.expect_titles(&["milk"]);
    server.kill();
    ada.add("bread");
    ada.toggle("milk");
    ada.expect_saved();
    browser.kill();

    server.restart();
    bob.expect_synced();
    bob.expect_titles(&["milk"]);
    let browser = laptop.launch();
    let ada = browser.open();
    bob.expect_titles(&["milk", "bread"]);
    bob.expect_completed(&["milk"]);
    expect_equal(&ada, &bob);
}

#[test]
fn what_a_tab_did_not_deliver_before_it_was_closed_another_tab_delivers() {
    let mut server = Server::start();
    let (laptop, phone) = (Device::at(&server.url()), Device::at(&server.url()));
    let (laptop, phone) = (laptop.launch(), phone.launch());
    let bob = open(&phone);
    let first = open(&laptop);
    laptop.show_empty_tab();
    let second = open(&laptop);
    server.kill();
    first.show();
    first.expect_connection("offline");
    first.add("from a tab that is closed");
    first.expect_saved();
    first.close();
    second.show();
    second.expect_titles(&["from a tab that is closed"]);
    server.restart();
    bob.expect_titles(&["from a tab that is closed"]);
    expect_equal(&second, &bob);
}

/// The other tab takes over the edits of the reloading tab, and later passes them back.
#[test]
fn what_a_reloaded_tab_writes_beside_another_is_delivered_at_once() {
    let server = Server::start();
    let (laptop, phone) = (Device::at(&server.url()), Device::at(&server.url()));
    let (laptop, phone) = (laptop.launch(), phone.launch());
    let bob = open(&phone);
    let first = open(&laptop);
    laptop.show_empty_tab();
    let second = open(&laptop);
    first.show();
    first.add("before");
    expect_equal(&first, &bob);
    for title in ["after one reload", "after two"] {
        first.reload();
        first.expect_synced();
        first.add(title);
        expect_equal(&first, &bob);
    }
    second.show();
    second.add("by the second");
    expect_equal(&second, &bob);
    bob.expect_titles(&["before", "after one reload", "after two", "by the second"]);
}

#[test]
fn two_tabs_of_a_page_without_a_relay_show_each_others_edits() {
    let device = Device::new();
    let browser = device.launch();
    let first = browser.open();
    first.expect_saved();
    first.expect_connection("absent");
    browser.show_empty_tab();
    let second = browser.open();
    second.add("from the second");
    first.show();
    first.expect_titles(&["from the second"]);
    first.toggle("from the second");
    first.add("from the first");
    second.show();
    second.expect_titles(&["from the second", "from the first"]);
    second.expect_completed(&["from the second"]);
    second.edit("from the first");
    second.type_over("from both\u{e007}");
    first.show();
    first.expect_titles(&["from the second", "from both"]);
}

#[test]
fn one_sees_how_many_others_are_here_and_that_they_go() {
    let server = Server::start();
    let (laptop, phone) = (Device::at(&server.url()), Device::at(&server.url()));
    let laptop = laptop.launch();
    let ada = open(&laptop);
    ada.expect_peers("");
    let browser = phone.launch();
    let bob = open(&browser);
    ada.expect_peers("1 other is here");
    bob.expect_peers("1 other is here");
    browser.quit();
    ada.expect_peers("");

    // A tab that is killed disappears as well.
    let browser = phone.launch();
    let _bob = open(&browser);
    ada.expect_peers("1 other is here");
    browser.kill();
    ada.expect_peers("");
}
