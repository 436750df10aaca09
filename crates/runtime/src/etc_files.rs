//! What the container's hosts, resolv.conf and hostname say.

use crate::{
    Error, hosts_base,
    links::Known,
    settings::{Attachment, SeenHosts, Settings},
    steps::RewriteHosts,
};
use minet_model::{AddHostTarget, ContainerName, ContainerSpec, HostName, HostsBase, NetworkMode};
use minet_names::{
    Ipv6,
    hosts::{self, Entry, HostsFile},
    resolv::{self, Overrides},
};
use minet_netns::EtcFile;
use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
};

/// What the files are made of.
pub(crate) struct EtcSource<'a> {
    pub(crate) spec: &'a ContainerSpec,
    pub(crate) settings: &'a Settings,
    /// Whom it knows by its links.
    pub(crate) known: &'a [Known],
}

/// The name of this machine.
pub(crate) fn host_name() -> String {
    nix::unistd::gethostname()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_else(|_| "localhost".to_owned())
}

/// The files, by name.
pub(crate) fn compose(source: &EtcSource<'_>) -> Result<Vec<(String, String)>, Error> {
    let mut files = Vec::new();
    if source.settings.hosts == SeenHosts::Generated {
        files.push(("hosts".to_owned(), hosts_file(source)?));
    }
    files.push(("resolv.conf".to_owned(), resolv_conf(source)?));
    let hostname = format!("{}\n", source.settings.hostname);
    files.push(("hostname".to_owned(), hostname));
    Ok(files)
}

/// Those that the container sees.
pub(crate) fn seen(settings: &Settings) -> Vec<EtcFile> {
    let all = EtcFile::ALL.into_iter();
    all.filter(|file| *file != EtcFile::Hosts || settings.hosts == SeenHosts::Generated)
        .collect()
}

/// What the user should know: where this machine lacks a file, a container that sees its file
/// system has no place for its own.
pub(crate) fn warnings(spec: &ContainerSpec) -> impl Iterator<Item = String> {
    let needs =
        |spec: &ContainerSpec| spec.rootfs.is_none() && matches!(spec.mode, NetworkMode::Bridge(_));
    let missing = |path: &&str| !Path::new(path).exists();
    let files = ["/etc/hosts", "/etc/resolv.conf"].into_iter();
    let missing = files.filter(missing).map(|path| {
        let found = match Path::new(path).is_symlink() {
            true => format!("{path} is a link that leads nowhere on this machine"),
            false => format!("this machine has no {path}"),
        };
        format!(
            "WARNING: {found}, so without --rootfs the container has none either, and may not find names: make a file of it, be it an empty one, and start the container again"
        )
    });
    needs(spec).then_some(missing).into_iter().flatten()
}

/// The hosts file that is mounted; none if the root's own is to be seen.
pub(crate) fn hosts_path(settings: &Settings) -> Option<PathBuf> {
    (settings.hosts == SeenHosts::Generated).then(|| settings.etc_dir.join("hosts"))
}

fn hosts_file(source: &EtcSource<'_>) -> Result<String, Error> {
    if let Some(base) = hosts_base::read(source.spec)? {
        let hosts = hosts::on_base(&base, &own_hosts(source).block());
        return Ok(String::from_utf8_lossy(&hosts).into_owned());
    }
    if shares_the_hosts_names(&source.spec.mode) {
        let host = fs::read("/etc/hosts").unwrap_or_default();
        let hosts = hosts::of_host(&host, &added_entries(source));
        return Ok(String::from_utf8_lossy(&hosts).into_owned());
    }
    Ok(own_hosts(source).render())
}

/// The step that brings minet's lines in a running container's hosts file up to date; none
/// where the file is not minet's.
pub(crate) fn rewritten(name: &ContainerName, source: &EtcSource<'_>) -> Option<RewriteHosts> {
    let path = hosts_path(source.settings)?;
    (!shares_the_hosts_names(&source.spec.mode)).then(|| RewriteHosts {
        name: name.clone(),
        path,
        after: RewriteHosts::lines(&own_hosts(source)),
    })
}

