use super::evidence::Figures;
use crate::peers::Who;

/// A demand on our result.
#[derive(Clone, Copy)]
pub(crate) enum Demand {
    /// The peer must take at least this many times as much as ours.
    Times(f64, Who),
    /// Ours must take at most this many times as much as the plain code.
    Within(f64, Who),
    /// Ours must take less than every peer that can do the work, except the plain code.
    LessThanAll,
    /// Ours must take at most this much, in the row's unit.
    AtMost(f64),
}

impl Demand {
    /// Returns the degree to which the demand is met. It is met if the degree is at least 1. `None`
    /// if a required measurement is missing.
    pub(crate) fn reached(self, figures: &Figures) -> Option<f64> {
        let ours = figures.of(Who::Ours)?;
        Some(match self {
            Self::Times(times, who) => figures.of(who)? / ours / times,
            Self::Within(times, who) => figures.of(who)? / ours * times,
            Self::AtMost(most) => most / ours,
            Self::LessThanAll => {
                let peers = Who::ALL
                    .into_iter()
                    .filter(|who| !matches!(who, Who::Ours | Who::Plain));
                let least = peers.filter_map(|who| figures.of(who)).reduce(f64::min)?;
                least / ours
            }
        })
    }

    pub(crate) fn asked(self) -> String {
        match self {
            Self::Times(times, who) => format!("{times} × {}", who.name()),
            Self::Within(times, who) => format!("within {times} × of {}", who.name()),
            Self::LessThanAll => "under every peer".to_owned(),
            Self::AtMost(most) => format!("at most {most}"),
        }
    }

    /// Describes by how much the demand is missed.
    pub(crate) fn missed(self, figures: &Figures) -> Option<String> {
        let reached = self.reached(figures)?;
        if reached >= 1.0 {
            return None;
        }
        Some(match self {
            Self::Times(times, who) => format!("{:.2} × {}", reached * times, who.name()),
            Self::Within(times, who) => format!("{:.2} × of {}", times / reached, who.name()),
            Self::AtMost(most) => format!("{:.2}", most / reached),
            Self::LessThanAll => format!("{:.2} × the least", 1.0 / reached),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demand_is_met_at_its_figure_and_missed_just_beyond() {
        let figures = Figures::new([
            (Who::Ours, 10.0),
            (Who::Plain, 8.0),
            (Who::Other, 30.0),
            (Who::Yrs, 12.0),
        ]);
        let met = |demand: Demand| demand.missed(&figures).is_none();
        assert!(met(Demand::Times(3.0, Who::Other)) && !met(Demand::Times(3.1, Who::Other)));
        assert!(met(Demand::Within(1.25, Who::Plain)) && !met(Demand::Within(1.2, Who::Plain)));
        assert!(met(Demand::AtMost(10.0)) && !met(Demand::AtMost(9.9)));
        assert!(met(Demand::LessThanAll));
        assert_eq!(Demand::Times(2.0, Who::Loro).reached(&figures), None);
    }
}
