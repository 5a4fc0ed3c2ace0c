//! The wasm32 target for machines on which rustup cannot install it: Debian's compiler, and a
//! standard library built with it.
//!
//! Debian packages a current `rustc` for its browsers, with the source of the library. The packages
//! are unpacked into the cache, not installed. Then `-Z build-std` builds the library once, and its
//! files go where the compiler looks for the libraries of a target. The result works like any
//! toolchain with the target.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use super::{Cache, apt, wasm::TARGET};
use crate::{cmd::Cmd, step::step};

/// The prefix of the cache's entry. The compiler's version follows.
const ENTRY: &str = "debian-rust-";

/// The linker's path in the entry, without LLVM's version.
const LINKER: &str = "bin/wasm-ld";

/// The libraries that exist on every machine with a compiler. They belong to its loader, so the
/// packaged ones must not replace them.
const EVERYWHERE: [&str; 3] = ["libc6", "libgcc-s1", "libstdc++6"];

/// Debian's unpacked compiler with a library for wasm32.
#[derive(Debug)]
pub(crate) struct DebianRust {
    dir: PathBuf,
}

impl DebianRust {
    /// Returns the compiler in the cache, if there is one.
    pub(crate) fn cached(cache: &Cache) -> Option<Self> {
        cache.newest(ENTRY).map(|dir| Self { dir })
    }

    /// Creates it from Debian's packages.
    ///
    /// # Errors
    ///
    /// If the machine has no apt, or apt has no such packages.
    pub(crate) fn install(cache: &Cache) -> Result<Self> {
        if !apt::is_here() {
            bail!("this machine has no apt to get a compiler with that target from either");
        }
        {
            let _lock = cache.lock()?;
            step("lists of Debian packages", apt::update)?;
        }
        let version = apt::candidate("rustc-web")?;
        require_current(&version)?;
        // Remove Debian's suffix, as in `1.96.0+dfsg1-1~deb12u2`.
        let upstream = version.split(['+', '-', '~']).next().unwrap_or(&version);
        let dir = cache.entry(&format!("{ENTRY}{upstream}"), |dir| make(dir, &version))?;
        Ok(Self { dir })
    }

