//! The todo page, with methods for the actions of a user.

mod marks;

use std::time::Duration;

use serde_json::{Value, json};

use crate::session::{Element, Session};
use crate::wait::{eventually, until, within};

/// A key without a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Key {
    /// Enter, or Return.
    Enter,
    /// Escape.
    Escape,
    /// Tab, which moves the focus to the next control.
    Tab,
    /// The space bar.
    Space,
    /// F2, which starts editing in many programs.
    F2,
}

impl Key {
    /// Returns the code point of the key (WebDriver, "Keyboard actions").
    fn code(self) -> &'static str {
        match self {
            Self::Enter => "\u{e007}",
            Self::Escape => "\u{e00c}",
            Self::Tab => "\u{e004}",
            Self::Space => " ",
            Self::F2 => "\u{e032}",
        }
    }
}

/// The time that an editor may take to open before the page is clicked again.
const CLICK_AGAIN: Duration = Duration::from_secs(5);

/// The delete key.
const DELETE: &str = "\u{e017}";

/// The todo page in one tab. Its `expect_…` methods wait for their condition.
pub struct Page<'a> {
    session: &'a Session,
    tab: Value,
}

impl<'a> Page<'a> {
    #[track_caller]
    pub(crate) fn of_current_tab(session: &'a Session) -> Self {
        session.find(".new-todo");
        Self {
            session,
            tab: session.current_tab(),
        }
    }

    /// Makes this page's tab the current one.
    #[track_caller]
    pub fn show(&self) {
        self.session.switch_to(&self.tab);
    }

    /// Closes this page's tab and switches to another one.
    #[track_caller]
    pub fn close(self) {
        self.show();
        self.session.close_tab();
    }

    /// Reloads the page and waits until its input is ready.
    #[track_caller]
    pub fn reload(&self) {
        self.session.reload();
        self.session.find(".new-todo");
    }

    /// Types a todo and presses Enter.
    #[track_caller]
    pub fn add(&self, title: &str) {
        let keys = format!("{title}{}", Key::Enter.code());
        self.session
            .send_keys(&self.session.find(".new-todo"), &keys);
    }

    /// Pastes text into the input of the new todo.
    #[track_caller]
    pub fn paste(&self, text: &str) {
        let script = "const clipboardData = new DataTransfer();
            clipboardData.setData('text/plain', arguments[0]);
            const paste = new ClipboardEvent('paste', { bubbles: true, cancelable: true });
            // Firefox ignores the text in the constructor's `clipboardData`.
            Object.defineProperty(paste, 'clipboardData', { value: clipboardData });
            document.querySelector('.new-todo').dispatchEvent(paste);";
        self.session.script(script, &[json!(text)]);
    }

    /// Clicks the checkbox of a todo.
    #[track_caller]
    pub fn toggle(&self, title: &str) {
        self.session.click(&self.part_of(title, ".toggle"));
    }

    /// Clicks the button that deletes a todo.
    #[track_caller]
    pub fn delete(&self, title: &str) {
        self.session.click(&self.part_of(title, ".destroy"));
    }

    /// Double-clicks a title and waits for the editor.
    #[track_caller]
    pub fn edit(&self, title: &str) {
        // WebKit loses a double click on a row that has just moved, so click again.
        until("the editor", || {
            self.session
                .double_click(&self.part_of(title, "[data-testid=todo-title]"));
            within(CLICK_AGAIN, || self.has_focus("edit")).then_some(())
        });
    }

    /// Clicks the first element that matches a selector.
    #[track_caller]
    pub fn click(&self, css: &str) {
        self.session.click(&self.session.find(css));
    }

    /// Puts text into an input, like a paste, and focuses the input.
    #[track_caller]
    pub fn fill(&self, css: &str, text: &str) {
        let script = "const input = document.querySelector(arguments[0]);
            input.value = arguments[1];
            input.focus()";
        self.session.script(script, &[json!(css), json!(text)]);
    }

    /// Returns the current text of an input.
    #[track_caller]
    #[must_use]
    pub fn value(&self, css: &str) -> String {
        let script = "return document.querySelector(arguments[0]).value";
        self.text_of(script, &[json!(css)])
    }

    /// Types into the element that has the focus.
    #[track_caller]
    pub fn type_text(&self, text: &str) {
        self.session.send_keys(&self.session.focused(), text);
    }

    /// Replaces the text of the input that has the focus by typing.
    #[track_caller]
    pub fn type_over(&self, text: &str) {
        // Firefox loses keys that follow a released modifier, so Ctrl+A cannot select the text.
        self.session.script("document.activeElement.select()", &[]);
        self.type_text(&format!("{DELETE}{text}"));
    }

    /// Presses a key in the element that has the focus.
    #[track_caller]
    pub fn press(&self, key: Key) {
        self.type_text(key.code());
    }

