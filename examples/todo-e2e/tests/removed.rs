//! A document that the operator removes at the relay. Each device keeps what it has until its user
//! decides.

use todo_e2e::{Browser, Device, RelayProcess, Site};

const ONLINE: &str = "Connected to the relay.";
const REMOVED: &str = "This document was removed at the relay.";

/// Opens the page of the example `sign-in`, and waits for a state of the connection.
#[track_caller]
fn open(browser: &Browser<'_>, connection: &str) {
    browser.visit("");
    browser.expect_text(".connection", connection);
}

#[test]
fn of_two_devices_with_a_removed_document_one_copies_it_and_one_discards_it() {
    let (adas, bobs, mut relay) = RelayProcess::of_two(Site::of_sign_in);
    adas.sign_in(&relay.url(), "ada");
    bobs.sign_in(&relay.url(), "bob");
    let (laptop, phone) = (Device::at(adas.url()), Device::at(bobs.url()));
    let (ada, bob) = (laptop.launch(), phone.launch());
    open(&ada, ONLINE);
    open(&bob, ONLINE);
    ada.type_into("textarea", "milk");
    bob.expect_value("textarea", "milk");
    ada.expect_text(".pending", "0");
    relay.kill();
    ada.type_into("textarea", ", bread");
    ada.expect_text(".pending", "7");

    relay.remove("note");
    for (browser, text) in [(&ada, "milk, bread"), (&bob, "milk")] {
        browser.expect_text(".connection", REMOVED);
        browser.expect_value("textarea", text);
    }
    // Neither device loses anything by a reload.
    open(&ada, REMOVED);
    ada.expect_value("textarea", "milk, bread");

    bob.click(".discard");
    bob.expect_value("textarea", "");
    open(&bob, REMOVED);
    bob.expect_value("textarea", "");
    ada.expect_value("textarea", "milk, bread");

    ada.click(".keep");
    ada.expect_text(".connection", ONLINE);
    ada.expect_value("textarea", "milk, bread");
    ada.expect_text(".pending", "0");
    bob.visit("?#note-copy");
    bob.expect_text(".connection", ONLINE);
    bob.expect_value("textarea", "milk, bread");
    bob.type_into("textarea", "!");
    ada.expect_value("textarea", "milk, bread!");
    // The copy is kept like any other document.
    ada.visit("?#note-copy");
    ada.expect_value("textarea", "milk, bread!");
    ada.expect_text(".connection", ONLINE);
}
