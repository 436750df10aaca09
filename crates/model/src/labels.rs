//! Labels: notes for people and scripts, `KEY=VALUE`, on containers and networks.

use std::collections::BTreeMap;

/// Labels, by their keys.
pub type Labels = BTreeMap<String, String>;

/// Why a text is not a label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid label {0:?}: write KEY=VALUE, or KEY alone for an empty value")]
pub struct InvalidLabel(String);

/// Understands `KEY=VALUE` or `KEY`; the key may not be empty.
pub fn parse_label(text: &str) -> Result<(String, String), InvalidLabel> {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    match key.trim().is_empty() {
        true => Err(InvalidLabel(text.to_owned())),
        false => Ok((key.to_owned(), value.to_owned())),
    }
}

/// What `--filter label=…` asks for: `KEY`, with whatever value, or `KEY=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelFilter {
    key: String,
    value: Option<String>,
}

impl LabelFilter {
    /// Understands what stands behind `label=`.
    pub fn parse(text: &str) -> Self {
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Some(value.to_owned())),
            None => (text, None),
        };
        LabelFilter {
            key: key.to_owned(),
            value,
        }
    }

    /// Whether these labels have it.
    pub fn fits(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        value.is_some_and(|value| self.value.as_ref().is_none_or(|wanted| wanted == value))
    }
}

/// As Docker prints them in one line: `a=1,b=2`.
pub fn labels_in_one_line(labels: &Labels) -> String {
    let label = |(key, value): (&String, &String)| format!("{key}={value}");
    labels.iter().map(label).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_keys_with_values() {
        for (text, key, value) in [("a=b", "a", "b"), ("a", "a", ""), ("a=b=c", "a", "b=c")] {
            assert_eq!(parse_label(text), Ok((key.to_owned(), value.to_owned())));
        }
        for text in ["", "=b", " =b"] {
            assert!(parse_label(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_filter_asks_for_a_key_or_for_both() {
        let labels = Labels::from([("tier".to_owned(), "db".to_owned())]);
        for (filter, fits) in [
            ("tier", true),
            ("tier=db", true),
            ("tier=web", false),
            ("tie", false),
            ("tier=", false),
        ] {
            assert_eq!(LabelFilter::parse(filter).fits(&labels), fits, "{filter}");
        }
    }
}
