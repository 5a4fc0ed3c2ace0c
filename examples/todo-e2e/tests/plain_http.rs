//! A page that the browser does not trust, because it comes over plain HTTP from another machine.
//! There are no Web Locks, no `crypto.subtle` and no service worker.

use todo_e2e::{Device, Server};

/// Returns what the page lacks in such a context.
const MISSING: &str = "return [isSecureContext, 'locks' in navigator, 'serviceWorker' in navigator,
    globalThis.crypto?.subtle !== undefined]";

#[test]
fn two_tabs_of_a_page_on_plain_http_and_another_device_lose_nothing() {
    let mut server = Server::start();
    let (laptop, phone) = (
        Device::untrusting(&server.url()),
        Device::untrusting(&server.url()),
    );
    let browser = laptop.launch();
    let first = browser.open();
    let missing = browser.session().script(MISSING, &[]);
    assert_eq!(missing, serde_json::json!([false, false, false, false]));
    first.add("first");
    first.expect_synced();
    browser.show_empty_tab();
    let second = browser.open();
    second.expect_titles(&["first"]);
    second.toggle("first");
    second.expect_synced();

    server.kill();
    second.add("by the second tab");
    first.show();
    first.add("by the first tab");
    first.expect_saved();
    // The first tab sends also what the closed one has left.
    second.show();
    second.close();
    first.show();
    server.restart();
    let phone = phone.launch();
    let bob = phone.open();
    let all = ["by the first tab", "by the second tab", "first"];
    for page in [&first, &bob] {
        page.expect_titles_in_any_order(&all);
        page.expect_text("[data-testid=completed-ever]", "1");
        page.expect_synced();
    }

    // A browser that is killed leaves its edits to the next one.
    server.kill();
    first.add("before the end");
    first.expect_saved();
    browser.kill();
    server.restart();
    let browser = laptop.launch();
    let page = browser.open();
    page.expect_synced();
    page.expect_same_as(&bob);
    bob.expect_rows(4);
}
