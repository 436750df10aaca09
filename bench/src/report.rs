//! All figures of a run: as a table, as JSON.

use crate::{
    figure::{Figure, Wanted, comparison, quantile},
    machine::MachineInfo,
    picture,
};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::{fmt::Write, fs, path::Path};

/// What a run has found.
pub(crate) struct Report {
    pub(crate) machine: MachineInfo,
    pub(crate) figures: Vec<Figure>,
    /// What was not measured, and why.
    pub(crate) missing: Vec<String>,
    /// Groups that ended before their end, and why.
    pub(crate) failed: Vec<String>,
}

impl Report {
    /// For people, and for docs/performance.md: a table in Markdown for each group.
    pub(crate) fn table(&self) -> String {
        let mut text = self.head();
        for group in self.groups() {
            let _ = write!(
                text,
                "\n### {group}\n\n| what | median | min … max | compared with | ratio | target |\n\
                 | --- | ---: | ---: | --- | ---: | --- |\n"
            );
            for figure in self.figures.iter().filter(|figure| figure.group == group) {
                text += &self.row(figure);
            }
        }
        for (title, lines) in [("not measured", &self.missing), ("failed", &self.failed)] {
            for line in lines {
                let _ = write!(text, "\n{title}: {line}");
            }
        }
        text.push('\n');
        text
    }

    fn head(&self) -> String {
        let machine = &self.machine;
        format!(
            "Linux {}, {} × {}, load {}; {}\n",
            machine.kernel,
            machine.processors,
            machine.processor,
            machine.load,
            machine.versions.join(", ")
        )
    }

    fn row(&self, figure: &Figure) -> String {
        let compared = comparison(figure, &self.figures);
        let ratio = compared.map(|(_, ratio)| ratio);
        let (least, most) = (
            quantile(&figure.samples, 0.0),
            quantile(&figure.samples, 1.0),
        );
        format!(
            "| {} | {} {} | {} … {} | {} | {} | {} |\n",
            figure.name,
            digits(figure.median()),
            figure.unit.text(),
            digits(least),
            digits(most),
            compared.map_or("", |(other, _)| other.name.as_str()),
            ratio.map_or(String::new(), |ratio| format!("{ratio:.2}")),
            target(figure, ratio),
        )
    }

    /// In the order in which they were measured.
    pub(crate) fn groups(&self) -> Vec<&str> {
        let mut groups: Vec<&str> = self.figures.iter().map(|f| f.group.as_str()).collect();
        groups.dedup();
        groups
    }

    /// For programs.
    pub(crate) fn json(&self) -> Result<String> {
        let figures: Vec<Value> = self
            .figures
            .iter()
            .map(|figure| self.value(figure))
            .collect();
        let whole = json!({
            "machine": self.machine,
            "figures": figures,
            "missing": self.missing,
            "failed": self.failed,
        });
        Ok(serde_json::to_string_pretty(&whole)?)
    }

    fn value(&self, figure: &Figure) -> Value {
        let ratio = comparison(figure, &self.figures).map(|(_, ratio)| ratio);
        json!({
            "group": figure.group,
            "name": figure.name,
            "unit": figure.unit,
            "median": figure.median(),
            "min": quantile(&figure.samples, 0.0),
            "p95": quantile(&figure.samples, 0.95),
            "max": quantile(&figure.samples, 1.0),
            "against": figure.against,
            "ratio": ratio,
            "wanted": figure.wanted,
            "reached": figure.is_reached(ratio),
            "samples": figure.samples,
        })
    }

    /// Writes `bench.json`, `bench.md` and `bench.svg`.
    pub(crate) fn save(&self, dir: &Path) -> Result<()> {
        fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
        for (name, content) in [
            ("bench.json", self.json()?),
            ("bench.md", self.table()),
            ("bench.svg", picture::draw(self)),
        ] {
            let path = dir.join(name);
            fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
        }
        Ok(())
    }
}

/// Three digits that mean something.
pub(crate) fn digits(number: f64) -> String {
    match number.abs() {
        size if size >= 100.0 => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

fn target(figure: &Figure, ratio: Option<f64>) -> String {
    let Some(wanted) = figure.wanted else {
        return String::new();
    };
    let wanted = match wanted {
        Wanted::RatioBelow(most) => format!("≤ {most} ×"),
        Wanted::RatioAbove(least) => format!("≥ {least} ×"),
        Wanted::Below(most) => format!("≤ {most} {}", figure.unit.text()),
    };
    match figure.is_reached(ratio) {
        Some(true) => format!("{wanted} ✔"),
        Some(false) => format!("{wanted} ✘"),
        None => wanted,
    }
}
