use std::path::PathBuf;

use clap::Parser;

/// Serves the built todo page on 127.0.0.1, with a relay at /sync that lets everybody read and write.
#[derive(Parser)]
#[command(name = "todo-server", version)]
pub(crate) struct Options {
    /// The folder of the built page.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dist: PathBuf,

    /// The file that the list is kept in. It is made if there is none.
    #[arg(long, value_name = "FILE")]
    pub(crate) database: PathBuf,

    /// Where to listen on 127.0.0.1; 0 takes a free port. Otherwise 8080, or the next one that is free.
    #[arg(long)]
    pub(crate) port: Option<u16>,
}
