//! Users that change: a guest who signs in, several users of one browser, and a relay that asks for
//! tokens or refuses them by mistake.

use todo_e2e::{Browser, Device, RelayProcess, Site, writer};

const ONLINE: &str = "Connected to the relay.";
const UNREACHABLE: &str = "Offline: the relay cannot be reached.";
const REFUSED: &str = "Not synchronized: not authorized: the credentials are not \
                       a JSON Web Token that this relay can verify.";

/// Opens the page of the example `sign-in`, and waits until it is connected to the relay.
#[track_caller]
fn open(browser: &Browser<'_>) {
    browser.visit("");
    browser.expect_text(".connection", ONLINE);
}

#[test]
fn the_unsent_edits_of_a_guest_go_out_as_those_of_the_user_who_signs_in() {
    let (adas, bobs, mut relay) = RelayProcess::of_two(Site::of_sign_in);
    for site in [&adas, &bobs] {
        site.exchange_with(&relay.url(), "");
    }
    adas.issue(|| Some(writer("guest 1")));
    bobs.issue(|| Some(writer("bob")));
    let (laptop, phone) = (Device::at(adas.url()), Device::at(bobs.url()));
    let (ada, bob) = (laptop.launch(), phone.launch());
    open(&ada);
    open(&bob);
    ada.type_into("textarea", "milk");
    bob.expect_value("textarea", "milk");
    ada.expect_text(".pending", "0");
    relay.kill();
    ada.type_into("textarea", ", bread");
    ada.expect_text(".pending", "7");

    adas.issue(|| Some(writer("ada")));
    ada.visit("");
    ada.expect_value("textarea", "milk, bread");
    relay.restart();
    bob.expect_value("textarea", "milk, bread");
    ada.expect_text(".pending", "0");
    bob.expect_text("ul", "ada");
    bob.type_into("textarea", "!");
    ada.expect_value("textarea", "milk, bread!");
    ada.type_into("textarea", "!");
    bob.expect_value("textarea", "milk, bread!!");
}

#[test]
fn a_user_of_the_same_browser_neither_sends_nor_loses_the_edits_of_another() {
    let (homes, bobs, mut relay) = RelayProcess::of_two(Site::of_sign_in);
    homes.sign_in(&relay.url(), "ada");
    bobs.sign_in(&relay.url(), "bob");
    let (home, phone) = (Device::at(homes.url()), Device::at(bobs.url()));
    let (page, bob) = (home.launch(), phone.launch());
    // The relay has never seen Ada's page.
    relay.kill();
    page.visit("");
    // By then, the database is open.
    page.expect_text(".connection", UNREACHABLE);
    page.type_into("textarea", "milk");
    page.expect_text(".pending", "4");

    homes.sign_in(&relay.url(), "eve");
    page.visit("");
    page.expect_value("textarea", "");
    relay.restart();
    open(&bob);
    open(&page);
    page.expect_text(".pending", "0");
    bob.expect_text("ul", "eve");
    bob.expect_value("textarea", "");

    homes.sign_in(&relay.url(), "ada");
    open(&page);
    page.expect_value("textarea", "milk");
    bob.expect_value("textarea", "milk");
    page.expect_text(".pending", "0");
    bob.expect_text("ul", "ada");
}

/// An app without a database for each user. The relay knows who wrote the first edits.
#[test]
fn edits_of_a_user_who_has_left_wait_for_the_user_in_a_database_that_others_share() {
    let (homes, bobs, mut relay) = RelayProcess::of_two(Site::of_todo);
    homes.exchange_with(&relay.url(), &writer("ada"));
    bobs.exchange_with(&relay.url(), &writer("bob"));
    let (home, phone) = (Device::at(homes.url()), Device::at(bobs.url()));
    let (home, phone) = (home.launch(), phone.launch());
    let (page, bob) = (home.open(), phone.open());
    page.add("Ada's");
    page.expect_synced();
    relay.kill();
    page.add("Ada's, not sent");
    page.expect_saved();

    homes.exchange_with(&relay.url(), &writer("eve"));
    relay.restart();
    page.reload();
    page.expect_rejected("written under another user's replica id");
    page.add("Eve's");
    bob.expect_titles(&["Ada's", "Eve's"]);
    page.expect_titles(&["Ada's", "Ada's, not sent", "Eve's"]);
    page.expect_status("sending to the server");

    homes.exchange_with(&relay.url(), &writer("ada"));
    page.reload();
    page.expect_synced();
    bob.expect_titles(&["Ada's", "Ada's, not sent", "Eve's"]);
}

#[test]
fn pages_of_a_relay_that_was_open_and_now_asks_for_tokens_lose_nothing() {
    let (adas, bobs) = (Site::of_sign_in(), Site::of_sign_in());
    let mut relay = RelayProcess::start_open(&[adas.origin(), bobs.origin()]);
    for site in [&adas, &bobs] {
        site.exchange_with(&relay.url(), "");
        site.issue(|| Some("no token".to_owned()));
    }
    let (laptop, phone) = (Device::at(adas.url()), Device::at(bobs.url()));
    let (ada, bob) = (laptop.launch(), phone.launch());
    open(&ada);
    open(&bob);
    ada.type_into("textarea", "milk");
    bob.expect_value("textarea", "milk");
    ada.expect_text(".pending", "0");
    relay.kill();
    ada.type_into("textarea", ", bread");

    relay.require_tokens();
    ada.expect_text(".connection", REFUSED);
    bob.expect_text(".connection", REFUSED);
    adas.issue(|| Some(writer("ada")));
    bobs.issue(|| Some(writer("bob")));
    bob.expect_value("textarea", "milk, bread");
    ada.expect_text(".pending", "0");
    bob.type_into("textarea", "!");
    ada.expect_value("textarea", "milk, bread!");
    ada.type_into("textarea", "!");
    bob.expect_value("textarea", "milk, bread!!");
}

/// The pages do not know that it is a mistake, and are not reloaded.
#[test]
fn pages_go_on_when_the_relay_has_refused_or_forbidden_everything_by_mistake() {
    let (adas, bobs, mut relay) = RelayProcess::of_two(Site::of_todo);
    adas.exchange_with(&relay.url(), &writer("ada"));
    bobs.exchange_with(&relay.url(), &writer("bob"));
    let (laptop, phone) = (Device::at(adas.url()), Device::at(bobs.url()));
    let (laptop, phone) = (laptop.launch(), phone.launch());
    let (ada, bob) = (laptop.open(), phone.open());
    ada.add("before");
    bob.expect_titles(&["before"]);
    let mut all = vec!["before"];
    let mistakes: [(fn(&mut RelayProcess), _); 2] = [
        (RelayProcess::refuse_tokens, "refused"),
        (RelayProcess::forbid_all, "forbidden"),
    ];
    for (mistake, title) in mistakes {
        mistake(&mut relay);
        for page in [&ada, &bob] {
            page.expect_connection("refused");
        }
        ada.add(title);
        ada.expect_saved();
        all.push(title);
        ada.expect_titles(&all);
        relay.accept_tokens();
        for page in [&ada, &bob] {
            page.expect_titles(&all);
            page.expect_synced();
        }
    }
}
