//! The picture: one bar for each figure, as an SVG without any style sheet or script.

use crate::{
    figure::{Figure, comparison},
    report::{Report, digits},
};
use std::fmt::Write;

const ROW: usize = 22;
const LABEL: usize = 380;
const BAR: usize = 420;
const WIDTH: usize = 1000;

/// Draws all groups below each other; within a group the longest bar is the largest figure
/// of that unit.
pub(crate) fn draw(report: &Report) -> String {
    let groups = report.groups();
    let height = 60 + ROW * (report.figures.len() + 2 * groups.len());
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    text(
        &mut svg,
        (12, 24),
        "#555",
        &format!(
            "Linux {}, {} × {}: medians of one run",
            report.machine.kernel, report.machine.processors, report.machine.processor
        ),
    );
    let mut y = 40;
    for group in groups {
        y += 2 * ROW;
        text(&mut svg, (12, y - 8), "black", group);
        let figures: Vec<&Figure> = report
            .figures
            .iter()
            .filter(|figure| figure.group == group)
            .collect();
        for figure in &figures {
            row(&mut svg, y, figure, &figures, report);
            y += ROW;
        }
    }
    svg + "</svg>\n"
}

fn row(svg: &mut String, y: usize, figure: &Figure, group: &[&Figure], report: &Report) {
    let same_unit = group.iter().filter(|other| other.unit == figure.unit);
    let longest = same_unit.map(|other| other.median()).fold(0.0, f64::max);
    let part = if longest > 0.0 {
        figure.median() / longest
    } else {
        0.0
    };
    let length = (part * BAR as f64).max(1.0) as usize;
    let ratio = comparison(figure, &report.figures).map(|(_, ratio)| ratio);
    let color = match (figure.is_reached(ratio), figure.name.contains("minet")) {
        (Some(false), _) => "#d9822b",
        (_, true) => "#2b7bba",
        _ => "#b8c0c8",
    };
    text(svg, (24, y + 14), "#222", &figure.name);
    let _ = writeln!(
        svg,
        "<rect x=\"{LABEL}\" y=\"{}\" width=\"{length}\" height=\"{}\" fill=\"{color}\"/>",
        y + 3,
        ROW - 7
    );
    let ratio = ratio.map_or(String::new(), |ratio| format!("  ({ratio:.2} ×)"));
    let value = format!("{} {}{ratio}", digits(figure.median()), figure.unit.text());
    text(svg, (LABEL + length + 8, y + 14), "#222", &value);
}

fn text(svg: &mut String, (x, y): (usize, usize), color: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"{y}\" fill=\"{color}\">{words}</text>"
    );
}
