//! Builds the folder that a browser loads, from the source of a page. Follows the steps of trunk
//! and uses the page's `index.html` for trunk.
//!
//! trunk takes 13 minutes to compile, but its steps are few. docs/performance.md compares the sizes
//! of both ways.

mod page;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use xxhash_rust::xxh64::xxh64;

use crate::{
    cmd::Cmd,
    step::step,
    tools::{Bindgen, Cache, Wasm, WasmOpt, remove},
    workspace::{Package, Workspace},
};

use self::page::{Link, Page};

/// The action if there is no `wasm-opt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Optimize {
    /// Fail, because the size matters.
    Always,
    /// Print a note and continue, because the page also works without it.
    IfPossible,
}

/// Builds an example of this workspace, and returns its folder `target/dist/<name>`.
///
/// # Errors
///
/// If there is no such example, if it does not build, or if a tool is missing.
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
    build_page(workspace, cache, package, optimize)
}

/// Builds the page of a package, which need not be in this workspace, and returns its folder
/// `target/dist/<name>`.
///
/// # Errors
///
/// If the package has no `index.html` for trunk, does not build, or a tool is missing.
pub(crate) fn build_page(
    workspace: &Workspace,
    cache: &Cache,
    package: &Package,
    optimize: Optimize,
) -> Result<PathBuf> {
    let name = &package.name;
    let index = package.dir.join("index.html");
    let page = fs::read_to_string(&index)
        .with_context(|| format!("`{name}` is no page: cannot read {}", index.display()))
        .and_then(|html| Page::parse(&html))
        .with_context(|| index.display().to_string())?;
    let app = page.app()?;
    let optimizer = optimizer(cache, optimize)?;

    let out = workspace.target.join("dist").join(name);
    remove(&out)?;
    fs::create_dir_all(&out)?;
    let wasm = compile(workspace, cache, package, app)?;
    bind(&wasm, &out, workspace, cache, name)?;
    if let Some(optimizer) = optimizer {
        step(&format!("wasm-opt for {name}"), || {
            let level = app.attribute("data-wasm-opt").unwrap_or_default();
            let params = app.attribute("data-wasm-opt-params").unwrap_or_default();
            let params: Vec<_> = params.split_whitespace().collect();
            optimizer.optimize(&out.join(format!("{name}_bg.wasm")), level, &params)
        })?;
    }
    let html = page.render(|link| asset(link, package, &out))?;
    fs::write(out.join("index.html"), html)?;
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

fn optimizer(cache: &Cache, optimize: Optimize) -> Result<Option<WasmOpt>> {
    match (WasmOpt::find(cache), optimize) {
        (Ok(optimizer), _) => Ok(Some(optimizer)),
        (Err(error), Optimize::Always) => Err(error),
        (Err(error), Optimize::IfPossible) => {
            eprintln!("    not optimised, about twice the size: {error:#}");
            Ok(None)
        }
    }
}

/// Compiles the package in the profile that its page names for releases, and returns the wasm file.
fn compile(workspace: &Workspace, cache: &Cache, package: &Package, app: &Link) -> Result<PathBuf> {
    let name = &package.name;
    let wasm = Wasm::find(cache, workspace)?;
    let profile = app
        .attribute("data-cargo-profile-release")
        .unwrap_or("release");
    step(&format!("building {name} for wasm32"), || {
        wasm.cargo("build")
            .args(["--profile", profile, "--package", name])
            .dir(&package.dir)
            .run()
    })?;
    Ok(wasm.output(profile).join(format!("{name}.wasm")))
}

fn bind(wasm: &Path, out: &Path, workspace: &Workspace, cache: &Cache, name: &str) -> Result<()> {
    let bindgen = Bindgen::find(cache, workspace)?;
    step(&format!("wasm-bindgen for {name}"), || {
        Cmd::new(bindgen.program())
            .args(["--target", "web", "--no-typescript", "--out-name", name])
            .arg("--out-dir")
            .arg(out)
            .arg(wasm)
            .run()
    })
}

/// Copies the asset that a link of trunk names to the output folder, and returns the HTML that
/// replaces the link.
fn asset(link: &Link, package: &Package, out: &Path) -> Result<String> {
    let source = || Ok::<_, anyhow::Error>(package.dir.join(link.required("href")?));
    match link.required("rel")? {
        "rust" => app(&package.name, out),
        "css" => {
            let source = source()?;
            let stem = source.file_stem().unwrap_or_default().to_string_lossy();
            let bytes =
                fs::read(&source).with_context(|| format!("cannot read {}", source.display()))?;
            let file = format!("{stem}-{:016x}.css", xxh64(&bytes, 0));
            fs::write(out.join(&file), bytes)?;
            Ok(format!(r#"<link rel="stylesheet" href="./{file}">"#))
        }
        "copy-file" => {
            let source = source()?;
            let file = source.file_name().unwrap_or_default();
            fs::copy(&source, out.join(file))
                .with_context(|| format!("cannot copy {}", source.display()))?;
            Ok(String::new())
        }
        other => bail!("xtask does not know trunk's rel=\"{other}\"; see xtask/src/dist"),
    }
}

/// Puts a hash of their content into the names of the app's files, and returns the script that
/// starts the app.
fn app(name: &str, out: &Path) -> Result<String> {
    let [js, wasm] = [format!("{name}.js"), format!("{name}_bg.wasm")].map(|file| out.join(file));
    // The files belong together, so both names change when either file does.
    let hash = xxh64(&fs::read(&wasm)?, xxh64(&fs::read(&js)?, 0));
    let base = format!("{name}-{hash:016x}");
    fs::rename(js, out.join(format!("{base}.js")))?;
    fs::rename(wasm, out.join(format!("{base}_bg.wasm")))?;
    Ok(format!(
        r#"<link rel="modulepreload" href="./{base}.js">
    <link rel="preload" href="./{base}_bg.wasm" as="fetch" type="application/wasm" crossorigin>
    <script type="module">
      import init from './{base}.js';
      await init({{ module_or_path: './{base}_bg.wasm' }});
    </script>"#
    ))
}
