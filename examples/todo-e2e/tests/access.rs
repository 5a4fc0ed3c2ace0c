//! The page with a relay that requires tokens, and with wrong clocks. TodoMVC does not specify
//! this.

use todo_e2e::{Device, RelayProcess, Site, expiring, reader, writer};

/// Creates two sites, one for each of two users, and one relay for both.
fn two_sites() -> (Site, Site, RelayProcess) {
    RelayProcess::of_two(Site::of_todo)
}

#[test]
fn an_edit_of_one_who_may_only_read_is_undone_and_the_page_says_why() {
    let (adas, bobs, relay) = two_sites();
    adas.exchange_with(&relay.url(), &writer("ada"));
    bobs.exchange_with(&relay.url(), &reader("bob"));
    let (laptop, phone) = (Device::at(adas.url()), Device::at(bobs.url()));
    let (laptop, phone) = (laptop.launch(), phone.launch());
    let ada = laptop.open();
    ada.paste("milk\nbread");
    ada.expect_synced();
    let bob = phone.open();
    bob.expect_titles(&["milk", "bread"]);

    bob.delete("milk");
    bob.expect_rejected("not permitted: this user may read this document");
    bob.expect_titles(&["milk", "bread"]);
    bob.add("cake");
    bob.expect_titles(&["milk", "bread"]);
    bob.expect_synced();
    // The edit does not return, and edits of others still arrive.
    bob.reload();
    bob.expect_titles(&["milk", "bread"]);
    ada.toggle("bread");
    bob.expect_completed(&["bread"]);
    ada.expect_titles(&["milk", "bread"]);
}

#[test]
fn a_page_whose_token_has_expired_says_so_and_one_with_another_token_goes_on() {
    let (adas, bobs, relay) = two_sites();
    adas.exchange_with(&relay.url(), &expiring("ada", -3600));
    bobs.exchange_with(&relay.url(), &writer("bob"));
    let (laptop, phone) = (Device::at(adas.url()), Device::at(bobs.url()));
    let (laptop, phone) = (laptop.launch(), phone.launch());
    let ada = laptop.open();
    let bob = phone.open();
    ada.expect_connection("refused");
    ada.expect_status("Not synchronized: not authorized: the credentials have expired");
    ada.add("milk");
    ada.expect_saved();

    adas.exchange_with(&relay.url(), &writer("ada"));
    ada.reload();
    ada.expect_synced();
    bob.expect_titles(&["milk"]);
}

#[test]
fn a_token_that_expires_while_the_page_is_open_stops_it_and_loses_nothing() {
    /// The lifetime of the token. It suffices to open the page, and is shorter than a wait may
    /// last.
    const SECONDS: i64 = 10;
    let (adas, bobs, relay) = two_sites();
    bobs.exchange_with(&relay.url(), &writer("bob"));
    let (laptop, phone) = (Device::at(adas.url()), Device::at(bobs.url()));
    let (laptop, phone) = (laptop.launch(), phone.launch());
    let bob = phone.open();
    adas.exchange_with(&relay.url(), &expiring("ada", SECONDS));
    let ada = laptop.open();
    ada.add("milk");
    bob.expect_titles(&["milk"]);
    ada.expect_connection("refused");
    ada.add("bread");
    ada.expect_saved();
    ada.expect_titles(&["milk", "bread"]);

    adas.exchange_with(&relay.url(), &writer("ada"));
    ada.reload();
    bob.expect_titles(&["milk", "bread"]);
    ada.expect_synced();
}

/// A script that sets the page's clock a day ahead.
const A_DAY_AHEAD: &str = "
    const AHEAD = 24 * 60 * 60 * 1000;
    globalThis.Date = class extends Date {
        static now() { return super.now() + AHEAD }
        constructor(...parts) { if (parts.length) { super(...parts) } else { super(Date.now()) } }
    };";

