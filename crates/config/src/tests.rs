use super::*;
use minet_model::{BridgeChoice, Masquerade, Neighbours};

fn toml(text: &str) -> Config {
    Config::parse(Path::new("c.toml"), text).unwrap_or_else(|error| panic!("{error}"))
}

fn mistake(file: &str, text: &str) -> String {
    match Config::parse(Path::new(file), text) {
        Ok(_) => panic!("understood: {text}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn an_empty_file_says_nothing() {
    for (file, text) in [("c.toml", ""), ("c.toml", "# nothing\n"), ("d.json", "{}")] {
        let config = Config::parse(Path::new(file), text).unwrap();
        let file = Some(PathBuf::from(file));
        assert_eq!(
            config,
            Config {
                file,
                ..Config::default()
            }
        );
    }
}

#[test]
fn the_default_network_is_a_spec() {
    let config = toml(
        "bip = '172.30.0.1/16'\nfixed-cidr = '172.30.1.0/24'\ndefault-gateway = '172.30.0.254'\n\
         mtu = 1400\nicc = false\nip-masq = false\n",
    );
    let spec = config.default_network.clone().unwrap();
    assert_eq!(spec.subnet.unwrap().to_string(), "172.30.0.0/16");
    assert_eq!(spec.gateway.unwrap().to_string(), "172.30.0.1");
    assert_eq!(spec.ip_range.unwrap().to_string(), "172.30.1.0/24");
    assert_eq!(spec.default_gateway.unwrap().to_string(), "172.30.0.254");
    assert_eq!(spec.mtu, Some(1400));
    assert_eq!(spec.neighbours, Neighbours::Apart);
    assert_eq!(spec.masquerade, Masquerade::Off);
    assert!(config.gives("bip") && !config.gives("dns"));
    // Without bip, the range is the subnet.
    let spec = toml("fixed-cidr = '10.7.0.0/24'").default_network.unwrap();
    assert_eq!(spec.subnet.unwrap().to_string(), "10.7.0.0/24");
    assert_eq!(spec.gateway, None);
}

#[test]
fn its_ipv6_half_is_one_too() {
    let spec = toml(
        "ipv6 = true\nbip6 = 'fd00:30::1/64'\nfixed-cidr-v6 = 'fd00:30::8000/113'\n\
         default-gateway-v6 = 'fd00:30::9'\n",
    );
    let ipv6 = spec.default_network.unwrap().ipv6.unwrap();
    assert_eq!(ipv6.subnet.unwrap().to_string(), "fd00:30::/64");
    assert_eq!(ipv6.gateway.unwrap().to_string(), "fd00:30::1");
    assert_eq!(ipv6.ip_range.unwrap().to_string(), "fd00:30::8000/113");
    assert_eq!(ipv6.default_gateway.unwrap().to_string(), "fd00:30::9");
    let ipv6 = toml("ipv6 = true").default_network.unwrap().ipv6.unwrap();
    assert_eq!((ipv6.subnet, ipv6.gateway), (None, None));
    let pools = toml("default-address-pools = [{ base = 'fd01::/48', size = 64 }]").pools;
    let subnets: Vec<String> = pools[0]
        .ipv6_subnets()
        .take(2)
        .map(|s| s.to_string())
        .collect();
    assert_eq!(subnets, ["fd01::/64", "fd01:0:0:1::/64"]);
    assert_eq!(pools[0].ipv6_subnets().count(), 1 << 16);
}

#[test]
fn a_bridge_is_somebodys_or_none() {
    let spec = toml("bridge = 'br0'\nfixed-cidr = '10.9.0.128/25'\ndefault-gateway = '10.9.0.9'");
    let spec = spec.default_network.unwrap();
    assert_eq!(spec.bridge, BridgeChoice::Existing("br0".parse().unwrap()));
    assert_eq!((spec.subnet, spec.gateway), (None, None));
    assert_eq!(spec.ip_range.unwrap().to_string(), "10.9.0.128/25");
    let none = toml("bridge = 'none'\nmtu = 1400");
    assert_eq!(none.default_network, None);
    assert_eq!(none.left_alone[0].key, "mtu");
}

/// The keys of features.md A.8, and what else Docker's documentation writes out.
#[test]
fn dockers_file_is_understood() {
    let text = include_str!("daemon.json");
    let config = Config::parse(Path::new("/etc/docker/daemon.json"), text).unwrap();
    let spec = config.default_network.clone().unwrap();
    assert_eq!(spec.subnet.unwrap().to_string(), "172.26.0.0/16");
    assert_eq!(spec.ip_range.unwrap().to_string(), "172.26.5.0/24");
    assert_eq!(config.publish_at, Some([127, 0, 0, 1].into()));
    assert_eq!(config.dns.len(), 2);
    assert_eq!(config.pools[0].ipv4_subnets().count(), 256);
    assert_eq!(
        config.network_options["com.docker.network.driver.mtu"],
        "1400"
    );
    let left_alone: Vec<&str> = config
        .left_alone
        .iter()
        .map(|left| left.key.as_str())
        .collect();
    for key in [
        "log-driver",
        "storage-driver",
        "hosts",
        "userland-proxy",
        "iptables",
    ] {
        assert!(left_alone.contains(&key), "{key} in {left_alone:?}");
    }
    assert!(!left_alone.contains(&"data-root"), "it is empty");
}

#[test]
fn pools_are_cut_into_subnets() {
    let config = toml("default-address-pools = [{ base = '10.200.0.0/16', size = 24 }]\n");
    let subnets: Vec<String> = config.pools[0]
        .ipv4_subnets()
        .map(|subnet| subnet.to_string())
        .collect();
    assert_eq!(subnets.len(), 256);
    assert_eq!(
        (&*subnets[0], &*subnets[255]),
        ("10.200.0.0/24", "10.200.255.0/24")
    );
    let config = toml("[[default-address-pools]]\nbase = '0.0.0.0/0'\nsize = 30\n");
    assert_eq!(
        config.pools[0].ipv4_subnets().nth(2).unwrap().to_string(),
        "0.0.0.8/30"
    );
}

#[test]
fn mistakes_show_the_right_spelling() {
    for (text, error) in [
        (
            "\nbip = '172.30.0.0/16'",
            "c.toml:2: bip: 172.30.0.0/16 is the address of the subnet itself, and the bridge needs one in it; did you mean bip = \"172.30.0.1/16\"?",
        ),
        (
            "bip = '172.30.0.1'",
            "c.toml:1: bip: 172.30.0.1 has no prefix length; did you mean bip = \"172.30.0.1/16\"?",
        ),
        (
            "bip = '10.1.2.255/24'",
            "c.toml:1: bip: 10.1.2.255/24 is the broadcast address of its subnet, and the bridge needs one of its own; did you mean bip = \"10.1.2.1/24\"?",
        ),
        (
            "bip = '10.1.2.1/31'",
            "c.toml:1: bip: 10.1.2.1/31 has no room for a bridge and a container; write bip = \"10.1.2.1/24\"",
        ),
        (
            "bip = 'fd00::1/64'",
            "c.toml:1: bip: \"fd00::1/64\" is not an IPv4 address; the key for IPv6 has a 6 at its end",
        ),
        (
            "bip = 'docker0'",
            "c.toml:1: bip: \"docker0\" is not the bridge's IPv4 address with the prefix length of its subnet, such as 172.30.0.1/16",
        ),
        (
            "bip = '172.30.0.1/16'\nfixed-cidr = '172.31.1.0/24'",
            "c.toml:2: fixed-cidr: 172.31.1.0/24 does not lie in 172.30.0.0/16, the subnet of bip; choose a part of it, such as fixed-cidr = \"172.30.0.0/24\"",
        ),
        (
            "fixed-cidr = '172.31.1.7/24'",
            "c.toml:1: fixed-cidr: 172.31.1.7/24 has bits set behind its prefix length; did you mean 172.31.1.0/24?",
        ),
        (
            "bip = '172.30.0.1/16'\ndefault-gateway = '172.31.0.1'",
            "c.toml:2: default-gateway: 172.31.0.1 does not lie in 172.30.0.0/16, the subnet of bip; containers reach only what is in it without a gateway",
        ),
        (
            "default-gateway = '172.31.0.1'",
            "c.toml:1: default-gateway needs bip: without it the subnet is chosen anew on each machine; write bip = \"172.30.0.1/16\"",
        ),
        (
            "bridge = 'br0'\nbip = '172.30.0.1/16'",
            "c.toml:2: bridge and bip cannot both be given: an existing bridge keeps the address that it has",
        ),
        (
            "mtu = '1400'",
            "c.toml:1: mtu takes a number without quotes, and this is the text \"1400\"; write mtu = 1400",
        ),
        (
            "mtu = 9",
            "c.toml:1: mtu: \"9\" is not a number of bytes from 68 to 65535",
        ),
        (
            "icc = 'false'",
            "c.toml:1: icc takes true or false, and this is the text \"false\"; write icc = false",
        ),
        (
            "dns = '1.1.1.1'",
            "c.toml:1: dns takes a list, and this is the text \"1.1.1.1\"; write dns = [\"1.1.1.1\"]",
        ),
        (
            "dns = ['one.one']",
            "c.toml:1: dns: \"one.one\" is not the address of a name server, such as 1.1.1.1",
        ),
        (
            "dns-search = ['a b']",
            "c.toml:1: dns-search: \"a b\" is not one word: each has quotes of its own",
        ),
        (
            "ip = '127.0.0.1/8'",
            "c.toml:1: ip: \"127.0.0.1/8\" is not an address of this machine, such as 127.0.0.1",
        ),
        (
            "default_gateway = '1.2.3.4'",
            "c.toml:1: unknown key \"default_gateway\"; did you mean \"default-gateway\"?",
        ),
        (
            "\n\nsubnet = '10.0.0.0/8'",
            "c.toml:3: unknown key \"subnet\"; did you mean \"bip\"?",
        ),
        (
            "dns-option = ['ndots:1']",
            "c.toml:1: unknown key \"dns-option\"; did you mean \"dns-opts\"?",
        ),
        (
            "bib = '10.0.0.1/8'",
            "c.toml:1: unknown key \"bib\"; did you mean \"bip\"?",
        ),
        (
            "colour = 'red'",
            "c.toml:1: unknown key \"colour\"; docs/configuration.md lists those that there are",
        ),
        (
            "log-driver = 'json-file'",
            "c.toml:1: log-driver has no effect on minet (it has nothing to do with networks): take it out",
        ),
        (
            "default-address-pools = [{ base = '10.0.0.0/8', size = 16 }, { base = '10.9.0.0/16', size = 24 }]",
            "c.toml:1: default-address-pools: 10.0.0.0/8 and 10.9.0.0/16 overlap: take one of them out, or make it smaller",
        ),
        (
            "default-address-pools = [{ base = '10.0.0.0/8', prefix = 16 }]",
            "c.toml:1: default-address-pools: unknown key \"prefix\"; did you mean \"size\"?; write default-address-pools = [{ base = \"10.200.0.0/16\", size = 24 }]",
        ),
        (
            "default-address-pools = [{ base = '10.0.0.0/24', size = 16 }]",
            "c.toml:1: default-address-pools: a network of size 16 does not fit into 10.0.0.0/24: the size is a prefix length from 24 to 30",
        ),
        (
            "default-address-pools = [{ base = '10.0.0.0/24' }]",
            "c.toml:1: default-address-pools: a pool has no \"size\"; write default-address-pools = [{ base = \"10.200.0.0/16\", size = 24 }]",
        ),
        (
            "[default-network-opts.bridge]\n'com.docker.network.driver.mtu' = 'many'",
            "c.toml:1: default-network-opts: invalid value \"many\" of network option com.docker.network.driver.mtu: 68 to 65535",
        ),
        (
            "bip6 = 'fd00:30::1/64'",
            "c.toml:1: bip6 needs ipv6: the default network has IPv6 only where it is asked for; write ipv6 = true",
        ),
        (
            "ipv6 = true\nbip6 = 'fd00:30::/64'",
            "c.toml:2: bip6: fd00:30::/64 is the address of the subnet itself, and the bridge needs one in it; did you mean bip6 = \"fd00:30::1/64\"?",
        ),
    ] {
        assert_eq!(mistake("c.toml", text), error, "{text}");
    }
}

#[test]
fn mistakes_in_json_are_shown_in_json() {
    for (text, error) in [
        (
            "{\n  \"bip\": \"172.30.0.0/16\"\n}",
            "daemon.json:2: bip: 172.30.0.0/16 is the address of the subnet itself, and the bridge needs one in it; did you mean \"bip\": \"172.30.0.1/16\"?",
        ),
        (
            "{\"icc\": 0}",
            "daemon.json:1: icc takes true or false, and this is the number 0; write \"icc\": true",
        ),
        (
            "{\"iptables\": false}",
            "daemon.json:1: iptables: false asks for no firewall rules, and without its own nftables table minet can neither publish ports nor keep networks apart; it touches nobody else's rules, so take the key out",
        ),
        (
            "{\n\"bip\": ,\n}",
            "daemon.json:2: this is no JSON: expected value",
        ),
        (
            "[]",
            "daemon.json:1: this is no JSON: invalid type: sequence, expected a map",
        ),
    ] {
        assert_eq!(mistake("daemon.json", text), error, "{text}");
    }
}

#[test]
fn the_language_is_seen_by_the_content_too() {
    let config = Config::parse(Path::new("whatever"), " {\"mtu\": 1400}").unwrap();
    assert_eq!(config.default_network.unwrap().mtu, Some(1400));
    let error = mistake("c.toml", "bip = \n");
    assert!(error.starts_with("c.toml:1: this is no TOML: "), "{error}");
}

#[test]
fn a_missing_file_is_a_mistake_only_where_it_was_named() {
    let path = Path::new("/nonexistent/config.toml");
    assert_eq!(load(path, Presence::Optional), Ok(Config::default()));
    let error = load(path, Presence::Required).unwrap_err().to_string();
    assert!(error.starts_with("/nonexistent/config.toml: the configuration cannot be read: "));
}
