//! Where the container is reached: Docker's `NetworkSettings`, and beside it what Docker
//! does not tell, the host's end of each cable.

use super::Subject;
use crate::{Attachment, Listed};
use minet_model::{ContainerId, EndpointSpec, NetworkId, NetworkMode, PublishedPort};
use serde_json::{Map, Value, json};

/// Whatever a container is on has the same keys, with nothing in them while it does not run:
/// so templates work for both.
pub(super) fn network_settings(subject: &Subject) -> Value {
    let listed = &subject.listed;
    let running = listed.is_running();
    let attachment = listed.settings.main_attachment().filter(|_| running);
    let ipv6 = attachment.and_then(|attachment| attachment.ipv6);
    let netns = listed.settings.netns_link.clone().filter(|_| running);
    let owner = subject.network_of.as_ref().unwrap_or(&listed.id);
    json!({
        "Bridge": text(attachment.map(|attachment| &attachment.bridge)),
        "SandboxID": text(running.then_some(owner)),
        "SandboxKey": netns.unwrap_or_default(),
        "Ports": ports(listed),
        "IPAddress": text(attachment.map(|attachment| attachment.address.ip())),
        "IPPrefixLen": attachment.map_or(0, |attachment| attachment.address.prefix()),
        "Gateway": text(attachment.map(|attachment| attachment.gateway)),
        "GlobalIPv6Address": text(ipv6.map(|place| place.address.ip())),
        "GlobalIPv6PrefixLen": ipv6.map_or(0, |place| place.address.prefix()),
        "IPv6Gateway": text(ipv6.map(|place| place.gateway)),
        "MacAddress": text(attachment.map(|attachment| attachment.mac)),
        "VethName": text(attachment.map(|attachment| &attachment.host_end)),
        "Networks": networks(subject),
    })
}

/// The identity of a cable: one container has one to a network, so these two name it.
pub(crate) fn endpoint_id(network: &NetworkId, container: &ContainerId) -> String {
    format!("{}{}", &network.as_str()[..32], &container.as_str()[..32])
}

fn networks(subject: &Subject) -> Value {
    let listed = &subject.listed;
    match &listed.spec.mode {
        NetworkMode::Host | NetworkMode::None => {
            let name = listed.spec.mode.to_string();
            let id = NetworkId::of_predefined(&name);
            json!({ name: endpoint(listed, Some(&id), Place::default()) })
        }
        NetworkMode::Bridge(_) | NetworkMode::Container(_) | NetworkMode::Namespace(_) => {
            let networks = listed.settings.attachments.iter().map(|attachment| {
                // One that is gone may still be known to who was on it.
                let id = subject.networks.get(&attachment.network);
                let place = Place::of(listed, attachment);
                (attachment.network.to_string(), endpoint(listed, id, place))
            });
            networks.collect::<Map<_, _>>().into()
        }
    }
}

/// What a container is on a network: what was asked for, what it has, and where it is while
/// it runs.
#[derive(Default)]
struct Place<'a> {
    asked: Option<&'a EndpointSpec>,
    had: Option<&'a Attachment>,
    now: Option<&'a Attachment>,
}

impl<'a> Place<'a> {
    fn of(listed: &'a Listed, attachment: &'a Attachment) -> Self {
        let mut asked = listed.spec.networks.iter();
        Place {
            asked: asked.find(|asked| asked.network == attachment.network),
            had: Some(attachment),
            now: Some(attachment).filter(|_| listed.is_running()),
        }
    }
}

fn endpoint(listed: &Listed, network: Option<&NetworkId>, place: Place<'_>) -> Value {
    let Place { asked, had, now } = place;
    let ipv6 = now.and_then(|attachment| attachment.ipv6);
    let aliases = had.map(|attachment| attachment.aliases.as_slice());
    let aliases = aliases.unwrap_or_default();
    let names: Vec<&str> = [listed.name.as_str(), listed.id.short()]
        .into_iter()
        .chain(aliases.iter().map(String::as_str))
        .filter(|_| had.is_some())
        .collect();
    let up = now.is_some() || had.is_none() && listed.is_running();
    json!({
        "IPAMConfig": asked.and_then(pinned),
        "Links": had.and_then(|_| links(listed)),
        "Aliases": Some(aliases).filter(|aliases| !aliases.is_empty()),
        "DriverOpts": null,
        "GwPriority": had.map_or(0, |attachment| attachment.gw_priority),
        "NetworkID": text(network),
        "EndpointID": text(
            network
                .filter(|_| up)
                .map(|network| endpoint_id(network, &listed.id)),
        ),
        "Gateway": text(now.map(|attachment| attachment.gateway)),
        "IPAddress": text(now.map(|attachment| attachment.address.ip())),
        "IPPrefixLen": now.map_or(0, |attachment| attachment.address.prefix()),
        "GlobalIPv6Address": text(ipv6.map(|place| place.address.ip())),
        "GlobalIPv6PrefixLen": ipv6.map_or(0, |place| place.address.prefix()),
        "IPv6Gateway": text(ipv6.map(|place| place.gateway)),
        "MacAddress": text(now.map(|attachment| attachment.mac)),
        "DNSNames": names,
        "Interface": text(now.map(|attachment| &attachment.interface)),
        "VethName": text(now.map(|attachment| &attachment.host_end)),
        "Mtu": now.map_or(0, |attachment| attachment.mtu),
    })
}

/// The addresses that were given by hand.
fn pinned(asked: &EndpointSpec) -> Option<Map<String, Value>> {
    let mut config = Map::new();
    config.extend(asked.ip.map(|ip| ("IPv4Address".to_owned(), json!(ip))));
    config.extend(asked.ip6.map(|ip| ("IPv6Address".to_owned(), json!(ip))));
    (!config.is_empty()).then_some(config)
}

/// `/db:/web/store` there, `db:store` here, as Docker has it.
fn links(listed: &Listed) -> Option<Vec<String>> {
    let links = listed.links.iter().filter_map(|link| {
        let (source, alias) = link.trim_start_matches('/').split_once(':')?;
        Some(format!("{source}:{}", alias.rsplit('/').next()?))
    });
    Some(links.collect::<Vec<_>>()).filter(|links| !links.is_empty())
}

/// `{"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, …], "90/tcp": null}`; the last is
/// exposed and not published.
fn ports(listed: &Listed) -> Map<String, Value> {
    let exposed = listed.exposed().filter(|_| listed.is_running());
    let mut ports: Map<_, _> = exposed.map(|port| (port, Value::Null)).collect();
    for port in &listed.ports {
        let key = format!("{}/{}", port.container_port, port.protocol);
        match ports.entry(key).or_insert(Value::Null) {
            Value::Array(bindings) => bindings.push(binding(port)),
            nothing => *nothing = json!([binding(port)]),
        }
    }
    ports
}

fn binding(port: &PublishedPort) -> Value {
    json!({ "HostIp": port.host_ip, "HostPort": port.host_port.to_string() })
}

/// Nothing is an empty text, as Docker has it.
fn text(value: Option<impl ToString>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}
