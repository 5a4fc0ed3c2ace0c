//! Disks that are restored from a backup or copied: those of browsers and the relay's.

use todo_e2e::{Browser, Device, Page, RelayProcess, Server, Site};

/// Opens the page, and waits until it is connected to the relay.
#[track_caller]
fn open<'a>(browser: &'a Browser<'_>) -> Page<'a> {
    let page = browser.open();
    page.expect_synced();
    page
}

/// Expects a page to show these todos, and that it is synced.
#[track_caller]
fn expect(page: &Page<'_>, titles: &[&str], completed_ever: &str) {
    page.expect_titles_in_any_order(titles);
    page.expect_text("[data-testid=completed-ever]", completed_ever);
    page.expect_synced();
}

/// Creates a site and a relay that admits anyone. The site stays while the relay is stopped.
fn site() -> (Site, RelayProcess) {
    let site = Site::of_todo();
    let relay = RelayProcess::start_open(&[site.origin()]);
    site.exchange_with(&relay.url(), "");
    (site, relay)
}

#[test]
fn a_restored_browser_reads_what_it_wrote_after_the_backup_and_sends_what_it_wrote_since() {
    let (site, mut relay) = site();
    let (laptop, phone) = (Device::at(site.url()), Device::at(site.url()));
    let phone = phone.launch();
    let bob = open(&phone);
    let browser = laptop.launch();
    let ada = open(&browser);
    ada.paste("bread\nmilk");
    ada.toggle("milk");
    expect(&ada, &["bread", "milk"], "1");
    browser.quit();
    let backup = laptop.back_up();

    let browser = laptop.launch();
    let ada = open(&browser);
    ada.add("after the backup");
    ada.toggle("bread");
    ada.delete("milk");
    expect(&ada, &["after the backup", "bread"], "2");
    browser.quit();

    // The restored browser is used before it reaches the relay.
    relay.kill();
    laptop.restore(&backup);
    let browser = laptop.launch();
    let ada = browser.open();
    ada.expect_titles(&["bread", "milk"]);
    ada.expect_text("[data-testid=completed-ever]", "1");
    ada.add("since the backup");
    ada.toggle("since the backup");
    ada.expect_saved();
    relay.restart();
    let all = ["after the backup", "bread", "since the backup"];
    expect(&ada, &all, "3");
    ada.expect_completed(&["bread", "since the backup"]);
    expect(&bob, &all, "3");

    // The same backup is restored again, and the browser reaches the relay at once.
    browser.quit();
    laptop.restore(&backup);
    let browser = laptop.launch();
    let ada = open(&browser);
    expect(&ada, &all, "3");
    ada.toggle("after the backup");
    expect(&ada, &all, "4");
    expect(&bob, &all, "4");
    ada.expect_same_as(&bob);
}

#[test]
fn two_machines_from_one_disk_image_both_go_on_and_what_neither_has_sent_arrives_once() {
    let (site, mut relay) = site();
    let (old, new) = (Device::at(site.url()), Device::at(site.url()));
    let browser = old.launch();
    let page = open(&browser);
    page.paste("bread\nmilk");
    page.toggle("milk");
    expect(&page, &["bread", "milk"], "1");
    relay.kill();
    page.add("not sent");
    page.toggle("not sent");
    page.expect_saved();
    browser.quit();
    new.restore(&old.back_up());

    let (old, new) = (old.launch(), new.launch());
    let (ada, bob) = (old.open(), new.open());
    for page in [&ada, &bob] {
        page.expect_titles(&["bread", "milk", "not sent"]);
        page.expect_text("[data-testid=completed-ever]", "2");
    }
    ada.add("by the old machine");
    ada.toggle("bread");
    bob.add("by the new machine");
    bob.toggle("by the new machine");
    relay.restart();
    let all = [
        "bread",
        "by the new machine",
        "by the old machine",
        "milk",
        "not sent",
    ];
    expect(&ada, &all, "4");
    expect(&bob, &all, "4");
    bob.toggle("by the old machine");
    expect(&ada, &all, "5");
    ada.expect_same_as(&bob);
    let third = Device::at(site.url());
    let third = third.launch();
    let cat = open(&third);
    expect(&cat, &all, "5");
    cat.expect_same_as(&ada);
}

#[test]
fn a_restored_relay_gets_back_what_it_has_lost_from_those_who_are_there() {
    let mut server = Server::start();
    let url = server.url();
    let (laptop, phone) = (Device::at(&url), Device::at(&url));
    let phone = phone.launch();
    let bob = open(&phone);
    let browser = laptop.launch();
    let ada = open(&browser);
    ada.paste("bread\nmilk");
    ada.toggle("milk");
    expect(&bob, &["bread", "milk"], "1");
    let backup = server.back_up();

    // The backup lacks all of this. Ada leaves, so only Bob has her edits.
    expect(&ada, &["bread", "milk"], "1");
    ada.delete("milk");
    ada.add("by Ada");
    ada.toggle("bread");
    ada.expect_synced();
    browser.quit();
    bob.expect_titles_in_any_order(&["bread", "by Ada"]);
    bob.add("by Bob");
    bob.toggle("by Ada");
    let all = ["bread", "by Ada", "by Bob"];
    expect(&bob, &all, "3");

    server.restore(&backup);
    let third = Device::at(&url);
    let third = third.launch();
    let cat = third.open();
    expect(&cat, &all, "3");
    cat.expect_completed(&["bread", "by Ada"]);
    expect(&bob, &all, "3");
    let browser = laptop.launch();
    let ada = open(&browser);
    ada.toggle("by Bob");
    for page in [&ada, &bob, &cat] {
        expect(page, &all, "4");
    }
}

#[test]
fn two_backups_of_a_relay_that_alternate_end_with_everything() {
    let mut server = Server::start();
    let url = server.url();
    let (laptop, phone) = (Device::at(&url), Device::at(&url));
    let (laptop, phone) = (laptop.launch(), phone.launch());
    let (ada, bob) = (open(&laptop), open(&phone));
    ada.add("0");
    bob.expect_titles(&["0"]);
    let older = server.back_up();
    for page in [&ada, &bob] {
        page.expect_connection("online");
    }
    bob.add("1");
    bob.toggle("0");
    expect(&ada, &["0", "1"], "1");
    let newer = server.back_up();
    let mut all = vec!["0".to_owned(), "1".to_owned()];
    for (round, backup) in [&older, &newer, &older, &newer].into_iter().enumerate() {
        server.restore(backup);
        let page = [&ada, &bob][round % 2];
        let title = (round + 2).to_string();
        page.add(&title);
        page.toggle(&title);
        all.push(title);
        let titles: Vec<_> = all.iter().map(String::as_str).collect();
        let completed_ever = (round + 2).to_string();
        expect(&ada, &titles, &completed_ever);
        expect(&bob, &titles, &completed_ever);
    }
    let third = Device::at(&url);
    let third = third.launch();
    let cat = open(&third);
    cat.expect_same_as(&ada);
    expect(&cat, &["0", "1", "2", "3", "4", "5"], "5");
}
