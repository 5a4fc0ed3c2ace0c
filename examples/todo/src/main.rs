//! TodoMVC with a leptos-sync document as its state. The list is available when the page opens, is
//! saved on every edit, and is the same on all devices.
//!
//! `state` is the document and its edits. `app` and `row` show it, and `problem` says why an edit
//! was rejected. `exchange` names the relay and shows where the list is saved and how many others
//! have it open. `filter` follows the address bar. `grow` shows long lists step by step.

#![expect(
    unreachable_pub,
    reason = "`#[component]` makes the function that it writes `pub`"
)]

mod app;
mod exchange;
mod filter;
mod grow;
mod problem;
mod row;
mod state;

fn main() {
    leptos::mount::mount_to_body(app::App);
}
