use crate::{
    heap::Heap,
    measure::{self, Effort, shown},
    peers::{Peer, Who},
    works::Work,
};

/// The measurement that is compared with the demands of a row.
pub(crate) enum Evidence {
    /// The time of a run.
    Time(Work),
    /// The ratio of a run's time to that at a smaller size, per entry if the work grows with the
    /// size. It is measured for ours, and for the plain code to show the cost of memory itself.
    Growth { work: Work, small: usize },
    /// A number of bytes.
    Amount(Amount),
}

/// A row of bytes.
pub(crate) struct Amount {
    name: &'static str,
    of: Of,
    /// Whether the row shows bytes per entry.
    each: bool,
}

enum Of {
    /// The size that a library reports.
    Peer(fn(&dyn Peer, usize) -> Option<f64>),
    /// The memory of a library's map, or of its map of cells.
    Heap { cells: bool },
}

impl Amount {
    pub(crate) const DELTA: Self = Self {
        name: "delta of 100 changes: bytes",
        of: Of::Peer(|peer, size| peer.delta_bytes(size)),
        each: false,
    };
    pub(crate) const BYTES: Self = Self {
        name: "bytes an entry",
        of: Of::Peer(|peer, size| peer.bytes(size)),
        each: true,
    };
    pub(crate) const BYTES_DEFLATED: Self = Self {
        name: "bytes an entry, deflated",
        of: Of::Peer(|peer, size| peer.bytes_deflated(size)),
        each: true,
    };
    pub(crate) const HEAP: Self = Self {
        name: "heap bytes an entry",
        of: Of::Heap { cells: false },
        each: true,
    };
    pub(crate) const HEAP_OF_CELLS: Self = Self {
        name: "heap bytes an entry, as a relay's map of cells",
        of: Of::Heap { cells: true },
        each: true,
    };
}

/// The measurements of each library, in the order of [`Who::ALL`].
#[derive(Clone)]
pub(crate) struct Figures(Vec<Option<f64>>);

impl Figures {
    #[cfg(test)]
    pub(super) fn new(known: impl IntoIterator<Item = (Who, f64)>) -> Self {
        let known: Vec<_> = known.into_iter().collect();
        let find = |who| known.iter().find(|(one, _)| *one == who);
        Self(Who::ALL.map(|who| Some(find(who)?.1)).to_vec())
    }

    /// Returns the time of a run in nanoseconds, for each library that `takes_part` accepts.
    pub(crate) fn of_times(
        work: &Work,
        size: usize,
        effort: Effort,
        takes_part: impl Fn(Who) -> bool,
    ) -> Self {
        Self(times(work, size, effort, takes_part))
    }

    pub(crate) fn of(&self, who: Who) -> Option<f64> {
        let all = Who::ALL.into_iter().zip(&self.0);
        all.into_iter()
            .find_map(|(one, figure)| figure.filter(|_| one == who))
    }
}

impl Evidence {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Time(work) => work.name.to_owned(),
            Self::Amount(amount) => amount.name.to_owned(),
            Self::Growth { work, small } if work.grows => {
                format!("{}: an entry against {small}", work.name)
            }
            Self::Growth { work, small } => format!("{}: against {small}", work.name),
        }
    }

    /// Returns the unit of the measurements, for the file.
    pub(crate) fn unit(&self) -> &'static str {
        match self {
            Self::Time(_) => "ns",
            Self::Growth { .. } => "times",
            Self::Amount(_) => "bytes",
        }
    }

    /// Returns whether the measurements are times of work that is proportional to the size.
    pub(crate) fn is_each(&self) -> bool {
        matches!(self, Self::Time(work) if work.grows)
    }

    /// Returns whether measuring again can change the result.
    pub(crate) fn varies(&self) -> bool {
        !matches!(self, Self::Amount(_))
    }

    pub(crate) fn shown(&self, figure: f64) -> String {
        match self {
            Self::Time(_) => shown(figure),
            Self::Growth { .. } => format!("{figure:.2} ×"),
            Self::Amount(amount) if amount.each => format!("{figure:.1} B"),
            Self::Amount(_) => format!("{figure} B"),
        }
    }

    pub(crate) fn gather(&self, size: usize, effort: Effort, heap: &Heap) -> Figures {
        match self {
            Self::Time(work) => Figures::of_times(work, size, effort, |_| true),
            Self::Growth { work, small } => {
                let of = |who| growth(work, who, *small, size, effort);
                Figures([Who::Ours, Who::Plain].map(of).to_vec())
            }
            Self::Amount(amount) => Figures(amount.of_all(size, heap)),
        }
    }
}

impl Amount {
    fn of_all(&self, size: usize, heap: &Heap) -> Vec<Option<f64>> {
        let of = |who: Who| match self.of {
            Of::Peer(ask) => ask(who.peer(), size),
            Of::Heap { cells } => heap.of(who, size, cells),
        };
        let shown = |bytes: f64| {
            if self.each {
                bytes / size as f64
            } else {
                bytes
            }
        };
        Who::ALL.map(|who| of(who).map(shown)).to_vec()
    }
}

fn times(
    work: &Work,
    size: usize,
    effort: Effort,
    takes_part: impl Fn(Who) -> bool,
) -> Vec<Option<f64>> {
    let side = |who: Who| match takes_part(who) {
        true => (work.side)(who.peer(), size),
        false => None,
    };
    let sides = Who::ALL.map(side);
    let there = sides.each_ref().map(Option::is_some);
    let mut sides: Vec<_> = sides.into_iter().flatten().collect();
    let mut medians = measure::in_turn(&mut sides, size, effort).into_iter();
    there
        .map(|there| there.then(|| medians.next()).flatten())
        .to_vec()
}

/// Measures one size after the other and not in turns. Otherwise, small data would be created
/// between large data, be scattered in memory, and appear slow.
fn growth(work: &Work, who: Who, small: usize, size: usize, effort: Effort) -> Option<f64> {
    let run = |size| {
        let side = (work.side)(who.peer(), size)?;
        measure::in_turn(&mut [side], size, effort).pop()
    };
    let growth = run(small).zip(run(size));
    let entries = match work.grows {
        true => size as f64 / small as f64,
        false => 1.0,
    };
    growth.map(|(at_small, at_size)| at_size / at_small / entries)
}
