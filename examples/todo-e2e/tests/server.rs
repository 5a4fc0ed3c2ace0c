//! The page's server, as a browser and whoever starts it see it.

use serde_json::{Value, json};
use todo_e2e::{Device, Server};

#[test]
fn the_page_is_loaded_anew_each_time_and_with_the_types_that_a_browser_wants() {
    let server = Server::start();
    let device = Device::at(&server.url());
    let browser = device.launch();
    browser.visit("sync/healthz");
    let script = "const done = arguments[1];
        fetch(arguments[0]).then(it => done([it.status, it.headers.get('content-type'), it.headers.get('cache-control')]))";
    let ask = |path: &str| -> Value {
        browser
            .session()
            .script_with_callback(script, &[json!(path)])
    };
    for (path, kind) in [
        ("/", "text/html"),
        ("/style.css", "text/css"),
        ("/todo.js", "text/javascript"),
        ("/todo_bg.wasm", "application/wasm"),
    ] {
        assert_eq!(ask(path), json!([200, kind, "no-store"]), "{path}");
    }
    // Neither what is not there, nor what is beside the folder.
    for path in [
        "/nothing",
        "/%2e%2e/dist/todo/index.html",
        "/..%2findex.html",
    ] {
        assert_eq!(ask(path).get(0), Some(&json!(404)), "{path}");
    }
}

#[test]
fn a_server_that_is_asked_to_end_ends_while_pages_are_open_and_goes_on_later() {
    let mut server = Server::start();
    let device = Device::at(&server.url());
    let browser = device.launch();
    let page = browser.open();
    page.add("milk");
    page.expect_synced();
    server.end();
    page.expect_connection("offline");
    page.add("bread");
    page.expect_status("1 edit is waiting");
    server.restart();
    page.expect_synced();

    let other = Device::at(&server.url());
    let browser = other.launch();
    browser.open().expect_titles(&["milk", "bread"]);
}
