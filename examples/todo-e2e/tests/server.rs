//! The page's server, from the view of a browser and of its operator.

use serde_json::{Value, json};
use todo_e2e::{Device, Server};

/// A script that requests a file and returns its status, type, encoding and caching.
const FETCH: &str = "const [path, done] = arguments;
    const names = ['content-type', 'content-encoding', 'cache-control'];
    // WebKit requests brotli only over HTTPS.
    const name = value => value === 'br' || value === 'gzip' ? 'compressed' : value;
    fetch(path).then(it => done([it.status, ...names.map(of => name(it.headers.get(of)))]))";

/// A script that finds the name of a file in the page.
const FIND: &str = "const [name, done] = arguments;
    fetch('/').then(page => page.text()).then(text => done('/' + text.match(new RegExp(name))[0]))";

#[test]
fn files_have_their_types_are_compressed_and_are_stored_if_their_names_have_a_hash() {
    let server = Server::start();
    let device = Device::at(&server.url());
    let browser = device.launch();
    browser.visit("sync/healthz");
    let ask = |script: &str, argument: &str| -> Value {
        browser
            .session()
            .script_with_callback(script, &[json!(argument)])
    };
    let page = json!([200, "text/html", "compressed", "no-cache"]);
    assert_eq!(ask(FETCH, "/"), page);
    for (name, kind) in [
        (r"style(-\w{16})?\.css", "text/css"),
        (r"todo(-\w{16})?\.js", "text/javascript"),
        (r"todo(-\w{16})?_bg\.wasm", "application/wasm"),
    ] {
        let path = ask(FIND, name).as_str().unwrap_or(name).to_owned();
        let caching = match path.contains('-') {
            true => "public, max-age=31536000, immutable",
            false => "no-cache",
        };
        let file = json!([200, kind, "compressed", caching]);
        assert_eq!(ask(FETCH, &path), file, "{path}");
    }
    // Neither a missing file nor one outside the folder is served.
    for path in [
        "/nothing",
        "/%2e%2e/dist/todo/index.html",
        "/..%2findex.html",
    ] {
        assert_eq!(ask(FETCH, path).get(0), Some(&json!(404)), "{path}");
    }
}

#[test]
fn the_page_works_under_a_policy_that_stops_scripts_of_others() {
    let server = Server::start();
    let device = Device::at(&server.url());
    let browser = device.launch();
    let page = browser.open();
    page.add("milk");
    page.expect_synced();
    let inject = "const script = document.createElement('script');
        script.textContent = 'window.injected = true';
        document.body.append(script);
        const image = document.createElement('img');
        image.setAttribute('onerror', 'window.injected = true');
        image.src = '/nothing';
        document.body.append(image);
        const done = arguments[0];
        image.addEventListener('error', () => done(window.injected ?? false));";
    let injected = browser.session().script_with_callback(inject, &[]);
    assert_eq!(injected, json!(false));
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