#[test]
fn edits_of_a_laptop_whose_clock_is_a_day_ahead_arrive_and_later_ones_of_others_win() {
    let (adas, bobs, mut relay) = two_sites();
    adas.exchange_with(&relay.url(), &writer("ada"));
    bobs.exchange_with(&relay.url(), &writer("bob"));
    let (laptop, phone) = (Device::at(adas.url()), Device::at(bobs.url()));
    let (laptop, phone) = (laptop.launch(), phone.launch());
    laptop.before_every_page(A_DAY_AHEAD);
    relay.kill();
    let (ada, bob) = (laptop.open(), phone.open());
    let ahead = laptop
        .session()
        .script("return new Date() - performance.timeOrigin > 80000000", &[]);
    assert_eq!(ahead, true, "the laptop's clock is right");
    // The relay has not sent its time yet.
    ada.expect_connection("offline");
    ada.add("without the relay");
    ada.expect_saved();
    relay.restart();
    bob.expect_titles(&["without the relay"]);
    ada.add("with the relay");
    // Todos with keys from the wrong clock are sorted below later ones, because a key never
    // changes.
    bob.expect_titles(&["with the relay", "without the relay"]);
    ada.expect_synced();

    bob.edit("without the relay");
    bob.type_over("by Bob\u{e007}");
    bob.toggle("with the relay");
    ada.expect_titles(&["with the relay", "by Bob"]);
    ada.expect_completed(&["with the relay"]);

    // The page is offline again, but now it knows the relay's time.
    relay.kill();
    ada.expect_connection("offline");
    ada.edit("by Bob");
    ada.type_over("by Ada\u{e007}");
    ada.expect_saved();
    relay.restart();
    bob.expect_titles(&["with the relay", "by Ada"]);
    bob.edit("by Ada");
    bob.type_over("by Bob again\u{e007}");
    ada.expect_titles(&["with the relay", "by Bob again"]);
    // The same holds after a reload.
    ada.expect_synced();
    ada.reload();
    ada.expect_synced();
    ada.expect_titles(&["with the relay", "by Bob again"]);
    ada.expect_same_as(&bob);
}

/// The relay binds the replica id of a page to its user. The second user's page draws an id of its
/// own.
#[test]
fn a_second_user_of_a_browser_goes_on_under_another_id() {
    let (homes, bobs, relay) = two_sites();
    homes.exchange_with(&relay.url(), &writer("ada"));
    bobs.exchange_with(&relay.url(), &writer("bob"));
    let (home, phone) = (Device::at(homes.url()), Device::at(bobs.url()));
    let (home, phone) = (home.launch(), phone.launch());
    let page = home.open();
    page.add("ada's");
    page.expect_synced();
    page.expect_saved();
    homes.exchange_with(&relay.url(), &writer("eve"));
    page.reload();
    page.expect_synced();
    page.add("eve's");
    page.expect_synced();
    let bob = phone.open();
    bob.expect_titles(&["ada's", "eve's"]);
    page.expect_titles(&["ada's", "eve's"]);
}

/// The relay rejects this tab, so it cannot send the closed tab's edits. It must not keep other
/// tabs from sending them.
#[test]
fn what_a_tab_left_is_delivered_by_one_that_the_relay_wants_and_not_by_one_that_it_refuses() {
    let (homes, bobs, mut relay) = two_sites();
    homes.exchange_with(&relay.url(), &writer("ada"));
    bobs.exchange_with(&relay.url(), &writer("bob"));
    let (home, phone) = (Device::at(homes.url()), Device::at(bobs.url()));
    let (home, phone) = (home.launch(), phone.launch());
    let bob = phone.open();
    let first = home.open();
    first.expect_synced();
    relay.kill();
    first.add("from a tab that is closed");
    first.expect_saved();
    // This tab is the first to wait for the closed tab's lock, and the only one when that tab
    // closes.
    homes.exchange_with(&relay.url(), &expiring("ada", -3600));
    home.show_empty_tab();
    let refused = home.open();
    refused.expect_titles(&["from a tab that is closed"]);
    refused.expect_connection("offline");
    first.show();
    first.close();
    refused.show();
    homes.exchange_with(&relay.url(), &writer("ada"));
    home.show_empty_tab();
    let wanted = home.open();
    wanted.expect_titles(&["from a tab that is closed"]);
    wanted.expect_status("1 edit is waiting");

    relay.restart();
    bob.expect_titles(&["from a tab that is closed"]);
    wanted.expect_synced();
    refused.show();
    refused.expect_connection("refused");
}

/// A browser hides from a page why its WebSocket did not open. The page finds the reason with a
/// request.
#[test]
fn a_page_that_cannot_connect_says_why() {
    let site = Site::of_todo();
    let device = Device::at(site.url());
    let browser = device.launch();

    let other = RelayProcess::start(&["https://another.example"]);
    site.exchange_with(&other.url(), &writer("ada"));
    let page = browser.open();
    page.expect_connection("refused");
    page.expect_status(site.origin());
    page.add("milk");
    page.expect_saved();

    // Try the page's own server, which has no relay, a server elsewhere, whose answers the page
    // cannot read, and an address without a server.
    site.exchange_with("sync", &writer("ada"));
    page.reload();
    page.expect_status("the server at this address is no relay");
    let elsewhere = Site::of_todo();
    site.exchange_with(&elsewhere.url().replace("http", "ws"), &writer("ada"));
    page.reload();
    page.expect_status("the server at this address is no relay");
    drop(elsewhere);
    page.expect_status("the relay cannot be reached");
    page.expect_connection("offline");

    let relay = RelayProcess::start(&[site.origin()]);
    site.exchange_with(&relay.url(), &writer("ada"));
    page.reload();
    page.expect_synced();
}
