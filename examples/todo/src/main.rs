//! TodoMVC whose state is leptos-sync's: it is there when the page opens, and saved on every edit.
//!
//! `state` is what a todo list knows, `app` and `row` show it, `filter` follows the address bar, `grow` keeps
//! long lists from holding up the page.

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
