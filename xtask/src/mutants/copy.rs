use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;

use crate::cmd::Cmd;

/// Makes a folder a copy of a workspace, without the files that git ignores. Does not write files
/// that have not changed since the last copy, and removes those that the workspace no longer has.
pub(super) fn copy(workspace: &Path, to: &Path) -> Result<()> {
    let listed = Cmd::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .dir(workspace)
        .read()?;
    let mut copied = BTreeSet::new();
    for name in listed.lines() {
        // git lists a removed file until the removal is committed.
        let Ok(bytes) = fs::read(workspace.join(name)) else {
            continue;
        };
        let file = to.join(name);
        if fs::read(&file).ok().as_ref() != Some(&bytes) {
            if let Some(folder) = file.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&file, bytes)?;
        }
        copied.insert(file);
    }
    remove_others(to, &copied)
}

/// Removes the files of a folder that are not in the list.
fn remove_others(folder: &Path, files: &BTreeSet<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let (path, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
        if kind.is_dir() {
            remove_others(&path, files)?;
        } else if !files.contains(&path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module that became a folder was found twice, and no fault compiled any more.
    #[test]
    fn a_copy_does_not_keep_files_that_the_workspace_has_removed() {
        let home = tempfile::tempdir().unwrap();
        let (workspace, to) = (home.path().join("workspace"), home.path().join("copy"));
        fs::create_dir_all(workspace.join("host")).unwrap();
        fs::write(workspace.join("host.rs"), "").unwrap();
        let git = Cmd::new("git").args(["init", "--quiet"]).dir(&workspace);
        git.run().unwrap();
        copy(&workspace, &to).unwrap();
        assert!(to.join("host.rs").exists() && !to.join("host").exists());

        fs::rename(workspace.join("host.rs"), workspace.join("host/mod.rs")).unwrap();
        copy(&workspace, &to).unwrap();
        assert!(to.join("host/mod.rs").exists() && !to.join("host.rs").exists());
    }
}
