//! Ten thousand todos. The tests check the outcome and only print the times, which depend on the
//! machine.

use std::io::{self, Write};

use serde_json::{Value, json};
use todo_e2e::{Browser, Device, Page};

const TODOS: usize = 10_000;

fn many() -> String {
    (1..=TODOS)
        .map(|number| format!("todo {number}\n"))
        .collect()
}

/// A script that records times in ms since the navigation began: when the first row is in the page,
/// when the frame that shows it ends, when the page requests the document from IndexedDB, and when
/// it arrives.
const WATCH_FIRST_ROW: &str = "
    new MutationObserver((_, observer) => {
        if (document.querySelector('[data-testid=todo-item]')) {
            observer.disconnect();
            window.firstRow = performance.now();
            requestAnimationFrame(() => setTimeout(() => window.firstFrame = performance.now()));
        }
    }).observe(document, { childList: true, subtree: true });
    const getAll = IDBObjectStore.prototype.getAll;
    IDBObjectStore.prototype.getAll = function (range, limit) {
        const request = getAll.call(this, range, limit);
        if (new Uint8Array(range.lower)[0] === 'R'.charCodeAt(0)) {
            window.asked = performance.now();
            request.addEventListener('success', () => window.answered = performance.now());
        }
        return request;
    };";

/// A script that clicks a checkbox. Returns the ms until its row changes and until the frame that
/// shows it ends.
const TIME_A_TOGGLE: &str = "
    const done = arguments[0];
    const row = document.querySelector('[data-testid=todo-item]');
    let start = 0;
    new MutationObserver((_, observer) => {
        if (row.classList.contains('completed')) {
            observer.disconnect();
            const changed = performance.now() - start;
            requestAnimationFrame(() => setTimeout(() => done([changed, performance.now() - start])));
        }
    }).observe(row, { attributes: true });
    requestAnimationFrame(() => setTimeout(() => {
        start = performance.now();
        row.querySelector('.toggle').click();
    }));";

/// A script that pastes lines. Returns the ms until the last row arrives and until the frame that
/// shows the first one ends.
const TIME_A_PASTE: &str = "
    const [lines, rows, done] = arguments;
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', lines);
    const paste = new ClipboardEvent('paste', { bubbles: true, cancelable: true });
    Object.defineProperty(paste, 'clipboardData', { value: clipboardData });
    const start = performance.now();
    new MutationObserver((_, observer) => {
        if (document.querySelectorAll('[data-testid=todo-item]').length === rows) {
            observer.disconnect();
            const changed = performance.now() - start;
            requestAnimationFrame(() => setTimeout(() => done([changed, performance.now() - start])));
        }
    }).observe(document.body, { childList: true, subtree: true });
    document.querySelector('.new-todo').dispatchEvent(paste);";

/// Prints a measurement. Bypasses the test runner, which hides the output of passing tests.
fn figure(what: &str, ms: Option<&Value>) {
    if let Some(ms) = ms.and_then(Value::as_f64) {
        let _ = writeln!(io::stdout(), "figure: {what}: {ms:.1} ms");
    }
}

fn paste_and_toggle(browser: &Browser<'_>, page: &Page<'_>, name: &str) {
    let arguments = [json!(many()), json!(TODOS)];
    let times = browser
        .session()
        .script_with_callback(TIME_A_PASTE, &arguments);
    figure(
        &format!("{name}: paste 10,000 todos to last row"),
        times.get(0),
    );
    figure(
        &format!("{name}: paste 10,000 todos to end of frame"),
        times.get(1),
    );
    page.expect_rows(TODOS);
    page.expect_count("10000 items left");
    toggle(browser, page, name);
}

fn toggle(browser: &Browser<'_>, page: &Page<'_>, name: &str) {
    let times = browser.session().script_with_callback(TIME_A_TOGGLE, &[]);
    figure(
        &format!("{name}: toggle one of 10,000 todos to changed row"),
        times.get(0),
    );
    figure(
        &format!("{name}: toggle one of 10,000 todos to end of frame"),
        times.get(1),
    );
    page.expect_count("9999 items left");
    page.expect_checked(".toggle", true);
}

#[test]
fn ten_thousand_todos_are_pasted_at_once_and_one_of_them_is_toggled() {
    let device = Device::new();
    let browser = device.launch();
    paste_and_toggle(&browser, &browser.open(), "todo");
    browser.quit();

    let device = Device::with_baseline();
    let browser = device.launch();
    paste_and_toggle(&browser, &browser.open(), "todo-plain");
}

#[test]
fn ten_thousand_todos_are_there_after_a_reload_and_one_of_them_is_toggled() {
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();
    page.paste(&many());
    page.expect_rows(TODOS);
    page.expect_saved();

    browser.before_every_page(WATCH_FIRST_ROW);
    page.reload();
    page.expect_rows(TODOS);
    page.expect_count("10000 items left");
    let titles = many();
    page.expect_titles(&titles.lines().collect::<Vec<_>>());
    let times = browser.session().script_with_callback(
        "const done = arguments[0];
        (function ask() {
            if (!window.firstFrame) return requestAnimationFrame(ask);
            done([firstRow, firstFrame, answered - asked, firstFrame - asked]);
        })();",
        &[],
    );
    figure("open the page with 10,000 todos to first row", times.get(0));
    figure(
        "open the page with 10,000 todos to first render",
        times.get(1),
    );
    figure("IndexedDB's answer with 10,000 todos", times.get(2));
    figure(
        "load 10,000 todos from IndexedDB to first render",
        times.get(3),
    );

    toggle(&browser, &page, "todo, loaded");
}
