//! What a name means to a container.

use super::{
    HOST_NAME,
    world::{Bearer, SharedNetwork},
};
use std::net::IpAddr;

/// What there is to know about names, asked on behalf of one container.
pub trait Directory {
    /// Why nothing could be looked up.
    type Error;

    /// The networks that the container is on.
    fn networks(&mut self) -> Result<Vec<SharedNetwork>, Self::Error>;

    /// Who is called so on this network, running or not; `name` is in lower case.
    fn bearers(&mut self, network: &str, name: &str) -> Result<Vec<Bearer>, Self::Error>;

    /// The name of the container that a link into this one calls so.
    fn linked(&mut self, alias: &str) -> Result<Option<String>, Self::Error>;

    /// Whether a link from that container opens the way to its IPv6 address on this network,
    /// too, where both have one.
    fn opens_ipv6(&mut self, network: &str, source: &str) -> Result<bool, Self::Error>;

    /// The name of the running container that has this address on this network.
    fn at(&mut self, network: &str, address: IpAddr) -> Result<Option<String>, Self::Error>;

    /// What a name means: [`meaning`], unless the directory remembers it.
    fn meaning(&mut self, name: &str) -> Result<Meaning, Self::Error>
    where
        Self: Sized,
    {
        meaning(self, name)
    }
}

/// Why somebody is called so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// It is the container's name.
    Name,
    /// The first twelve digits of its ID.
    ShortId,
    /// Its hostname.
    Hostname,
    /// A `--network-alias`.
    Alias,
    /// A link into the container that asks.
    Link,
    /// The host itself.
    Host,
}

impl Why {
    /// In one or two words.
    pub fn as_str(self) -> &'static str {
        match self {
            Why::Name => "name",
            Why::ShortId => "short ID",
            Why::Hostname => "hostname",
            Why::Alias => "alias",
            Why::Link => "link",
            Why::Host => "host",
        }
    }
}

/// One who is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The container's name; the host's is [`HOST_NAME`].
    pub container: String,
    /// On which network.
    pub network: String,
    /// Why it is called so.
    pub why: Why,
    /// Its addresses there, of both families.
    pub addresses: Vec<IpAddr>,
}

/// What a name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// These, at least one. Whatever is asked about them, it is answered here.
    Known(Vec<Reason>),
    /// An address of a container's: its names, `container.network`.
    Pointer(Vec<String>),
    /// Somebody of this name exists, and does not run.
    Asleep,
    /// Nobody. Whether others are asked is decided in [`crate::resolver`].
    Unknown,
}

/// What a name means to the container whose directory this is.
///
/// Names are compared without regard to case (RFC 4343); a final dot is no part of them.
pub fn meaning<D: Directory>(directory: &mut D, name: &str) -> Result<Meaning, D::Error> {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let networks = directory.networks()?;
    if let Some(address) = address_of_pointer(&name) {
        return pointer(directory, &networks, address);
    }
    if name == HOST_NAME {
        return Ok(host(&networks));
    }
    if let Some(linked) = linked(directory, &networks, &name)? {
        return Ok(linked);
    }
    let mut bearers = Vec::new();
    for network in &networks {
        bearers.extend(directory.bearers(&network.name, &name)?);
        if let Some(prefix) = without_suffix(&name, &network.name) {
            bearers.extend(directory.bearers(&network.name, prefix)?);
        }
    }
    let asleep = match bearers.is_empty() {
        true => Asleep::IsNot,
        false => Asleep::Is,
    };
    Ok(awake(bearers, asleep))
}

/// Whether somebody exists who does not run.
enum Asleep {
    Is,
    IsNot,
}

/// The source of a link by this name, or by this name behind which a network stands.
///
/// A link has the last word: nobody else shall be taken for its source.
fn linked<D: Directory>(
    directory: &mut D,
    networks: &[SharedNetwork],
    name: &str,
) -> Result<Option<Meaning>, D::Error> {
    if let Some(source) = directory.linked(name)? {
        let bearers = sources(directory, networks, &source)?;
        return Ok(Some(awake(bearers, Asleep::Is)));
    }
    for network in networks {
        let Some(prefix) = without_suffix(name, &network.name) else {
            continue;
        };
        let Some(source) = directory.linked(prefix)? else {
            continue;
        };
        let bearers = sources(directory, std::slice::from_ref(network), &source)?;
        // One that is not on that network leaves the name to whoever is.
        if !bearers.is_empty() {
            return Ok(Some(awake(bearers, Asleep::Is)));
        }
    }
    Ok(None)
}

