//! `/etc/resolv.conf`: which name servers the C library asks, with which suffixes
//! (`man 5 resolv.conf`).
//!
//! A container cannot simply have the host's file. Its loopback is its own, so a server
//! on `127.0.0.53` is nobody in there; and without IPv6 it cannot reach an IPv6 server.
//! [`for_container`] takes what is left, and says in the file's comments what it did.

mod choose;
mod internal;
mod parse;
mod wish;
mod word;

pub use choose::{FALLBACK, Overrides, for_container};
pub use internal::for_resolver;
pub use wish::InvalidWish;
pub use word::{InvalidWord, Word};

use std::{borrow::Cow, fmt, net::IpAddr};

/// A resolver configuration, read from a file or about to become one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResolvConf {
    /// In the order in which they are asked. Any number is kept; the C library reads
    /// the first three (`MAXNS` in `<resolv.h>`).
    pub nameservers: Vec<Nameserver>,
    /// Suffixes to try behind a short name.
    pub search: Vec<Word>,
    /// Such as `ndots:1` or `edns0`.
    pub options: Vec<Word>,
    /// Where all this came from, written as comments; empty after [`parse`](Self::parse).
    pub comments: Vec<Comment>,
}

/// A server's address, with the zone of a link-local one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nameserver {
    /// The address.
    pub address: IpAddr,
    /// `eth0` in `fe80::1%eth0` (RFC 4007 section 11). It names an interface of the
    /// namespace in which the file was written, and nothing in any other.
    pub zone: Option<Word>,
}

impl From<IpAddr> for Nameserver {
    fn from(address: IpAddr) -> Self {
        Nameserver {
            address,
            zone: None,
        }
    }
}

impl fmt::Display for Nameserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        match &self.zone {
            Some(zone) => write!(f, "%{zone}"),
            None => Ok(()),
        }
    }
}

/// What the file says about itself, for whoever opens it to find out why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comment {
    /// The base was the host's `/etc/resolv.conf`.
    BasedOnHostFile,
    /// The base was systemd-resolved's list of real servers, since the host itself asks
    /// only the stub on its loopback.
    BasedOnSystemdResolved,
    /// The host has no server that the container could reach: [`FALLBACK`] is used.
    FallbackServers,
    /// The base was the host's file, and the container's own resolver is the server.
    InternalResolver,
    /// Whom the container's resolver asks, each with the side from which it does.
    ExternalServers(Vec<String>),
    /// `ndots` says that a name is first asked for as it is.
    NdotsInternal,
    /// `--dns` replaced the servers.
    NameserversOverridden,
    /// `--dns-search` replaced the suffixes.
    SearchOverridden,
    /// `--dns-option` replaced the options.
    OptionsOverridden,
}

impl Comment {
    fn text(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Comment::BasedOnHostFile => "Based on host file: '/etc/resolv.conf'",
            Comment::BasedOnSystemdResolved => {
                "Based on host file: '/run/systemd/resolve/resolv.conf'"
            }
            Comment::FallbackServers => {
                "The host has no server that can be reached from here; \
                 these public ones are a fallback, --dns chooses others"
            }
            Comment::InternalResolver => {
                "Based on host file: '/etc/resolv.conf' (internal resolver)"
            }
            Comment::ExternalServers(servers) => {
                return Cow::Owned(format!("ExtServers: [{}]", servers.join(" ")));
            }
            Comment::NdotsInternal => "Option ndots from: internal",
            Comment::NameserversOverridden => "Overridden: nameservers (--dns)",
            Comment::SearchOverridden => "Overridden: search (--dns-search)",
            Comment::OptionsOverridden => "Overridden: options (--dns-option)",
        })
    }
}

impl ResolvConf {
    /// The text of the file.
    pub fn render(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        lines.extend(self.nameservers.iter().map(|s| format!("nameserver {s}")));
        lines.extend(keyword_line("search", &self.search));
        lines.extend(keyword_line("options", &self.options));
        if !self.comments.is_empty() && !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(self.comments.iter().map(|c| format!("# {}", c.text())));
        lines.into_iter().map(|line| line + "\n").collect()
    }
}

fn keyword_line(keyword: &str, words: &[Word]) -> Option<String> {
    let words: Vec<&str> = words.iter().map(Word::as_str).collect();
    (!words.is_empty()).then(|| format!("{keyword} {}", words.join(" ")))
}
