//! TodoMVC whose state is a leptos-sync document: it is there when the page opens, saved on every
//! edit, and the same in all places where it is open.
//!
//! `state` is the document and its edits. `app` and `row` show it, and `problem` says why an edit
//! was rejected. `exchange` names the relay and shows where the list is saved and who else is here.
//! `filter` follows the address bar. `grow` shows long lists piece by piece.

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
