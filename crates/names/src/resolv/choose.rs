//! Which of the host's servers a container can use.

use super::{Comment, InvalidWish, Nameserver, ResolvConf, Word, wish};
use crate::Ipv6;
use std::net::{IpAddr, Ipv4Addr};

/// Google Public DNS, Docker's choice when a host offers nothing that can be reached.
pub const FALLBACK: [Ipv4Addr; 2] = [Ipv4Addr::new(8, 8, 8, 8), Ipv4Addr::new(8, 8, 4, 4)];

/// The addresses on which systemd-resolved answers on the host (`man 8 systemd-resolved`).
const SYSTEMD_STUBS: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 53)),
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 54)),
];

/// What `--dns`, `--dns-search` and `--dns-option` say; each replaces what the host has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overrides {
    dns: Vec<IpAddr>,
    search: Option<Vec<Word>>,
    pub(super) options: Vec<Word>,
}

impl Overrides {
    /// The options as given, empty where one was not. `--dns-search .` means no suffix
    /// at all, not even the host's.
    ///
    /// # Errors
    ///
    /// When a suffix is no domain name, or an option not a single word.
    pub fn new(dns: &[IpAddr], search: &[String], options: &[String]) -> Result<Self, InvalidWish> {
        let suffixes = search.iter().map(|text| wish::suffix(text));
        let mut search: Vec<Word> = suffixes.collect::<Result<_, _>>()?;
        let given = !search.is_empty();
        search.retain(|suffix| suffix.as_str() != ".");
        let options = options.iter().map(|text| wish::option(text));
        Ok(Overrides {
            dns: dns.to_vec(),
            search: given.then_some(search),
            options: options.collect::<Result<_, _>>()?,
        })
    }
}

/// The container's file, from the host's `/etc/resolv.conf` and, where there is one, the
/// text of `/run/systemd/resolve/resolv.conf`.
///
/// 1. The host's servers, without those on its loopback, those with a zone, and without
///    IPv6 those with an IPv6 address: none of them can be reached from inside.
/// 2. If nothing is left and one of the lost ones is systemd-resolved's stub, the same
///    from its own file, which lists the servers behind the stub.
/// 3. If nothing is left again, [`FALLBACK`]. `trust-ad` goes with the host's servers:
///    it says that these very servers check DNSSEC (`man 5 resolv.conf`).
/// 4. `overrides` replace servers, suffixes, options, each on its own.
pub fn for_container(
    host_file: &str,
    systemd_resolved_file: Option<&str>,
    overrides: &Overrides,
    ipv6: Ipv6,
) -> ResolvConf {
    let mut conf = base(host_file, systemd_resolved_file, ipv6);
    if conf.nameservers.is_empty() && overrides.dns.is_empty() {
        conf.nameservers = FALLBACK.map(|a| IpAddr::V4(a).into()).to_vec();
        conf.comments.push(Comment::FallbackServers);
    }
    replace(&mut conf, overrides);
    if !conf.comments.iter().all(keeps_servers) {
        conf.options
            .retain(|option| option.as_str() != "trust-ad" || overrides.options.contains(option));
    }
    conf
}

/// Whether the host's own servers are still in the file with this comment.
fn keeps_servers(comment: &Comment) -> bool {
    !matches!(
        comment,
        Comment::FallbackServers | Comment::NameserversOverridden
    )
}

fn base(host_file: &str, systemd_resolved_file: Option<&str>, ipv6: Ipv6) -> ResolvConf {
    let mut host = ResolvConf::parse(host_file);
    let asks_stub = host
        .nameservers
        .iter()
        .any(|server| SYSTEMD_STUBS.contains(&server.address));
    host.nameservers.retain(|server| reachable(server, ipv6));
    host.comments = vec![Comment::BasedOnHostFile];
    match systemd_resolved_file {
        Some(text) if host.nameservers.is_empty() && asks_stub => {
            let mut upstream = ResolvConf::parse(text);
            upstream
                .nameservers
                .retain(|server| reachable(server, ipv6));
            upstream.comments = vec![Comment::BasedOnSystemdResolved];
            upstream
        }
        Some(_) | None => host,
    }
}

/// Whether a server of the host can be asked from another namespace.
fn reachable(server: &Nameserver, ipv6: Ipv6) -> bool {
    // `::ffff:127.0.0.1` is loopback too, and the C library sends to itself for `0.0.0.0`.
    let address = server.address.to_canonical();
    let of_the_host_alone = address.is_loopback() || address.is_unspecified();
    let link_local = matches!(address, IpAddr::V6(a) if a.is_unicast_link_local());
    let family = address.is_ipv4() || ipv6 == Ipv6::With;
    !of_the_host_alone && !link_local && server.zone.is_none() && family
}

