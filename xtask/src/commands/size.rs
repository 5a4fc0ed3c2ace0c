//! `size`: the number of bytes that a browser downloads, and the budget for it.
//!
//! The pages are built like a page that trunk builds with the usual options: `opt-level = "z"`,
//! link-time optimisation, one codegen unit, `panic = "abort"`, and `wasm-opt -Oz`.

use std::{ffi::OsStr, fs, io::Write, path::Path};

use anyhow::{Result, bail};
use flate2::{Compression, write::GzEncoder};

use crate::{
    dist::{self, Optimize},
    tools::Cache,
    workspace::Workspace,
};

/// The limits on the todo page, in gzipped bytes. Each is the size at the time when it was set,
/// plus 400 bytes for the differences between machines.
#[derive(Debug, Clone, Copy)]
struct Budget {
    /// The size of the wasm and JavaScript of the whole page, including leptos.
    page: usize,
    /// The number of bytes by which the page is larger than the same page on plain signals. It must
    /// not grow.
    added: usize,
}

const BUDGET: Budget = Budget {
    page: 189_190,
    added: 116_501,
};

/// Builds both pages and prints their sizes.
///
/// # Errors
///
/// If a size exceeds its budget.
pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::load()?;
    let cache = Cache::open()?;
    let measure = |name| {
        let dist = dist::build(&workspace, &cache, name, Optimize::Always)?;
        Size::of(&dist, name)
    };
    let todo = measure("todo")?;
    let plain = measure("todo-plain")?;
    print(todo, plain);
    within(todo, plain)
}

/// A size in gzipped bytes.
#[derive(Debug, Clone, Copy)]
struct Size {
    wasm: usize,
    js: usize,
}

impl Size {
    /// Measures the files of the app. The service worker is not counted: it belongs to the example,
    /// and the page starts without it.
    fn of(dist: &Path, name: &str) -> Result<Self> {
        Ok(Self {
            wasm: gzipped(dist, name, "wasm")?,
            js: gzipped(dist, name, "js")?,
        })
    }

    fn total(self) -> usize {
        self.wasm + self.js
    }
}

#[expect(clippy::print_stdout, reason = "the sizes are the result")]
fn print(todo: Size, plain: Size) {
    println!("gzipped bytes {:>10} {:>8} {:>9}", "wasm", "js", "total");
    for (name, size) in [("todo", todo), ("todo-plain", plain)] {
        println!(
            "{name:<13} {:>10} {:>8} {:>9}",
            size.wasm,
            size.js,
            size.total()
        );
    }
    let added = todo.total().saturating_sub(plain.total());
    println!("budget        {:>29}", BUDGET.page);
    println!("added by leptos-sync {added:>22}");
    println!("budget        {:>29}", BUDGET.added);
}

fn within(todo: Size, plain: Size) -> Result<()> {
    let (page, added) = (todo.total(), todo.total().saturating_sub(plain.total()));
    if page > BUDGET.page {
        bail!(
            "todo is {page} bytes gzipped, {} over its budget of {}",
            page - BUDGET.page,
            BUDGET.page
        );
    }
    if added > BUDGET.added {
        bail!(
            "leptos-sync adds {added} bytes gzipped, {} over its budget of {}",
            added - BUDGET.added,
            BUDGET.added
        );
    }
    Ok(())
}

/// Returns the total size of all files of an app with an extension. Each is compressed separately,
/// as a server sends it.
fn gzipped(dist: &Path, name: &str, extension: &str) -> Result<usize> {
    let mut sum = 0;
    for entry in fs::read_dir(dist)? {
        let path = entry?.path();
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        if file.starts_with(&format!("{name}-")) && path.extension() == Some(OsStr::new(extension))
        {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(&fs::read(&path)?)?;
            sum += encoder.finish()?.len();
        }
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(wasm: usize) -> Size {
        Size { wasm, js: 5_000 }
    }

    #[test]
    fn a_page_over_budget_is_an_error_that_says_by_how_much() {
        let full = BUDGET.page - 5_000;
        within(size(full), size(full - 1_000)).unwrap();
        let error = within(size(full + 1), size(full)).unwrap_err();
        assert!(error.to_string().contains("1 over its budget"), "{error}");
    }

    #[test]
    fn the_librarys_share_has_its_own_budget() {
        let plain = 52_000;
        let error = within(size(plain + BUDGET.added + 7), size(plain)).unwrap_err();
        assert!(error.to_string().contains("7 over its budget"), "{error}");
    }
}
