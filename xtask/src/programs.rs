//! The servers that other commands start. For a few pages they are built in the dev profile, which
//! compiles faster and is fast enough.

use std::{env::consts::EXE_SUFFIX, path::PathBuf};

use anyhow::Result;

use crate::{cmd::Cmd, step::step, workspace::Workspace};

/// The server of the todo page, and its package.
const TODO_SERVER: &str = "todo-server";

/// The relay's own program.
const RELAY: &str = "leptos-sync-relay";

/// Builds the page's server and returns its path.
pub(crate) fn todo_server(workspace: &Workspace) -> Result<PathBuf> {
    build(workspace, TODO_SERVER, &[])?;
    Ok(built(workspace, TODO_SERVER))
}

/// Builds the page's server and the relay, and returns their paths.
pub(crate) fn servers(workspace: &Workspace) -> Result<(PathBuf, PathBuf)> {
    // Use one build, so that the common dependencies are built once.
    let relay = ["--package", "leptos-sync-server", "--bin", RELAY];
    let features = [
        "--bin",
        TODO_SERVER,
        "--features",
        "leptos-sync-server/relay",
    ];
    build(
        workspace,
        "todo-server and leptos-sync-relay",
        &[relay, features].concat(),
    )?;
    Ok((built(workspace, TODO_SERVER), built(workspace, RELAY)))
}

/// Builds the relay as a user does, and then an example of its package, in the release profile.
/// Returns their paths.
pub(crate) fn relay_and_example(workspace: &Workspace, example: &str) -> Result<[PathBuf; 2]> {
    // In a single build, the relay's dependencies would also get the features that only tests
    // enable.
    for part in [["--bin", RELAY], ["--example", example]] {
        Cmd::cargo()
            .args(["build", "--release", "--package", "leptos-sync-server"])
            .args(["--features", "relay"])
            .args(part)
            .dir(&workspace.root)
            .run()?;
    }
    let built = workspace.target.join("release");
    Ok([built.join(RELAY), built.join("examples").join(example)])
}

/// Builds the page's server and other programs.
fn build(workspace: &Workspace, what: &str, more: &[&str]) -> Result<()> {
    step(&format!("building {what}"), || {
        Cmd::cargo()
            .args(["build", "--package", TODO_SERVER])
            .args(more)
            .dir(&workspace.root)
            .run()
    })
}

/// Returns the path of a program that was built.
fn built(workspace: &Workspace, name: &str) -> PathBuf {
    let file = format!("{name}{EXE_SUFFIX}");
    workspace.target.join("debug").join(file)
}
