//! The C compiler that builds SQLite.

use std::env;

use anyhow::{Result, bail};

use crate::cmd::on_path;

/// The variables that name a compiler, for this machine or for all.
const VARIABLES: [&str; 2] = ["HOST_CC", "CC"];

/// Fails early if there is no C compiler. On Windows, where `PATH` does not name it, the build
/// itself fails.
pub(crate) fn require() -> Result<()> {
    let named = VARIABLES.iter().any(|name| env::var_os(name).is_some());
    check(named || !cfg!(unix) || on_path("cc").is_some())
}

fn check(is_here: bool) -> Result<()> {
    if !is_here {
        bail!(
            "there is no C compiler `cc`, which SQLite needs: install one (Debian, Ubuntu: \
             `apt install gcc libc6-dev`; Fedora: `dnf install gcc`; macOS: `xcode-select --install`), or set CC to another compiler"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_c_compiler_one_is_told_what_to_install() {
        check(true).unwrap();
        let error = check(false).unwrap_err();
        assert!(error.to_string().contains("apt install gcc"), "{error}");
    }
}
