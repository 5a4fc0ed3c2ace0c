//! `env`: the shell variables with which cargo builds and tests for wasm32 without xtask.

use anyhow::Result;

use crate::{
    tools::{Bindgen, Browser, Cache, Wasm, WasmOpt},
    workspace::Workspace,
};

/// Prints `export` lines, for use as `eval "$(cargo xtask env)"`.
#[expect(clippy::print_stdout, reason = "the lines are the result")]
pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::load()?;
    let cache = Cache::open()?;
    let wasm = Wasm::find(&cache, &workspace)?;
    let bindgen = Bindgen::find(&cache, &workspace)?;
    let browser = Browser::find(&cache)?;
    // trunk also finds its tools in PATH.
    let optimizer = WasmOpt::find(&cache).ok().and_then(|tool| tool.bin());
    for bin in [Some(bindgen.bin.clone()), optimizer].into_iter().flatten() {
        println!("export PATH={}:\"$PATH\"", quoted(&bin.to_string_lossy()));
    }
    for (name, value) in wasm
        .env()
        .into_iter()
        .chain(bindgen.test_env(&browser, &cache)?)
    {
        println!("export {name}={}", quoted(&value.to_string_lossy()));
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_quoted_value_survives_the_shell() {
        let value = "--cfg getrandom_backend=\"it's\"";
        let line = format!("printf %s {}", super::quoted(value));
        let said = crate::cmd::Cmd::new("sh")
            .args(["-c", &line])
            .read()
            .unwrap();
        assert_eq!(said, value);
    }
}
