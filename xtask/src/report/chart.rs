//! A chart: lines of time over size.

/// One chart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chart {
    /// The name of the work.
    pub(crate) work: String,
    /// The unit of work of the times.
    pub(crate) per: Per,
    /// The lines, in the order of their names in the legend.
    pub(crate) lines: Vec<Line>,
}

/// The unit of work that a time measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Per {
    /// One entry: the work of a run is proportional to the size.
    Entry,
    /// A whole run, which does the same work at every size.
    Run,
}

/// The line of a library or a function.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    /// The name of the library or function.
    pub(crate) name: String,
    /// The index of the line's colour in the page's colours.
    pub(crate) colour: usize,
    /// Sizes and nanoseconds, in the order of sizes.
    pub(crate) points: Vec<(usize, f64)>,
}

impl Per {
    /// Converts the time of a run to the time that the chart shows.
    pub(crate) fn of_run(self, ns: f64, size: usize) -> f64 {
        match self {
            Self::Entry => ns / size as f64,
            Self::Run => ns,
        }
    }

    /// Returns a description of the times for the reader.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Entry => "time an entry",
            Self::Run => "time of a run",
        }
    }
}

impl Chart {
    /// Adds a point to a line, and creates the line if needed. Keeps an existing point at that
    /// size.
    pub(crate) fn add(&mut self, name: &str, colour: usize, size: usize, ns: f64) {
        let at = self.lines.iter().position(|line| line.name == name);
        let at = at.unwrap_or_else(|| {
            self.lines.push(Line {
                name: name.to_owned(),
                colour,
                points: Vec::new(),
            });
            self.lines.len() - 1
        });
        if let Some(line) = self.lines.get_mut(at)
            && let Err(place) = line.points.binary_search_by_key(&size, |(size, _)| *size)
        {
            line.points.insert(place, (size, ns));
        }
    }

    /// Returns all sizes at which a line has a point, in order.
    pub(crate) fn sizes(&self) -> Vec<usize> {
        let points = self.lines.iter().flat_map(|line| &line.points);
        let mut sizes: Vec<_> = points.map(|(size, _)| *size).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }
}

impl Line {
    /// Returns the time at a size.
    pub(crate) fn at(&self, size: usize) -> Option<f64> {
        let point = self.points.iter().find(|(at, _)| *at == size);
        point.map(|(_, ns)| *ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_kept_in_order_and_the_first_figure_of_a_size_stays() {
        let mut chart = Chart {
            work: "decode".to_owned(),
            per: Per::Entry,
            lines: Vec::new(),
        };
        for (size, ns) in [(100, 3.0), (1, 9.0), (100, 4.0)] {
            chart.add("ours", 0, size, ns);
        }
        assert_eq!(chart.lines[0].points, [(1, 9.0), (100, 3.0)]);
        assert_eq!(chart.sizes(), [1, 100]);
        assert_eq!(chart.lines[0].at(2), None);
    }
}
