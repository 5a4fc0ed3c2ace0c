//! `setup`: installs every tool, for example before going offline.

use anyhow::Result;

use crate::{
    step::Steps,
    tools::{Bindgen, Browser, Cache, Valgrind, Wasm, WasmOpt, nginx},
    workspace::Workspace,
};

/// Finds or installs every tool, and continues if one of them fails.
pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::load()?;
    let cache = Cache::open()?;
    let mut steps = Steps::default();
    steps.run("the wasm32 target", || {
        Wasm::find(&cache, &workspace).map(drop)
    });
    steps.run("wasm-bindgen", || {
        Bindgen::find(&cache, &workspace).map(drop)
    });
    steps.run("wasm-opt", || WasmOpt::find(&cache).map(drop));
    steps.run("a browser", || Browser::find(&cache).map(drop));
    steps.run("nginx", || nginx::find(&cache).map(drop));
    steps.run("valgrind", || Valgrind::find(&cache).map(drop));
    steps.finish()
}
