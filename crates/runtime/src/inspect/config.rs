//! What was asked for of the container itself: Docker's `Config`.

use crate::Listed;
use minet_model::HostName;
use serde_json::{Map, Value, json};

pub(super) fn config(listed: &Listed) -> Value {
    let spec = &listed.spec;
    let user = spec.user.as_ref().map(|user| match &user.group {
        Some(group) => format!("{}:{group}", user.user),
        None => user.user.clone(),
    });
    json!({
        "Hostname": listed.settings.hostname,
        "Domainname": spec.domainname.as_ref().map_or("", HostName::as_str),
        "User": user.unwrap_or_default(),
        "Tty": spec.terminal.tty,
        "OpenStdin": spec.terminal.interactive,
        "ExposedPorts": exposed_ports(listed),
        "Env": spec.env,
        "Cmd": spec.command,
        "Entrypoint": null,
        "Image": super::root(listed),
        "WorkingDir": spec.workdir.clone().unwrap_or_default(),
        "Rootfs": spec.rootfs,
        "Labels": spec.labels,
        "StopSignal": spec.lifecycle.stop_signal.map(|signal| signal.to_string()),
        "StopTimeout": spec.lifecycle.stop_timeout,
    })
}

fn exposed_ports(listed: &Listed) -> Map<String, Value> {
    let published = listed
        .ports
        .iter()
        .map(|port| format!("{}/{}", port.container_port, port.protocol));
    let ports = listed.exposed().chain(published);
    ports.map(|port| (port, json!({}))).collect()
}
