//! The measured work. Each kind of work has several sides, that is, implementations. The first one
//! is ours.

mod collect;
mod insert;
mod open;

use std::pin::Pin;

use browser_bench::{Bar, Row};

use crate::{
    effort::Effort,
    scratch::{Failure, Scratch},
};

/// Returns all work, in the order of the table.
pub(crate) fn all(effort: Effort) -> Vec<Work> {
    vec![
        insert::work(effort.records),
        collect::work(effort.records),
        open::work(effort.entries),
    ]
}

/// Work of one size.
pub(crate) struct Work {
    pub(crate) name: &'static str,
    pub(crate) size: usize,
    /// The sides, ours first.
    sides: Vec<Side>,
}

/// An implementation of the work.
struct Side {
    name: &'static str,
    /// A function that prepares a database with this name and returns the measured milliseconds.
    sample: fn(Asked) -> Sample,
    /// The target, if any: the factor by which the side must take longer than ours.
    bar: Option<f64>,
}

/// The task of a side.
struct Asked {
    name: String,
    size: usize,
}

type Sample = Pin<Box<dyn Future<Output = Result<f64, Failure>>>>;

impl Work {
    /// Takes this many samples of each side. The sides take turns, in alternating direction.
    pub(crate) async fn measure(
        &self,
        rounds: usize,
        mut progress: impl FnMut(usize, &'static str),
    ) -> Result<Row, Failure> {
        let mut samples: Vec<_> = self.sides.iter().map(|side| (side, Vec::new())).collect();
        for round in 0..rounds {
            for (side, samples) in &mut samples {
                progress(round + 1, side.name);
                samples.push(side.once(self.size).await?);
            }
            samples.reverse();
        }
        if rounds % 2 == 1 {
            samples.reverse();
        }
        let samples = samples.into_iter().map(|(side, taken)| (side.name, taken));
        let mut row = Row::of_samples(self.name, self.size, samples);
        for side in &self.sides {
            row.bars.extend(side.bar.map(|times| Bar {
                times,
                side: side.name.to_owned(),
            }));
        }
        Ok(row)
    }
}

impl Side {
    async fn once(&self, size: usize) -> Result<f64, Failure> {
        let scratch = Scratch::new();
        let name = scratch.name().to_owned();
        let taken = (self.sample)(Asked { name, size }).await?;
        scratch.forget().await?;
        Ok(taken)
    }
}
