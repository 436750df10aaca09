//! `minet config show`: what is in force, and where each value comes from.

use crate::{Error, Runtime, configuration::address_pools, networks};
use minet_config::{Config, Forwarding, LeftAlone};
use minet_model::{BridgeChoice, Masquerade, Neighbours, NetworkName, NetworkSpec};
use minet_state::NetworkRow;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Nobody said anything else.
    Default,
    /// The configuration file.
    File,
    /// minet found it out on this machine.
    Automatic,
}

/// One key.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// As it is written in the file.
    pub key: &'static str,
    /// What is in force, as it is written in `daemon.json`; null where there is nothing.
    pub value: Value,
    /// What null means here.
    pub without: &'static str,
    /// Where it comes from.
    pub source: Source,
}

/// The whole configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Configured {
    /// Where the file is, or would be.
    pub file: PathBuf,
    /// Whether it is there.
    pub exists: bool,
    /// All keys.
    pub settings: Vec<Setting>,
    /// Keys of Docker's that have no effect here.
    pub left_alone: Vec<LeftAlone>,
    /// Why the default network is not yet as configured.
    pub pending: Option<String>,
}

impl Runtime {
    /// What is in force.
    pub fn configured(&mut self) -> Result<Configured, Error> {
        let paths = self.machine.paths().clone();
        let config = paths.config()?;
        let default = NetworkName::default_bridge();
        let row = self.store.read(|tx| tx.network(&default))?;
        let pending = networks::pending(self, row.as_ref())?;
        // What is about to be made anew says nothing of what it will be.
        let row = row.filter(|_| pending.is_none());
        let mut settings = match &config.default_network {
            Some(asked) => of_default_network(config, asked, row.as_ref()),
            None => vec![given(config, "bridge", json!("none"), "")],
        };
        settings.extend(of_all_networks(config));
        Ok(Configured {
            file: paths.config_file().to_owned(),
            exists: config.file.is_some(),
            settings,
            left_alone: config.left_alone.clone(),
            pending,
        })
    }
}

/// A value of the file's, or the default.
fn given(config: &Config, key: &'static str, value: Value, without: &'static str) -> Setting {
    let source = match config.gives(key) {
        true => Source::File,
        false => Source::Default,
    };
    Setting {
        key,
        value,
        without,
        source,
    }
}

/// The same; without the file, minet chooses.
fn chosen(config: &Config, key: &'static str, value: Value, without: &'static str) -> Setting {
    let setting = given(config, key, value, without);
    match setting.source {
        Source::File => setting,
        Source::Default | Source::Automatic => Setting {
            source: Source::Automatic,
            ..setting
        },
    }
}

const LATER: &str = "(chosen when a container first needs it)";

fn of_default_network(
    config: &Config,
    asked: &NetworkSpec,
    row: Option<&NetworkRow>,
) -> Vec<Setting> {
    let network = row.map(|row| &row.network);
    let bridge = match (&asked.bridge, network) {
        (BridgeChoice::Existing(name) | BridgeChoice::Named(name), _) => json!(name),
        (BridgeChoice::Own, network) => json!(network.map(|network| &network.bridge)),
    };
    let bip = match (asked.subnet, asked.gateway, network) {
        (Some(subnet), Some(gateway), _) => json!(format!("{gateway}/{}", subnet.prefix())),
        (_, _, network) => json!(network.map(|network| network.gateway_with_prefix())),
    };
    let ipv6 = network.and_then(|network| network.ipv6);
    let asked6 = asked.ipv6.as_ref();
    let gateway = asked
        .default_gateway
        .or(network.map(|network| network.gateway));
    let mtu = asked.mtu.or(network.map(|network| network.mtu));
    let mut settings = vec![
        chosen(config, "bridge", bridge, LATER),
        chosen(config, "bip", bip, LATER),
        given(
            config,
            "fixed-cidr",
            json!(asked.ip_range.map(|range| range.to_string())),
            "(the whole subnet)",
        ),
        chosen(config, "default-gateway", json!(gateway), "(the bridge)"),
        chosen(config, "mtu", json!(mtu), "(that of the uplink)"),
        given(
            config,
            "icc",
            json!(asked.neighbours == Neighbours::Talk),
            "",
        ),
        given(
            config,
            "ip-masq",
            json!(asked.masquerade == Masquerade::On),
            "",
        ),
        given(config, "ipv6", json!(asked6.is_some()), ""),
    ];
    if let Some(asked6) = asked6 {
        let bip6 = ipv6.map(|ipv6| ipv6.gateway_with_prefix());
        let range = asked6.ip_range.map(|range| range.to_string());
        let gateway = asked6.default_gateway.or(ipv6.map(|ipv6| ipv6.gateway));
        settings.extend([
            chosen(config, "bip6", json!(bip6), LATER),
            given(config, "fixed-cidr-v6", json!(range), "(the whole subnet)"),
            chosen(config, "default-gateway-v6", json!(gateway), "(the bridge)"),
        ]);
    }
    settings
}

fn of_all_networks(config: &Config) -> Vec<Setting> {
    let some = |list: &[String]| match list.is_empty() {
        true => Value::Null,
        false => json!(list),
    };
    let dns: Vec<String> = config.dns.iter().map(ToString::to_string).collect();
    let options = match config.network_options.is_empty() {
        true => Value::Null,
        false => json!({ "bridge": config.network_options }),
    };
    let hosts = "(those of this machine)";
    vec![
        given(
            config,
            "ip-forward",
            json!(config.forwarding == Forwarding::TurnOn),
            "",
        ),
        given(config, "ip", json!(config.publish_at), "(0.0.0.0 and [::])"),
        given(config, "dns", some(&dns), hosts),
        given(config, "dns-search", some(&config.dns_search), hosts),
        given(config, "dns-opts", some(&config.dns_options), hosts),
        given(config, "default-address-pools", pools(config), ""),
        given(config, "default-network-opts", options, "(none)"),
    ]
}

/// The pools as `daemon.json` has them; minet's own are one for each subnet.
fn pools(config: &Config) -> Value {
    if config.pools.is_empty() {
        let pool =
            |subnet: ipnetwork::Ipv4Network| json!({ "base": subnet, "size": subnet.prefix() });
        return address_pools(config).map(pool).collect();
    }
    let pools = config.pools.iter();
    pools
        .map(|pool| json!({ "base": pool.base(), "size": pool.size() }))
        .collect()
}
