//! `ps --filter`: of several with the same key one must fit, and every key must; of labels,
//! all.

use minet_model::{ExposedPorts, LabelFilter};
use minet_runtime::{Error, Listed};
use regex_lite::Regex;
use std::{path::PathBuf, str::FromStr};

/// One `--filter KEY=VALUE`.
#[derive(Debug, Clone)]
pub(crate) enum Filter {
    /// `name=PATTERN`: a regular expression that fits somewhere in the name.
    Name(Regex),
    /// `id=BEGINNING`.
    Id(String),
    /// `status=created|running|restarting|exited`, or another of Docker's, which nobody has.
    Status(String),
    /// `exited=CODE`.
    Exited(i32),
    /// `network=NAME`, or a mode without a network.
    Network(String),
    /// `label=KEY[=VALUE]`.
    Label(LabelFilter),
    /// `publish=PORT[-END][/PROTOCOL]`: of the host.
    Publish(ExposedPorts),
    /// `expose=PORT[-END][/PROTOCOL]`: of the container.
    Expose(ExposedPorts),
    /// `volume=PATH`: of the host or of the container.
    Volume(PathBuf),
    /// `before=CONTAINER`: made earlier.
    Before(Mark),
    /// `since=CONTAINER`: made later.
    Since(Mark),
}

/// A container that others are compared with.
#[derive(Debug, Clone)]
pub(crate) enum Mark {
    /// As it was typed.
    Named(String),
    /// When it was made, in milliseconds since 1970.
    Made(i64),
}

const STATUSES: [&str; 7] = [
    "created",
    "running",
    "restarting",
    "exited",
    "paused",
    "removing",
    "dead",
];

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
            "publish" => ports(value).map(Filter::Publish),
            "expose" => ports(value).map(Filter::Expose),
            "volume" => Ok(Filter::Volume(PathBuf::from(value))),
            "before" => Ok(Filter::Before(Mark::Named(value.to_owned()))),
            "since" => Ok(Filter::Since(Mark::Named(value.to_owned()))),
            _ => Err(
                "the keys are name, id, status, exited, network, label, publish, expose, \
                 volume, before and since"
                    .to_owned(),
            ),
        }
    }
}

fn ports(text: &str) -> Result<ExposedPorts, String> {
    text.parse()
        .map_err(|_| "write PORT, PORT-END or PORT/PROTOCOL".to_owned())
}

impl Filter {
    fn fits(&self, container: &Listed) -> bool {
        match self {
            // Docker's names begin with a slash, and patterns may.
            Filter::Name(pattern) => {
                pattern.is_match(container.name.as_str())
                    || pattern.is_match(&format!("/{}", container.name))
            }
            Filter::Id(beginning) => container.id.as_str().starts_with(beginning.as_str()),
            Filter::Status(status) => container.status == status,
            Filter::Exited(code) => {
                container.status == "exited" && container.exit_code == Some(*code)
            }
            Filter::Label(label) => label.fits(&container.spec.labels),
            Filter::Publish(wanted) => container.ports.iter().any(|port| {
                wanted.protocol == port.protocol && wanted.ports.contains(port.host_port)
            }),
            Filter::Expose(wanted) => exposes(container, wanted),
            Filter::Volume(path) => {
                let mut volumes = container.spec.volumes.iter();
                volumes.any(|volume| volume.source == *path || volume.target == *path)
            }
            Filter::Before(Mark::Made(moment)) => container.created < *moment,
            Filter::Since(Mark::Made(moment)) => container.created > *moment,
            Filter::Before(Mark::Named(_)) | Filter::Since(Mark::Named(_)) => false,
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

/// What is published is exposed, too.
fn exposes(container: &Listed, wanted: &ExposedPorts) -> bool {
    let published = container
        .ports
        .iter()
        .any(|port| wanted.protocol == port.protocol && wanted.ports.contains(port.container_port));
    let mut exposed = container.spec.expose.iter();
    published
        || exposed.any(|exposed| {
            wanted.protocol == exposed.protocol
                && exposed.ports.iter().any(|port| wanted.ports.contains(port))
        })
}

/// The filters with the containers that they name looked up.
pub(crate) fn resolve(filters: &[Filter], listed: &[Listed]) -> Result<Vec<Filter>, Error> {
    let look_up = |mark: &Mark| match mark {
        Mark::Named(name) => {
            let mut listed = listed.iter();
            listed
                .find(|other| other.name.as_str() == name || other.id.as_str().starts_with(name))
                .map(|other| Mark::Made(other.created))
                .ok_or_else(|| Error::NoSuchContainer(name.clone()))
        }
        Mark::Made(moment) => Ok(Mark::Made(*moment)),
    };
    let resolve = |filter: &Filter| {
        Ok(match filter {
            Filter::Before(mark) => Filter::Before(look_up(mark)?),
            Filter::Since(mark) => Filter::Since(look_up(mark)?),
            other => other.clone(),
        })
    };
    filters.iter().map(resolve).collect()
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
