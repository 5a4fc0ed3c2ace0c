//! The programs of the workspace that others here start. In the dev profile, which is there sooner; for a page or two they are
//! fast enough.

use std::{env::consts::EXE_SUFFIX, path::PathBuf};

use anyhow::Result;

use crate::{cmd::Cmd, step::step, workspace::Workspace};

/// The server of the todo page, and its package.
const TODO_SERVER: &str = "todo-server";

/// The relay as a program of its own.
const RELAY: &str = "leptos-sync-relay";

/// The page's server.
pub(crate) fn todo_server(workspace: &Workspace) -> Result<PathBuf> {
    build(workspace, TODO_SERVER, &[])?;
    Ok(built(workspace, TODO_SERVER))
}

/// The page's server, and the relay.
pub(crate) fn servers(workspace: &Workspace) -> Result<(PathBuf, PathBuf)> {
    // At once, so that what both are made of is built once.
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

/// Builds the page's server, and what else is named.
fn build(workspace: &Workspace, what: &str, more: &[&str]) -> Result<()> {
    step(&format!("building {what}"), || {
        Cmd::cargo()
            .args(["build", "--package", TODO_SERVER])
            .args(more)
            .dir(&workspace.root)
            .run()
    })
}

/// The file of a program that was built.
fn built(workspace: &Workspace, name: &str) -> PathBuf {
    let file = format!("{name}{EXE_SUFFIX}");
    workspace.target.join("debug").join(file)
}
