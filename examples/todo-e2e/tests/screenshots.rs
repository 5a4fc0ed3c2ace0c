//! Screenshots of the page, for the README and for reviews of the style sheet.

use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::json;
use todo_e2e::{Browser, Device, Key, Page, RelayProcess, Server, Site, expiring, reader};

/// The widths of a phone and of a desktop window, with usual heights, in CSS pixels.
const WINDOWS: [(u32, u32); 2] = [(390, 844), (1280, 800)];

fn folder() -> PathBuf {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/screenshots");
    let folder = env::var_os("SCREENSHOTS").map_or(default, PathBuf::from);
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    folder
}

fn take(browser: &Browser<'_>, folder: &Path, name: &str) {
    for (width, height) in WINDOWS {
        let window = json!({ "width": width, "height": height, "deviceScaleFactor": 2, "mobile": width < 600 });
        browser
            .session()
            .devtools("Emulation.setDeviceMetricsOverride", &window);
        for scheme in ["light", "dark"] {
            let media = json!({ "features": [
                { "name": "prefers-color-scheme", "value": scheme },
                { "name": "prefers-reduced-motion", "value": "reduce" },
            ] });
            browser
                .session()
                .devtools("Emulation.setEmulatedMedia", &media);
            let too_wide = browser.session().script(
                "return document.documentElement.scrollWidth > document.documentElement.clientWidth",
                &[],
            );
            assert_eq!(
                too_wide,
                json!(false),
                "{name} at {width} px scrolls sideways"
            );
            let path = folder.join(format!("{name}-{width}-{scheme}.png"));
            fs::write(&path, browser.session().screenshot())
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }
}

fn fill(page: &Page<'_>) {
    page.paste(
        "Water the tomatoes\nCall the lighthouse keeper\nBook the night train to Lisbon, a compartment with a window, \
         and tell everyone who wants to come along\nReturn the library books\nSharpen the kitchen knives",
    );
    page.toggle("Water the tomatoes");
    page.toggle("Return the library books");
    page.expect_completed(&["Water the tomatoes", "Return the library books"]);
    page.click("h1");
}

#[test]
fn screenshots() {
    let folder = folder();
    let device = Device::new();
    let browser = device.launch();
    let page = browser.open();
    take(&browser, &folder, "empty");
    fill(&page);
    take(&browser, &folder, "list");
    page.filter("Active");
    page.expect_text("a.selected", "Active");
    page.edit("Sharpen the kitchen knives");
    take(&browser, &folder, "editing");
    page.fill(".edit", &"A title that is too long. ".repeat(20_000));
    page.press(Key::Enter);
    page.fill(".new-todo", &"A text that is too long. ".repeat(20_000));
    page.press(Key::Enter);
    page.expect_visible(".header .problem", true);
    take(&browser, &folder, "too-long");
    page.fill(".new-todo", "");
    page.press(Key::Enter);
    page.fill(".edit", "");
    page.press(Key::Escape);
    page.filter("All");
    page.paste(&"One of many\n".repeat(40));
    page.expect_rows(45);
    page.click("h1");
    take(&browser, &folder, "many");
}

#[test]
fn screenshots_of_two_who_edit_one_list() {
    let folder = folder();
    let mut server = Server::start();
    let (laptop, phone) = (Device::at(&server.url()), Device::at(&server.url()));
    let (laptop, phone) = (laptop.launch(), phone.launch());
    let (ada, bob) = (laptop.open(), phone.open());
    fill(&ada);
    bob.expect_rows(5);
    bob.add("Feed the cat");
    ada.expect_rows(6);
    for (page, browser, name) in [
        (&ada, &laptop, "one-of-two"),
        (&bob, &phone, "other-of-two"),
    ] {
        page.expect_synced();
        page.expect_peers("1 other is here");
        page.click("h1");
        take(browser, &folder, name);
    }
    server.kill();
    ada.expect_connection("offline");
    ada.add("Buy stamps");
    ada.delete("Return the library books");
    ada.expect_status("2 edits are waiting");
    ada.click("h1");
    take(&laptop, &folder, "offline");
}

#[test]
fn screenshots_of_a_page_that_the_relay_refuses_something() {
    let folder = folder();
    let site = Site::of_todo();
    let relay = RelayProcess::start(&[site.origin()]);
    site.exchange_with(&relay.url(), &reader("ada"));
    let device = Device::at(site.url());
    let browser = device.launch();
    let page = browser.open();
    page.expect_synced();
    page.add("Feed the cat");
    page.expect_rejected("not permitted");
    page.expect_titles(&[]);
    take(&browser, &folder, "taken-back");
    site.exchange_with(&relay.url(), &expiring("ada", -3600));
    page.reload();
    page.expect_connection("refused");
    page.add("Feed the cat");
    page.expect_saved();
    page.click("h1");
    take(&browser, &folder, "refused");
}
