//! The status line below the list: where the edits are stored, and how many others are connected.

use serde_json::json;

use super::Page;
use crate::wait::eventually;

/// The message below an input. Without a text, it is there but hidden.
const PROBLEM: &str = "[data-testid=problem]:not(:empty)";

impl Page<'_> {
    /// Expects the page to say that all edits are stored on this device.
    #[track_caller]
    pub fn expect_saved(&self) {
        self.expect_mark("state", "saved");
    }

    /// Expects the page to say that edits are kept in memory only.
    #[track_caller]
    pub fn expect_memory_only(&self) {
        let script = "return document.querySelector('[data-testid=saved-mark]').innerText.includes('In memory only')";
        eventually("the mark says: In memory only", &json!(true), || {
            self.session.script(script, &[])
        });
    }

    /// Expects the state of the page's connection: `absent`, `connecting`, `offline`, `online` or
    /// `refused`.
    #[track_caller]
    pub fn expect_connection(&self, connection: &str) {
        self.expect_mark("connection", connection);
    }

    /// Expects the page to say that all edits are stored on this device and at the relay.
    #[track_caller]
    pub fn expect_synced(&self) {
        self.expect_saved();
        self.expect_connection("online");
        self.expect_mark("synced", "true");
    }

    /// Expects the text that says how many others are connected, or `""` if there are none.
    #[track_caller]
    pub fn expect_peers(&self, text: &str) {
        self.expect_text("[data-testid=peers]", text);
    }

    /// Expects the page to report a rejected edit, with these words in the reason.
    #[track_caller]
    pub fn expect_rejected(&self, why: &str) {
        self.expect_words(
            "[data-testid=rejected]",
            &format!("An edit was rejected: {why}"),
        );
    }

    /// Expects the page to explain why it rejected the text of an input, with these words in the
    /// explanation.
    #[track_caller]
    pub fn expect_problem(&self, words: &str) {
        self.expect_words(PROBLEM, words);
    }

    /// Expects no input to have a text that was rejected.
    #[track_caller]
    pub fn expect_no_problem(&self) {
        self.expect_visible(PROBLEM, false);
    }

    /// Expects the status of the edits to contain the given words.
    #[track_caller]
    pub fn expect_status(&self, words: &str) {
        self.expect_words("[data-testid=saved-mark]", words);
    }

    /// Expects this page to show the same todos as another page, in the same order.
    #[track_caller]
    pub fn expect_same_as(&self, other: &Page<'_>) {
        let rows = ["", ".completed"].map(|which| format!("[data-testid=todo-item]{which}"));
        let list = |page: &Page<'_>| rows.each_ref().map(|rows| page.titles(rows));
        eventually("titles and completed titles", &list(other), || list(self));
    }

    #[track_caller]
    fn expect_mark(&self, name: &str, value: &str) {
        let script =
            "return document.querySelector('[data-testid=saved-mark]').dataset[arguments[0]]";
        eventually(name, &value.to_owned(), || {
            self.text_of(script, &[json!(name)])
        });
    }

    #[track_caller]
    fn expect_words(&self, css: &str, words: &str) {
        let script = "const text = document.querySelector(arguments[0])?.innerText.trim() ?? '';
            return text.includes(arguments[1]) ? arguments[1] : text";
        eventually(css, &words.to_owned(), || {
            self.text_of(script, &[json!(css), json!(words)])
        });
    }
}
