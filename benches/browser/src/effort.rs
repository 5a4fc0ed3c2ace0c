use web_sys::UrlSearchParams;

/// The size of the measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// The number of inserted records.
    pub(crate) records: usize,
    /// The number of entries in the opened document.
    pub(crate) entries: usize,
    /// The number of samples of each side.
    pub(crate) rounds: usize,
}

impl Effort {
    const FULL: Self = Self {
        records: 10_000,
        entries: 100_000,
        rounds: 5,
    };

    /// Reads the sizes from the page's address. The default is the full size.
    pub(crate) fn asked() -> Self {
        let query = web_sys::window().and_then(|window| window.location().search().ok());
        let query = query.and_then(|query| UrlSearchParams::new_with_str(&query).ok());
        let number = |name: &str, otherwise| {
            let given = query.as_ref().and_then(|query| query.get(name));
            given
                .and_then(|given| given.parse().ok())
                .unwrap_or(otherwise)
        };
        Self {
            records: number("records", Self::FULL.records),
            entries: number("entries", Self::FULL.entries),
            rounds: number("rounds", Self::FULL.rounds),
        }
    }

    /// Returns whether it is less than the full size.
    pub(crate) fn is_quick(self) -> bool {
        self.records < Self::FULL.records
            || self.entries < Self::FULL.entries
            || self.rounds < Self::FULL.rounds
    }
}
