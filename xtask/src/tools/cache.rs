//! The folder of installed tools. It is outside `target`, so that `cargo clean` does not remove
//! them.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::step::step;

/// The cache folder, with one entry per tool and version.
///
/// An entry is filled in a temporary folder and then renamed, so it is never incomplete. A file
/// lock makes a second command wait while the first one fills an entry.
#[derive(Debug)]
pub(crate) struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// Opens `$LEPTOS_SYNC_CACHE`, otherwise `leptos-sync` in the user's cache folder.
    pub(crate) fn open() -> Result<Self> {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        let dir = if let Some(dir) = set("LEPTOS_SYNC_CACHE") {
            PathBuf::from(dir)
        } else if let Some(dir) = set("XDG_CACHE_HOME") {
            Path::new(&dir).join("leptos-sync")
        } else {
            let home = env::home_dir()
                .context("there is no home folder; set LEPTOS_SYNC_CACHE to a folder for tools")?;
            home.join(".cache/leptos-sync")
        };
        Self::at(&dir)
    }

    fn at(dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| {
            format!(
                "cannot create {}; set LEPTOS_SYNC_CACHE to a folder that can be written",
                dir.display()
            )
        })?;
        let dir = std::path::absolute(dir)?;
        Ok(Self { dir })
    }

    /// Returns the path of a file in the cache.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Returns the newest entry whose name starts with `prefix`.
    pub(crate) fn newest(&self, prefix: &str) -> Option<PathBuf> {
        let entries = fs::read_dir(&self.dir).ok()?.flatten();
        entries
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
            .max_by_key(|entry| entry.metadata().and_then(|meta| meta.modified()).ok())
            .map(|entry| entry.path())
    }

    /// Returns the entry `name`. If there is none, `fill` creates it in an empty folder, as an
    /// announced step.
    ///
    /// # Errors
    ///
    /// The error of `fill`. In that case, the cache is unchanged.
    pub(crate) fn entry(
        &self,
        name: &str,
        fill: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        let entry = self.path(name);
        if entry.is_dir() {
            return Ok(entry);
        }
        let _lock = self.lock()?;
        if entry.is_dir() {
            return Ok(entry);
        }
        step(
            &format!("installing {name} into {}", self.dir.display()),
            || {
                let temporary = self.path(&format!("tmp/{name}"));
                remove(&temporary)?;
                fs::create_dir_all(&temporary)?;
                fill(&temporary)?;
                fs::rename(&temporary, &entry)?;
                Ok(entry)
            },
        )
    }

    /// Waits until no other command changes the cache or the machine's tools.
    pub(crate) fn lock(&self) -> Result<File> {
        let path = self.path(".lock");
        let file =
            File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        if fs4::FileExt::try_lock(&file).is_err() {
            eprintln!("    waiting for another command that is installing tools");
            fs4::FileExt::lock(&file)?;
        }
        Ok(file)
    }

    /// Writes a small file that all commands share. A reader never sees an incomplete file.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.path(name);
        if fs::read_to_string(&path).is_ok_and(|now| now == text) {
            return Ok(path);
        }
        let temporary = self.path(&format!(".{name}.{}", std::process::id()));
        fs::write(&temporary, text)?;
        fs::rename(&temporary, &path)?;
        Ok(path)
    }
}

/// Removes a folder, if it exists.
pub(crate) fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", dir.display()))
        }
        _ => Ok(()),
    }
}

/// Returns the path in an environment variable, if the variable is set.
///
/// # Errors
///
/// If there is no such file.
pub(super) fn given(variable: &str) -> Result<Option<PathBuf>> {
    let Some(path) = env::var_os(variable).filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    if !Path::new(&path).is_file() {
        bail!(
            "{variable} is set to {}, and there is no such file",
            path.display()
        );
    }
    Ok(Some(path.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(name: &str) -> Cache {
        let dir = env::temp_dir().join(format!("leptos-sync-cache-{name}-{}", std::process::id()));
        remove(&dir).unwrap();
        Cache::at(&dir).unwrap()
    }

    #[test]
    fn an_entry_is_made_once() {
        let cache = cache("once");
        let fill = |dir: &Path| Ok(fs::write(dir.join("tool"), "x")?);
        let entry = cache.entry("tool-1", fill).unwrap();
        assert!(entry.join("tool").is_file());
        cache
            .entry("tool-1", |_| panic!("it is there already"))
            .unwrap();
        assert_eq!(cache.newest("tool-"), Some(entry));
        remove(&cache.dir).unwrap();
    }

    #[test]
    fn an_entry_that_failed_half_way_is_not_there() {
        let cache = cache("half");
        let half = |dir: &Path| {
            fs::write(dir.join("tool"), "half")?;
            anyhow::bail!("the network is gone")
        };
        let error = cache.entry("tool-1", half).unwrap_err();
        assert!(format!("{error:#}").contains("the network is gone"));
        assert!(!cache.path("tool-1").exists());
        assert_eq!(cache.newest("tool-"), None);
        let whole = |dir: &Path| {
            assert!(!dir.join("tool").exists(), "the half is gone");
            Ok(())
        };
        cache.entry("tool-1", whole).unwrap();
        remove(&cache.dir).unwrap();
    }

    #[test]
    fn commands_at_the_same_time_make_an_entry_once() {
        let cache = cache("race");
        let made = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    cache
                        .entry("tool-1", |_| {
                            made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                            Ok(())
                        })
                        .unwrap();
                });
            }
        });
        assert_eq!(made.into_inner(), 1);
        remove(&cache.dir).unwrap();
    }
}
