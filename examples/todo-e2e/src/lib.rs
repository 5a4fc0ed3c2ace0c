//! Drives the built todo page in a real browser: Chromium, Firefox or WebKit.
//!
//! A test owns a [`Device`]: the page on a loopback port, and a browser profile that is new and
//! empty. It launches a [`Browser`] on it through its driver, closes or kills that and launches
//! another, which finds what the first one left. A [`Page`] speaks of todos rather than of elements
//! and waits for what it is told to expect, by asking again and again until a deadline; nothing
//! here waits for a fixed time.
//!
//! Where several people edit one list, each has a device [`at`](Device::at) the same address: that
//! of a [`Server`], which is the page's own with its relay, or that of a [`Site`] whose pages are
//! told of a [`RelayProcess`] and of a token.
//!
//! Everything ends with its owner, also when a test fails: the servers, the driver, the browser
//! with its children, and the profile.
//!
//! | Variable | Meaning |
//! |---|---|
//! | `TODO_DIST` | the folder of the built page; `cargo xtask test` sets it |
//! | `TODO_PLAIN_DIST` | that of the page on plain signals, for figures to compare with; set likewise |
//! | `COUNTER_DIST` | that of the smallest example; set likewise |
//! | `TODO_SERVER` | the program `todo-server`; set likewise |
//! | `TODO_RELAY` | the program `leptos-sync-relay`; set likewise |
//! | `GUIDE_APP`, `GUIDE_SERVER` | the folder of the app that the guide builds, and its server; `cargo xtask guide` sets them |
//! | `TODO_BROWSER` | `chromium` (the default), `firefox` or `webkit` |
//! | `CHROMEDRIVER`, `GECKODRIVER`, `WEBKITDRIVER` | the driver, if it is not `chromedriver`, `geckodriver` or `WebKitWebDriver` in the path |
//! | `CHROME`, `FIREFOX`, `WEBKIT` | the browser, if it is not the one that the driver finds |
//! | `SCREENSHOTS` | where the screenshots go, if not to `target/screenshots` |
//!
//! The harness panics where a test would only panic anyway: a failed command is a failed test.

mod browser;
mod device;
mod driver;
mod engine;
mod guide;
mod page;
mod process;
mod program;
mod relay;
mod server;
mod session;
mod site;
mod wait;

pub use browser::Browser;
pub use device::Device;
pub use guide::GuideServer;
pub use page::{Key, Page};
pub use relay::{RelayProcess, expiring, reader, writer};
pub use server::Server;
pub use session::Session;
pub use site::Site;