    /// Returns the variables with which cargo builds with this compiler.
    pub(crate) fn env(&self) -> [(&'static str, OsString); 2] {
        [
            ("RUSTC", self.dir.join("bin/rustc").into()),
            (
                "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER",
                self.dir.join(LINKER).into(),
            ),
        ]
    }

    /// Returns the variables with which `cargo check` runs the clippy of this compiler and denies
    /// warnings.
    pub(crate) fn clippy_env(&self) -> [(&'static str, OsString); 2] {
        [
            (
                "RUSTC_WORKSPACE_WRAPPER",
                self.dir.join("bin/clippy-driver").into(),
            ),
            (
                "CLIPPY_ARGS",
                "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__".into(),
            ),
        ]
    }
}

/// Fails if Debian's compiler is too old for this workspace, before anything is downloaded.
fn require_current(version: &str) -> Result<()> {
    let needed = env!("CARGO_PKG_RUST_VERSION");
    if numbers(version) < numbers(needed) {
        bail!(
            "Debian's compiler with that target, rustc-web, is {version} here, and {needed} is needed: Debian updates \
             it with its security packages, so see that apt lists those (`bookworm-security` or the like), or run \
             `rustup target add {TARGET}` where rustup can download it"
        );
    }
    Ok(())
}

/// Returns the first two numbers of a version.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split(['.', '+', '~', '-']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn make(dir: &Path, version: &str) -> Result<()> {
    let packages = packages()?;
    step(&format!("Debian packages {}", packages.join(" ")), || {
        apt::unpack(&packages, dir)
    })?;
    write_wrapper(dir, "rustc")?;
    write_wrapper(dir, "clippy-driver")?;
    link_linker(dir)?;
    step("wasm32 standard library", || build_library(dir))?;
    // Only the previous step needed these 500 MB.
    fs::remove_dir_all(dir.join("usr/src"))?;
    fs::write(dir.join("VERSION"), version)?;
    Ok(())
}

/// Returns the names of the packages. Two names contain a version, which changes with that of the
/// compiler.
fn packages() -> Result<Vec<String>> {
    let library = named(
        &apt::dependencies("libstd-rust-web-dev")?,
        "libstd-rust-web-",
    )?;
    let llvm = named(&apt::dependencies(&library)?, "libllvm")?;
    let linker = llvm.replace("libllvm", "lld-");
    let fixed = [
        "rustc-web",
        "rust-web-clippy",
        "rust-web-src",
        "libstd-rust-web-dev",
    ];
    let mut packages = fixed.map(str::to_owned).to_vec();
    packages.extend([library, linker]);
    packages.extend(shared_libraries(llvm));
    Ok(packages)
}

/// Returns the package of a shared library and the packages that it needs, which a small machine
/// may lack.
fn shared_libraries(package: String) -> Vec<String> {
    let mut packages = vec![package];
    let mut at = 0;
    while let Some(package) = packages.get(at) {
        for needed in apt::dependencies(package).unwrap_or_default() {
            let is_everywhere = EVERYWHERE.contains(&needed.as_str());
            if needed.starts_with("lib") && !is_everywhere && !packages.contains(&needed) {
                packages.push(needed);
            }
        }
        at += 1;
    }
    packages
}

fn named(packages: &[String], prefix: &str) -> Result<String> {
    let is_versioned = |name: &&String| {
        name.strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    };
    let found = packages.iter().find(is_versioned);
    found
        .cloned()
        .with_context(|| format!("Debian's compiler depends on no `{prefix}<version>` any more"))
}

/// Writes a script that runs a program of the unpacked tree with the tree's shared libraries. The
/// script finds the tree by its own path, so that the tree can be moved.
fn write_wrapper(dir: &Path, program: &str) -> Result<()> {
    let text = format!(
        "#!/bin/sh\n\
         here=$(cd \"$(dirname \"$0\")/..\" && pwd)\n\
         LD_LIBRARY_PATH=\n\
         for lib in \"$here\"/usr/lib/*-linux-gnu \"$here\"/lib/*-linux-gnu; do\n\
         LD_LIBRARY_PATH=${{LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}}$lib; done\n\
         export LD_LIBRARY_PATH\n\
         exec \"$here/usr/bin/{program}\" \"$@\"\n"
    );
    let path = dir.join("bin").join(program);
    fs::create_dir_all(dir.join("bin"))?;
    fs::write(&path, text)?;
    Cmd::new("chmod").arg("+x").arg(path).run_quietly()
}

fn link_linker(dir: &Path) -> Result<()> {
    let llvm = fs::read_dir(dir.join("usr/lib"))?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .find(|name| name.starts_with("llvm-"))
        .context("Debian's lld package has no `usr/lib/llvm-<version>` any more")?;
    let target = format!("../usr/lib/{llvm}/bin/wasm-ld");
    Cmd::new("ln")
        .args(["-s", &target])
        .arg(dir.join(LINKER))
        .run_quietly()
}

fn build_library(dir: &Path) -> Result<()> {
    let package = dir.join("empty");
    fs::create_dir_all(package.join("src"))?;
    fs::write(package.join("src/lib.rs"), "")?;
    fs::write(
        package.join("Cargo.toml"),
        "[package]\nname = \"empty\"\nedition = \"2024\"\n[workspace]\n",
    )?;
    Cmd::cargo()
        .args(["build", "--release", "--target", TARGET])
        // Wasm tests need `test`.
        .args(["-Z", "build-std=std,panic_abort,test"])
        .dir(&package)
        .env("RUSTC", dir.join("bin/rustc"))
        .env("RUSTC_BOOTSTRAP", "1")
        // Builds with link-time optimisation need the bitcode.
        .env("RUSTFLAGS", "-Cembed-bitcode=yes")
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER",
            dir.join(LINKER),
        )
        .env("CARGO_TARGET_DIR", package.join("target"))
        .run_quietly()?;
    let libraries = dir.join("usr/lib/rustlib").join(TARGET).join("lib");
    fs::create_dir_all(&libraries)?;
    let built = package.join("target").join(TARGET).join("release/deps");
    for file in fs::read_dir(built)?.flatten() {
        let name = file.file_name();
        let text = name.to_string_lossy();
        if text.ends_with(".rlib") && !text.starts_with("libempty-") {
            fs::copy(file.path(), libraries.join(&name))?;
        }
    }
    fs::remove_dir_all(&package)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_compiler_of_debian_is_refused_with_what_to_do() {
        require_current("1.96.0+dfsg1-1~deb12u2").unwrap();
        require_current(concat!(env!("CARGO_PKG_RUST_VERSION"), ".0+dfsg3-1")).unwrap();
        let error = require_current("1.85.0+dfsg3-1~deb12u3").unwrap_err();
        assert!(error.to_string().contains("bookworm-security"), "{error}");
    }

    #[test]
    fn versioned_packages_are_found_among_the_dependencies() {
        let packages =
            ["libstd-rust-web-dev", "libstd-rust-web-1.96", "libllvm22"].map(str::to_owned);
        assert_eq!(
            named(&packages, "libstd-rust-web-").unwrap(),
            "libstd-rust-web-1.96"
        );
        assert_eq!(named(&packages, "libllvm").unwrap(), "libllvm22");
        assert!(named(&packages, "lld-").is_err());
    }
}
