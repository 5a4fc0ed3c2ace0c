//! Draws a chart as SVG, in the page's colours, which depend on light or dark mode.

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use super::{
    chart::{Chart, Line},
    quantity,
};

/// The width and height in units of the drawing. A phone has about as many pixels, so text keeps
/// its size there.
const SIZE: (u32, u32) = (360, 250);

/// The height of text for the drawing library, which draws text at four fifths of this.
const LETTERS: u32 = 15;

/// The maximum number of labels for times. More would overlap.
const MOST_TIMES: usize = 8;

/// The space at the left for the longest label of a time, and at the bottom for a line of sizes.
const LABELS: (u32, u32) = (58, 26);

/// Draws a chart with logarithmic axes. Returns `None` for a chart without points.
///
/// # Errors
///
/// If the drawing library fails.
pub(crate) fn svg(chart: &Chart) -> Result<String> {
    let Some((sizes, times)) = ranges(chart) else {
        return Ok(String::new());
    };
    let mut drawn = String::new();
    // The library's errors borrow from the drawing.
    draw(chart, sizes, times, &mut drawn).map_err(|error| anyhow!("{}: {error}", chart.work))?;
    Ok(themed(drawn))
}

fn draw(
    chart: &Chart,
    sizes: (f64, f64),
    times: (f64, f64),
    drawn: &mut String,
) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::with_string(drawn, SIZE).into_drawing_area();
    let mut context = ChartBuilder::on(&root)
        .margin_top(10)
        .margin_right(20)
        .set_label_area_size(LabelAreaPosition::Left, LABELS.0)
        .set_label_area_size(LabelAreaPosition::Bottom, LABELS.1)
        .build_cartesian_2d(
            (sizes.0..sizes.1).log_scale(),
            (times.0..times.1).log_scale(),
        )
        .map_err(|error| error.to_string())?;
    context
        .configure_mesh()
        .max_light_lines(0)
        .y_labels(MOST_TIMES)
        .label_style(("sans-serif", LETTERS))
        .x_label_formatter(&|size| quantity::round_size(*size))
        .y_label_formatter(&|ns| quantity::round_time(*ns))
        .draw()
        .map_err(|error| error.to_string())?;
    // The first line is this library's, so it is drawn above the others and wider.
    for (at, line) in chart.lines.iter().enumerate().rev() {
        let width = if at == 0 && line.name == "ours" { 3 } else { 2 };
        let style = mark(line).stroke_width(width);
        let points = line.points.iter().map(|(size, ns)| (*size as f64, *ns));
        context
            .draw_series(LineSeries::new(points.clone(), style))
            .map_err(|error| error.to_string())?;
        let dots = points.map(|point| Circle::new(point, width, mark(line).filled()));
        context
            .draw_series(dots)
            .map_err(|error| error.to_string())?;
    }
    root.present().map_err(|error| error.to_string())?;
    Ok(())
}

/// Returns the decades around all points, for both axes.
fn ranges(chart: &Chart) -> Option<((f64, f64), (f64, f64))> {
    let points = || chart.lines.iter().flat_map(|line| line.points.iter());
    let sizes = decades(points().map(|(size, _)| *size as f64))?;
    let times = decades(points().map(|(_, ns)| *ns))?;
    Some((sizes, times))
}

/// Returns the powers of ten below and above some values, at least a decade apart.
fn decades(figures: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    for figure in figures.filter(|figure| *figure > 0.0) {
        least = least.min(figure.log10().floor());
        most = most.max(figure.log10().ceil());
    }
    let most = if most == least { least + 1.0 } else { most };
    (least <= most).then(|| (10_f64.powf(least), 10_f64.powf(most)))
}

/// Returns a placeholder for the line's color that nothing else uses.
fn mark(line: &Line) -> RGBColor {
    RGBColor(1, 0, u8::try_from(line.colour).unwrap_or(u8::MAX))
}

/// Inserts the page's colours, and removes the fixed size.
fn themed(drawn: String) -> String {
    let mut drawn = drawn.replace("\"#000000\"", "\"currentColor\"");
    for colour in 0..=u8::MAX {
        let mark = format!("\"#0100{colour:02X}\"");
        if drawn.contains(&mark) {
            drawn = drawn.replace(&mark, &format!("\"var(--line-{colour})\""));
        }
    }
    let fixed = format!("width=\"{}\" height=\"{}\" ", SIZE.0, SIZE.1);
    drawn.replacen(&fixed, "aria-hidden=\"true\" ", 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::Per;

    fn chart(points: &[(usize, f64)]) -> Chart {
        let mut chart = Chart {
            work: "decode".to_owned(),
            per: Per::Entry,
            lines: Vec::new(),
        };
        for (size, ns) in points {
            chart.add("ours", 3, *size, *ns);
        }
        chart
    }

    #[test]
    fn a_chart_has_the_colours_of_the_page_and_no_size_of_its_own() {
        let svg = svg(&chart(&[(1, 900.0), (1_000, 40.0)])).unwrap();
        assert!(svg.contains("var(--line-3)") && svg.contains("currentColor"));
        assert!(
            !svg.contains('#') && !svg.contains("width=\"360\""),
            "{svg}"
        );
        assert!(svg.contains("10 ns") && svg.contains("1 k"), "{svg}");
    }

    #[test]
    fn one_point_alone_is_drawn_and_none_is_nothing() {
        assert!(svg(&chart(&[(1_000, 100.0)])).unwrap().contains("<circle"));
        assert_eq!(svg(&chart(&[])).unwrap(), "");
    }
}
