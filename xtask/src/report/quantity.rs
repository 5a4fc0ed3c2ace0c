//! Values in a readable form.

/// Formats nanoseconds with three digits.
pub(crate) fn time(ns: f64) -> String {
    let (value, unit) = in_unit(ns);
    match value {
        ..10.0 => format!("{value:.2} {unit}"),
        ..100.0 => format!("{value:.1} {unit}"),
        _ => format!("{value:.0} {unit}"),
    }
}

/// Formats nanoseconds that are a round number, for an axis.
pub(crate) fn round_time(ns: f64) -> String {
    let (value, unit) = in_unit(ns);
    format!("{} {unit}", rounded(value))
}

/// Formats a size that is a round number, for an axis.
pub(crate) fn round_size(size: f64) -> String {
    match size {
        ..1e3 => rounded(size),
        ..1e6 => format!("{} k", rounded(size / 1e3)),
        _ => format!("{} M", rounded(size / 1e6)),
    }
}

/// Formats a result of the comparison in the unit of its row.
pub(crate) fn of_unit(figure: f64, unit: &str) -> String {
    match unit {
        "ns" => time(figure),
        "times" => format!("{figure:.2} ×"),
        // The size of a whole delta is a whole number of bytes.
        _ if figure.fract() == 0.0 => format!("{figure} B"),
        _ => format!("{figure:.1} B"),
    }
}

/// Groups digits by three.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn in_unit(ns: f64) -> (f64, &'static str) {
    // Show a value that rounds up to the next unit in that unit.
    match ns {
        ..999.5 => (ns, "ns"),
        ..999.5e3 => (ns / 1e3, "µs"),
        ..999.5e6 => (ns / 1e6, "ms"),
        _ => (ns / 1e9, "s"),
    }
}

/// Formats a number without the noise of binary fractions.
fn rounded(value: f64) -> String {
    let thousandths = (value * 1e3).round() / 1e3;
    thousandths.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits_and_a_unit_that_fits() {
        let shown = [0.5, 99.9, 999.6, 1_234.0, 2.5e6, 1.5e9].map(time);
        let expected = [
            "0.50 ns", "99.9 ns", "1.00 µs", "1.23 µs", "2.50 ms", "1.50 s",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn an_axis_has_round_figures_without_noise() {
        assert_eq!(round_time(100.000_000_01), "100 ns");
        assert_eq!(round_time(0.1 + 0.2), "0.3 ns");
        assert_eq!([1.0, 1e4, 1e6].map(round_size), ["1", "10 k", "1 M"]);
    }

    #[test]
    fn digits_are_grouped_by_three() {
        let shown = [7, 100, 1_000, 100_000, 1_000_000].map(grouped);
        assert_eq!(shown, ["7", "100", "1,000", "100,000", "1,000,000"]);
    }
}
