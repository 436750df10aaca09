//! The keys of the default network.

use crate::{LeftAlone, Located, Problem, document::Document};
use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use minet_model::{BridgeChoice, Ipv6Spec, Masquerade, Neighbours, NetworkName, NetworkSpec};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// The default network: what is asked of it, if there is to be one.
pub(crate) struct DefaultNetwork {
    pub(crate) spec: Option<NetworkSpec>,
    /// What was said of a network that there is not.
    pub(crate) left_alone: Vec<LeftAlone>,
}

/// The keys that speak of the default network alone.
const OF_DEFAULT_NETWORK: [&str; 10] = [
    V4.bridge, V4.range, V4.gateway, V6.bridge, V6.range, V6.gateway, "ipv6", "mtu", "icc",
    "ip-masq",
];

/// Understands the keys of the default network.
pub(crate) fn read(document: &mut Document) -> Result<DefaultNetwork, Located> {
    let bridge = bridge(document)?;
    let mut spec = NetworkSpec::named(NetworkName::default_bridge());
    let v4 = Side::read(document, V4, &bridge)?;
    let v6 = Side::read(document, V6, &bridge)?;
    spec.subnet = v4.subnet.and_then(ipv4);
    spec.gateway = v4.bridge.and_then(ipv4).map(|bip| bip.ip());
    spec.ip_range = match v4.range {
        Some(range) => range.to_string().parse().ok(),
        None => None,
    };
    spec.default_gateway = match v4.gateway {
        Some(IpAddr::V4(gateway)) => Some(gateway).filter(|gateway| spec.gateway != Some(*gateway)),
        Some(IpAddr::V6(_)) | None => None,
    };
    spec.mtu = mtu(document)?;
    if document.flag("icc")? == Some(false) {
        spec.neighbours = Neighbours::Apart;
    }
    if document.flag("ip-masq")? == Some(false) {
        spec.masquerade = Masquerade::Off;
    }
    let wanted = document.flag("ipv6")?.unwrap_or(false);
    let given = [
        (v6.bridge.is_some(), V6.bridge),
        (v6.range.is_some(), V6.range),
        (v6.gateway.is_some(), V6.gateway),
    ];
    if let Some((_, key)) = given.iter().find(|(given, _)| *given && !wanted) {
        let problem = Problem::Needs {
            key: (*key).to_owned(),
            needs: "ipv6",
            why: "the default network has IPv6 only where it is asked for",
            right: document.syntax.spell("ipv6", &json!(true)),
        };
        return Err(document.at(key, problem));
    }
    spec.ipv6 = wanted.then(|| v6.into_spec());
    spec.bridge = bridge.unwrap_or_default();
    if document.peek("bridge") == Some(&json!("none")) {
        return Ok(without_network(document));
    }
    Ok(DefaultNetwork {
        spec: Some(spec),
        left_alone: Vec::new(),
    })
}

/// Machines that leave all networks to others have such files.
fn without_network(document: &Document) -> DefaultNetwork {
    let said = OF_DEFAULT_NETWORK
        .iter()
        .filter(|key| document.peek(key).is_some());
    let left_alone = said.map(|key| LeftAlone {
        key: (*key).to_owned(),
        why: "there is no default network (bridge is \"none\")",
    });
    DefaultNetwork {
        spec: None,
        left_alone: left_alone.collect(),
    }
}

/// An existing bridge; `none` is nobody's name.
fn bridge(document: &mut Document) -> Result<Option<BridgeChoice>, Located> {
    let name = document.text("bridge")?;
    if name.as_deref() == Some("none") {
        return Ok(None);
    }
    let expected = "the name of a bridge, or \"none\"";
    let bridge = document.parsed("bridge", expected)?;
    for (key, given) in ["bip", "bip6"].map(|key| (key, document.peek(key).is_some())) {
        if bridge.is_some() && given {
            let problem = Problem::Contradiction {
                one: "bridge",
                other: key,
                why: "an existing bridge keeps the address that it has",
            };
            return Err(document.at(key, problem));
        }
    }
    Ok(bridge.map(BridgeChoice::Existing))
}

fn mtu(document: &mut Document) -> Result<Option<u32>, Located> {
    // Docker's 0 is none.
    let Some(number) = document.number("mtu")?.filter(|number| *number != 0) else {
        return Ok(None);
    };
    let mtu = u32::try_from(number).ok();
    match mtu.filter(|mtu| minet_model::is_mtu(*mtu)) {
        Some(mtu) => Ok(Some(mtu)),
        None => {
            let problem = Problem::Value {
                key: "mtu".to_owned(),
                given: number.to_string(),
                expected: "a number of bytes from 68 to 65535",
            };
            Err(document.at("mtu", problem))
        }
    }
}

/// The keys of one address family.
#[derive(Clone, Copy)]
struct Family {
    bridge: &'static str,
    range: &'static str,
    gateway: &'static str,
    expected: &'static str,
    example: &'static str,
    is_of: fn(IpAddr) -> bool,
}

