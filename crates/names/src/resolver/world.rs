//! What there is to know, as data.

use super::meaning::{Directory, Why};
use std::{convert::Infallible, net::IpAddr};

/// A network that the asking container is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedNetwork {
    /// Its name.
    pub name: String,
    /// The host's addresses on it.
    pub gateways: Vec<IpAddr>,
}

/// One who is called by a name, on one network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// The container's name.
    pub container: String,
    /// The network on which it is called so.
    pub network: String,
    /// Why it is.
    pub why: Why,
    /// Whether it runs: only then it is answered.
    pub running: bool,
    /// Its addresses there.
    pub addresses: Vec<IpAddr>,
}

/// A directory in which nobody stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nothing;

impl Directory for Nothing {
    type Error = Infallible;

    fn networks(&mut self) -> Result<Vec<SharedNetwork>, Infallible> {
        Ok(Vec::new())
    }

    fn bearers(&mut self, _: &str, _: &str) -> Result<Vec<Bearer>, Infallible> {
        Ok(Vec::new())
    }

    fn linked(&mut self, _: &str) -> Result<Option<String>, Infallible> {
        Ok(None)
    }

    fn opens_ipv6(&mut self, _: &str, _: &str) -> Result<bool, Infallible> {
        Ok(false)
    }

    fn at(&mut self, _: &str, _: IpAddr) -> Result<Option<String>, Infallible> {
        Ok(None)
    }
}

/// A directory in memory, for tests and for whoever wants to see what would be answered.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// The networks of the asking container.
    pub networks: Vec<SharedNetwork>,
    /// Names in lower case, and who bears them.
    pub names: Vec<(String, Bearer)>,
    /// Links into the asking container: alias in lower case, and the source's name.
    pub links: Vec<(String, String)>,
    /// Networks on which links open a way for IPv4 alone.
    pub ipv4_alone: Vec<String>,
}

impl Directory for World {
    type Error = Infallible;

    fn networks(&mut self) -> Result<Vec<SharedNetwork>, Infallible> {
        Ok(self.networks.clone())
    }

    fn bearers(&mut self, network: &str, name: &str) -> Result<Vec<Bearer>, Infallible> {
        let found = self.names.iter();
        Ok(found
            .filter(|(known, bearer)| known == name && bearer.network == network)
            .map(|(_, bearer)| bearer.clone())
            .collect())
    }

    fn linked(&mut self, alias: &str) -> Result<Option<String>, Infallible> {
        let link = self.links.iter().find(|(known, _)| known == alias);
        Ok(link.map(|(_, source)| source.clone()))
    }

    fn opens_ipv6(&mut self, network: &str, _: &str) -> Result<bool, Infallible> {
        Ok(!self.ipv4_alone.iter().any(|alone| alone == network))
    }

    fn at(&mut self, network: &str, address: IpAddr) -> Result<Option<String>, Infallible> {
        let found = self.names.iter().map(|(_, bearer)| bearer).find(|bearer| {
            bearer.network == network && bearer.running && bearer.addresses.contains(&address)
        });
        Ok(found.map(|bearer| bearer.container.clone()))
    }
}
