//! The ports of a container in one line, as `docker ps` has them.

use minet_model::PublishedPort;
use minet_runtime::Listed;

/// `9000/tcp, 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp`; ports in a row are one entry.
///
/// In Docker's order: what keeps its number comes before what gets another one.
pub(crate) fn ports(container: &Listed) -> String {
    let mut runs = runs(&container.ports);
    runs.sort_by_key(|(first, _)| {
        let moves = first.host_port != first.container_port;
        (
            moves,
            first.container_port,
            first.protocol,
            first.host_ip,
            first.host_port,
        )
    });
    let published = |exposed: &String| {
        let mut ports = container.ports.iter();
        ports.any(|port| *exposed == format!("{}/{}", port.container_port, port.protocol))
    };
    let exposed = container.exposed().filter(|port| !published(port));
    let published = runs.iter().map(|(first, last)| run_of_ports(first, last));
    exposed.chain(published).collect::<Vec<_>>().join(", ")
}

/// The first and the last port of each row.
fn runs(ports: &[PublishedPort]) -> Vec<(PublishedPort, PublishedPort)> {
    let mut ports = ports.to_vec();
    ports.sort_by_key(|port| {
        (
            port.host_ip,
            port.protocol,
            port.container_port,
            port.host_port,
        )
    });
    let mut runs: Vec<(PublishedPort, PublishedPort)> = Vec::new();
    for port in ports {
        match runs.last_mut() {
            Some((_, last)) if follows(last, &port) => *last = port,
            _ => runs.push((port, port)),
        }
    }
    runs
}

fn follows(last: &PublishedPort, next: &PublishedPort) -> bool {
    (last.host_ip, last.protocol) == (next.host_ip, next.protocol)
        && last.host_port.checked_add(1) == Some(next.host_port)
        && last.container_port.checked_add(1) == Some(next.container_port)
}

fn run_of_ports(first: &PublishedPort, last: &PublishedPort) -> String {
    if first == last {
        return first.to_string();
    }
    format!(
        "{}-{}->{}-{}/{}",
        first.host(),
        last.host_port,
        first.container_port,
        last.container_port,
        first.protocol
    )
}