/// The source of a link on these networks, by the addresses to which the link opens a way.
fn sources<D: Directory>(
    directory: &mut D,
    networks: &[SharedNetwork],
    source: &str,
) -> Result<Vec<Bearer>, D::Error> {
    let source = source.to_ascii_lowercase();
    let mut found = Vec::new();
    for network in networks {
        for mut bearer in directory.bearers(&network.name, &source)? {
            if bearer.why != Why::Name {
                continue;
            }
            bearer.why = Why::Link;
            let has_ipv6 = bearer.addresses.iter().any(IpAddr::is_ipv6);
            if has_ipv6 && !directory.opens_ipv6(&network.name, &bearer.container)? {
                bearer.addresses.retain(IpAddr::is_ipv4);
            }
            found.push(bearer);
        }
    }
    Ok(found)
}

/// Those who run.
fn awake(bearers: Vec<Bearer>, asleep: Asleep) -> Meaning {
    let mut reasons: Vec<Reason> = bearers
        .into_iter()
        .filter(|bearer| bearer.running)
        .map(|bearer| Reason {
            container: bearer.container,
            network: bearer.network,
            why: bearer.why,
            addresses: bearer.addresses,
        })
        .collect();
    // Who is called so twice on a network is one.
    reasons.dedup_by(|one, other| one.container == other.container && one.network == other.network);
    match (reasons.is_empty(), asleep) {
        (false, _) => Meaning::Known(reasons),
        (true, Asleep::Is) => Meaning::Asleep,
        (true, Asleep::IsNot) => Meaning::Unknown,
    }
}

/// The host, at the first gateway: the one that its line in the hosts file has.
fn host(networks: &[SharedNetwork]) -> Meaning {
    match networks.iter().find(|network| !network.gateways.is_empty()) {
        Some(network) => Meaning::Known(vec![Reason {
            container: HOST_NAME.to_owned(),
            network: network.name.clone(),
            why: Why::Host,
            addresses: network.gateways.clone(),
        }]),
        None => Meaning::Asleep,
    }
}

fn pointer<D: Directory>(
    directory: &mut D,
    networks: &[SharedNetwork],
    address: IpAddr,
) -> Result<Meaning, D::Error> {
    let mut names = Vec::new();
    for network in networks {
        if network.gateways.contains(&address) {
            names.push(HOST_NAME.to_owned());
        } else if let Some(container) = directory.at(&network.name, address)? {
            names.push(format!("{container}.{}", network.name));
        }
    }
    Ok(match names.is_empty() {
        true => Meaning::Unknown,
        false => Meaning::Pointer(names),
    })
}

/// `db` of `db.appnet` on the network `appnet`.
fn without_suffix<'a>(name: &'a str, network: &str) -> Option<&'a str> {
    let (prefix, suffix) = name.split_at_checked(name.len().checked_sub(network.len())?)?;
    let prefix = prefix.strip_suffix('.')?;
    (!prefix.is_empty() && suffix.eq_ignore_ascii_case(network)).then_some(prefix)
}

/// `172.17.0.2` of `2.0.17.172.in-addr.arpa` (RFC 1035 section 3.5), and the like of IPv6
/// (RFC 3596 section 2.5). None if it is no whole address.
fn address_of_pointer(name: &str) -> Option<IpAddr> {
    if let Some(digits) = name.strip_suffix(".in-addr.arpa") {
        let mut octets = [0_u8; 4];
        let mut labels = digits.split('.');
        for octet in octets.iter_mut().rev() {
            *octet = labels.next()?.parse().ok()?;
        }
        return labels.next().is_none().then(|| IpAddr::from(octets));
    }
    let digits = name.strip_suffix(".ip6.arpa")?;
    let mut octets = [0_u8; 16];
    let mut labels = digits.split('.');
    let mut nibble = || {
        let label = labels.next().filter(|label| label.len() == 1)?;
        u8::from_str_radix(label, 16).ok()
    };
    for octet in octets.iter_mut().rev() {
        let low = nibble()?;
        *octet = nibble()? << 4 | low;
    }
    labels.next().is_none().then(|| IpAddr::from(octets))
}

#[cfg(test)]
#[path = "meaning_tests.rs"]
pub(super) mod tests;
