use super::{Failure, open};
use crate::{lifecycle::PortOptions, output::print};
use minet_model::PublishedPort;
use minet_runtime::{Error, Paths};

/// `80/tcp -> 0.0.0.0:8080`, as Docker prints it; of one port only where it leads.
pub(crate) fn port(options: &PortOptions, paths: Paths) -> Result<u8, Failure> {
    let container = open(paths)
        .and_then(|mut runtime| runtime.find(&options.container))
        .map_err(|error| Failure::of_command(&error))?;
    let inside = |port: &PublishedPort| format!("{}/{}", port.container_port, port.protocol);
    let mut ports = container.ports;
    ports.sort_by_key(|port| {
        (
            port.container_port,
            port.protocol,
            port.host_ip,
            port.host_port,
        )
    });
    let Some(wanted) = &options.port else {
        for port in &ports {
            print(&format!("{} -> {}\n", inside(port), port.host()));
        }
        return Ok(0);
    };
    let wanted = match wanted.contains('/') {
        true => wanted.to_ascii_lowercase(),
        false => format!("{wanted}/tcp"),
    };
    ports.retain(|port| inside(port) == wanted);
    if ports.is_empty() {
        return Err(Failure::of_command(&Error::NotPublished {
            port: wanted,
            container: options.container.clone(),
        }));
    }
    for port in &ports {
        print(&format!("{}\n", port.host()));
    }
    Ok(0)
}
