//! What is configured, and how it reaches those who act on it.

use crate::{
    Error, Paths, Runtime, narrator::Narrator, ports::BindDefaults, steps::TurnOnForwarding,
};
use ipnetwork::Ipv4Network;
use minet_config::{Config, ConfigError, Forwarding, Presence};
use minet_model::{ContainerSpec, NetworkMode, NetworkName};
use std::{
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

/// A configuration file that is read once, and only if somebody asks.
#[derive(Debug, Clone)]
pub(crate) struct Configuration {
    file: PathBuf,
    presence: Presence,
    read: Arc<OnceLock<Config>>,
}

impl Configuration {
    pub(crate) fn new(file: PathBuf, presence: Presence) -> Self {
        Configuration {
            file,
            presence,
            read: Arc::default(),
        }
    }

    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// The file, if somebody named it.
    pub(crate) fn named_file(&self) -> Option<&Path> {
        match self.presence {
            Presence::Required => Some(&self.file),
            Presence::Optional => None,
        }
    }

    pub(crate) fn read(&self) -> Result<&Config, ConfigError> {
        if let Some(config) = self.read.get() {
            return Ok(config);
        }
        let config = minet_config::load(&self.file, self.presence)?;
        Ok(self.read.get_or_init(|| config))
    }
}

impl Paths {
    /// The mode of a container for which none was asked: with a cable to the default
    /// network, or without any where there is no such network.
    ///
    /// # Errors
    ///
    /// What is wrong with the configuration file.
    pub fn default_mode(&self) -> Result<NetworkMode, ConfigError> {
        Ok(match self.config()?.default_network {
            Some(_) => NetworkMode::default(),
            None => NetworkMode::None,
        })
    }
}

/// A container's spec with the configured name servers, suffixes and options where it
/// has none of its own. It is not stored so: a later start follows the file.
pub(crate) fn with_name_defaults(
    spec: &ContainerSpec,
    paths: &Paths,
) -> Result<ContainerSpec, Error> {
    let config = paths.config()?;
    let mut spec = spec.clone();
    if spec.dns.is_empty() {
        spec.dns.clone_from(&config.dns);
    }
    if spec.dns_search.is_empty() {
        spec.dns_search.clone_from(&config.dns_search);
    }
    if spec.dns_options.is_empty() {
        spec.dns_options.clone_from(&config.dns_options);
    }
    Ok(spec)
}

/// The subnets that networks are given by themselves, in order.
pub(crate) fn address_pools(config: &Config) -> Box<dyn Iterator<Item = Ipv4Network> + '_> {
    match has_ipv4_pools(config) {
        false => Box::new(minet_ipam::default_pools()),
        true => Box::new(config.pools.iter().flat_map(|pool| pool.ipv4_subnets())),
    }
}

/// Who configures IPv6 pools alone leaves IPv4 as it is.
fn has_ipv4_pools(config: &Config) -> bool {
    config.pools.iter().any(|pool| pool.base().is_ipv4())
}

/// Whether a subnet is one of them. Looked up, and not counted through.
pub(crate) fn is_of_address_pools(config: &Config, subnet: Ipv4Network) -> bool {
    match has_ipv4_pools(config) {
        false => minet_ipam::default_pools().any(|pool| pool == subnet),
        true => config.pools.iter().any(|pool| {
            pool.size() == subnet.prefix() && pool.base().contains(IpAddr::V4(subnet.network()))
        }),
    }
}

impl Runtime {
    /// Where a port goes that is published without an address, if it leads to this network.
    pub(crate) fn bind_defaults(
        &mut self,
        network: Option<&NetworkName>,
    ) -> Result<BindDefaults, Error> {
        let of_network = self.store.read(|tx| match network {
            Some(name) => Ok::<_, Error>(tx.network(name)?),
            None => Ok(None),
        })?;
        let of_network = of_network.and_then(|row| row.network.asked.publish_at);
        let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let configured = self.machine.paths().config()?.publish_at;
        Ok(match of_network.or(configured) {
            None => BindDefaults::AllAddresses,
            Some(address) if address == any => BindDefaults::AllIpv4,
            Some(address) => BindDefaults::Address(address),
        })
    }

    /// Whether forwarding is to stay as it is.
    pub(crate) fn leaves_forwarding_alone(&self) -> Result<bool, Error> {
        Ok(self.machine.paths().config()?.forwarding == Forwarding::Leave)
    }

    /// Whether forwarding is off, and has to stay off for all that minet may do.
    pub(crate) fn forwarding_stays_off(&self) -> Result<bool, Error> {
        let config = self.machine.paths().config()?;
        Ok(config.forwarding == Forwarding::Leave && !TurnOnForwarding::is_on())
    }

    /// Says what does not work while the host passes nothing on.
    pub(crate) fn warn_of_no_forwarding(&self, narrator: &mut dyn Narrator) -> Result<(), Error> {
        if self.forwarding_stays_off()? {
            let file = self.machine.paths().config_file().display();
            narrator.warn(&format!(
                "WARNING: IPv4 forwarding is disabled, and ip-forward = false in {file} keeps minet from turning it on: containers reach their neighbours and this machine, nothing beyond, and published ports answer this machine alone (turn it on: sysctl -w net.ipv4.ip_forward=1)"
            ));
        }
        Ok(())
    }
}
