//! `minet inspect`: Docker's key names, so that scripts written for it work, and beside
//! them what Docker does not tell: the host's end of the cable.

use crate::{Attachment, Error, Listed, Runtime, etc_files, find, time::rfc3339};
use minet_model::{
    HostsBase, LogLimits, NewPrivileges, PublishedPort, RestartPolicy, Seccomp, SecurityOptions,
    Volume,
};
use serde_json::{Map, Value, json};
use std::path::Path;

impl Runtime {
    /// What is known of a container, as JSON.
    pub fn inspect(&mut self, container: &str) -> Result<Value, Error> {
        let (listed, network_of) = self.store.read(|tx| {
            let row = find::container(tx, container)?;
            let host = row
                .namespace_of
                .as_ref()
                .map(|id| tx.container(id))
                .transpose()?
                .flatten();
            let host = host.map(|host| Listed::read(tx, &host)).transpose()?;
            Ok::<_, Error>((Listed::read(tx, &row)?, host))
        })?;
        let log = self.machine.paths().log_dir(&listed.id).join("log.json");
        Ok(render(&listed, network_of.as_ref(), &log))
    }
}

fn render(listed: &Listed, network_of: Option<&Listed>, log: &Path) -> Value {
    let etc = |file: &str| json!(listed.settings.etc_dir.join(file));
    json!({
        "Id": listed.id,
        "Created": rfc3339(Some(listed.created)),
        "Path": listed.spec.command[0],
        "Args": listed.spec.command[1..],
        "State": state(listed),
        "ResolvConfPath": etc("resolv.conf"),
        "HostnamePath": etc("hostname"),
        "HostsPath": etc_files::hosts_path(&listed.settings).unwrap_or_default(),
        "LogPath": if log.exists() { log } else { Path::new("") },
        "Name": format!("/{}", listed.name),
        "RestartCount": listed.restarts,
        "Platform": "linux",
        "HostConfig": host_config(listed, network_of),
        "Config": config(listed),
        "Mounts": listed.spec.volumes.iter().map(mount).collect::<Vec<_>>(),
        "NetworkSettings": network_settings(listed),
    })
}

fn state(listed: &Listed) -> Value {
    json!({
        "Status": listed.status,
        "Running": listed.is_up(),
        "Paused": false,
        "Restarting": listed.is_up() && !listed.is_running(),
        "OOMKilled": false,
        "Dead": false,
        "Pid": listed.pid.unwrap_or(0),
        "ExitCode": listed.exit_code.unwrap_or(0),
        "Error": listed.error.clone().unwrap_or_default(),
        "StartedAt": rfc3339(listed.started),
        "FinishedAt": rfc3339(listed.finished),
    })
}

fn host_config(listed: &Listed, network_of: Option<&Listed>) -> Value {
    let spec = &listed.spec;
    let bind = |volume: &Volume| {
        let mode = if volume.read_only { "ro" } else { "rw" };
        format!(
            "{}:{}:{mode}",
            volume.source.display(),
            volume.target.display()
        )
    };
    let add_host = |add: &minet_model::AddHost| match add.target {
        minet_model::AddHostTarget::Address(address) => format!("{}:{address}", add.name),
        minet_model::AddHostTarget::HostGateway => format!("{}:host-gateway", add.name),
    };
    // As Docker does: whose network is shared is said by ID, which no rename changes.
    let mode = network_of.map_or(spec.mode.to_string(), |host| {
        format!("container:{}", host.id)
    });
    let sysctls: Map<_, _> = spec
        .sysctls
        .iter()
        .map(|sysctl| (sysctl.key().to_owned(), json!(sysctl.value())))
        .collect();
    json!({
        "Binds": spec.volumes.iter().map(bind).collect::<Vec<_>>(),
        "NetworkMode": mode,
        "PortBindings": bindings(&listed.ports),
        "Links": Some(&listed.links).filter(|links| !links.is_empty()),
        "AutoRemove": spec.remove,
        "RestartPolicy": restart_policy(spec.lifecycle.restart),
        "LogConfig": log_config(spec.lifecycle.log),
        "CapAdd": spec.capabilities.add,
        "CapDrop": spec.capabilities.drop,
        "Dns": spec.dns,
        "DnsOptions": spec.dns_options,
        "DnsSearch": spec.dns_search,
        "HostsFile": hosts_file(&spec.hosts_base),
        "ExtraHosts": spec.add_hosts.iter().map(add_host).collect::<Vec<_>>(),
        "PublishAllPorts": spec.publish_all,
        "OomScoreAdj": spec.oom_score.unwrap_or_default(),
        "ReadonlyRootfs": spec.read_only,
        "SecurityOpt": security_options(&spec.security),
        "Sysctls": sysctls,
        "Init": spec.init,
    })
}

