//! `wasm-bindgen` and `wasm-bindgen-test-runner` in one program. The name of its file selects which
//! of the two it is.
//!
//! It is one binary target, because rustc would mistake a crate `wasm_bindgen` of this version for
//! an outdated library.

use std::{env, path::PathBuf, process::ExitCode};

use wasm_bindgen_cli::{wasm_bindgen, wasm_bindgen_test_runner};

fn main() -> ExitCode {
    let name = env::args_os().next().map(PathBuf::from);
    let name = name.as_ref().and_then(|path| path.file_stem());
    let result = if name.is_some_and(|name| name == "wasm-bindgen-test-runner") {
        wasm_bindgen_test_runner::run_cli_with_args(env::args_os())
    } else {
        wasm_bindgen::run_cli_with_args(env::args_os())
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:?}");
            ExitCode::FAILURE
        }
    }
}
