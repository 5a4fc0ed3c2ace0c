//! Tools that a Rust toolchain does not contain. The commands find each tool on the machine or
//! install it into a cache folder.

mod apt;
mod bindgen;
mod browser;
pub(crate) mod c_compiler;
mod cache;
mod debian;
pub(crate) mod faketime;
mod firefox;
mod fuzzer;
pub(crate) mod nginx;
mod optimizer;
mod page_tool;
mod valgrind;
mod wasm;
mod webkit;

pub(crate) use self::{
    bindgen::Bindgen,
    browser::Browser,
    cache::{Cache, remove},
    firefox::Firefox,
    fuzzer::Fuzzer,
    optimizer::WasmOpt,
    page_tool::{CARGO_LEPTOS, PageTool, TRUNK},
    valgrind::Valgrind,
    wasm::Wasm,
    webkit::WebKit,
};
