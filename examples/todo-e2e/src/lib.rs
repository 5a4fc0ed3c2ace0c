//! Drives the built todo page in a real browser: Chromium, Firefox or WebKit.
//!
//! A test owns a [`Device`]: the page on a loopback port, and an empty browser profile. It launches
//! a [`Browser`] on the device through its driver, closes or kills it, and launches another, which
//! finds the data of the first. The methods of a [`Page`] concern todos instead of elements. They
//! poll for the expected state until a deadline; nothing here waits for a fixed time.
//!
//! If several users edit one list, each has a device [`at`](Device::at) the same address. It is the
//! address of a [`Server`], which serves the page and its relay, or of a [`Site`] whose pages
//! connect to a [`RelayProcess`] with a token.
//!
//! Every resource is released with its owner, even when a test fails: the servers, the driver, the
//! browser with its child processes, and the profile.
//!
//! | Variable | Meaning |
//! |---|---|
//! | `TODO_DIST` | the folder of the built page; `cargo xtask test` sets it |
//! | `TODO_PLAIN_DIST` | the folder of the page on plain signals, for comparison; set likewise |
//! | `COUNTER_DIST` | the folder of the smallest example; set likewise |
//! | `SIGN_IN_DIST` | the folder of the example whose users sign in; set likewise |
//! | `TODO_SERVER` | the program `todo-server`; set likewise |
//! | `TODO_RELAY` | the program `leptos-sync-relay`; set likewise |
//! | `GUIDE_APP`, `GUIDE_SERVER` | the folder of the app that the guide builds, and its server; `cargo xtask guide` sets them |
//! | `TODO_BROWSER` | `chromium` (the default), `firefox` or `webkit` |
//! | `CHROMEDRIVER`, `GECKODRIVER`, `WEBKITDRIVER` | the driver, if it is not `chromedriver`, `geckodriver` or `WebKitWebDriver` in the path |
//! | `CHROME`, `FIREFOX`, `WEBKIT` | the browser, if it is not the one that the driver finds |
//! | `LIBFAKETIME` | the library libfaketime, for the tests of a relay whose clock is wrong; `cargo xtask test` sets it |
//! | `TODO_LONG` | if set, the tests that are heavy run at full size; `cargo xtask test --long` sets it |
//! | `SCREENSHOTS` | the folder of the screenshots, if it is not `target/screenshots` |
//!
//! The harness panics on failure: a failed command is a failed test.

mod backup;
mod browser;
mod device;
mod driver;
mod engine;
mod fake_clock;
mod guide;
mod page;
mod process;
mod program;
mod relay;
mod server;
mod session;
mod site;
mod size;
mod wait;

pub use backup::Backup;
pub use browser::Browser;
pub use device::Device;
pub use fake_clock::FakeClock;
pub use guide::GuideServer;
pub use page::{Key, Page};
pub use relay::{RelayProcess, expiring, reader, writer};
pub use server::Server;
pub use session::Session;
pub use site::Site;
pub use size::size;