pub(super) fn replace(conf: &mut ResolvConf, overrides: &Overrides) {
    if !overrides.dns.is_empty() {
        conf.nameservers = overrides.dns.iter().copied().map(Into::into).collect();
        conf.comments.push(Comment::NameserversOverridden);
    }
    if let Some(search) = &overrides.search {
        conf.search.clone_from(search);
        conf.comments.push(Comment::SearchOverridden);
    }
    if !overrides.options.is_empty() {
        conf.options.clone_from(&overrides.options);
        conf.comments.push(Comment::OptionsOverridden);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STUB: &str = "nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch stub.example\n";
    const UPSTREAM: &str = "nameserver 192.168.1.1\nsearch up.example\n";

    fn overrides(dns: &[&str], search: &[&str], options: &[&str]) -> Overrides {
        let owned = |texts: &[&str]| texts.iter().map(|&t| t.to_owned()).collect::<Vec<_>>();
        let dns: Vec<IpAddr> = dns.iter().map(|text| text.parse().unwrap()).collect();
        Overrides::new(&dns, &owned(search), &owned(options)).unwrap()
    }

    /// The lines before the comments.
    fn lines(conf: &ResolvConf) -> String {
        let text = conf.render();
        text.split("\n\n").next().unwrap().trim_end().to_owned()
    }

    #[test]
    fn the_hosts_servers_but_for_its_loopback() {
        let host = "nameserver 127.0.0.1\nnameserver ::1\nnameserver 10.0.0.53\n\
                    nameserver 0.0.0.0\nnameserver ::ffff:127.0.0.1\nnameserver fe80::1%eth0\n\
                    nameserver 2001:db8::53\nsearch lan\n";
        let none = Overrides::default();
        let v4 = for_container(host, None, &none, Ipv6::Without);
        assert_eq!(
            v4.render(),
            "nameserver 10.0.0.53\nsearch lan\n\n# Based on host file: '/etc/resolv.conf'\n"
        );
        let v6 = for_container(host, None, &none, Ipv6::With);
        assert_eq!(
            lines(&v6),
            "nameserver 10.0.0.53\nnameserver 2001:db8::53\nsearch lan"
        );
    }

    #[test]
    fn behind_systemd_resolved_its_upstream() {
        let none = Overrides::default();
        let conf = for_container(STUB, Some(UPSTREAM), &none, Ipv6::Without);
        assert_eq!(lines(&conf), "nameserver 192.168.1.1\nsearch up.example");
        assert_eq!(conf.comments, [Comment::BasedOnSystemdResolved]);
        // A real server beside the stub is enough; another resolver on loopback is no stub.
        let both = format!("{STUB}nameserver 10.0.0.53\n");
        let conf = for_container(&both, Some(UPSTREAM), &none, Ipv6::Without);
        assert!(lines(&conf).starts_with("nameserver 10.0.0.53\n"));
        let conf = for_container(
            "nameserver 127.0.0.1\n",
            Some(UPSTREAM),
            &none,
            Ipv6::Without,
        );
        assert!(conf.comments.contains(&Comment::FallbackServers));
    }

    #[test]
    fn the_fallback_says_that_it_is_one() {
        let none = Overrides::default();
        for (host, upstream) in [("", None), (STUB, None), (STUB, Some(STUB))] {
            let conf = for_container(host, upstream, &none, Ipv6::With);
            let text = conf.render();
            assert!(
                text.starts_with("nameserver 8.8.8.8\nnameserver 8.8.4.4\n"),
                "{text}"
            );
            assert!(text.contains("are a fallback"), "{text}");
            assert!(!text.contains("trust-ad"), "{text}");
        }
    }

    #[test]
    fn options_replace_what_the_host_has() {
        let dns = overrides(&["1.1.1.1", "2606:4700::1111", "127.0.0.1"], &[], &[]);
        let conf = for_container(STUB, None, &dns, Ipv6::Without);
        assert_eq!(
            lines(&conf),
            "nameserver 1.1.1.1\nnameserver 2606:4700::1111\nnameserver 127.0.0.1\n\
             search stub.example\noptions edns0"
        );
        let rest = overrides(&[], &["a.example", "b.example"], &["ndots:3", "trust-ad"]);
        let conf = for_container(UPSTREAM, None, &rest, Ipv6::Without);
        assert_eq!(
            lines(&conf),
            "nameserver 192.168.1.1\nsearch a.example b.example\noptions ndots:3 trust-ad"
        );
    }

    #[test]
    fn a_single_dot_means_no_suffix() {
        let none = overrides(&[], &["."], &[]);
        let conf = for_container(UPSTREAM, None, &none, Ipv6::Without);
        assert_eq!(lines(&conf), "nameserver 192.168.1.1");
    }

    #[test]
    fn an_option_cannot_add_a_line() {
        let evil = ["a\nnameserver 6.6.6.6".to_owned()];
        assert!(Overrides::new(&[], &evil, &[]).is_err());
        assert!(Overrides::new(&[], &[], &evil).is_err());
    }
}
