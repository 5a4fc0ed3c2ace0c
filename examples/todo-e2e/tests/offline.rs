//! The page without its server: the service worker loads it, and the browser's storage has its
//! data.

use todo_e2e::{Device, Server, Site};

#[test]
fn a_page_that_is_opened_while_its_server_is_down_is_there_with_its_data() {
    let mut server = Server::start();
    let device = Device::at(&server.url());
    let browser = device.launch();
    let page = browser.open();
    page.add("milk");
    page.expect_synced();
    browser.expect_available_offline();
    server.kill();
    // Open the page instead of reloading it: with a driver, Firefox bypasses the service worker on
    // a reload.
    let page = browser.open();
    page.expect_titles(&["milk"]);
    page.expect_connection("offline");
    page.add("bread");
    page.expect_saved();
    let page = browser.open();
    page.expect_titles(&["milk", "bread"]);

    server.restart();
    page.expect_synced();
    let other = Device::at(&server.url());
    let browser = other.launch();
    browser.open().expect_titles(&["milk", "bread"]);
}

/// Another page at the app's address must not take the app's place in the cache.
#[test]
fn a_sign_in_page_of_the_network_does_not_replace_the_stored_page() {
    let site = Site::of_todo();
    let device = Device::at(site.url());
    let browser = device.launch();
    let page = browser.open();
    page.add("milk");
    page.expect_saved();
    browser.expect_available_offline();
    site.hide_behind("<title>Hotel</title><p id=hotel>Sign in</p>");
    browser.visit("");
    browser.expect_text("#hotel", "Sign in");
    drop(site);
    browser.open().expect_titles(&["milk"]);
}
