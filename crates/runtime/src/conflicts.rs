//! Options that cannot both be had, with the words that Docker has for them.

use crate::{Error, narrator::Narrator};
use minet_model::{ContainerSpec, HostsBase, NetworkMode};

/// Refuses what contradicts the mode, before anything is looked up or changed.
pub(crate) fn refuse(spec: &ContainerSpec) -> Result<(), Error> {
    if let Some(conflict) = of_links(&spec.mode)
        && !spec.links.is_empty()
    {
        return Err(Error::Conflict(conflict.to_owned()));
    }
    if spec.hosts_base == HostsBase::Untouched && !spec.add_hosts.is_empty() {
        let conflict = "--no-hosts and --add-host: no hosts file is written that it could be in";
        return Err(Error::Conflict(conflict.to_owned()));
    }
    for (given, conflict) in conflicts(spec) {
        if given {
            return Err(Error::Conflict(conflict.to_owned()));
        }
    }
    Ok(())
}

/// Warns of what the mode makes meaningless but harmless.
pub(crate) fn warn(spec: &ContainerSpec, narrator: &mut dyn Narrator) {
    let publishes = !spec.publish.is_empty() || spec.publish_all;
    let mode = match spec.mode {
        NetworkMode::Host if publishes => "host",
        NetworkMode::None if publishes => "none",
        NetworkMode::Bridge(_)
        | NetworkMode::Host
        | NetworkMode::None
        | NetworkMode::Container(_)
        | NetworkMode::Namespace(_) => return,
    };
    narrator.warn(&format!(
        "WARNING: Published ports are discarded when using {mode} network mode"
    ));
}

/// Why a container of this mode can have no links; in Docker's words, where it has some.
pub(crate) fn of_links(mode: &NetworkMode) -> Option<&'static str> {
    match mode {
        NetworkMode::Bridge(_) => None,
        NetworkMode::Host => Some(
            "host type networking can't be used with links. This would result in undefined behavior",
        ),
        NetworkMode::Container(_) => Some(
            "container type network can't be used with links. This would result in undefined behavior",
        ),
        NetworkMode::None | NetworkMode::Namespace(_) => {
            Some("links and a network mode without cables")
        }
    }
}

fn conflicts(spec: &ContainerSpec) -> Vec<(bool, &'static str)> {
    let publishes = !spec.publish.is_empty() || spec.publish_all;
    let addressed = spec.ip.is_some() || spec.ip6.is_some();
    let has_base = !matches!(spec.hosts_base, HostsBase::OfMode | HostsBase::Untouched);
    let has_mac = spec.mac.is_some();
    let has_sysctls = !spec.sysctls.is_empty();
    let sysctls = "net.* sysctls and a network namespace that is not the container's own";
    match spec.mode {
        NetworkMode::Bridge(_) => vec![],
        NetworkMode::None => vec![
            (addressed, "--ip and the none network mode"),
            (has_mac, "mac-address and the network mode"),
        ],
        NetworkMode::Host => vec![
            (addressed, "--ip and the host network mode"),
            (has_mac, "mac-address and the network mode"),
            (has_sysctls, sysctls),
        ],
        NetworkMode::Container(_) => vec![
            (spec.hostname.is_some(), "hostname and the network mode"),
            (spec.domainname.is_some(), "domainname and the network mode"),
            (!spec.dns.is_empty(), "dns and the network mode"),
            (
                !spec.dns_search.is_empty(),
                "dns-search and the network mode",
            ),
            (
                !spec.dns_options.is_empty(),
                "dns-option and the network mode",
            ),
            (
                !spec.add_hosts.is_empty(),
                "custom host-to-IP mapping and the network mode",
            ),
            (
                has_base,
                "hosts-file and the network mode: the hosts file is the other container's",
            ),
            (has_mac, "mac-address and the network mode"),
            (addressed, "--ip and the container type network mode"),
            (
                publishes,
                "port publishing and the container type network mode",
            ),
            (
                !spec.expose.is_empty(),
                "port exposing and the container type network mode",
            ),
            (has_sysctls, sysctls),
        ],
        NetworkMode::Namespace(_) => vec![
            (has_mac, "mac-address and the ns: network mode"),
            (addressed, "--ip and the ns: network mode"),
            (
                publishes,
                "port publishing and the ns: network mode: minet did not lay that namespace's cables",
            ),
            (has_sysctls, sysctls),
        ],
    }
}
