//! From what was typed to a checked spec.

use super::{OptionError, RunOptions, files};
use minet_model::{
    CapabilityChanges, ContainerSpec, EndpointSpec, HostName, HostsBase, Lifecycle, LogLimits,
    MacAddr, NetworkArgument, NetworkMode, Seccomp, SecurityOption, SecurityOptions, TerminalMode,
    Volume,
};
use minet_runtime::{NetworkError, Paths};
use std::{
    net::{Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
};

impl RunOptions {
    /// The options as a spec; files named by them are read here.
    pub(crate) fn into_spec(self, paths: &Paths) -> Result<ContainerSpec, OptionError> {
        let env = files::environment(&self.env_file, &self.env)?;
        if let Some(workdir) = self.workdir.as_ref().filter(|dir| !dir.is_absolute()) {
            return Err(OptionError::Workdir(workdir.clone()));
        }
        let named = self.rootfs.iter().chain(&self.workdir);
        let mut named = named.chain(self.volume.iter().map(|volume| &volume.source));
        if let Some(path) = named.find(|path| path.to_str().is_none()) {
            return Err(OptionError::NotUtf8(path.clone()));
        }
        let (mode, networks) = self.network(paths)?;
        let volumes = self
            .volume
            .into_iter()
            .map(absolute_source)
            .collect::<Result<_, _>>()?;
        let mut log = LogLimits::default();
        for option in &self.log_opt {
            log.set(option)?;
        }
        let labels = files::labels(&self.label_file, &self.label)?;
        Ok(ContainerSpec {
            labels,
            command: self.command,
            name: self.name,
            mode,
            networks,
            publish: self.publish,
            publish_all: self.publish_all,
            expose: self.expose,
            ip: self.ip,
            ip6: self.ip6,
            mac: self.mac_address,
            hostname: self.hostname,
            domainname: self.domainname,
            dns: self.dns,
            dns_search: self.dns_search,
            dns_options: self.dns_option,
            dns_single_label: self.dns_single_label,
            add_hosts: self.add_host,
            hosts_base: hosts_base(self.no_hosts, self.hosts_file)?,
            links: self.link,
            link_env: self.link_env,
            sysctls: self.sysctl,
            rootfs: self.rootfs.map(|dir| absolute(&dir)).transpose()?,
            volumes,
            tmpfs: self.tmpfs,
            workdir: self.workdir,
            user: self.user,
            env,
            capabilities: CapabilityChanges {
                add: self.cap_add,
                drop: self.cap_drop,
            },
            security: security(&self.security_opt)?,
            read_only: self.read_only,
            oom_score: self.oom_score_adj,
            init: self.init,
            remove: self.rm,
            terminal: TerminalMode {
                interactive: self.interactive,
                tty: self.tty,
            },
            lifecycle: Lifecycle {
                restart: self.restart,
                stop_signal: self.stop_signal,
                stop_timeout: self.stop_timeout,
                log,
            },
        })
    }

    /// How it is connected.
    fn network(&self, paths: &Paths) -> Result<(NetworkMode, Vec<EndpointSpec>), OptionError> {
        let nothing_asked = self.mode.is_empty();
        let (mode, mut networks) = match nothing_asked {
            true => default_mode(paths)?,
            false => modes(&self.mode)?,
        };
        let publishes = self.publish_all || !self.publish.is_empty();
        if nothing_asked && networks.is_empty() && publishes {
            return Err(OptionError::NowhereToPublish(
                paths.config_file().to_owned(),
            ));
        }
        if let Some(first) = networks.first_mut() {
            complete(
                first,
                (self.ip, self.ip6),
                self.mac_address,
                &self.network_alias,
            )?;
        } else if !self.network_alias.is_empty() {
            return Err(NetworkError::AliasOnDefault.into());
        }
        Ok((mode, networks))
    }
}

/// The last one of a kind counts.
fn security(given: &[SecurityOption]) -> Result<SecurityOptions, OptionError> {
    let mut options = SecurityOptions::default();
    for option in given {
        match option {
            SecurityOption::SeccompUnconfined => options.seccomp = Seccomp::Unconfined,
            SecurityOption::SeccompDefault => options.seccomp = Seccomp::Default,
            SecurityOption::SeccompFile(file) => options.seccomp = files::profile(file)?,
            SecurityOption::NewPrivileges(new) => options.new_privileges = *new,
            SecurityOption::AsItIs => {}
        }
    }
    Ok(options)
}

/// What a container gets for which nothing was asked.
fn default_mode(paths: &Paths) -> Result<(NetworkMode, Vec<EndpointSpec>), OptionError> {
    let mode = paths.default_mode()?;
    let endpoint = match &mode {
        NetworkMode::Bridge(network) => Some(EndpointSpec::to(network.clone())),
        _ => None,
    };
    Ok((mode, endpoint.into_iter().collect()))
}

/// One mode, or cables to one or several networks.
fn modes(arguments: &[NetworkArgument]) -> Result<(NetworkMode, Vec<EndpointSpec>), OptionError> {
    let mut endpoints = Vec::new();
    let mut modes = Vec::new();
    for argument in arguments {
        match argument {
            NetworkArgument::Endpoint(endpoint) => endpoints.push(endpoint.clone()),
            NetworkArgument::Mode(mode) => modes.push(mode.clone()),
        }
    }
    match (modes.pop(), modes.is_empty(), endpoints.first()) {
        (None, _, None) => Ok((NetworkMode::default(), endpoints)),
        (None, _, Some(first)) => Ok((NetworkMode::Bridge(first.network.clone()), endpoints)),
        (Some(mode), true, None) => Ok((mode, endpoints)),
        (Some(NetworkMode::None), ..) => Err(NetworkError::NoneMode.into()),
        (Some(_), ..) => Err(NetworkError::SharesNamespace.into()),
    }
}

/// `--ip`, `--ip6`, `--mac-address` and `--network-alias` speak of the first network.
fn complete(
    first: &mut EndpointSpec,
    (ip, ip6): (Option<Ipv4Addr>, Option<Ipv6Addr>),
    mac: Option<MacAddr>,
    aliases: &[HostName],
) -> Result<(), OptionError> {
    if ip.is_some() && first.ip.is_some() {
        return Err(OptionError::SaidTwice("--ip"));
    }
    if ip6.is_some() && first.ip6.is_some() {
        return Err(OptionError::SaidTwice("--ip6"));
    }
    if mac.is_some() && first.mac.is_some() {
        return Err(OptionError::SaidTwice("--mac-address"));
    }
    first.ip = first.ip.or(ip);
    first.ip6 = first.ip6.or(ip6);
    first.mac = first.mac.or(mac);
    first
        .aliases
        .extend(aliases.iter().map(HostName::to_string));
    Ok(())
}

fn absolute(path: &Path) -> Result<PathBuf, OptionError> {
    std::path::absolute(path).map_err(|source| OptionError::Path {
        path: path.to_owned(),
        source,
    })
}

fn absolute_source(volume: Volume) -> Result<Volume, OptionError> {
    Ok(Volume {
        source: absolute(&volume.source)?,
        ..volume
    })
}

fn hosts_base(no_hosts: bool, given: Option<HostsBase>) -> Result<HostsBase, OptionError> {
    Ok(match given {
        _ if no_hosts => HostsBase::Untouched,
        Some(HostsBase::File(path)) => HostsBase::File(absolute(&path)?),
        given => given.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::{Arguments, Command, OnContainers};
    use clap::{CommandFactory, Parser};

    fn spec(words: &[&str]) -> ContainerSpec {
        let words = ["minet", "run"].iter().chain(words);
        match Arguments::try_parse_from(words).unwrap().command {
            Command::Containers(OnContainers::Run(options)) => options
                .into_inner()
                .into_spec(&Paths::below(Path::new("/nonexistent")))
                .unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn options_behind_the_command_are_the_commands() {
        let spec = spec(&[
            "--rm", "-p", "8080:80", "busybox", "httpd", "-f", "-p", "80",
        ]);
        assert_eq!(spec.command, ["busybox", "httpd", "-f", "-p", "80"]);
        assert_eq!(spec.publish.len(), 1);
        assert!(spec.remove);
    }

    #[test]
    fn a_mistyped_option_is_not_the_command() {
        assert!(Arguments::try_parse_from(["minet", "run", "--no-such-option", "true"]).is_err());
        assert_eq!(spec(&["--", "--odd-name"]).command, ["--odd-name"]);
    }

    #[test]
    fn mode_has_dockers_synonyms() {
        for option in ["--mode", "--network", "--net"] {
            assert_eq!(spec(&[option, "host", "true"]).mode, NetworkMode::Host);
        }
    }

    #[test]
    fn h_is_the_hostname() {
        assert_eq!(
            spec(&["-h", "box", "true"]).hostname.unwrap().as_str(),
            "box"
        );
    }
}