/// What `--hosts-file` said, as it was given; what is not Docker's word is minet's own.
fn hosts_file(base: &HostsBase) -> Value {
    json!(match base {
        HostsBase::OfMode => "",
        HostsBase::Untouched => "no-hosts",
        HostsBase::Nothing => "none",
        HostsBase::Image => "image",
        HostsBase::File(path) => return json!(path),
    })
}

/// As Docker does: a profile is shown by its content.
fn security_options(security: &SecurityOptions) -> Value {
    let privileges = match security.new_privileges {
        NewPrivileges::Refused => "no-new-privileges".to_owned(),
        NewPrivileges::Allowed => "no-new-privileges=false".to_owned(),
    };
    let seccomp = match &security.seccomp {
        Seccomp::Default => None,
        Seccomp::Unconfined => Some("seccomp=unconfined".to_owned()),
        Seccomp::Profile { text } => Some(format!("seccomp={text}")),
    };
    json!([privileges].into_iter().chain(seccomp).collect::<Vec<_>>())
}

fn restart_policy(policy: RestartPolicy) -> Value {
    let at_most = match policy {
        RestartPolicy::OnFailure { at_most } => at_most.map_or(0, |times| times.get()),
        RestartPolicy::No | RestartPolicy::Always | RestartPolicy::UnlessStopped => 0,
    };
    json!({ "Name": policy.word(), "MaximumRetryCount": at_most })
}

fn log_config(limits: LogLimits) -> Value {
    let (size, files) = (limits.max_size.to_string(), limits.max_files.to_string());
    json!({ "Type": "json-file", "Config": { "max-size": size, "max-file": files } })
}

fn config(listed: &Listed) -> Value {
    let spec = &listed.spec;
    let user = spec.user.as_ref().map(|user| match &user.group {
        Some(group) => format!("{}:{group}", user.user),
        None => user.user.clone(),
    });
    let exposed = spec.expose.iter().flat_map(|exposed| {
        exposed
            .ports
            .iter()
            .map(|port| format!("{port}/{}", exposed.protocol))
            .collect::<Vec<_>>()
    });
    let published = listed
        .ports
        .iter()
        .map(|port| format!("{}/{}", port.container_port, port.protocol));
    let exposed: Map<_, _> = exposed
        .chain(published)
        .map(|port| (port, json!({})))
        .collect();
    json!({
        "Hostname": listed.settings.hostname,
        "User": user.unwrap_or_default(),
        "Tty": spec.terminal.tty,
        "OpenStdin": spec.terminal.interactive,
        "ExposedPorts": exposed,
        "Env": spec.env,
        "Cmd": spec.command,
        "WorkingDir": spec.workdir.clone().unwrap_or_default(),
        "Rootfs": spec.rootfs,
        "Labels": spec.labels,
        "StopSignal": spec.lifecycle.stop_signal.map(|signal| signal.to_string()),
        "StopTimeout": spec.lifecycle.stop_timeout,
    })
}

fn mount(volume: &Volume) -> Value {
    json!({
        "Type": "bind",
        "Source": volume.source,
        "Destination": volume.target,
        "Mode": if volume.read_only { "ro" } else { "" },
        "RW": !volume.read_only,
        "Propagation": "rprivate",
    })
}

