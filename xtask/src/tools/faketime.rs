//! `libfaketime`, for the tests of a relay whose clock is wrong.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use super::{Cache, apt};
use crate::step::step;

/// The package, which is also the prefix of the cache's entry. The version follows.
const PACKAGE: &str = "libfaketime";

/// The path of the library below a folder that is named after the machine's architecture.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// Returns the path of the library: the system's, otherwise the one in Debian's package, which is
/// unpacked into the cache.
///
/// # Errors
///
/// If there is no such library, and apt cannot download it. The message says what to install.
pub(crate) fn find(cache: &Cache) -> Result<PathBuf> {
    let prefix = format!("{PACKAGE}-");
    let unpacked = cache.newest(&prefix);
    let found = below(Path::new("/")).or_else(|| below(&unpacked?));
    if let Some(library) = found {
        return Ok(library);
    }
    if !apt::is_here() {
        bail!("install faketime");
    }
    {
        let _lock = cache.lock()?;
        step("lists of Debian packages", apt::update)?;
    }
    let version = apt::candidate(PACKAGE)?;
    let upstream = version.split(['+', '-', '~']).next().unwrap_or(&version);
    let dir = cache.entry(&format!("{prefix}{upstream}"), |dir| {
        step("libfaketime from apt", || {
            apt::unpack(&[PACKAGE.to_owned()], dir)
        })
    })?;
    below(&dir).with_context(|| format!("the package {PACKAGE} has no {LIBRARY}"))
}

/// Returns the library in a system's folder.
fn below(root: &Path) -> Option<PathBuf> {
    let folder = root.join("usr/lib");
    let triples = fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut places = triples.map(|triple| triple.path().join(LIBRARY));
    places.find(|library| library.is_file())
}
