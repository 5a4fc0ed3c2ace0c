use std::fmt;

/// A measurement and its upper bound.
pub(crate) struct Bar {
    pub(crate) what: &'static str,
    pub(crate) figure: f64,
    pub(crate) most: f64,
    pub(crate) unit: &'static str,
    /// Further measurements, as a note.
    pub(crate) note: String,
}

impl Bar {
    pub(crate) fn is_met(&self) -> bool {
        self.figure <= self.most
    }
}

/// Formats the bars as a Markdown table.
pub(crate) struct Table<'a>(pub(crate) &'a [Bar]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| What | Figure | Bar | Met | |")?;
        writeln!(f, "|---|---|---|---|---|")?;
        for bar in self.0 {
            let met = if bar.is_met() { "yes" } else { "**no**" };
            let Bar {
                what,
                figure,
                most,
                unit,
                note,
            } = bar;
            writeln!(
                f,
                "| {what} | {figure:.2} {unit} | at most {most} {unit} | {met} | {note} |"
            )?;
        }
        Ok(())
    }
}
