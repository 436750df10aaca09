use crate::configuration::Configuration;
use minet_config::{Config, ConfigError, Presence};
use minet_model::InstanceTag;
use std::path::{Path, PathBuf};

/// Where minet keeps what it remembers and what it makes.
///
/// | | default | with `--root DIR` | outlives a reboot |
/// | --- | --- | --- | --- |
/// | [`Paths::state_dir`] | `/var/lib/minet` | `DIR/lib` | yes |
/// | [`Paths::run_dir`] | `/run/minet` | `DIR/run` | no |
/// | [`Paths::netns_dir`] | `/run/netns` | `DIR/netns` | no |
/// | [`Paths::config`] | `/etc/minet/config.toml` | `DIR/config.toml` | yes |
///
/// With the default root, containers are visible to `ip netns` under their names. With
/// another root they are not, because two instances may each have a container `web`.
#[derive(Debug, Clone)]
pub struct Paths {
    state_dir: PathBuf,
    run_dir: PathBuf,
    netns_dir: PathBuf,
    configuration: Configuration,
    root: Option<PathBuf>,
}

impl Default for Paths {
    fn default() -> Self {
        Paths {
            state_dir: "/var/lib/minet".into(),
            run_dir: "/run/minet".into(),
            netns_dir: "/run/netns".into(),
            configuration: Configuration::new("/etc/minet/config.toml".into(), Presence::Optional),
            root: None,
        }
    }
}

impl Paths {
    /// Everything below `root`.
    pub fn below(root: &Path) -> Self {
        Paths {
            state_dir: root.join("lib"),
            run_dir: root.join("run"),
            netns_dir: root.join("netns"),
            configuration: Configuration::new(root.join("config.toml"), Presence::Optional),
            root: Some(root.to_owned()),
        }
    }

    /// The same, with a configuration file that somebody named.
    #[must_use]
    pub fn with_config_file(self, file: PathBuf) -> Self {
        Paths {
            // A supervisor, which passes it on, works in another directory.
            configuration: Configuration::new(
                std::path::absolute(&file).unwrap_or(file),
                Presence::Required,
            ),
            ..self
        }
    }

    /// What is configured; the file is read when this is first asked for.
    ///
    /// # Errors
    ///
    /// What is wrong with the file.
    pub fn config(&self) -> Result<&Config, ConfigError> {
        self.configuration.read()
    }

    /// The configuration file that somebody named, if anybody did.
    pub(crate) fn named_config_file(&self) -> Option<&Path> {
        self.configuration.named_file()
    }

    /// Where the configuration is read, whether there is one or not.
    pub fn config_file(&self) -> &Path {
        self.configuration.file()
    }

    /// The directory that everything is below, if it is not in the usual places.
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// What it writes on what it makes, so that no other instance takes that for its own.
    pub(crate) fn instance(&self) -> Option<InstanceTag> {
        self.root.as_deref().map(InstanceTag::of)
    }

    /// What survives a reboot: the database and the logs.
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// What does not: generated files and locks.
    pub fn run_dir(&self) -> &Path {
        &self.run_dir
    }

    /// Where a namespace is given a name.
    pub fn netns_dir(&self) -> &Path {
        &self.netns_dir
    }

    /// There from the moment in which the nftables table is made until a repair: it may
    /// lack the published ports of containers that have been running for longer.
    pub(crate) fn new_table_mark(&self) -> PathBuf {
        self.run_dir.join("table-is-new")
    }

    /// Says that minet turned IPv6 forwarding on in this boot, and lists the interfaces that
    /// it told to listen to router advertisements all the same.
    pub(crate) fn forwarding6_mark(&self) -> PathBuf {
        self.run_dir.join("turned-on-forwarding6")
    }

    /// Says that minet turned IPv4 forwarding on in this boot, should the store be lost.
    pub(crate) fn forwarding_mark(&self) -> PathBuf {
        self.run_dir.join("turned-on-forwarding")
    }

    /// The generated hosts, resolv.conf and hostname of a container.
    pub fn etc_dir(&self, id: &minet_model::ContainerId) -> PathBuf {
        self.run_dir.join("containers").join(id.as_str())
    }

    /// What a container in the background has printed.
    pub fn log_dir(&self, id: &minet_model::ContainerId) -> PathBuf {
        self.state_dir.join("containers").join(id.as_str())
    }
}
