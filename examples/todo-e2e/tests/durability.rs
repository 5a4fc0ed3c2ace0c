//! The data that survives the end of the page, the tab or the browser. TodoMVC does not specify
//! this.

use std::thread::sleep;
use std::time::Duration;

use todo_e2e::Device;

#[test]
fn a_reload_finds_everything_in_order() {
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();
    for title in ["milk", "bread", "salt", "pepper"] {
        page.add(title);
    }
    page.toggle("bread");
    page.delete("salt");
    page.edit("milk");
    page.type_over("oat milk\u{e007}");
    page.expect_titles(&["oat milk", "bread", "pepper"]);
    page.expect_saved();

    page.reload();
    page.expect_titles(&["oat milk", "bread", "pepper"]);
    page.expect_completed(&["bread"]);
    page.expect_count("2 items left");
    page.expect_text("[data-testid=completed-ever]", "1");

    page.add("sugar");
    page.reload();
    page.expect_titles(&["oat milk", "bread", "pepper", "sugar"]);
}

#[test]
fn a_reload_in_the_moment_of_the_keystroke_loses_nothing() {
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();
    // Wait for the database. Text that is typed before it is open stays in memory until then.
    page.expect_saved();
    let mut expected = Vec::new();
    for title in ["milk", "bread", "salt", "pepper", "sugar"] {
        page.add(title);
        page.reload();
        expected.push(title);
        page.expect_titles(&expected);
    }
}

#[test]
fn a_browser_killed_100_ms_after_an_edit_has_kept_it() {
    // The promise concerns this time, so the test waits for a fixed time and not for a condition.
    const PROMISE: Duration = Duration::from_millis(100);
    let device = Device::new();

    let browser = device.launch();
    let page = browser.open();
    page.expect_saved();
    page.add("milk");
    sleep(PROMISE);
    browser.kill();

    let browser = device.launch();
    let page = browser.open();
    page.expect_titles(&["milk"]);
    page.toggle("milk");
    sleep(PROMISE);
    browser.kill();

    let browser = device.launch();
    let page = browser.open();
    page.expect_completed(&["milk"]);
    page.expect_text("[data-testid=completed-ever]", "1");
    page.edit("milk");
    page.type_over("oat milk\u{e007}");
    sleep(PROMISE);
    browser.kill();

    let browser = device.launch();
    let page = browser.open();
    page.expect_titles(&["oat milk"]);
    page.expect_completed(&["oat milk"]);
}

#[test]
fn a_browser_that_is_closed_and_opened_again_shows_the_same() {
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();
    page.paste("milk\nbread\nsalt");
    page.toggle("salt");
    page.expect_completed(&["salt"]);
    browser.quit();

    let browser = device.launch();
    let page = browser.open();
    page.expect_titles(&["milk", "bread", "salt"]);
    page.expect_completed(&["salt"]);
}

#[test]
fn what_two_tabs_added_is_there_after_both_were_closed() {
    let device = Device::new();
    let browser = device.launch();
    let first = browser.open();
    first.add("first 1");
    first.expect_saved();
    browser.show_empty_tab();
    let second = browser.open();
    second.add("second 1");
    first.show();
    first.add("first 2");
    second.show();
    second.add("second 2");
    second.expect_saved();
    first.show();
    first.expect_saved();

    browser.show_empty_tab();
    first.close();
    second.close();
    let page = browser.open();
    page.expect_rows(4);
    page.expect_titles_in_any_order(&["first 1", "first 2", "second 1", "second 2"]);
}

#[test]
fn with_storage_blocked_the_page_works_and_says_that_it_keeps_nothing() {
    for fault in [
        "IDBFactory.prototype.open = () => { throw new DOMException('blocked by a test', 'SecurityError') }",
        "Object.defineProperty(globalThis, 'indexedDB', { get() { throw new DOMException('no', 'SecurityError') } })",
        "Object.defineProperty(globalThis, 'indexedDB', { value: undefined })",
        "IDBFactory.prototype.open = () => {
            const request = new EventTarget();
            request.error = new DOMException('a test', 'UnknownError');
            request.readyState = 'done';
            setTimeout(() => { const e = new Event('error'); request.onerror?.(e); request.dispatchEvent(e); });
            return request;
        }",
    ] {
        let device = Device::new();
        let browser = device.launch();
        browser.before_every_page(fault);
        let page = browser.open();
        page.add("milk");
        page.add("bread");
        page.toggle("milk");
        page.expect_titles(&["milk", "bread"]);
        page.expect_completed(&["milk"]);
        page.expect_memory_only();
    }
}

/// A script of another page of the same origin. It keeps the database to itself, so that all
/// transactions of the todo page wait, until it receives a message on the channel `hold`.
const HOLD: &str = "const done = arguments[0];
    let isHeld = true;
    new BroadcastChannel('hold').onmessage = () => { isHeld = false; };
    const request = indexedDB.open('leptos-sync');
    request.onsuccess = () => {
        const transaction = request.result.transaction('leptos-sync', 'readwrite');
        const store = transaction.objectStore('leptos-sync');
        const hold = () => {
            done('held');
            if (isHeld) {
                store.count().onsuccess = hold;
            }
        };
        store.count().onsuccess = hold;
    };";

/// Lets the transactions of the todo page proceed.
const RELEASE: &str = "new BroadcastChannel('hold').postMessage('release')";

/// Browsers abort the transactions of a page that ends, even those that are committed, if they have
/// not begun because another one is in progress.
#[test]
fn a_reload_loses_nothing_while_the_database_is_busy() {
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();
    page.add("milk");
    page.expect_saved();
    browser.show_empty_tab();
    browser.visit("service-worker.js");
    let held = browser.session().script_with_callback(HOLD, &[]);
    assert_eq!(held, "held");

    page.show();
    page.add("bread");
    page.add("salt");
    page.reload();
    // The page has not read the database yet.
    page.add("pepper");
    page.reload();
    browser.session().script(RELEASE, &[]);
    page.expect_titles(&["milk", "bread", "salt", "pepper"]);
    page.expect_saved();
    page.reload();
    page.expect_titles(&["milk", "bread", "salt", "pepper"]);
}