    /// Follows the link of a filter: `All`, `Active` or `Completed`.
    #[track_caller]
    pub fn filter(&self, name: &str) {
        let script = "return [...document.querySelectorAll('.filters a')].find(a => a.textContent.trim() === arguments[0])";
        let link = until(name, || {
            Element::from_script(self.session.script(script, &[json!(name)]))
        });
        self.session.click(&link);
    }

    /// Changes the fragment of the address, like the back button or a typed address.
    #[track_caller]
    pub fn set_hash(&self, hash: &str) {
        self.session
            .script("location.hash = arguments[0]", &[json!(hash)]);
    }

    /// Returns the fragment of the address, with `#`.
    #[track_caller]
    #[must_use]
    pub fn hash(&self) -> String {
        self.text_of("return location.hash", &[])
    }

    /// Expects the titles of the visible todos, from the top.
    #[track_caller]
    pub fn expect_titles(&self, titles: &[&str]) {
        eventually("titles", &titles, || self.shown());
    }

    /// Returns the titles of the visible todos, from the top.
    #[track_caller]
    #[must_use]
    pub fn shown(&self) -> Vec<String> {
        self.titles("[data-testid=todo-item]")
    }

    /// Expects the titles of the visible todos, in any order.
    ///
    /// `titles` are in alphabetical order.
    #[track_caller]
    pub fn expect_titles_in_any_order(&self, titles: &[&str]) {
        eventually("titles, sorted", &titles, || {
            let mut found = self.shown();
            found.sort();
            found
        });
    }

    /// Expects the titles of the visible completed todos, from the top. Checks both those that are
    /// struck out and those whose checkbox is checked.
    #[track_caller]
    pub fn expect_completed(&self, titles: &[&str]) {
        for rows in [".completed", ":has(.toggle:checked)"] {
            let rows = format!("[data-testid=todo-item]{rows}");
            eventually(&format!("titles of {rows}"), &titles, || self.titles(&rows));
        }
    }

    /// Expects a number of todos, visible or not.
    #[track_caller]
    pub fn expect_rows(&self, rows: usize) {
        let script = "return document.querySelectorAll('[data-testid=todo-item]').length";
        eventually("rows", &json!(rows), || self.session.script(script, &[]));
    }

    /// Expects the text of an element, or `""` if there is none or it is hidden.
    #[track_caller]
    pub fn expect_text(&self, css: &str, text: &str) {
        let script = "return document.querySelector(arguments[0])?.innerText.trim() ?? ''";
        eventually(css, &text.to_owned(), || {
            self.text_of(script, &[json!(css)])
        });
    }

    /// Expects the line that counts the remaining todos.
    #[track_caller]
    pub fn expect_count(&self, text: &str) {
        self.expect_text("[data-testid=todo-count]", text);
    }

    /// Expects an element to be visible, or not to be.
    #[track_caller]
    pub fn expect_visible(&self, css: &str, visible: bool) {
        let script = "return document.querySelector(arguments[0])?.checkVisibility() ?? false";
        eventually(&format!("{css} is visible"), &json!(visible), || {
            self.session.script(script, &[json!(css)])
        });
    }

    /// Expects a checkbox to be checked, or not to be.
    #[track_caller]
    pub fn expect_checked(&self, css: &str, checked: bool) {
        let script = "return document.querySelector(arguments[0])?.checked ?? false";
        eventually(&format!("{css} is checked"), &json!(checked), || {
            self.session.script(script, &[json!(css)])
        });
    }

    /// Expects the focus to be in an element of a class.
    #[track_caller]
    pub fn expect_focus(&self, class: &str) {
        eventually(&format!("focus in .{class}"), &true, || {
            self.has_focus(class)
        });
    }

    /// Returns whether the focus is in an element of a class.
    #[track_caller]
    #[must_use]
    pub fn has_focus(&self, class: &str) -> bool {
        let script = "return document.activeElement.classList.contains(arguments[0])";
        self.session.script(script, &[json!(class)]) == json!(true)
    }

    /// Finds a part of a todo's row.
    #[track_caller]
    fn part_of(&self, title: &str, css: &str) -> Element {
        let script = "return [...document.querySelectorAll('[data-testid=todo-item]')]
            .find(row => row.querySelector('[data-testid=todo-title]').textContent === arguments[0])
            ?.querySelector(arguments[1])";
        let arguments = [json!(title), json!(css)];
        until(&format!("{css} of {title:?}"), || {
            Element::from_script(self.session.script(script, &arguments))
        })
    }

    #[track_caller]
    fn titles(&self, rows: &str) -> Vec<String> {
        let script = "return [...document.querySelectorAll(arguments[0])].filter(row => row.checkVisibility())
            .map(row => row.querySelector('[data-testid=todo-title]').textContent)";
        let titles = self.session.script(script, &[json!(rows)]);
        let titles = titles
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        titles.map(str::to_owned).collect()
    }

    #[track_caller]
    fn text_of(&self, script: &str, arguments: &[Value]) -> String {
        self.session
            .script(script, arguments)
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}
