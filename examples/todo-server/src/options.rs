use std::path::PathBuf;

use clap::Parser;

/// Serve the built todo page on 127.0.0.1, with a relay at /sync that lets anyone read and write.
#[derive(Parser)]
#[command(name = "todo-server", version)]
pub(crate) struct Options {
    /// The folder of the built page.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dist: PathBuf,

    /// The database file of the list. It is created if it does not exist.
    #[arg(long, value_name = "FILE")]
    pub(crate) database: PathBuf,

    /// The port on 127.0.0.1; 0 for any free port. The default is the first free one from 8080 on.
    #[arg(long)]
    pub(crate) port: Option<u16>,
}
