//! `--link-env`: the variables that Docker set for links before there were names.
//!
//! They are a snapshot of the start, and hand the source's environment, passwords and all,
//! to its receiver; so nobody gets them who does not ask.

use super::Known;
use minet_model::{ContainerName, Protocol};

/// The variables for all links of a container, in Docker's order.
pub(crate) fn variables(receiver: &ContainerName, known: &[Known]) -> Vec<String> {
    let mut variables = Vec::new();
    for source in known {
        for alias in &source.aliases {
            variables.extend(of_alias(receiver, source, alias.as_str()));
        }
    }
    variables
}

fn of_alias(receiver: &ContainerName, source: &Known, alias: &str) -> Vec<String> {
    let prefix = alias.to_ascii_uppercase().replace('-', "_");
    let mut ports: Vec<(Protocol, u16)> = source.ports.iter().copied().collect();
    // TCP comes first, the others by their names; then by number.
    ports.sort_by_key(|(protocol, port)| (*protocol != Protocol::Tcp, protocol.to_string(), *port));
    let mut variables = Vec::new();
    let url = |(protocol, port): (Protocol, u16)| format!("{protocol}://{}:{port}", source.address);
    if let Some(first) = ports.first() {
        variables.push(format!("{prefix}_PORT={}", url(*first)));
    }
    for run in ports.chunk_by(|(a, p), (b, q)| a == b && p.checked_add(1) == Some(*q)) {
        for (protocol, port) in run {
            let name = format!("{prefix}_PORT_{port}_{}", upper(*protocol));
            variables.extend([
                format!("{name}={}", url((*protocol, *port))),
                format!("{name}_ADDR={}", source.address),
                format!("{name}_PORT={port}"),
                format!("{name}_PROTO={protocol}"),
            ]);
        }
        if let ([first, ..], [.., last]) = (run, run)
            && first != last
        {
            let name = format!("{prefix}_PORT_{}_{}", first.1, upper(first.0));
            variables.extend([
                format!("{name}_START={}", url(*first)),
                format!("{name}_PORT_START={}", first.1),
                format!("{name}_END={}", url(*last)),
                format!("{name}_PORT_END={}", last.1),
            ]);
        }
    }
    variables.push(format!("{prefix}_NAME=/{receiver}/{alias}"));
    for variable in &source.env {
        match variable.split_once('=') {
            Some(("HOME" | "PATH", _)) | None => {}
            Some((name, value)) => variables.push(format!("{prefix}_ENV_{name}={value}")),
        }
    }
    variables
}

fn upper(protocol: Protocol) -> String {
    protocol.to_string().to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use minet_model::Neighbours;

    #[test]
    fn the_variables_are_dockers() {
        let known = Known {
            source: "db001".parse().unwrap(),
            hostname: "db001".to_owned(),
            aliases: vec!["my-db".parse().unwrap()],
            address: "172.17.0.2".parse().unwrap(),
            address6: None,
            own: "172.17.0.3".parse().unwrap(),
            own6: None,
            neighbours: Neighbours::Talk,
            ports: [
                (Protocol::Udp, 53),
                (Protocol::Sctp, 99),
                (Protocol::Tcp, 8081),
                (Protocol::Tcp, 8080),
                (Protocol::Tcp, 22),
            ]
            .into(),
            env: ["A=b=c", "PATH=/bin", "HOME=/", "EMPTY="]
                .map(str::to_owned)
                .to_vec(),
        };
        let text = variables(&"web".parse().unwrap(), &[known]).join("\n");
        assert_eq!(
            text,
            "MY_DB_PORT=tcp://172.17.0.2:22
MY_DB_PORT_22_TCP=tcp://172.17.0.2:22
MY_DB_PORT_22_TCP_ADDR=172.17.0.2
MY_DB_PORT_22_TCP_PORT=22
MY_DB_PORT_22_TCP_PROTO=tcp
MY_DB_PORT_8080_TCP=tcp://172.17.0.2:8080
MY_DB_PORT_8080_TCP_ADDR=172.17.0.2
MY_DB_PORT_8080_TCP_PORT=8080
MY_DB_PORT_8080_TCP_PROTO=tcp
MY_DB_PORT_8081_TCP=tcp://172.17.0.2:8081
MY_DB_PORT_8081_TCP_ADDR=172.17.0.2
MY_DB_PORT_8081_TCP_PORT=8081
MY_DB_PORT_8081_TCP_PROTO=tcp
MY_DB_PORT_8080_TCP_START=tcp://172.17.0.2:8080
MY_DB_PORT_8080_TCP_PORT_START=8080
MY_DB_PORT_8080_TCP_END=tcp://172.17.0.2:8081
MY_DB_PORT_8080_TCP_PORT_END=8081
MY_DB_PORT_99_SCTP=sctp://172.17.0.2:99
MY_DB_PORT_99_SCTP_ADDR=172.17.0.2
MY_DB_PORT_99_SCTP_PORT=99
MY_DB_PORT_99_SCTP_PROTO=sctp
MY_DB_PORT_53_UDP=udp://172.17.0.2:53
MY_DB_PORT_53_UDP_ADDR=172.17.0.2
MY_DB_PORT_53_UDP_PORT=53
MY_DB_PORT_53_UDP_PROTO=udp
MY_DB_NAME=/web/my-db
MY_DB_ENV_A=b=c
MY_DB_ENV_EMPTY="
        );
    }
}
