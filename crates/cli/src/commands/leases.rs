use super::{Failure, open};
use crate::{arguments::LeasesOptions, network_options::ListFormat, output::print, table};
use minet_model::ContainerId;
use minet_runtime::{ListedLease, ListedPort, Paths};
use serde_json::{Value, json};

pub(crate) fn leases(options: &LeasesOptions, paths: Paths) -> Result<u8, Failure> {
    let network = options.network.as_deref();
    let (leases, ports) = open(paths)
        .and_then(|mut runtime| {
            let leases = runtime.leases(network)?;
            // Ports belong to the host and to no network.
            let ports = match network {
                Some(_) => Vec::new(),
                None => runtime.kept_ports()?,
            };
            Ok((leases, ports))
        })
        .map_err(|error| Failure::of_command(&error))?;
    match options.format {
        ListFormat::Table => print(&as_tables(&leases, &ports)),
        ListFormat::Json => {
            let addresses = leases.iter().map(address_as_json);
            for line in addresses.chain(ports.iter().map(port_as_json)) {
                print(&format!("{line}\n"));
            }
        }
    }
    Ok(0)
}

/// Addresses, and below them host ports if there are any.
fn as_tables(leases: &[ListedLease], ports: &[ListedPort]) -> String {
    let head = ["NETWORK", "ADDRESS", "MAC", "NAME", "HELD BY"];
    let mut text = with_head(head, leases.iter().map(address_row));
    if !ports.is_empty() {
        let head = ["HOST PORT", "LEADS TO", "NAME", "HELD BY"];
        text.push('\n');
        text.push_str(&with_head(head, ports.iter().map(port_row)));
    }
    text
}

fn with_head<const N: usize>(head: [&str; N], rows: impl Iterator<Item = Vec<String>>) -> String {
    let rows: Vec<_> = std::iter::once(head.map(str::to_owned).to_vec())
        .chain(rows)
        .collect();
    table::render(&rows)
}

fn address_row(lease: &ListedLease) -> Vec<String> {
    vec![
        lease.network.to_string(),
        match lease.address6 {
            Some(address6) => format!("{}, {address6}", lease.address),
            None => lease.address.to_string(),
        },
        lease.mac.to_string(),
        lease.name.clone().unwrap_or_else(|| "-".to_owned()),
        held_by(lease.holder.as_ref(), lease.released.as_deref()),
    ]
}

fn port_row(kept: &ListedPort) -> Vec<String> {
    let port = kept.port;
    vec![
        format!("{}/{}", port.host(), port.protocol),
        port.container_port.to_string(),
        kept.name.clone(),
        held_by(kept.holder.as_ref(), kept.released.as_deref()),
    ]
}

fn held_by(holder: Option<&ContainerId>, released: Option<&str>) -> String {
    match (holder, released) {
        (Some(id), _) => id.short().to_owned(),
        (None, Some(time)) => format!("nobody since {time}"),
        (None, None) => "nobody".to_owned(),
    }
}

fn address_as_json(lease: &ListedLease) -> Value {
    json!({
        "Network": lease.network,
        "Address": lease.address,
        "Address6": lease.address6,
        "MacAddress": lease.mac,
        "Name": lease.name,
        "Holder": lease.holder,
        "Released": lease.released,
    })
}

fn port_as_json(kept: &ListedPort) -> Value {
    json!({
        "HostIp": kept.port.host_ip,
        "HostPort": kept.port.host_port,
        "Protocol": kept.port.protocol.as_str(),
        "ContainerPort": kept.port.container_port,
        "Name": kept.name,
        "Holder": kept.holder,
        "Released": kept.released,
    })
}
