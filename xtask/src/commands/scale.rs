//! `scale`: documents of many replica ids, and one that is larger than the memory of the relay.

use anyhow::Result;

use crate::{cmd::Cmd, programs, workspace::Workspace};

/// The arguments of `scale`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The large document takes about twice its size of memory and of disk, and a few minutes for \
                  each 256 MiB, because a connection may send 4 MiB per second."
)]
pub(crate) struct Args {
    /// The number of replica ids of the document with many. 0 omits these measurements.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    ids: u32,
    /// The number of cells of the large document, of 268 bytes each. 0 omits it.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    cells: u32,
    /// The number of times to cut the connection while the large document is read.
    #[arg(long, value_name = "N", default_value_t = 20)]
    cuts: u32,
}

/// Builds the relay as a user does, then the clients, and runs both.
pub(crate) fn run(args: &Args) -> Result<()> {
    let workspace = Workspace::load()?;
    let [relay, scale] = programs::relay_and_example(&workspace, "scale")?;
    Cmd::new(scale)
        .arg(relay)
        .args([args.ids, args.cells, args.cuts].map(|number| number.to_string()))
        .run()
}
