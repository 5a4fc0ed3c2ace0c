//! Users who sign in. The page's server issues tokens and the page renews them. The relay verifies
//! them, and sends each page the names of the other users.

use serde_json::json;
use todo_e2e::{Browser, Device, RelayProcess, Site, expiring, writer};

const ONLINE: &str = "Connected to the relay.";
const EXPIRED: &str = "Not synchronized: not authorized: the credentials have expired.";
const NO_TOKEN: &str = "Offline: there are no credentials yet.";

/// Creates the sites of two users, and one relay for both. The second user's tokens are valid.
fn two_sites() -> (Site, Site, RelayProcess) {
    let (one, other, relay) = RelayProcess::of_two(Site::of_sign_in);
    for site in [&one, &other] {
        site.exchange_with(&relay.url(), "");
    }
    other.issue(|| Some(writer("bob")));
    (one, other, relay)
}

/// Opens the page, and waits until it is connected to the relay.
#[track_caller]
fn open(browser: &Browser<'_>) {
    browser.visit("");
    browser.expect_text(".connection", ONLINE);
}

/// Records every state of the connection from now on.
const RECORD: &str = "window.states = [];
    const line = document.querySelector('.connection');
    new MutationObserver(() => states.push(line.textContent))
        .observe(line, { characterData: true, childList: true, subtree: true })";

#[test]
fn a_token_is_renewed_before_it_expires_and_the_page_stays_connected() {
    /// A token is renewed halfway through this time.
    const SECONDS: i64 = 8;
    let (adas, bobs, _relay) = two_sites();
    adas.issue(|| Some(expiring("ada", SECONDS)));
    let (laptop, phone) = (Device::at(adas.url()), Device::at(bobs.url()));
    let (ada, bob) = (laptop.launch(), phone.launch());
    open(&bob);
    open(&ada);
    ada.session().script(RECORD, &[]);
    // The first token has expired when the page requests the fourth.
    adas.expect_asked(4);
    ada.type_into("textarea", "milk");
    bob.expect_value("textarea", "milk");
    ada.expect_text(".pending", "0");
    let states = ada.session().script("return states", &[]);
    assert_eq!(states, json!([]), "the connection was interrupted");
}

#[test]
fn a_page_whose_tokens_the_relay_refuses_fetches_others_until_one_is_accepted() {
    let (adas, bobs, _relay) = two_sites();
    let mut tokens = vec![writer("ada"), expiring("ada", -3600), "no token".to_owned()];
    adas.issue(move || tokens.pop());
    let (laptop, phone) = (Device::at(adas.url()), Device::at(bobs.url()));
    let (ada, bob) = (laptop.launch(), phone.launch());
    open(&bob);
    open(&ada);
    adas.expect_asked(3);
    ada.type_into("textarea", "milk");
    bob.expect_value("textarea", "milk");
}

#[test]
fn a_page_that_gets_no_token_says_so_and_sends_its_edits_when_it_has_one() {
    let (adas, bobs, _relay) = two_sites();
    let (laptop, phone) = (Device::at(adas.url()), Device::at(bobs.url()));
    let (ada, bob) = (laptop.launch(), phone.launch());
    open(&bob);
    ada.visit("");
    ada.expect_text(".connection", NO_TOKEN);
    ada.type_into("textarea", "milk");
    adas.issue(|| Some(writer("ada")));
    ada.expect_text(".connection", ONLINE);
    bob.expect_value("textarea", "milk");
}

#[test]
fn a_token_that_expires_while_there_is_no_other_stops_the_page_and_loses_nothing() {
    /// Long enough to open the page, and no longer than a wait may last.
    const SECONDS: i64 = 8;
    let (adas, bobs, _relay) = two_sites();
    let mut lifetimes = vec![SECONDS];
    adas.issue(move || Some(expiring("ada", lifetimes.pop()?)));
    let (laptop, phone) = (Device::at(adas.url()), Device::at(bobs.url()));
    let (ada, bob) = (laptop.launch(), phone.launch());
    open(&bob);
    open(&ada);
    ada.type_into("textarea", "milk");
    bob.expect_value("textarea", "milk");
    ada.expect_text(".connection", EXPIRED);
    ada.type_into("textarea", ", bread");
    ada.expect_text(".pending", "7");
    bob.expect_value("textarea", "milk");

    adas.issue(|| Some(writer("ada")));
    ada.expect_text(".connection", ONLINE);
    bob.expect_value("textarea", "milk, bread");
    ada.expect_text(".pending", "0");
}

#[test]
fn each_page_shows_the_others_by_the_names_in_their_tokens() {
    let (adas, bobs, _relay) = two_sites();
    adas.issue(|| Some(writer("ada")));
    let (laptop, phone) = (Device::at(adas.url()), Device::at(bobs.url()));
    let (ada, bob) = (laptop.launch(), phone.launch());
    open(&ada);
    ada.expect_text("ul", "");
    open(&bob);
    ada.expect_text("ul", "bob");
    bob.expect_text("ul", "ada");

    // What a page says about its user does not change who the user is.
    bob.type_into(".nickname", "ada");
    ada.expect_text("ul", "bob ada");
    // Another page of the same user.
    bob.show_empty_tab();
    open(&bob);
    bob.expect_text("ul", "ada\nbob ada");
    ada.expect_text("ul", "bob ada\nbob");
    bob.quit();
    ada.expect_text("ul", "");
}