const V4: Family = Family {
    bridge: "bip",
    range: "fixed-cidr",
    gateway: "default-gateway",
    expected: "the bridge's IPv4 address with the prefix length of its subnet, such as 172.30.0.1/16",
    example: "172.30.0.1/16",
    is_of: |address| address.is_ipv4(),
};

const V6: Family = Family {
    bridge: "bip6",
    range: "fixed-cidr-v6",
    gateway: "default-gateway-v6",
    expected: "the bridge's IPv6 address with the prefix length of its subnet, such as fd00:30::1/64",
    example: "fd00:30::1/64",
    is_of: |address| address.is_ipv6(),
};

/// What is said of one address family.
struct Side {
    /// The bridge's address, with the prefix length of the subnet.
    bridge: Option<IpNetwork>,
    /// The subnet.
    subnet: Option<IpNetwork>,
    range: Option<IpNetwork>,
    gateway: Option<IpAddr>,
}

impl Side {
    /// The IPv6 half of a network.
    fn into_spec(self) -> Ipv6Spec {
        let gateway = self.bridge.and_then(ipv6).map(|bip| bip.ip());
        Ipv6Spec {
            subnet: self.subnet.and_then(ipv6),
            gateway,
            default_gateway: match self.gateway {
                Some(IpAddr::V6(other)) => Some(other).filter(|other| gateway != Some(*other)),
                Some(IpAddr::V4(_)) | None => None,
            },
            ip_range: self.range.and_then(|range| range.to_string().parse().ok()),
            reserved: BTreeMap::new(),
        }
    }

    fn read(
        document: &mut Document,
        family: Family,
        existing: &Option<BridgeChoice>,
    ) -> Result<Self, Located> {
        let bridge = match document.text(family.bridge)? {
            Some(text) => Some(bridge_address(document, family, &text)?),
            None => None,
        };
        let range = match document.text(family.range)? {
            Some(text) => {
                let range = without_host_bits(document, family.range, &text)?;
                Some(of_family(
                    document,
                    family,
                    family.range,
                    range,
                    range.ip(),
                )?)
            }
            None => None,
        };
        // Without a bridge's address, the range is all that there is.
        let (subnet, of) = match (bridge, range, existing) {
            (Some(bridge), ..) => (Some(subnet_of(bridge)), family.bridge),
            (None, range, None) => (range, family.range),
            (None, _, Some(_)) => (None, family.bridge),
        };
        if let (Some(subnet), Some(range)) = (subnet, range)
            && !(subnet.contains(range.network()) && range.prefix() >= subnet.prefix())
        {
            let problem = Problem::RangeOutside {
                key: family.range.to_owned(),
                given: range,
                subnet,
                of,
                right: document
                    .syntax
                    .spell(family.range, &json!(part_of(subnet, range))),
            };
            return Err(document.at(family.range, problem));
        }
        let gateway = document.parsed(family.gateway, "an address without a prefix length")?;
        if let Some(gateway) = gateway {
            of_family(document, family, family.gateway, gateway, gateway)?;
            match (subnet, existing) {
                (Some(subnet), _) => check_gateway(document, family, gateway, (subnet, of))?,
                // What subnet that is, only the bridge knows.
                (None, Some(_)) => {}
                (None, None) => {
                    let problem = Problem::Needs {
                        key: family.gateway.to_owned(),
                        needs: family.bridge,
                        why: "without it the subnet is chosen anew on each machine",
                        right: document.syntax.spell(family.bridge, &json!(family.example)),
                    };
                    return Err(document.at(family.gateway, problem));
                }
            }
        }
        Ok(Side {
            bridge,
            subnet,
            range,
            gateway,
        })
    }
}

/// An address with the prefix length of its subnet; it is one that a host can have.
fn bridge_address(document: &Document, family: Family, text: &str) -> Result<IpNetwork, Located> {
    let key = family.bridge.to_owned();
    let spell = |right: IpNetwork| document.syntax.spell(family.bridge, &json!(right));
    let at = |problem| Err(document.at(family.bridge, problem));
    if let Ok(given) = text.parse::<IpAddr>() {
        of_family(document, family, family.bridge, given, given)?;
        let subnet = usual_subnet(given);
        let right = match subnet.network() == given {
            true => first_host(subnet),
            false => subnet,
        };
        let right = spell(right);
        return at(Problem::NoPrefix { key, given, right });
    }
    let Ok(given) = text.parse::<IpNetwork>() else {
        return at(Problem::Value {
            key,
            given: text.to_owned(),
            expected: family.expected,
        });
    };
    of_family(document, family, family.bridge, given, given.ip())?;
    let room = match given {
        IpNetwork::V4(_) => 30,
        IpNetwork::V6(_) => 126,
    };
    if given.prefix() > room {
        let right = spell(with_prefix(given.ip(), if room == 30 { 24 } else { 64 }));
        return at(Problem::TooSmall { key, given, right });
    }
    let right = spell(first_host(given));
    if given.ip() == given.network() {
        return at(Problem::NetworkAddress { key, given, right });
    }
    if given.is_ipv4() && given.ip() == given.broadcast() {
        return at(Problem::Broadcast { key, given, right });
    }
    Ok(given)
}

