//! Ratios of an earlier run, and what has become much worse since.
//!
//! Only ratios of figures that were taken in turn: they mean the same on another machine,
//! roughly, which no time does.

use crate::{figure::comparison, report::Report};
use anyhow::{Context, Result};
use std::{collections::BTreeMap, fs, path::Path};

/// What the start path cost when somebody last looked, in the repository.
const RECORDED: &str = include_str!("../recorded.json");

/// What counts as gross.
const GROSS: f64 = 2.0;

/// The group and the name, then how many times that which it is compared with.
type Ratios = BTreeMap<String, f64>;

fn ratios(report: &Report) -> Ratios {
    let ratio = |figure| {
        let (other, ratio) = comparison(figure, &report.figures)?;
        // For more than one container or byte per second, worse is less.
        let cost = if figure.unit.more_is_better() {
            1.0 / ratio
        } else {
            ratio
        };
        let key = format!("{}: {} / {}", figure.group, figure.name, other.name);
        Some((key, (cost * 100.0).round() / 100.0))
    };
    report.figures.iter().filter_map(ratio).collect()
}

/// Writes the ratios of this run.
pub(crate) fn save(path: &Path, report: &Report) -> Result<()> {
    let text = serde_json::to_string_pretty(&ratios(report))?;
    fs::write(path, text + "\n").with_context(|| format!("write {}", path.display()))
}

/// What costs more than twice what was recorded, in words.
pub(crate) fn regressions(report: &Report) -> Result<Vec<String>> {
    let recorded: Ratios = serde_json::from_str(RECORDED).context("read the recorded ratios")?;
    Ok(worse(&recorded, &ratios(report)))
}

fn worse(recorded: &Ratios, found: &Ratios) -> Vec<String> {
    let pairs = found
        .iter()
        .filter_map(|(key, now)| Some((key, now, recorded.get(key)?)));
    pairs
        .filter(|(_, now, before)| **now > GROSS * **before)
        .map(|(key, now, before)| format!("{key}: {now:.2} ×, recorded are {before:.2} ×"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_twice_as_bad_is_gross() {
        let of = |ratio| Ratios::from([("start: a / b".to_owned(), ratio)]);
        assert!(worse(&of(2.0), &of(3.9)).is_empty());
        assert_eq!(worse(&of(2.0), &of(4.1)).len(), 1);
        assert!(worse(&Ratios::new(), &of(9.0)).is_empty());
    }

    #[test]
    fn what_is_recorded_can_be_read() {
        serde_json::from_str::<Ratios>(RECORDED).unwrap();
    }
}
