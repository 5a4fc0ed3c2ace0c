//! A running browser.

use serde_json::json;

use crate::device::Device;
use crate::driver::Driver;
use crate::engine::Engine;
use crate::page::Page;
use crate::session::Session;
use crate::wait::eventually;

/// The window's size. The height ensures that the sticky footer of a short list covers none of its
/// rows.
const WINDOW: (u32, u32) = (1280, 1000);

/// A browser on the profile of a [`Device`]. Dropping it kills it.
pub struct Browser<'a> {
    session: Session,
    url: &'a str,
    // This field is the last one, so that the driver ends after the session.
    _driver: Driver,
}

impl<'a> Browser<'a> {
    #[track_caller]
    pub(crate) fn launch(device: &'a Device) -> Self {
        let engine = Engine::chosen();
        let driver = Driver::start(engine);
        let session = Session::start(driver.port, &engine.capabilities(device.profile()));
        session.resize(WINDOW.0, WINDOW.1);
        Self {
            session,
            url: device.url(),
            _driver: driver,
        }
    }

    /// Returns the session of the window, for commands without a method of [`Page`].
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Opens a page in the current tab, not necessarily the todo page. Its address ends in `query`.
    #[track_caller]
    pub fn visit(&self, query: &str) {
        self.session.go_to(&format!("{}{query}", self.url));
    }

    /// Clicks the first element that matches a selector, on a page that is not the todo page.
    #[track_caller]
    pub fn click(&self, css: &str) {
        self.session.click(&self.session.find(css));
    }

    /// Types into the first element that matches a selector, on a page that is not the todo page.
    #[track_caller]
    pub fn type_into(&self, css: &str, text: &str) {
        self.session.send_keys(&self.session.find(css), text);
    }

    /// Waits until the service worker controls the page and has stored it.
    #[track_caller]
    pub fn expect_available_offline(&self) {
        let script = "const done = arguments[0];
            const controlled = () => navigator.serviceWorker.controller !== null;
            caches.match('./').then(page => done(page !== undefined && controlled()))";
        eventually("the page is available offline", &json!(true), || {
            self.session.script_with_callback(script, &[])
        });
    }

    /// Expects the text of an element, on a page that is not the todo page.
    #[track_caller]
    pub fn expect_text(&self, css: &str, text: &str) {
        let script = "return document.querySelector(arguments[0])?.innerText.trim() ?? ''";
        eventually(css, &json!(text), || {
            self.session.script(script, &[json!(css)])
        });
    }

    /// Expects the text of an input, on a page that is not the todo page.
    #[track_caller]
    pub fn expect_value(&self, css: &str, text: &str) {
        let script = "return document.querySelector(arguments[0])?.value ?? ''";
        eventually(css, &json!(text), || {
            self.session.script(script, &[json!(css)])
        });
    }

    /// Opens the page in the current tab and waits until its input is ready.
    #[track_caller]
    #[must_use]
    pub fn open(&self) -> Page<'_> {
        self.session.go_to(self.url);
        Page::of_current_tab(&self.session)
    }

    /// Opens an empty tab and switches to it. [`Browser::open`] then works there.
    #[track_caller]
    pub fn show_empty_tab(&self) {
        let tab = self.session.new_tab();
        self.session.switch_to(&tab);
    }

    /// Disconnects the current tab from the network, or reconnects it. Only Chromium supports this.
    #[track_caller]
    pub fn set_offline(&self, offline: bool) {
        // Without this command, the next one has no effect.
        self.session.devtools("Network.enable", &json!({}));
        self.session.devtools(
            "Network.emulateNetworkConditions",
            &json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 }),
        );
    }

    /// Runs a script at the start of every page that opens later, before the page's own scripts.
    /// Only Chromium supports this.
    #[track_caller]
    pub fn before_every_page(&self, script: &str) {
        self.session.devtools(
            "Page.addScriptToEvaluateOnNewDocument",
            &json!({ "source": script }),
        );
    }

    /// Makes [`Browser::wasm_memory`] work in every page that opens later. Only Chromium supports
    /// this.
    #[track_caller]
    pub fn watch_wasm_memory(&self) {
        self.before_every_page(
            "for (const name of ['instantiate', 'instantiateStreaming']) {
                const instantiate = WebAssembly[name];
                WebAssembly[name] = async function (...parts) {
                    const result = await instantiate.apply(this, parts);
                    window.wasmMemory = (result.instance ?? result).exports.memory;
                    return result;
                };
            }",
        );
    }

    /// Returns the bytes of the page's WebAssembly memory, which contains the document. Unlike the
    /// memory of the process, it is the same in each run, and does not contain the browser's own
    /// garbage.
    #[track_caller]
    #[must_use]
    pub fn wasm_memory(&self) -> u64 {
        let bytes = self
            .session
            .script("return wasmMemory.buffer.byteLength", &[]);
        bytes.as_u64().unwrap_or(u64::MAX)
    }

    /// Closes the browser like a user.
    #[track_caller]
    pub fn quit(self) {
        self.session.quit();
    }

    /// Sends SIGKILL to all processes of the browser, so that they write nothing more.
    pub fn kill(self) {
        drop(self);
    }
}
