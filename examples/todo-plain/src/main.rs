//! TodoMVC on plain Leptos signals, kept in memory only.
//!
//! It is the baseline of the `todo` example: the same page, look and behaviour without leptos-sync,
//! so that the difference between the two is the cost of leptos-sync. `state` contains the list and
//! its edits, `app` and `row` show it, and `filter` follows the address bar.

#![expect(
    unreachable_pub,
    reason = "`#[component]` makes the function that it writes `pub`"
)]

mod app;
mod filter;
mod grow;
mod row;
mod state;

fn main() {
    leptos::mount::mount_to_body(app::App);
}