fn network_settings(listed: &Listed) -> Value {
    let attachment = listed
        .settings
        .main_attachment()
        .filter(|_| listed.is_running());
    let text = |value: Option<String>| value.unwrap_or_default();
    let ipv6 = attachment.and_then(|attachment| attachment.ipv6);
    let mut networks = Map::new();
    for attachment in &listed.settings.attachments {
        networks.insert(attachment.network.to_string(), endpoint(listed, attachment));
    }
    if networks.is_empty() && !matches!(listed.spec.mode, minet_model::NetworkMode::Container(_)) {
        networks.insert(
            listed.spec.mode.to_string(),
            json!({ "IPAddress": "", "MacAddress": "" }),
        );
    }
    json!({
        "Bridge": text(attachment.map(|attachment| attachment.bridge.to_string())),
        "SandboxKey": listed.settings.netns_link.clone().filter(|_| listed.is_running()).unwrap_or_default(),
        "Ports": bindings(&listed.ports),
        "IPAddress": text(attachment.map(|attachment| attachment.address.ip().to_string())),
        "IPPrefixLen": attachment.map_or(0, |attachment| attachment.address.prefix()),
        "Gateway": text(attachment.map(|attachment| attachment.gateway.to_string())),
        "GlobalIPv6Address": text(ipv6.map(|place| place.address.ip().to_string())),
        "GlobalIPv6PrefixLen": ipv6.map_or(0, |place| place.address.prefix()),
        "IPv6Gateway": text(ipv6.map(|place| place.gateway.to_string())),
        "MacAddress": text(attachment.map(|attachment| attachment.mac.to_string())),
        "VethName": text(attachment.map(|attachment| attachment.host_end.to_string())),
        "Networks": networks,
    })
}

fn endpoint(listed: &Listed, attachment: &Attachment) -> Value {
    if !listed.is_running() {
        return json!({ "IPAddress": "", "MacAddress": "" });
    }
    let mut asked = listed.spec.networks.iter();
    let asked = asked.find(|asked| asked.network == attachment.network);
    let pinned = asked.and_then(|asked| {
        let mut config = Map::new();
        config.extend(asked.ip.map(|ip| ("IPv4Address".to_owned(), json!(ip))));
        config.extend(asked.ip6.map(|ip| ("IPv6Address".to_owned(), json!(ip))));
        (!config.is_empty()).then_some(config)
    });
    let text = |value: Option<String>| value.unwrap_or_default();
    let ipv6 = attachment.ipv6;
    let own = [listed.name.as_str(), listed.id.short()];
    let names: Vec<&str> = own
        .into_iter()
        .chain(attachment.aliases.iter().map(String::as_str))
        .collect();
    // `/db:/web/store` there, `db:store` here, as Docker has it.
    let links = listed.links.iter().filter_map(|link| {
        let (source, alias) = link.trim_start_matches('/').split_once(':')?;
        Some(format!("{source}:{}", alias.rsplit('/').next()?))
    });
    let links = Some(links.collect::<Vec<_>>()).filter(|links| !links.is_empty());
    json!({
        "IPAMConfig": pinned,
        "Links": links,
        "Aliases": Some(&attachment.aliases).filter(|aliases| !aliases.is_empty()),
        "GwPriority": attachment.gw_priority,
        "Gateway": attachment.gateway,
        "IPAddress": attachment.address.ip(),
        "IPPrefixLen": attachment.address.prefix(),
        "GlobalIPv6Address": text(ipv6.map(|place| place.address.ip().to_string())),
        "GlobalIPv6PrefixLen": ipv6.map_or(0, |place| place.address.prefix()),
        "IPv6Gateway": text(ipv6.map(|place| place.gateway.to_string())),
        "MacAddress": attachment.mac,
        "DNSNames": names,
        "Interface": attachment.interface,
        "VethName": attachment.host_end,
        "Mtu": attachment.mtu,
    })
}

/// `{"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, …]}`
fn bindings(ports: &[PublishedPort]) -> Value {
    let mut bindings = Map::new();
    for port in ports {
        let key = format!("{}/{}", port.container_port, port.protocol);
        let binding = json!({ "HostIp": port.host_ip, "HostPort": port.host_port.to_string() });
        match bindings.entry(key).or_insert_with(|| json!([])) {
            Value::Array(list) => list.push(binding),
            _ => unreachable!("only arrays are inserted"),
        }
    }
    Value::Object(bindings)
}
