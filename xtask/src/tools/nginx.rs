//! `nginx`, for the tests of the relay behind a proxy.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::{Cache, apt};
use crate::{cmd::on_path, step::step};

/// The prefix of the cache's entry. The version follows.
const ENTRY: &str = "nginx-";

/// The path of the program in a Debian system or package.
const PROGRAM: &str = "usr/sbin/nginx";

/// Returns the path of the program: in `PATH` or `/usr/sbin`, otherwise in Debian's package, which
/// is unpacked into the cache. Installing the package would start a service.
///
/// # Errors
///
/// If there is no nginx, and apt cannot download it. The message says what to install.
pub(crate) fn find(cache: &Cache) -> Result<PathBuf> {
    let system = Path::new("/").join(PROGRAM);
    let found = on_path("nginx").or_else(|| system.is_file().then_some(system));
    if let Some(program) = found {
        return Ok(program);
    }
    if let Some(dir) = cache.newest(ENTRY) {
        return Ok(dir.join(PROGRAM));
    }
    if !apt::is_here() {
        bail!("install nginx");
    }
    {
        let _lock = cache.lock()?;
        step("lists of Debian packages", apt::update)?;
    }
    let version = apt::candidate("nginx")?;
    let upstream = version.split(['+', '-', '~']).next().unwrap_or(&version);
    let dir = cache.entry(&format!("{ENTRY}{upstream}"), |dir| {
        step("nginx from apt", || apt::unpack(&["nginx".to_owned()], dir))
    })?;
    Ok(dir.join(PROGRAM))
}
