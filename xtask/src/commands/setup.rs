//! `setup`: every tool at once, for instance before a journey.

use anyhow::Result;

use crate::{
    args::Args,
    step::Steps,
    tools::{Bindgen, Browser, Cache, Valgrind, Wasm, WasmOpt},
    workspace::Workspace,
};

/// Finds or installs every tool; one that cannot be had does not keep the others away.
pub(crate) fn run(args: Args) -> Result<()> {
    args.finish()?;
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
    steps.run("valgrind", || Valgrind::find(&cache).map(drop));
    steps.finish()
}
