//! TodoMVC whose state is leptos-sync's: it is there when the page opens, saved on every edit, and the same wherever it is open.
//!
//! `state` is what a todo list knows, `app` and `row` show it, `exchange` says where it is saved and who else is here, `filter` follows the address bar, `grow` keeps
//! long lists from holding up the page.

#![expect(
    unreachable_pub,
    reason = "`#[component]` makes the function that it writes `pub`"
)]

mod app;
mod exchange;
mod filter;
mod grow;
mod row;
mod state;

fn main() {
    leptos::mount::mount_to_body(app::App);
}