fn check_gateway(
    document: &Document,
    family: Family,
    given: IpAddr,
    (subnet, of): (IpNetwork, &'static str),
) -> Result<(), Located> {
    let key = family.gateway.to_owned();
    if !subnet.contains(given) {
        let problem = Problem::GatewayOutside {
            key,
            given,
            subnet,
            of,
        };
        return Err(document.at(family.gateway, problem));
    }
    let last = subnet.is_ipv4() && given == subnet.broadcast();
    if given == subnet.network() || last {
        let problem = Problem::GatewayNoHost { key, given, subnet };
        return Err(document.at(family.gateway, problem));
    }
    Ok(())
}

/// Refuses an address of the other family.
fn of_family<T: ToString>(
    document: &Document,
    family: Family,
    key: &str,
    value: T,
    address: IpAddr,
) -> Result<T, Located> {
    if (family.is_of)(address) {
        return Ok(value);
    }
    let problem = Problem::Value {
        key: key.to_owned(),
        given: value.to_string(),
        expected: match address {
            IpAddr::V6(_) => "an IPv4 address; the key for IPv6 has a 6 at its end",
            IpAddr::V4(_) => "an IPv6 address; the key for IPv4 has no 6",
        },
    };
    Err(document.at(key, problem))
}

/// A subnet as it should be written.
pub(crate) fn without_host_bits(
    document: &Document,
    key: &str,
    text: &str,
) -> Result<IpNetwork, Located> {
    let value = || Problem::Value {
        key: key.to_owned(),
        given: text.to_owned(),
        expected: "a subnet with its prefix length, such as 172.30.1.0/24",
    };
    if let Ok(given) = text.parse::<IpAddr>() {
        let right = subnet_of(usual_subnet(given));
        let problem = Problem::NoPrefix {
            key: key.to_owned(),
            given,
            right: right.to_string(),
        };
        return Err(document.at(key, problem));
    }
    let given: IpNetwork = text.parse().map_err(|_| document.at(key, value()))?;
    match given.ip() == given.network() {
        true => Ok(given),
        false => {
            let problem = Problem::HostBits {
                key: key.to_owned(),
                given,
                right: subnet_of(given).to_string(),
            };
            Err(document.at(key, problem))
        }
    }
}

/// An address in the subnet that people would put it into.
fn usual_subnet(address: IpAddr) -> IpNetwork {
    let prefix = match address {
        IpAddr::V4(address) if address.octets()[0] == 172 => 16,
        IpAddr::V4(_) => 24,
        IpAddr::V6(_) => 64,
    };
    with_prefix(address, prefix)
}

fn with_prefix(address: IpAddr, prefix: u8) -> IpNetwork {
    IpNetwork::new(address, prefix).expect("a prefix length of the family")
}

fn subnet_of(network: IpNetwork) -> IpNetwork {
    with_prefix(network.network(), network.prefix())
}

fn first_host(network: IpNetwork) -> IpNetwork {
    let address = match network.network() {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() | 1).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() | 1).into(),
    };
    with_prefix(address, network.prefix())
}

/// The beginning of a subnet, as long as `like` if that fits.
fn part_of(subnet: IpNetwork, like: IpNetwork) -> IpNetwork {
    let prefix = like.prefix().max(subnet.prefix() + 1);
    with_prefix(subnet.network(), prefix)
}

fn ipv4(network: IpNetwork) -> Option<Ipv4Network> {
    match network {
        IpNetwork::V4(network) => Some(network),
        IpNetwork::V6(_) => None,
    }
}

fn ipv6(network: IpNetwork) -> Option<Ipv6Network> {
    match network {
        IpNetwork::V6(network) => Some(network),
        IpNetwork::V4(_) => None,
    }
}

/// `default-network-opts`: those of the driver `bridge`, and whose are left alone.
pub(crate) fn options(
    document: &mut Document,
) -> Result<(BTreeMap<String, String>, Vec<LeftAlone>), Located> {
    const KEY: &str = "default-network-opts";
    let right = json!({ "bridge": { "com.docker.network.driver.mtu": "1400" } });
    let (mut options, mut left_alone) = (BTreeMap::new(), Vec::new());
    let drivers = match document.value(KEY) {
        None => return Ok((options, left_alone)),
        Some(Value::Object(drivers)) => drivers,
        Some(other) => return Err(document.wrong(KEY, "a table of drivers", &other, &right)),
    };
    for (driver, given) in drivers {
        let Value::Object(given) = given else {
            return Err(document.wrong(KEY, "a table of options for each driver", &given, &right));
        };
        if driver != "bridge" {
            left_alone.push(LeftAlone {
                key: format!("{KEY}.{driver}"),
                why: "minet's networks are all of the driver bridge",
            });
            continue;
        }
        for (key, value) in given {
            let text = match value {
                Value::String(text) => text,
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                other => return Err(document.wrong(KEY, "options that are texts", &other, &right)),
            };
            options.insert(key, text);
        }
    }
    let mut anything = NetworkSpec::named(NetworkName::default_bridge());
    for (key, value) in &options {
        let known = anything.set_option(key, value);
        known.map_err(|error| document.at(KEY, Problem::NetworkOption(error)))?;
    }
    Ok((options, left_alone))
}
