//! The app that docs/guide/getting-started.md builds.

use serde_json::json;
use todo_e2e::{Device, GuideServer};

/// The text that the page shows when the relay has every edit.
const SYNCED: &str = "Synced.";

/// Collects what a page reports, such as rendered HTML that is not what the page expects.
const LISTEN: &str = "window.reported = [];
    for (const level of ['warn', 'error']) console[level] = (...said) => reported.push(said.join(' '));
    addEventListener('error', event => reported.push(event.message));
    addEventListener('unhandledrejection', event => reported.push(`${event.reason}`));";

#[test]
#[ignore = "`cargo xtask guide` builds the app"]
fn the_guides_app_syncs_two_browsers_and_opens_offline() {
    let mut server = GuideServer::start();
    let (laptop, phone) = (Device::at(&server.url()), Device::at(&server.url()));
    let (laptop, phone) = (laptop.launch(), phone.launch());
    laptop.before_every_page(LISTEN);
    laptop.visit("");
    phone.visit("");
    laptop.expect_text("p", SYNCED);
    laptop.type_into("input", "milk");
    laptop.click("button");
    phone.expect_text("ul", "milk");
    laptop.expect_available_offline();
    laptop.visit("");
    laptop.expect_text("ul", "milk");
    laptop.expect_text("p", SYNCED);
    let reported = laptop.session().script("return reported", &[]);
    assert_eq!(reported, json!([]), "nothing for the console");

    server.kill();
    laptop.visit("");
    laptop.expect_text("ul", "milk");
    laptop.type_into("input", "bread");
    laptop.click("button");
    laptop.expect_text("ul", "milk\nbread");

    server.restart();
    phone.expect_text("ul", "milk\nbread");
    laptop.expect_text("p", SYNCED);
}
