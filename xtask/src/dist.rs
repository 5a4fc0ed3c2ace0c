//! From an example's source to the folder that a browser loads.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{
    step::step,
    tools::{Bindgen, Cache, Wasm, WasmOpt},
    workspace::Workspace,
};

/// What to do where there is no `wasm-opt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Optimize {
    /// Fail: the size is the point.
    Always,
    /// Say so and go on: it runs without, too.
    IfPossible,
}

/// Builds an example in release for a browser and returns its folder, `target/dist/<name>`: the static files that
/// stand beside its manifest, `<name>.js` and `<name>_bg.wasm`.
pub(crate) fn build(
    workspace: &Workspace,
    cache: &Cache,
    name: &str,
    optimize: Optimize,
) -> Result<PathBuf> {
    let Some(package) = workspace.package(name) else {
        bail!(
            "there is no example `{name}`; those with an index.html are: {}",
            examples(workspace)
        );
    };
    if !package.dir.join("index.html").is_file() {
        bail!("`{name}` has no index.html beside its manifest; it is what loads `./{name}.js`");
    }
    let wasm = Wasm::find(cache, workspace)?;
    let bindgen = Bindgen::find(cache, workspace)?;
    let optimizer = match (WasmOpt::find(cache), optimize) {
        (Ok(optimizer), _) => Some(optimizer),
        (Err(error), Optimize::Always) => return Err(error),
        (Err(error), Optimize::IfPossible) => {
            eprintln!("    not optimised, about twice the size: {error:#}");
            None
        }
    };

    step(&format!("building {name} for wasm32"), || {
        wasm.cargo("build")
            .args(["--profile", "wasm", "--package", name])
            .dir(&workspace.root)
            .run()
    })?;
    let out = workspace.target.join("dist").join(name);
    crate::tools::remove(&out)?;
    fs::create_dir_all(&out)?;
    let built = wasm.output("wasm").join(format!("{name}.wasm"));
    step(&format!("wasm-bindgen for {name}"), || {
        crate::cmd::Cmd::new(bindgen.program())
            .args([
                "--target",
                "web",
                "--no-typescript",
                "--remove-name-section",
                "--remove-producers-section",
                "--out-name",
                name,
                "--out-dir",
            ])
            .arg(&out)
            .arg(&built)
            .run()
    })?;
    let file = out.join(format!("{name}_bg.wasm"));
    if let Some(optimizer) = optimizer {
        let renamed = step(&format!("wasm-opt for {name}"), || {
            optimizer.optimize(&file)
        })?;
        renamed.apply(&out.join(format!("{name}.js")))?;
    }
    copy_static_files(&package.dir, &out)?;
    Ok(out)
}

fn examples(workspace: &Workspace) -> String {
    let has_page = |dir: &Path| dir.join("index.html").is_file();
    let pages = workspace
        .packages
        .iter()
        .filter(|package| has_page(&package.dir));
    pages
        .map(|package| package.name.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

/// Copies the files beside the manifest, the manifest and what only people read excepted.
fn copy_static_files(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)?.flatten() {
        let path = entry.path();
        let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
        let is_page = !matches!(extension, "toml" | "md" | "rs" | "lock");
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        if path.is_file() && is_page && !is_hidden {
            fs::copy(&path, to.join(entry.file_name()))
                .with_context(|| format!("cannot copy {}", path.display()))?;
        }
    }
    Ok(())
}
