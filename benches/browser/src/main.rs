//! A page that measures the cost of storing data in this browser. Our storage and its alternatives
//! take turns. Each sample uses its own database, which is deleted afterwards.
//! `cargo xtask bench browser` builds and opens the page and prints the results. The page also
//! shows which targets are met.
//!
//! ```text
//! app      the page and the output for its driver
//! effort   the sizes: `?records=…&entries=…&rounds=…`
//! works    the measured work, one file each; `works::all` lists it
//! peers    the alternatives, written in JavaScript
//! scratch  databases for single samples, and the clock
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

/// Does nothing, since the page measures only in a browser.
#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("this is a page: run `cargo xtask bench browser`");
}
