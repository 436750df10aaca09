use crate::{ContainerName, InvalidContainerName, InvalidNetworkName, NetworkName};
use serde::{Deserialize, Serialize};
use std::{fmt, path::PathBuf, str::FromStr};

/// Which network namespace a container lives in, and who lays its cables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum NetworkMode {
    /// A namespace of its own, with a cable to the bridge of this network.
    Bridge(NetworkName),
    /// The host's namespace.
    Host,
    /// A namespace of its own with nothing but `lo`.
    None,
    /// The namespace of another running container, given by name or ID.
    Container(String),
    /// A namespace that somebody else pinned at this path.
    Namespace(PathBuf),
}

/// Why a text is not a network mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNetworkMode {
    /// `container:` with nothing or nonsense behind it.
    #[error("invalid container format container:<name|id>")]
    Container(#[source] InvalidContainerName),
    /// `ns:` without an absolute path.
    #[error(
        "invalid mode {0:?}: ns: takes the absolute path of a namespace, such as ns:/run/netns/blue"
    )]
    NamespacePath(String),
    /// Neither a mode nor a possible name of a network.
    #[error(
        "invalid mode {text:?}: it is bridge, host, none, container:NAME, ns:PATH or the name of a network"
    )]
    Unknown {
        /// What was typed.
        text: String,
        /// Why it cannot be a network either.
        #[source]
        source: InvalidNetworkName,
    },
}

impl NetworkMode {
    /// Whether the container gets a network namespace of its own.
    pub fn has_own_namespace(&self) -> bool {
        match self {
            NetworkMode::Bridge(_) | NetworkMode::None => true,
            NetworkMode::Host | NetworkMode::Container(_) | NetworkMode::Namespace(_) => false,
        }
    }
}

impl Default for NetworkMode {
    fn default() -> Self {
        NetworkMode::Bridge(NetworkName::default_bridge())
    }
}

impl FromStr for NetworkMode {
    type Err = InvalidNetworkMode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(target) = text.strip_prefix("container:") {
            let name: ContainerName = target.parse().map_err(InvalidNetworkMode::Container)?;
            return Ok(NetworkMode::Container(name.to_string()));
        }
        if let Some(path) = text.strip_prefix("ns:") {
            return match path.starts_with('/') {
                true => Ok(NetworkMode::Namespace(PathBuf::from(path))),
                false => Err(InvalidNetworkMode::NamespacePath(text.to_owned())),
            };
        }
        match text {
            "host" => Ok(NetworkMode::Host),
            "none" => Ok(NetworkMode::None),
            // Docker's name for "whatever is the default".
            "default" => Ok(NetworkMode::default()),
            _ => text.parse().map(NetworkMode::Bridge).map_err(|source| {
                InvalidNetworkMode::Unknown {
                    text: text.to_owned(),
                    source,
                }
            }),
        }
    }
}

impl fmt::Display for NetworkMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NetworkMode::Bridge(name) => write!(f, "{name}"),
            NetworkMode::Host => f.write_str("host"),
            NetworkMode::None => f.write_str("none"),
            NetworkMode::Container(target) => write!(f, "container:{target}"),
            NetworkMode::Namespace(path) => write!(f, "ns:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_reads_back_what_it_prints() {
        for text in [
            "bridge",
            "host",
            "none",
            "container:web",
            "ns:/run/netns/blue",
            "backend",
        ] {
            assert_eq!(text.parse::<NetworkMode>().unwrap().to_string(), text);
        }
        assert_eq!(
            "default".parse::<NetworkMode>().unwrap(),
            NetworkMode::default()
        );
    }

    #[test]
    fn nonsense_is_refused_with_the_choices() {
        for text in [
            "",
            "container:",
            "container:a/b",
            "ns:relative",
            "br idge",
            "-x",
        ] {
            assert!(text.parse::<NetworkMode>().is_err(), "{text:?}");
        }
        let error = "br idge".parse::<NetworkMode>().unwrap_err().to_string();
        assert!(error.contains("container:NAME"), "{error}");
    }
}
