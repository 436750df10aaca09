//! `--filter` of the prune commands: each given one must fit, as with Docker.

use crate::times::Moment;
use minet_model::{LabelFilter, Labels};
use std::str::FromStr;

/// One `--filter KEY=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PruneFilter {
    /// `label=KEY[=VALUE]`.
    Label(LabelFilter),
    /// `label!=KEY[=VALUE]`.
    NotLabel(LabelFilter),
    /// `until=TIME`: made before.
    Until(Moment),
}

impl FromStr for PruneFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(label) = text.strip_prefix("label!=") {
            return Ok(PruneFilter::NotLabel(LabelFilter::parse(label)));
        }
        match text.split_once('=') {
            Some(("label", label)) => Ok(PruneFilter::Label(LabelFilter::parse(label))),
            Some(("until", time)) => time.parse().map(PruneFilter::Until),
            Some(_) => Err("the keys are label, label! and until".to_owned()),
            None => Err("write KEY=VALUE".to_owned()),
        }
    }
}

/// Whether something with these labels, made at this time, is to go.
pub(crate) fn fits(filters: &[PruneFilter], labels: &Labels, created: i64) -> bool {
    filters.iter().all(|filter| match filter {
        PruneFilter::Label(label) => label.fits(labels),
        PruneFilter::NotLabel(label) => !label.fits(labels),
        PruneFilter::Until(Moment(moment)) => created < *moment,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_filter_must_fit() {
        let labels = Labels::from([("a".to_owned(), "1".to_owned())]);
        for (filters, fit) in [
            (&["label=a"][..], true),
            (&["label=a=2"], false),
            (&["label!=b"], true),
            (&["label=a", "label!=a=1"], false),
            (&["until=1970-01-02"], true),
            (&["until=1970-01-01"], false),
            (&[], true),
        ] {
            let parsed: Vec<PruneFilter> =
                filters.iter().map(|text| text.parse().unwrap()).collect();
            assert_eq!(fits(&parsed, &labels, 1000), fit, "{filters:?}");
        }
        assert!("name=x".parse::<PruneFilter>().is_err());
    }
}
