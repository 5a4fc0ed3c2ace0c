//! `demo`: the todo example in a browser, with a relay.

use std::fs;

use anyhow::Result;

use crate::{
    cmd::Cmd,
    dist::{self, Optimize},
    programs,
    tools::{Cache, c_compiler},
    workspace::Workspace,
};

/// The arguments of `demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The port on 127.0.0.1. By default, the server takes the first free port from 8080 on.
    #[arg(long)]
    port: Option<u16>,
}

/// Builds the page and its server, and replaces this process with the server.
pub(crate) fn run(args: &Args) -> Result<()> {
    c_compiler::require()?;
    let workspace = Workspace::load()?;
    let dist = dist::build(&workspace, &Cache::open()?, "todo", Optimize::IfPossible)?;
    let server = programs::todo_server(&workspace)?;
    let data = workspace.target.join("demo");
    fs::create_dir_all(&data)?;
    let mut cmd = Cmd::new(server)
        .arg("--dist")
        .arg(dist)
        .arg("--database")
        .arg(data.join("todo.db"));
    if let Some(port) = args.port {
        cmd = cmd.args(["--port", &port.to_string()]);
    }
    cmd.become_it()
}
