//! What was measured, and what can be said about it.

use serde::{Deserialize, Serialize};

/// One thing that was measured several times.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Figure {
    /// Under which headline it stands.
    pub(crate) group: String,
    /// What was done.
    pub(crate) name: String,
    pub(crate) unit: Unit,
    /// In the order in which they were taken.
    pub(crate) samples: Vec<f64>,
    /// The figure of the same group that it is compared with, taken in turn with it.
    pub(crate) against: Option<String>,
    /// What has to be reached.
    pub(crate) wanted: Option<Wanted>,
}

/// In what a figure is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Unit {
    /// Milliseconds.
    #[serde(rename = "ms")]
    Milliseconds,
    /// Microseconds.
    #[serde(rename = "µs")]
    Microseconds,
    /// Kibibytes.
    #[serde(rename = "KiB")]
    Kibibytes,
    /// Gigabits per second.
    #[serde(rename = "Gbit/s")]
    Gigabits,
    /// Something per second.
    #[serde(rename = "/s")]
    PerSecond,
    /// Something counted.
    #[serde(rename = "×")]
    Count,
}

/// A target.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum Wanted {
    /// At most this many times what it is compared with.
    RatioBelow(f64),
    /// At least this many times.
    RatioAbove(f64),
    /// At most so much.
    Below(f64),
}

impl Unit {
    /// As it is printed.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Unit::Milliseconds => "ms",
            Unit::Microseconds => "µs",
            Unit::Kibibytes => "KiB",
            Unit::Gigabits => "Gbit/s",
            Unit::PerSecond => "/s",
            Unit::Count => "×",
        }
    }

    /// Whether a larger figure is the better one.
    pub(crate) fn more_is_better(self) -> bool {
        matches!(self, Unit::Gigabits | Unit::PerSecond)
    }
}

impl Figure {
    /// A figure that is compared with nothing.
    pub(crate) fn new(group: &str, name: &str, unit: Unit, samples: Vec<f64>) -> Self {
        Figure {
            group: group.to_owned(),
            name: name.to_owned(),
            unit,
            samples,
            against: None,
            wanted: None,
        }
    }

    /// Compares it with another figure of its group.
    pub(crate) fn against(mut self, name: &str) -> Self {
        self.against = Some(name.to_owned());
        self
    }

    /// Says what has to be reached.
    pub(crate) fn wanted(mut self, wanted: Wanted) -> Self {
        self.wanted = Some(wanted);
        self
    }

    /// The middle one of all samples.
    pub(crate) fn median(&self) -> f64 {
        median(&self.samples)
    }

    /// How many times `other` it is. Samples that were taken in turn are compared pair by
    /// pair, so that a machine that becomes slower meanwhile does not matter.
    pub(crate) fn ratio(&self, other: &Figure) -> f64 {
        if self.samples.len() != other.samples.len() {
            return self.median() / other.median();
        }
        let pairs = self.samples.iter().zip(&other.samples);
        median(
            &pairs
                .map(|(ours, theirs)| ours / theirs)
                .collect::<Vec<_>>(),
        )
    }

    /// Whether what was wanted is reached; none where nothing was.
    pub(crate) fn is_reached(&self, ratio: Option<f64>) -> Option<bool> {
        match (self.wanted?, ratio) {
            (Wanted::Below(most), _) => Some(self.median() <= most),
            (Wanted::RatioBelow(most), Some(ratio)) => Some(ratio <= most),
            (Wanted::RatioAbove(least), Some(ratio)) => Some(ratio >= least),
            (_, None) => None,
        }
    }
}

/// The figure that this one is compared with, and how many times that it is.
pub(crate) fn comparison<'f>(figure: &Figure, figures: &'f [Figure]) -> Option<(&'f Figure, f64)> {
    let other = figures.iter().find(|other| {
        other.group == figure.group && Some(&other.name) == figure.against.as_ref()
    })?;
    Some((other, figure.ratio(other)))
}

/// The middle one; none of nothing.
pub(crate) fn median(samples: &[f64]) -> f64 {
    quantile(samples, 0.5)
}

/// The sample below which this part of all lies.
pub(crate) fn quantile(samples: &[f64], part: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let at = (last as f64 * part).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_compared_before_the_middle_is_taken() {
        let slow = Figure::new("g", "slow", Unit::Milliseconds, vec![2.0, 20.0, 4.0]);
        let fast = Figure::new("g", "fast", Unit::Milliseconds, vec![1.0, 10.0, 2.0]);
        assert_eq!(slow.ratio(&fast), 2.0);
        assert_eq!(slow.median(), 4.0);
    }

    #[test]
    fn a_target_of_a_ratio_needs_something_to_compare_with() {
        let figure = Figure::new("g", "n", Unit::Milliseconds, vec![3.0]);
        let figure = figure.wanted(Wanted::RatioBelow(2.0));
        assert_eq!(figure.is_reached(Some(1.9)), Some(true));
        assert_eq!(figure.is_reached(Some(2.1)), Some(false));
        assert_eq!(figure.is_reached(None), None);
        let figure = figure.wanted(Wanted::Below(2.0));
        assert_eq!(figure.is_reached(None), Some(false));
    }
}
