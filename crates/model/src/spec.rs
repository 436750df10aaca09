use crate::{
    AddHost, ContainerName, EndpointSpec, ExposedPorts, HostName, MacAddr, NetworkMode, PublishSpec,
};
use serde::{Deserialize, Serialize};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::PathBuf,
    str::FromStr,
};

/// What a user asked for with `minet run`: every word checked, nothing looked up yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerSpec {
    /// The program and its arguments, never empty.
    pub command: Vec<String>,
    /// `--name`; a name is made up where there is none.
    pub name: Option<ContainerName>,
    /// `--mode`.
    pub mode: NetworkMode,
    /// `--network`, with what was asked of each; empty in the modes without cables. The
    /// first is the one that `mode` names when the container is created.
    pub networks: Vec<EndpointSpec>,
    /// `-p`, in the order given.
    pub publish: Vec<PublishSpec>,
    /// `-P`: publish every exposed port.
    pub publish_all: bool,
    /// `--expose`.
    pub expose: Vec<ExposedPorts>,
    /// `--ip`: this address and no other.
    pub ip: Option<Ipv4Addr>,
    /// `--ip6`: this IPv6 address and no other.
    #[serde(default)]
    pub ip6: Option<Ipv6Addr>,
    /// `--mac-address`.
    pub mac: Option<MacAddr>,
    /// `-h`.
    pub hostname: Option<HostName>,
    /// `--domainname`.
    #[serde(default)]
    pub domainname: Option<HostName>,
    /// `--dns`.
    pub dns: Vec<IpAddr>,
    /// `--dns-search`; a single `.` means none.
    pub dns_search: Vec<String>,
    /// `--dns-option`.
    pub dns_options: Vec<String>,
    /// `--dns-single-label`: names without a dot are asked for outside, too.
    #[serde(default)]
    pub dns_single_label: bool,
    /// `--add-host`.
    pub add_hosts: Vec<AddHost>,
    /// `--no-hosts` and `--hosts-file`.
    #[serde(default)]
    pub hosts_base: crate::HostsBase,
    /// `--link`, as it was given; which links there are is said by the store.
    #[serde(default)]
    pub links: Vec<crate::LinkSpec>,
    /// `--link-env`: Docker's legacy variables for each link.
    #[serde(default)]
    pub link_env: bool,
    /// `--sysctl`, of the container's own network namespace.
    pub sysctls: Vec<Sysctl>,
    /// `--rootfs`: the directory that becomes `/`; none means the host's file system.
    pub rootfs: Option<PathBuf>,
    /// `-v`.
    pub volumes: Vec<crate::Volume>,
    /// `--tmpfs`.
    #[serde(default)]
    pub tmpfs: Vec<crate::Tmpfs>,
    /// `-w`.
    pub workdir: Option<PathBuf>,
    /// `-u`.
    pub user: Option<UserSpec>,
    /// The variables that `-e` and `--env-file` add, as `KEY=VALUE`, the last one wins.
    pub env: Vec<String>,
    /// `--cap-add` and `--cap-drop`.
    pub capabilities: CapabilityChanges,
    /// `--security-opt`.
    #[serde(default)]
    pub security: crate::SecurityOptions,
    /// `--read-only`.
    pub read_only: bool,
    /// `--oom-score-adj`; none means 0, where this process can give that.
    #[serde(default)]
    pub oom_score: Option<crate::OomScore>,
    /// `--init`: a small init as PID 1 that reaps orphans and forwards signals.
    pub init: bool,
    /// `--rm`.
    pub remove: bool,
    /// `-i` and `-t`.
    pub terminal: TerminalMode,
    /// `-l` and `--label-file`.
    #[serde(default)]
    pub labels: crate::Labels,
    /// `--restart`, `--stop-signal`, `--stop-timeout` and `--log-opt`.
    #[serde(default)]
    pub lifecycle: crate::Lifecycle,
}

/// What the container's standard input and output are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TerminalMode {
    /// `-i`: standard input stays open; without it the container reads end of file.
    pub interactive: bool,
    /// `-t`: a terminal of its own.
    pub tty: bool,
}

