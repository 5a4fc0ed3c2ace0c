//! The cost of documents that many replicas wrote, and of a document that is larger than the memory
//! of the relay.
//!
//! `cargo xtask scale` builds the relay program and this example, and runs `scale RELAY`. It prints
//! a table of bars, and fails if one is missed. The clients are those of the core, on real sockets.
//! The client that opens the large document is a process of its own, so that its memory is measured
//! alone.
#![expect(clippy::print_stdout, reason = "figures are what it is for")]

#[path = "../../tests/common/handle.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "shared with tests")]
mod handle;
mod ids;
mod large;
mod peer;
#[path = "../../tests/common/program.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "shared with tests")]
mod program;

use std::{error::Error, fmt, path::PathBuf, process::ExitCode};

type Failure = Box<dyn Error + Send + Sync>;

/// A measurement and its upper bound.
struct Bar {
    what: String,
    figure: f64,
    most: f64,
    unit: &'static str,
}

impl Bar {
    fn is_met(&self) -> bool {
        self.figure <= self.most
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let met = if self.is_met() { "yes" } else { "**no**" };
        let Self {
            what,
            figure,
            most,
            unit,
        } = self;
        write!(
            f,
            "| {what} | {figure:.2} {unit} | at most {most} {unit} | {met} |"
        )
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(bars) => {
            if !bars.is_empty() {
                println!("\n| What | Figure | Bar | Met |\n|---|--:|--:|---|");
            }
            bars.iter().for_each(|bar| println!("{bar}"));
            match bars.iter().all(Bar::is_met) {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            }
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<Vec<Bar>, Failure> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["read", address, cells, cuts] => {
            large::read(address.parse()?, cells.parse()?, cuts.parse()?).await?;
            Ok(Vec::new())
        }
        [relay, ids, cells, cuts] => {
            let relay = PathBuf::from(relay);
            let mut bars = Vec::new();
            if let Some(ids) = positive(ids)? {
                bars.extend(ids::measure(&relay, ids).await?);
            }
            if let Some(cells) = positive(cells)? {
                bars.extend(large::measure(&relay, cells, cuts.parse()?).await?);
            }
            Ok(bars)
        }
        _ => Err("usage: scale RELAY IDS CELLS CUTS; 0 omits a part".into()),
    }
}

fn positive(number: &str) -> Result<Option<u32>, Failure> {
    let number = number.parse()?;
    Ok((number > 0).then_some(number))
}
