//! What a Rust toolchain does not bring: found on the machine, else put into a cache folder.

mod apt;
mod bindgen;
mod browser;
pub(crate) mod c_compiler;
mod cache;
mod debian;
mod fuzzer;
pub(crate) mod nginx;
mod optimizer;
mod valgrind;
mod wasm;

pub(crate) use self::{
    bindgen::Bindgen,
    browser::Browser,
    cache::{Cache, remove},
    fuzzer::Fuzzer,
    optimizer::WasmOpt,
    valgrind::Valgrind,
    wasm::Wasm,
};
