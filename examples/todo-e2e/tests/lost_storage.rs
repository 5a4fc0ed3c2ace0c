//! Storage that disappears under an open page.

use serde_json::json;
use todo_e2e::{Browser, Device, RelayProcess, Site};

/// A script of another page of the same origin that deletes the todo page's database, and returns
/// what happened.
const DELETE: &str = "const done = arguments[0];
    const request = indexedDB.deleteDatabase('leptos-sync');
    request.onsuccess = () => done('deleted');
    request.onerror = () => done('failed');
    // The todo page closes its connection, and then the request succeeds.
    request.onblocked = () => {};";

/// Deletes the database like a script of another page.
fn by_script(browser: &Browser<'_>, _: &Site) {
    browser.show_empty_tab();
    browser.visit("service-worker.js");
    let deleted = browser.session().script_with_callback(DELETE, &[]);
    assert_eq!(deleted, "deleted");
}

/// Deletes the database as the developer tools and "clear site data" do.
fn by_devtools(browser: &Browser<'_>, site: &Site) {
    let parameters = json!({ "origin": site.origin(), "storageTypes": "indexeddb" });
    browser
        .session()
        .devtools("Storage.clearDataForOrigin", &parameters);
}

/// Deletes everything that the origin stores, the service worker and its cache included.
fn with_all_site_data(browser: &Browser<'_>, site: &Site) {
    let parameters = json!({ "origin": site.origin(), "storageTypes": "all" });
    browser
        .session()
        .devtools("Storage.clearDataForOrigin", &parameters);
}

#[test]
fn a_page_whose_database_is_deleted_stores_everything_again_and_sends_what_was_not_sent() {
    for delete in [by_script, by_devtools, with_all_site_data] {
        let site = Site::of_todo();
        let mut relay = RelayProcess::start_open(&[site.origin()]);
        site.exchange_with(&relay.url(), "");
        let (laptop, phone) = (Device::at(site.url()), Device::at(site.url()));
        let browser = laptop.launch();
        let page = browser.open();
        page.add("sent");
        page.toggle("sent");
        page.expect_synced();
        relay.kill();
        page.add("before");
        page.toggle("before");
        page.expect_saved();

        delete(&browser, &site);
        page.show();
        page.add("after");
        page.expect_saved();
        browser.kill();

        let browser = laptop.launch();
        let page = browser.open();
        page.expect_titles(&["sent", "before", "after"]);
        page.expect_completed(&["sent", "before"]);
        page.expect_text("[data-testid=completed-ever]", "2");
        relay.restart();
        page.expect_synced();
        let phone = phone.launch();
        let bob = phone.open();
        bob.expect_titles(&["sent", "before", "after"]);
        bob.expect_text("[data-testid=completed-ever]", "2");
        bob.expect_synced();
        bob.expect_same_as(&page);
    }
}

/// The tabs share the database, so both notice the deletion.
#[test]
fn two_tabs_whose_database_is_deleted_keep_the_edits_of_both() {
    let site = Site::of_todo();
    let mut relay = RelayProcess::start_open(&[site.origin()]);
    site.exchange_with(&relay.url(), "");
    let (laptop, phone) = (Device::at(site.url()), Device::at(site.url()));
    let browser = laptop.launch();
    let first = browser.open();
    first.expect_synced();
    browser.show_empty_tab();
    let second = browser.open();
    second.expect_synced();
    relay.kill();
    second.add("by the second");
    second.expect_saved();
    first.show();
    first.add("by the first");
    first.expect_saved();
    by_devtools(&browser, &site);
    first.add("by the first, later");
    first.expect_saved();
    second.show();
    second.add("by the second, later");
    second.expect_saved();
    browser.kill();

    relay.restart();
    let browser = laptop.launch();
    let page = browser.open();
    let all = [
        "by the first",
        "by the first, later",
        "by the second",
        "by the second, later",
    ];
    page.expect_titles_in_any_order(&all);
    page.expect_synced();
    let phone = phone.launch();
    let bob = phone.open();
    bob.expect_titles_in_any_order(&all);
}
