//! What was asked for of the host: Docker's `HostConfig`.

use crate::Listed;
use minet_model::{
    ContainerId, HostPorts, HostsBase, LogLimits, NewPrivileges, PublishSpec, RestartPolicy,
    Seccomp, SecurityOptions, Tmpfs, Volume,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub(super) fn host_config(listed: &Listed, network_of: Option<&ContainerId>) -> Value {
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
    let mode = network_of.map_or(spec.mode.to_string(), |host| format!("container:{host}"));
    let sysctls: Map<_, _> = spec
        .sysctls
        .iter()
        .map(|sysctl| (sysctl.key().to_owned(), json!(sysctl.value())))
        .collect();
    json!({
        "Tmpfs": tmpfs(&spec.tmpfs),
        "Binds": spec.volumes.iter().map(bind).collect::<Vec<_>>(),
        "NetworkMode": mode,
        "PortBindings": port_bindings(&spec.publish),
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
        // What minet does not do is said as Docker says it of who did not ask for it.
        "Privileged": false,
        "IpcMode": "private",
        "PidMode": "",
        "UTSMode": "",
        "UsernsMode": "",
        "Memory": 0,
        "NanoCpus": 0,
        "PidsLimit": null,
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

/// As Docker has it: the options of each, by where it is.
fn tmpfs(mounts: &[Tmpfs]) -> Value {
    let options = |tmpfs: &Tmpfs| (tmpfs.target.display().to_string(), json!(tmpfs.to_string()));
    Value::Object(mounts.iter().map(options).collect())
}

/// What was asked for, where [`super::network_settings`] has what it became.
fn port_bindings(asked: &[PublishSpec]) -> Value {
    let mut bindings = BTreeMap::<String, Vec<Value>>::new();
    for mapping in asked {
        let ip = mapping.host_ip.map_or(String::new(), |ip| ip.to_string());
        for (host, port) in mapping.entries() {
            let host = match host {
                HostPorts::Ephemeral => String::new(),
                HostPorts::FirstFreeOf(range) => range.to_string(),
            };
            let of_port = bindings.entry(format!("{port}/{}", mapping.protocol));
            let binding = json!({ "HostIp": ip, "HostPort": host });
            of_port.or_default().push(binding);
        }
    }
    json!(bindings)
}
