//! `ps --filter`: of several with the same key one must fit, and every key must; of labels,
//! all.

use minet_model::LabelFilter;
use minet_runtime::Listed;
use regex_lite::Regex;
use std::str::FromStr;

/// One `--filter KEY=VALUE`.
#[derive(Debug, Clone)]
pub(crate) enum Filter {
    /// `name=PATTERN`: a regular expression that fits somewhere in the name.
    Name(Regex),
    /// `id=BEGINNING`.
    Id(String),
    /// `status=created|running|restarting|exited`.
    Status(String),
    /// `exited=CODE`.
    Exited(i32),
    /// `network=NAME`, or a mode without a network.
    Network(String),
    /// `label=KEY[=VALUE]`.
    Label(LabelFilter),
}

const STATUSES: [&str; 4] = ["created", "running", "restarting", "exited"];

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| "write KEY=VALUE".to_owned())?;
        match key {
            "name" => Regex::new(value)
                .map(Filter::Name)
                .map_err(|error| error.to_string()),
            "id" => Ok(Filter::Id(value.to_ascii_lowercase())),
            "status" if STATUSES.contains(&value) => Ok(Filter::Status(value.to_owned())),
            "status" => Err(format!("a status is one of {}", STATUSES.join(", "))),
            "exited" => value
                .parse()
                .map(Filter::Exited)
                .map_err(|_| "an exit code is a number".to_owned()),
            "network" => Ok(Filter::Network(value.to_owned())),
            "label" => Ok(Filter::Label(LabelFilter::parse(value))),
            _ => Err("the keys are name, id, status, exited, network and label".to_owned()),
        }
    }
}

impl Filter {
    fn fits(&self, container: &Listed) -> bool {
        match self {
            Filter::Name(pattern) => pattern.is_match(container.name.as_str()),
            Filter::Id(beginning) => container.id.as_str().starts_with(beginning.as_str()),
            Filter::Status(status) => container.status == status,
            Filter::Exited(code) => {
                container.status == "exited" && container.exit_code == Some(*code)
            }
            Filter::Label(label) => label.fits(&container.spec.labels),
            Filter::Network(network) => {
                let attachments = &container.settings.attachments;
                attachments
                    .iter()
                    .any(|cable| cable.network.as_str() == network)
                    || attachments.is_empty() && container.spec.mode.to_string() == *network
            }
        }
    }
}

/// Whether a container fits.
pub(crate) fn fits(filters: &[Filter], container: &Listed) -> bool {
    filters.iter().all(|filter| {
        if let Filter::Label(label) = filter {
            return label.fits(&container.spec.labels);
        }
        let kind = std::mem::discriminant(filter);
        let mut of_a_kind = filters
            .iter()
            .filter(|other| std::mem::discriminant(*other) == kind);
        of_a_kind.any(|filter| filter.fits(container))
    })
}

/// Whether somebody asks for those that have ended, though he did not say `--all`.
pub(crate) fn speaks_of_the_dead(filters: &[Filter]) -> bool {
    filters
        .iter()
        .any(|filter| matches!(filter, Filter::Status(_) | Filter::Exited(_)))
}
