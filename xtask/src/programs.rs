//! The programs of the workspace that others here start.

use std::{env::consts::EXE_SUFFIX, path::PathBuf};

use anyhow::Result;

use crate::{cmd::Cmd, step::step, workspace::Workspace};

/// The page's server. In the dev profile, which is there sooner, and for a page or two it is fast enough.
pub(crate) fn todo_server(workspace: &Workspace) -> Result<PathBuf> {
    let name = "todo-server";
    step(&format!("building {name}"), || {
        Cmd::cargo()
            .args(["build", "--package", name])
            .dir(&workspace.root)
            .run()
    })?;
    Ok(built(workspace, name))
}

/// The file of a program that was built in the dev profile.
fn built(workspace: &Workspace, name: &str) -> PathBuf {
    let file = format!("{name}{EXE_SUFFIX}");
    workspace.target.join("debug").join(file)
}
