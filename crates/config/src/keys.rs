//! Which keys there are, and what becomes of those that only Docker knows.

use crate::{LeftAlone, Located, Problem, Syntax, document::Document};
use serde_json::Value;

/// The keys that have an effect, as Docker spells them.
pub const KEYS: [&str; 18] = [
    "bridge",
    "bip",
    "fixed-cidr",
    "default-gateway",
    "ipv6",
    "bip6",
    "fixed-cidr-v6",
    "default-gateway-v6",
    "mtu",
    "icc",
    "ip-masq",
    "ip-forward",
    "ip",
    "dns",
    "dns-search",
    "dns-opts",
    "default-address-pools",
    "default-network-opts",
];

/// Docker's keys about networks that minet has another answer to.
const ANSWERED_OTHERWISE: [(&str, &str); 13] = [
    ("iptables", RULES),
    ("ip6tables", RULES),
    (
        "userland-proxy",
        "minet needs no proxy: the kernel passes IPv4 on, and each container's supervisor what comes by an address that the kernel cannot translate",
    ),
    ("userland-proxy-path", "minet needs no proxy"),
    ("firewall-backend", RULES),
    (
        "ip-forward-no-drop",
        "where minet has turned forwarding on, it drops what is none of its networks'",
    ),
    (
        "allow-direct-routing",
        "a container is reached from outside by its published ports alone",
    ),
    ("bridge-accept-fwmark", "minet looks at no marks"),
    (
        "host-gateway-ip",
        "host-gateway is this machine's address on the container's network",
    ),
    (
        "host-gateway-ips",
        "host-gateway is this machine's address on the container's network",
    ),
    (
        "network-control-plane-mtu",
        "minet has no networks over several hosts",
    ),
    ("network-diagnostic-port", "there is no daemon to ask"),
    (
        "live-restore",
        "there is no daemon: containers live on by themselves",
    ),
];

const RULES: &str = "minet has one nftables table of its own, always";
const NO_NETWORKS: &str = "it has nothing to do with networks";

/// Docker's keys about something else.
const OF_SOMETHING_ELSE: [&str; 82] = [
    "api-cors-header",
    "authorization-plugins",
    "builder",
    "cdi-spec-dirs",
    "cgroup-parent",
    "cluster-advertise",
    "cluster-store",
    "cluster-store-opts",
    "config-file",
    "containerd",
    "containerd-namespace",
    "containerd-plugins-namespace",
    "containerd-namespaces",
    "cpu-rt-period",
    "cpu-rt-runtime",
    "credential-helper",
    "cri-containerd",
    "data-root",
    "debug",
    "default-cgroupns-mode",
    "default-init",
    "default-ipc-mode",
    "default-runtime",
    "default-shm-size",
    "default-stop-timeout",
    "default-ulimit",
    "default-ulimits",
    "deprecated-key-path",
    "disable-legacy-registry",
    "dynamic-config",
    "exec-opts",
    "exec-root",
    "experimental",
    "features",
    "graph",
    "group",
    "hosts",
    "http-proxy",
    "https-proxy",
    "init",
    "init-path",
    "insecure-registries",
    "isolation",
    "labels",
    "log-driver",
    "log-format",
    "log-level",
    "log-opts",
    "max-concurrent-downloads",
    "max-concurrent-uploads",
    "max-download-attempts",
    "max-upload-attempts",
    "metrics-addr",
    "min-api-version",
    "mirrors",
    "no-new-privileges",
    "no-proxy",
    "node-generic-resources",
    "oom-score-adjust",
    "pidfile",
    "proxies",
    "raw-logs",
    "registry-mirrors",
    "root",
    "rootless",
    "runtimes",
    "seccomp-profile",
    "selinux-enabled",
    "shutdown-timeout",
    "storage-driver",
    "storage-opts",
    "swarm-default-advertise-addr",
    "swarm-raft-election-tick",
    "swarm-raft-heartbeat-tick",
    "tls",
    "tlscacert",
    "tlscert",
    "tlskey",
    "tlsverify",
    "trust-key",
    "userns-remap",
    "validate",
];

/// Other words that people have for a key.
const ALSO_CALLED: [(&str, &str); 11] = [
    ("subnet", "bip"),
    ("address", "bip"),
    ("gateway", "default-gateway"),
    ("ip-range", "fixed-cidr"),
    ("masquerade", "ip-masq"),
    ("nameserver", "dns"),
    ("nameservers", "dns"),
    ("dns-option", "dns-opts"),
    ("dns-options", "dns-opts"),
    ("address-pools", "default-address-pools"),
    ("default-address-pool", "default-address-pools"),
];

/// Refuses the keys that nobody knows, and those whose wish minet cannot grant; returns
/// those of Docker's that are left alone.
pub(crate) fn leave_alone(document: &mut Document) -> Result<Vec<LeftAlone>, Located> {
    refuse_no_rules(document)?;
    let mut left_alone = Vec::new();
    for key in document.keys() {
        if KEYS.contains(&key) {
            continue;
        }
        let Some(why) = why_without_effect(key) else {
            let problem = Problem::UnknownKey {
                meant: meant(key, &KEYS),
                key: key.to_owned(),
            };
            return Err(document.at(key, problem));
        };
        let key = key.to_owned();
        if document.syntax == Syntax::Toml {
            return Err(document.at(&key.clone(), Problem::DockersAlone { key, why }));
        }
        if document.peek(&key).is_some() {
            left_alone.push(LeftAlone { key, why });
        }
    }
    Ok(left_alone)
}

/// Who wants no rules cannot have what minet does with them.
fn refuse_no_rules(document: &mut Document) -> Result<(), Located> {
    for key in ["iptables", "ip6tables"] {
        if document.peek(key) == Some(&Value::Bool(false)) {
            let why = "false asks for no firewall rules, and without its own nftables table minet can neither publish ports nor keep networks apart; it touches nobody else's rules, so take the key out";
            let key = key.to_owned();
            return Err(document.at(&key.clone(), Problem::Refused { key, why }));
        }
    }
    Ok(())
}

fn why_without_effect(key: &str) -> Option<&'static str> {
    let answered = ANSWERED_OTHERWISE.iter().find(|(known, _)| *known == key);
    match answered {
        Some((_, why)) => Some(why),
        None => OF_SOMETHING_ELSE.contains(&key).then_some(NO_NETWORKS),
    }
}

/// The key that somebody probably meant.
pub(crate) fn meant(written: &str, known: &[&str]) -> Option<String> {
    let plain = written.to_ascii_lowercase().replace(['_', ' ', '.'], "-");
    let also = ALSO_CALLED.iter().find(|(word, _)| *word == plain);
    if let Some((_, key)) = also.filter(|(_, key)| known.contains(key)) {
        return Some((*key).to_owned());
    }
    let likeness = |key: &&str| strsim::jaro_winkler(&plain, key);
    let best = known.iter().copied().max_by(|a, b| {
        let (a, b) = (likeness(a), likeness(b));
        a.total_cmp(&b)
    });
    best.filter(|key| likeness(key) > 0.8).map(str::to_owned)
}
