//! The memory and storage that removed todos take.

use std::io::{self, Write};

use todo_e2e::{Browser, Device, Page, Server, size};

/// The number of todos that are added and removed at once.
const BATCH: usize = 1_000;

const MB: f64 = 1024.0 * 1024.0;

/// The most megabytes that the page takes in addition while many todos are added and removed.
const OPEN: f64 = 10.0;

/// The most bytes that a removed todo takes while its removal is kept: in the database, and in the
/// memory of a page that was loaded afterwards. A todo consists of two cells.
const STORED_BYTES: f64 = 16.0;
const LOADED_BYTES: f64 = 72.0;

/// A script that returns the bytes of all keys and values in the database.
const STORED: &str = "const done = arguments[0];
    const open = indexedDB.open('leptos-sync');
    open.onsuccess = () => {
        const store = open.result.transaction('leptos-sync').objectStore('leptos-sync');
        const [keys, values] = [store.getAllKeys(), store.getAll()];
        store.transaction.oncomplete = () => {
            open.result.close();
            const all = [...keys.result, ...values.result];
            done(all.reduce((sum, bytes) => sum + bytes.byteLength, 0));
        };
    };";

/// Megabytes of memory and storage.
#[derive(Debug)]
struct Figures {
    memory: f64,
    stored: f64,
}

/// Measures the page, and prints the figures. Bypasses the test runner, which hides the output of
/// passing tests.
fn measure(browser: &Browser<'_>, when: &str) -> Figures {
    let stored = browser.session().script_with_callback(STORED, &[]);
    let figures = Figures {
        memory: browser.wasm_memory() as f64 / MB,
        stored: stored.as_f64().unwrap_or(f64::MAX) / MB,
    };
    let _ = writeln!(io::stdout(), "figure: {when}: {figures:.2?} MB");
    figures
}

/// Adds and removes many todos in batches, as a user does over the years.
fn add_and_clear(page: &Page<'_>) {
    for batch in 0..size(4, 41) {
        let lines = (0..BATCH).map(|number| format!("todo {batch} {number}\n"));
        page.paste(&lines.collect::<String>());
        page.expect_rows(BATCH + 1);
        page.click(".toggle-all + label");
        page.expect_count("0 items left");
        page.click(".clear-completed");
        page.expect_rows(0);
        page.add("the only todo");
        page.expect_rows(1);
    }
}

#[test]
fn a_list_without_a_relay_forgets_the_todos_that_were_cleared() {
    let device = Device::new();
    let browser = device.launch();
    browser.watch_wasm_memory();
    let page = browser.open();
    page.add("the only todo");
    page.expect_saved();
    let before = measure(&browser, "one todo");
    add_and_clear(&page);
    page.expect_saved();
    let after = measure(&browser, "after many were added and cleared");
    assert!(after.memory < before.memory + OPEN, "{before:?}, {after:?}");
    assert!(after.stored < 1.0, "{after:?}");
    page.reload();
    page.expect_titles(&["the only todo"]);
    let after = measure(&browser, "after a reload");
    assert!(after.memory < before.memory + 1.0, "{before:?}, {after:?}");
    assert!(after.stored < 0.5, "{after:?}");
}

/// The relay keeps the removals for the devices that are offline.
#[test]
fn cleared_todos_whose_removal_the_relay_keeps_take_little_room_on_a_device() {
    let server = Server::start();
    let (laptop, phone) = (Device::at(&server.url()), Device::at(&server.url()));
    let (laptop, phone) = (laptop.launch(), phone.launch());
    let browsers = [&laptop, &phone];
    let pages = browsers.map(|browser| {
        browser.watch_wasm_memory();
        browser.open()
    });
    let [ada, bob] = &pages;
    ada.add("the only todo");
    let measured = |when: &str| -> Vec<_> {
        let measure = |(browser, page): (&Browser<'_>, &Page<'_>)| {
            page.expect_titles(&["the only todo"]);
            page.expect_synced();
            measure(browser, when)
        };
        browsers.into_iter().zip(&pages).map(measure).collect()
    };
    let before = measured("one todo");
    add_and_clear(ada);
    let todos = (size(4, 41) * BATCH) as f64 / MB;
    let check = |when: &str, memory: f64| {
        for (before, after) in before.iter().zip(measured(when)) {
            assert!(
                after.memory < before.memory + memory,
                "{before:?}, {after:?}"
            );
            assert!(after.stored < 0.3 + STORED_BYTES * todos, "{after:?}");
        }
    };
    check("after many were added and cleared", OPEN);
    ada.reload();
    bob.reload();
    check("after a reload", 1.0 + LOADED_BYTES * todos);
}
