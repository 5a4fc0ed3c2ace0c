//! The C compiler that SQLite is built by.

use std::env;

use anyhow::{Result, bail};

use crate::cmd::on_path;

/// Where people name their compiler, for this machine or for all.
const VARIABLES: [&str; 2] = ["HOST_CC", "CC"];

/// Fails where there is none, before a build does so in the middle and at length. Where compilers are not found by the
/// path, as on Windows, the build has to say it.
pub(crate) fn require() -> Result<()> {
    let named = VARIABLES.iter().any(|name| env::var_os(name).is_some());
    check(named || !cfg!(unix) || on_path("cc").is_some())
}

fn check(is_here: bool) -> Result<()> {
    if !is_here {
        bail!(
            "there is no C compiler `cc`, and the relay's SQLite is built by one: install it (Debian, Ubuntu: \
             `apt install gcc libc6-dev`; Fedora: `dnf install gcc`; macOS: `xcode-select --install`), or name another in CC"
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
