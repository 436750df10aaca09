//! The file of a container that has a resolver of its own.

use super::{Comment, Overrides, ResolvConf, choose::replace};
use crate::resolver::{self, Access, Upstreams};
use std::net::IpAddr;

/// The container's file where its supervisor answers on 127.0.0.11: suffixes and options
/// are the host's or the user's, and the servers are asked by the resolver.
///
/// `ndots:0` makes the C library ask for a name as it is before it appends suffixes; so a
/// container is found before a machine of the same name in the host's domain. A user's own
/// `ndots` is the user's.
pub fn for_resolver(host_file: &str, overrides: &Overrides, servers: &Upstreams) -> ResolvConf {
    let mut conf = ResolvConf::parse(host_file);
    conf.comments = vec![Comment::InternalResolver];
    replace(&mut conf, overrides);
    conf.nameservers = vec![IpAddr::V4(resolver::ADDRESS).into()];
    let dns_overridden = conf.comments.contains(&Comment::NameserversOverridden);
    let asked = |word: &str| overrides.options.iter().any(|o| o.as_str() == word);
    // It says that the host's very servers check DNSSEC (`man 5 resolv.conf`).
    conf.options
        .retain(|option| option.as_str() != "trust-ad" || !dns_overridden || asked("trust-ad"));
    let is_ndots = |option: &super::Word| option.as_str().starts_with("ndots:");
    if !overrides.options.iter().any(is_ndots) {
        conf.options.retain(|option| !is_ndots(option));
        conf.options.push("ndots:0".parse().expect("one word"));
        conf.comments.push(Comment::NdotsInternal);
    }
    conf.comments
        .insert(1, Comment::ExternalServers(names(servers)));
    conf
}

/// `host(127.0.0.53)`: asked from the host's namespace; without, from the container's.
fn names(servers: &Upstreams) -> Vec<String> {
    let name = |server: &resolver::Server| match server.access {
        Access::Host => format!("host({})", server.address.ip()),
        Access::Container => server.address.ip().to_string(),
    };
    servers.servers().iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(host: &str, dns: &[&str], options: &[&str]) -> String {
        let dns: Vec<IpAddr> = dns.iter().map(|text| text.parse().unwrap()).collect();
        let options: Vec<String> = options.iter().map(|&text| text.to_owned()).collect();
        let overrides = Overrides::new(&dns, &[], &options).unwrap();
        let servers = match dns.is_empty() {
            true => Upstreams::of_host(host, |_| None),
            false => Upstreams::chosen(&dns),
        };
        for_resolver(host, &overrides, &servers).render()
    }

    #[test]
    fn the_resolver_is_the_only_server() {
        let host = "nameserver 127.0.0.53\nsearch corp.example\noptions edns0 trust-ad ndots:5\n";
        assert_eq!(
            text(host, &[], &[]),
            "nameserver 127.0.0.11\nsearch corp.example\noptions edns0 trust-ad ndots:0\n\n\
             # Based on host file: '/etc/resolv.conf' (internal resolver)\n\
             # ExtServers: [host(127.0.0.53)]\n\
             # Option ndots from: internal\n"
        );
    }

    #[test]
    fn what_a_user_chose_is_kept() {
        let host = "nameserver 10.0.0.1\noptions trust-ad\n";
        let own = text(host, &["10.9.9.9"], &["ndots:2"]);
        assert!(
            own.starts_with("nameserver 127.0.0.11\noptions ndots:2\n\n"),
            "{own}"
        );
        assert!(own.contains("# ExtServers: [10.9.9.9]\n"), "{own}");
        assert!(own.contains("# Overridden: nameservers (--dns)\n"), "{own}");
        let server = text(host, &["10.9.9.9"], &[]);
        assert!(server.contains("\noptions ndots:0\n"), "{server}");
    }
}
