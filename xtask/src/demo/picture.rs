//! The small picture of who is connected to whom, drawn from what minet reports.

use crate::say;
use anyhow::{Context, Result};
use std::net::Ipv4Addr;

/// The part of `minet inspect` that the picture shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// The container's address on the bridge.
    address: String,
    /// The length of the network's prefix, in bits.
    prefix_len: String,
    /// The bridge's own address, the container's way out.
    gateway: String,
    /// The container's MAC address.
    mac: String,
    /// The host's end of the cable.
    veth: String,
}

impl Facts {
    pub(super) fn from_inspect(json: &str) -> Result<Self> {
        let field =
            |key: &str| field(json, key).with_context(|| format!("find {key} in `minet inspect`"));
        Ok(Facts {
            address: field("IPAddress")?,
            prefix_len: field("IPPrefixLen")?,
            gateway: field("Gateway")?,
            mac: field("MacAddress")?,
            veth: field("VethName")?,
        })
    }
}

/// The first value of `key` that is not empty. A JSON parser would be one more thing to
/// build on a bare machine, for five values without a special character in them.
fn field(json: &str, key: &str) -> Option<String> {
    let quoted = format!("\"{key}\":");
    json.match_indices(&quoted)
        .map(|(at, _)| json[at + quoted.len()..].trim_start())
        .map(|rest| match rest.strip_prefix('"') {
            Some(text) => text.split('"').next().unwrap_or_default(),
            None => rest
                .split([',', '}', '\n'])
                .next()
                .unwrap_or_default()
                .trim(),
        })
        .find(|value| !value.is_empty() && *value != "0" && *value != "null")
        .map(str::to_owned)
}

/// Everything in the picture.
pub(super) struct Scene<'a> {
    /// Where the rest of the world reaches this machine, if anywhere.
    pub(super) host_address: Option<Ipv4Addr>,
    /// The published port.
    pub(super) port: u16,
    /// What minet reports.
    pub(super) facts: &'a Facts,
}

/// Prints the picture.
pub(super) fn draw(scene: &Scene<'_>) {
    lines(scene).iter().for_each(|line| say::line(line));
}

fn lines(scene: &Scene<'_>) -> Vec<String> {
    let Facts {
        address,
        prefix_len,
        gateway,
        mac,
        veth,
    } = scene.facts;
    let port = scene.port;
    let outside = match scene.host_address {
        Some(host) => format!("{host}:{port} and 127.0.0.1:{port}"),
        None => format!("127.0.0.1:{port}"),
    };
    let rows = [
        String::new(),
        format!("  {outside}"),
        "        │".to_owned(),
        format!("        │ nftables, table inet minet: port {port} → {address}:80"),
        "        ▼".to_owned(),
        format!("  minet0  bridge, {gateway}/{prefix_len}"),
        "        │".to_owned(),
        format!("  {veth}  the host's end of the cable"),
    ];
    let inner = [
        format!("  eth0  {address}/{prefix_len}"),
        format!("        {mac}"),
        format!("  default route via {gateway}"),
        "  busybox httpd on port 80".to_owned(),
    ];
    let mut picture = framed("this machine", &rows, 66);
    picture.push("          │ veth pair".to_owned());
    picture.extend(framed("network namespace of the container", &inner, 66));
    picture
}

fn framed(title: &str, rows: &[String], width: usize) -> Vec<String> {
    let top = format!(
        "┌─ {title} {}┐",
        "─".repeat(width.saturating_sub(title.chars().count() + 3))
    );
    let row = |row: &String| {
        format!(
            "│{row}{}│",
            " ".repeat(width.saturating_sub(row.chars().count()))
        )
    };
    let bottom = format!("└{}┘", "─".repeat(width));
    let middle = rows.iter().map(row);
    std::iter::once(top).chain(middle).chain([bottom]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSPECT: &str = r#"[{
        "NetworkSettings": {
            "IPAddress": "", "IPPrefixLen": 0,
            "Networks": {"bridge": {"IPAddress": "172.17.0.2", "IPPrefixLen": 16,
                "Gateway": "172.17.0.1", "MacAddress": "02:42:ac:11:00:02",
                "VethName":"veth3f3f3f3f"}}}}]"#;

    #[test]
    fn the_facts_are_read_from_inspect() {
        let facts = Facts::from_inspect(INSPECT).unwrap();
        assert_eq!(facts.address, "172.17.0.2");
        assert_eq!(facts.prefix_len, "16");
        assert_eq!(facts.veth, "veth3f3f3f3f");
        assert!(
            Facts::from_inspect("[]")
                .unwrap_err()
                .to_string()
                .contains("IPAddress")
        );
    }

    #[test]
    fn the_picture_is_straight() {
        let facts = Facts::from_inspect(INSPECT).unwrap();
        let host_address = Some(Ipv4Addr::new(192, 0, 2, 10));
        let picture = lines(&Scene {
            host_address,
            port: 8080,
            facts: &facts,
        });
        let framed = picture
            .iter()
            .filter(|line| line.starts_with(['│', '┌', '└']));
        assert!(
            framed.clone().all(|line| line.chars().count() == 68),
            "{picture:#?}"
        );
        assert!(
            picture
                .iter()
                .any(|line| line.contains("port 8080 → 172.17.0.2:80"))
        );
    }
}
