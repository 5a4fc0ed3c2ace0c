//! Many browsers that are killed, each after an edit.

use todo_e2e::{Device, RelayProcess, Site, size};

/// The number of browsers that also complete their todo.
const COMPLETED: usize = 10;

/// Each browser writes under an id of its own, and the relay and the browser keep all of them.
#[test]
fn what_many_killed_browsers_wrote_arrives() {
    let browsers = size(4, 50);
    let site = Site::of_todo();
    let mut relay = RelayProcess::start_open(&[site.origin()]);
    site.exchange_with(&relay.url(), "");
    let (laptop, phone) = (Device::at(site.url()), Device::at(site.url()));
    let phone = phone.launch();
    let bob = phone.open();
    for number in 0..browsers {
        // Half of the browsers do not reach the relay, and leave their edits to later ones.
        match number % 4 {
            0 => relay.kill(),
            2 => relay.restart(),
            _ => {}
        }
        let browser = laptop.launch();
        let page = browser.open();
        page.expect_rows(number);
        page.add(&format!("todo {number:02}"));
        // Later rows are below the window.
        if number < COMPLETED {
            page.toggle(&format!("todo {number:02}"));
        }
        page.expect_saved();
        browser.kill();
    }
    relay.restart();
    let browser = laptop.launch();
    let ada = browser.open();
    let all: Vec<_> = (0..browsers)
        .map(|number| format!("todo {number:02}"))
        .collect();
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    let completed_ever = browsers.min(COMPLETED).to_string();
    for page in [&ada, &bob] {
        page.expect_titles(&all);
        page.expect_text("[data-testid=completed-ever]", &completed_ever);
        page.expect_synced();
    }
    ada.expect_same_as(&bob);
}
