//! A page that measures what keeping data in this browser costs: ours and the alternatives in turn,
//! each sample on a database of its own that is deleted afterwards. `cargo xtask bench browser`
//! builds it, opens it and prints what it found; a person can open it too. What is asked is met or
//! missed on the page itself.
//!
//! ```text
//! app      what is shown, and what whoever drives the page reads
//! effort   how much is measured: `?records=…&entries=…&rounds=…`
//! works    what is measured, one file for each work; `works::all` is the list
//! peers    the alternatives that are written in JavaScript
//! scratch  databases that last for one sample, and the clock
//! ```

#![cfg_attr(
    target_arch = "wasm32",
    expect(
        unreachable_pub,
        reason = "`#[component]` makes the function that it writes `pub`"
    )
)]

#[cfg(target_arch = "wasm32")]
mod app;
#[cfg(target_arch = "wasm32")]
mod effort;
#[cfg(target_arch = "wasm32")]
mod peers;
#[cfg(target_arch = "wasm32")]
mod scratch;
#[cfg(target_arch = "wasm32")]
mod works;

#[cfg(target_arch = "wasm32")]
fn main() {
    leptos::mount::mount_to_body(app::App);
}

/// What the page measures is only in a browser.
#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("this is a page: run `cargo xtask bench browser`");
}
