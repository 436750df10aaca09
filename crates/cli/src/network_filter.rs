//! `network ls --filter`: of several with the same key one must fit, and every key must;
//! of labels, all.

use minet_model::LabelFilter;
use minet_runtime::ListedNetwork;
use std::{mem::discriminant, str::FromStr};

/// One `--filter KEY=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NetworkFilter {
    /// `name=PART`.
    Name(String),
    /// `id=BEGINNING`.
    Id(String),
    /// `driver=bridge|host|null`.
    Driver(String),
    /// `scope=local`, which is all there is.
    Scope(String),
    /// `type=custom|builtin`.
    Predefined(bool),
    /// `dangling=BOOL`: whether no container is on it.
    Dangling(bool),
    /// `label=KEY[=VALUE]`.
    Label(LabelFilter),
}

impl FromStr for NetworkFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| "write KEY=VALUE".to_owned())?;
        let owned = value.to_owned();
        match (key, value) {
            ("name", _) => Ok(NetworkFilter::Name(owned)),
            ("id", _) => Ok(NetworkFilter::Id(value.to_ascii_lowercase())),
            ("driver", _) => Ok(NetworkFilter::Driver(owned)),
            ("scope", _) => Ok(NetworkFilter::Scope(owned)),
            ("type", "builtin") => Ok(NetworkFilter::Predefined(true)),
            ("type", "custom") => Ok(NetworkFilter::Predefined(false)),
            ("type", _) => Err("a type is custom or builtin".to_owned()),
            ("label", _) => Ok(NetworkFilter::Label(LabelFilter::parse(value))),
            ("dangling", "true" | "1") => Ok(NetworkFilter::Dangling(true)),
            ("dangling", "false" | "0") => Ok(NetworkFilter::Dangling(false)),
            ("dangling", _) => Err("write dangling=true or dangling=false".to_owned()),
            _ => Err("the keys are name, id, driver, scope, type, dangling and label".to_owned()),
        }
    }
}

impl NetworkFilter {
    fn fits(&self, network: &ListedNetwork) -> bool {
        match self {
            NetworkFilter::Name(part) => network.name.as_str().contains(part.as_str()),
            NetworkFilter::Id(beginning) => network.id.as_str().starts_with(beginning.as_str()),
            NetworkFilter::Driver(driver) => network.driver == driver,
            NetworkFilter::Scope(scope) => scope == "local",
            NetworkFilter::Predefined(predefined) => network.name.is_predefined() == *predefined,
            // Those that always are do not hang in the air, says Docker.
            NetworkFilter::Dangling(dangling) => {
                (!network.used && !network.name.is_predefined()) == *dangling
            }
            NetworkFilter::Label(label) => label.fits(&network.labels),
        }
    }
}

/// Whether a network fits.
pub(crate) fn fits(filters: &[NetworkFilter], network: &ListedNetwork) -> bool {
    filters.iter().all(|filter| match filter {
        NetworkFilter::Label(_) => filter.fits(network),
        other => filters
            .iter()
            .filter(|filter| discriminant(*filter) == discriminant(other))
            .any(|filter| filter.fits(network)),
    })
}