/// Why a text is not what an option takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSpec {
    /// `-v` that is not `SRC:DST[:ro|rw]`.
    #[error("invalid volume specification: {0:?} (write SRC:DST or SRC:DST:ro)")]
    Volume(String),
    /// A source without a slash would be a named volume.
    #[error("invalid volume source {0:?}: minet has no named volumes, give an absolute path")]
    VolumeSource(String),
    /// A target that is not an absolute path below `/`.
    #[error("invalid volume destination {0:?}: it must be an absolute path other than /")]
    VolumeTarget(String),
    /// A place for `--tmpfs` that is not an absolute path below `/`.
    #[error("invalid tmpfs destination {0:?}: it must be an absolute path other than /")]
    TmpfsTarget(String),
    /// An option of `--tmpfs` that it does not have.
    #[error(
        "invalid tmpfs option {0:?} (write size=64m, mode=1777, uid=N, gid=N, exec, noexec, ro or rw)"
    )]
    TmpfsOption(String),
    /// `--sysctl` that is not `net.something=value`.
    #[error("invalid sysctl {0:?}: write net.KEY=VALUE")]
    Sysctl(String),
    /// A key that is not the network namespace's own.
    #[error("sysctl '{0}' is not allowed: only net.* belongs to a container of its own")]
    SysctlNotNet(String),
    /// `-u` that is not `user[:group]`.
    #[error("invalid user {0:?}: write NAME|UID[:GROUP|GID]")]
    User(String),
}

/// A kernel parameter of the container's network namespace, `--sysctl net.KEY=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sysctl {
    key: String,
    value: String,
}

impl Sysctl {
    /// The key with dots, such as `net.ipv4.ip_forward`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value as it is written to the file.
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl FromStr for Sysctl {
    type Err = InvalidSpec;

    /// The key becomes a path below `/proc/sys`, so its alphabet is narrow: no slash, no
    /// empty component, hence no way out of `/proc/sys/net` (compare CVE-2022-0811).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| InvalidSpec::Sysctl(text.to_owned()))?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let component = |part: &str| !part.is_empty() && part.chars().all(allowed);
        if !key.split('.').all(component) || value.is_empty() || value.contains(['\n', '\0']) {
            return Err(InvalidSpec::Sysctl(text.to_owned()));
        }
        if !key.starts_with("net.") {
            return Err(InvalidSpec::SysctlNotNet(text.to_owned()));
        }
        Ok(Sysctl {
            key: key.to_owned(),
            value: value.to_owned(),
        })
    }
}

/// `-u USER[:GROUP]`, names or numbers, resolved in the container's own `/etc/passwd`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserSpec {
    /// A user's name or number.
    pub user: String,
    /// A group's name or number.
    pub group: Option<String>,
}

impl FromStr for UserSpec {
    type Err = InvalidSpec;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = |word: &str| !word.is_empty() && !word.contains(['/', '\n', '\0', ':']);
        let (user, group) = match text.split_once(':') {
            Some((user, group)) => (user, Some(group)),
            None => (text, None),
        };
        if !word(user) || !group.is_none_or(word) {
            return Err(InvalidSpec::User(text.to_owned()));
        }
        Ok(UserSpec {
            user: user.to_owned(),
            group: group.map(str::to_owned),
        })
    }
}

/// `--cap-add` and `--cap-drop`, as upper-case names without `CAP_`; `ALL` is one too.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CapabilityChanges {
    /// What the container gets beyond the default.
    pub add: Vec<String>,
    /// What it does not get.
    pub drop: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sysctls_cannot_leave_the_network_namespace() {
        let sysctl: Sysctl = "net.ipv4.ip_local_port_range=1024 65000".parse().unwrap();
        assert_eq!(
            (sysctl.key(), sysctl.value()),
            ("net.ipv4.ip_local_port_range", "1024 65000")
        );
        for text in [
            "",
            "net",
            "net.x",
            "net.ipv4.ip_forward=",
            "net..x=1",
            "net.../../kernel.core_pattern=x",
            "net.ipv4/../../kernel/x=1",
            "kernel.core_pattern=x",
            "network.x=1",
            "net.x=1\nkernel.y=2",
        ] {
            assert!(text.parse::<Sysctl>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn users_are_names_or_numbers() {
        let user: UserSpec = "nobody:33".parse().unwrap();
        assert_eq!(
            (user.user.as_str(), user.group.as_deref()),
            ("nobody", Some("33"))
        );
        for text in ["", ":", "a:", ":b", "a:b:c", "a/b"] {
            assert!(text.parse::<UserSpec>().is_err(), "{text:?}");
        }
    }
}
