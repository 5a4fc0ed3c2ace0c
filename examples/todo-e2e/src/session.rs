//! A WebDriver session: commands are JSON over HTTP (<https://www.w3.org/TR/webdriver2/>).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use ureq::Agent;

use crate::wait::until;

/// The key under which WebDriver wraps the id of an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The error of a driver for an element that cannot be clicked.
const NOT_INTERACTABLE: &str = "element not interactable";

/// A WebDriver session with one browser window. Each command panics if the driver reports an error.
#[derive(Debug)]
pub struct Session {
    agent: Agent,
    base: String,
}

/// An element of the page, by the id that the driver gave it.
#[derive(Clone, Debug)]
pub(crate) struct Element(Value);

impl Element {
    /// Returns the element in a script's result, if there is one.
    pub(crate) fn from_script(value: Value) -> Option<Self> {
        value.get(ELEMENT).is_some().then_some(Self(value))
    }

    /// Returns the element as an argument of a script.
    pub(crate) fn as_argument(&self) -> &Value {
        &self.0
    }

    fn path(&self, command: &str) -> String {
        let id = self
            .0
            .get(ELEMENT)
            .and_then(Value::as_str)
            .unwrap_or_default();
        format!("/element/{id}/{command}")
    }
}

impl Session {
    /// Requests a browser from the driver on `port`.
    #[track_caller]
    pub(crate) fn start(port: u16, capabilities: &Value) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .build();
        let mut session = Self {
            agent: config.into(),
            base: format!("http://127.0.0.1:{port}/session"),
        };
        let started = session.post(
            "",
            &json!({ "capabilities": { "alwaysMatch": capabilities } }),
        );
        let id = started
            .get("sessionId")
            .and_then(Value::as_str)
            .unwrap_or_default();
        session.base = format!("{}/{id}", session.base);
        session
    }

    /// Runs a script in the page and returns its result. Its arguments are in `arguments`.
    #[track_caller]
    pub fn script(&self, script: &str, arguments: &[Value]) -> Value {
        self.post(
            "/execute/sync",
            &json!({ "script": script, "args": arguments }),
        )
    }

    /// Runs a script that calls its last argument with its result.
    #[track_caller]
    pub fn script_with_callback(&self, script: &str, arguments: &[Value]) -> Value {
        self.post(
            "/execute/async",
            &json!({ "script": script, "args": arguments }),
        )
    }

    /// Sends a command of the Chrome DevTools protocol, which only Chromium supports.
    #[track_caller]
    pub fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.post(
            "/goog/cdp/execute",
            &json!({ "cmd": command, "params": parameters }),
        )
    }

    /// Takes a screenshot of the window, as PNG.
    ///
    /// # Panics
    ///
    /// If the driver sends something other than base64.
    #[track_caller]
    pub fn screenshot(&self) -> Vec<u8> {
        let image = self.get("/screenshot");
        let image = BASE64_STANDARD.decode(image.as_str().unwrap_or_default());
        image.unwrap_or_else(|error| panic!("the screenshot is not base64: {error}"))
    }

    /// Sets the size of the window.
    #[track_caller]
    pub(crate) fn resize(&self, width: u32, height: u32) {
        self.post("/window/rect", &json!({ "width": width, "height": height }));
    }

    #[track_caller]
    pub(crate) fn go_to(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    #[track_caller]
    pub(crate) fn reload(&self) {
        self.post("/refresh", &json!({}));
    }

    /// Opens a tab and returns its handle. The current tab stays current.
    #[track_caller]
    pub(crate) fn new_tab(&self) -> Value {
        let tab = self.post("/window/new", &json!({ "type": "tab" }));
        tab.get("handle").cloned().unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn current_tab(&self) -> Value {
        self.get("/window")
    }

    #[track_caller]
    pub(crate) fn switch_to(&self, tab: &Value) {
        self.post("/window", &json!({ "handle": tab }));
    }

    /// Closes the current tab and switches to another one, if there is one.
    #[track_caller]
    pub(crate) fn close_tab(&self) {
        let others = self.delete("/window");
        if let Some(other) = others.get(0) {
            self.switch_to(other);
        }
    }

    /// Closes the browser like a user.
    #[track_caller]
    pub(crate) fn quit(&self) {
        self.delete("");
    }

    /// Waits for the first element that matches.
    #[track_caller]
    pub(crate) fn find(&self, css: &str) -> Element {
        Element(self.post(
            "/element",
            &json!({ "using": "css selector", "value": css }),
        ))
    }

    /// Returns the element that has the focus.
    #[track_caller]
    pub(crate) fn focused(&self) -> Element {
        Element(self.get("/element/active"))
    }

    #[track_caller]
    pub(crate) fn click(&self, element: &Element) {
        self.act(&element.path("click"), &json!({}));
    }

    /// Types into an element, key by key.
    #[track_caller]
    pub(crate) fn send_keys(&self, element: &Element, keys: &str) {
        self.post(&element.path("value"), &json!({ "text": keys }));
    }

    #[track_caller]
    pub(crate) fn double_click(&self, element: &Element) {
        let press = json!({ "type": "pointerDown", "button": 0 });
        let release = json!({ "type": "pointerUp", "button": 0 });
        let to = json!({ "type": "pointerMove", "origin": element.as_argument(), "x": 0, "y": 0, "duration": 0 });
        let moves = json!([to, press, release, press, release]);
        self.act(
            "/actions",
            &json!({ "actions": [{ "type": "pointer", "id": "mouse", "actions": moves }] }),
        );
    }

    /// Sends a pointer command, repeatedly if needed: WebKit's driver reports a row as not
    /// interactable until it is painted.
    #[track_caller]
    fn act(&self, path: &str, body: &Value) {
        until(path, || {
            let sent = self
                .agent
                .post(format!("{}{path}", self.base))
                .send_json(body);
            match answer(sent) {
                Err(error) if error.starts_with(NOT_INTERACTABLE) => None,
                Err(error) => panic!("POST {path}: {error}"),
                Ok(_) => Some(()),
            }
        });
    }

    #[track_caller]
    fn get(&self, path: &str) -> Value {
        let sent = self.agent.get(format!("{}{path}", self.base)).call();
        answer(sent).unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    #[track_caller]
    fn delete(&self, path: &str) -> Value {
        let sent = self.agent.delete(format!("{}{path}", self.base)).call();
        answer(sent).unwrap_or_else(|error| panic!("DELETE {path}: {error}"))
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        let sent = self
            .agent
            .post(format!("{}{path}", self.base))
            .send_json(body);
        answer(sent).unwrap_or_else(|error| panic!("POST {path}: {error}"))
    }
}

/// Returns the value of a response, or the driver's error with its message.
fn answer(
    response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<Value, String> {
    let mut response = response.map_err(|error| format!("no answer: {error}"))?;
    let body = response.body_mut().with_config().limit(u64::MAX);
    let text = body.read_to_string().map_err(|error| error.to_string())?;
    let mut answer: Value =
        serde_json::from_str(&text).map_err(|error| format!("the answer is not JSON: {error}"))?;
    let value = answer.get_mut("value").map(Value::take).unwrap_or_default();
    let field = |name| value.get(name).and_then(Value::as_str);
    match field("error") {
        Some(error) => Err(format!("{error}: {}", field("message").unwrap_or_default())),
        None => Ok(value),
    }
}