/// minet's lines in the hosts file of a container with cables.
fn own_hosts(source: &EtcSource<'_>) -> HostsFile {
    let mut entries = added_entries(source);
    entries.extend(source.known.iter().flat_map(Known::entries));
    if let Ok(hostname) = full_name(source).parse::<HostName>() {
        let own = source.settings.attachments.iter();
        let addresses = own.flat_map(Attachment::addresses);
        entries.extend(addresses.map(|own| Entry::of_itself(own.ip(), &hostname)));
    }
    // The loopback of every namespace has ::1; localhost may well be resolved to it.
    HostsFile {
        entries,
        ipv6: Ipv6::With,
    }
}

/// What the container is called in its hosts file, first of all.
fn full_name(source: &EtcSource<'_>) -> String {
    let hostname = &source.settings.hostname;
    match &source.spec.domainname {
        Some(domain) => format!("{hostname}.{domain}"),
        None => hostname.clone(),
    }
}

/// What every container on a bridge calls the host, unless it was told otherwise.
const HOST_NAME: &str = "host.minet.internal";

fn added_entries(source: &EtcSource<'_>) -> Vec<Entry> {
    let gateway = source
        .settings
        .main_attachment()
        .map(|attachment| attachment.host.unwrap_or(attachment.gateway));
    let entry = |add: &minet_model::AddHost| {
        let address = match add.target {
            AddHostTarget::Address(address) => Some(address),
            // Without a cable the host is reached where it is: at its loopback, or not.
            AddHostTarget::HostGateway => match source.spec.mode {
                NetworkMode::Host => Some(IpAddr::from([127, 0, 0, 1])),
                _ => gateway.map(IpAddr::V4),
            },
        }?;
        Some(Entry::new(address, add.name.clone()))
    };
    let host = match source.spec.mode {
        NetworkMode::Bridge(_) => gateway.zip(HOST_NAME.parse().ok()),
        NetworkMode::Host
        | NetworkMode::None
        | NetworkMode::Container(_)
        | NetworkMode::Namespace(_) => None,
    };
    let host = host.map(|(gateway, name)| Entry::new(gateway.into(), name));
    source
        .spec
        .add_hosts
        .iter()
        .filter_map(entry)
        .chain(host)
        .collect()
}

fn resolv_conf(source: &EtcSource<'_>) -> Result<String, Error> {
    let spec = source.spec;
    let host = fs::read("/etc/resolv.conf").unwrap_or_default();
    let host = String::from_utf8_lossy(&host).into_owned();
    if shares_the_hosts_names(&spec.mode) && asks_for_no_dns(spec) {
        return Ok(host);
    }
    let systemd = fs::read_to_string("/run/systemd/resolve/resolv.conf").ok();
    let overrides = Overrides::new(&spec.dns, &spec.dns_search, &spec.dns_options)?;
    if !source.settings.attachments.is_empty() {
        let servers = crate::resolve::upstreams(spec);
        return Ok(resolv::for_resolver(&host, &overrides, &servers).render());
    }
    Ok(resolv::for_container(&host, systemd.as_deref(), &overrides, Ipv6::Without).render())
}

fn asks_for_no_dns(spec: &ContainerSpec) -> bool {
    spec.dns.is_empty() && spec.dns_search.is_empty() && spec.dns_options.is_empty()
}

/// Whether its files are copies of the host's, and nothing else: then the host's own, when
/// they have been replaced, are at least as good.
pub(crate) fn are_the_hosts(spec: &ContainerSpec) -> bool {
    shares_the_hosts_names(&spec.mode)
        && asks_for_no_dns(spec)
        && spec.add_hosts.is_empty()
        && spec.hosts_base == HostsBase::default()
        && spec.hostname.is_none()
}

/// In the host's own namespace, and in one that somebody else made, the host's servers
/// and names are as reachable as for the host.
fn shares_the_hosts_names(mode: &NetworkMode) -> bool {
    matches!(mode, NetworkMode::Host | NetworkMode::Namespace(_))
}
