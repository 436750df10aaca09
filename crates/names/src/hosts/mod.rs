//! `/etc/hosts`: `ADDRESS NAME [ALIAS…]` per line, the first line that has the name wins
//! (`man 5 hosts`).
//!
//! ```text
//! # minet begin
//! 127.0.0.1<TAB>localhost
//! ::1<TAB>localhost ip6-localhost ip6-loopback       and four more, only with IPv6
//! 10.0.0.9<TAB>registry.internal                     --add-host
//! 172.17.0.2<TAB>web.example web                     the container itself
//! # minet end
//! ```
//!
//! The layout between the markers is Docker's. The markers say which lines are minet's:
//! [`update`] replaces these and nothing else.

mod block;

pub use block::{update, update_between, without_block};

use crate::Ipv6;
use minet_model::HostName;
use std::{fmt::Write, net::IpAddr};

/// The line before minet's own lines.
pub const BEGIN: &str = "# minet begin";
/// The line behind them.
pub const END: &str = "# minet end";

/// The two lines around lines that are not the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Markers {
    begin: String,
    end: String,
}

impl Markers {
    /// Markers that say whose the lines are. Line ends in it become spaces.
    pub fn new(whose: &str) -> Self {
        let whose = whose.replace(char::is_control, " ");
        Markers {
            begin: format!("# {whose} begin"),
            end: format!("# {whose} end"),
        }
    }
}

impl Default for Markers {
    /// Those of a container's hosts file.
    fn default() -> Self {
        Markers {
            begin: BEGIN.to_owned(),
            end: END.to_owned(),
        }
    }
}

/// One line: an address and the names that stand for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where the names lead.
    pub address: IpAddr,
    /// The canonical name first, then its aliases. With none there is no line.
    pub names: Vec<HostName>,
}

impl Entry {
    /// One name for one address, as `--add-host` gives it.
    pub fn new(address: IpAddr, name: HostName) -> Self {
        Entry {
            address,
            names: vec![name],
        }
    }

    /// A container's own line: its hostname, and the first label when there is a domain.
    pub fn of_itself(address: IpAddr, hostname: &HostName) -> Self {
        // A label of a valid name is a valid name.
        let short = hostname.first_label().and_then(|label| label.parse().ok());
        Entry {
            address,
            names: std::iter::once(hostname.clone()).chain(short).collect(),
        }
    }
}

/// The lines that minet writes into a container's hosts file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostsFile {
    /// Lines behind those for localhost, in this order.
    pub entries: Vec<Entry>,
    /// Whether the IPv6 names of the machine itself are there.
    pub ipv6: Ipv6,
}

const LOCALHOST: &str = "127.0.0.1\tlocalhost\n";

/// RFC 4291 sections 2.5.3 and 2.7.1, under the names that Debian and Docker give them.
const LOCALHOST_V6: &str = "\
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
";

impl HostsFile {
    /// The whole text of a new file, which is one marked block.
    pub fn render(&self) -> String {
        self.block().text
    }

    /// The marked block, to put into a file that has other lines too.
    pub fn block(&self) -> Block {
        let ipv6 = match self.ipv6 {
            Ipv6::With => LOCALHOST_V6,
            Ipv6::Without => "",
        };
        Block::new(&Markers::default(), &[LOCALHOST, ipv6], &self.entries)
    }
}

/// minet's lines with the two markers around them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    text: String,
}

impl Block {
    /// Only these entries, for a file that already knows localhost.
    pub fn of_entries(entries: &[Entry]) -> Self {
        Block::between(&Markers::default(), entries)
    }

    /// Only these entries, between other markers.
    pub fn between(markers: &Markers, entries: &[Entry]) -> Self {
        Block::new(markers, &[], entries)
    }

    fn new(markers: &Markers, fixed: &[&str], entries: &[Entry]) -> Self {
        let mut text = format!("{}\n{}", markers.begin, fixed.concat());
        for entry in entries {
            write_line(&mut text, entry);
        }
        text.push_str(&markers.end);
        text.push('\n');
        Block { text }
    }

    /// The text, from the begin marker to the line end behind the end marker.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn write_line(text: &mut String, entry: &Entry) {
    let names: Vec<&str> = entry.names.iter().map(HostName::as_str).collect();
    if !names.is_empty() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}\t{}", entry.address, names.join(" "));
    }
}

/// The file of a container in host mode: the host's own text, then `add_hosts`.
///
/// Without `add_hosts` it is the host's text, byte for byte. Markers in the host's file
/// mean that the host is itself a container of another minet; they are left out and the
/// lines between them kept, because here these lines are the base and not minet's.
pub fn of_host(host_file: &[u8], add_hosts: &[Entry]) -> Vec<u8> {
    if add_hosts.is_empty() {
        return host_file.to_vec();
    }
    on_base(host_file, &Block::of_entries(add_hosts))
}

/// The file of a container that was given lines to begin with: these, then minet's block.
///
/// Markers in `base` are left out, as in [`of_host`].
pub fn on_base(base: &[u8], block: &Block) -> Vec<u8> {
    update(&block::without_markers(base), block)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> HostName {
        text.parse().unwrap()
    }

    fn file(ipv6: Ipv6) -> HostsFile {
        HostsFile {
            entries: vec![
                Entry::new("10.0.0.9".parse().unwrap(), name("registry.internal")),
                Entry::of_itself("172.17.0.2".parse().unwrap(), &name("web.example")),
                Entry::of_itself("2001:db8::2".parse().unwrap(), &name("web")),
            ],
            ipv6,
        }
    }

    #[test]
    fn the_layout_is_dockers() {
        assert_eq!(
            file(Ipv6::Without).render(),
            "# minet begin\n\
             127.0.0.1\tlocalhost\n\
             10.0.0.9\tregistry.internal\n\
             172.17.0.2\tweb.example web\n\
             2001:db8::2\tweb\n\
             # minet end\n"
        );
        let with = file(Ipv6::With).render();
        assert!(with.contains(
            "127.0.0.1\tlocalhost\n\
             ::1\tlocalhost ip6-localhost ip6-loopback\n\
             fe00::\tip6-localnet\n\
             ff00::\tip6-mcastprefix\n\
             ff02::1\tip6-allnodes\n\
             ff02::2\tip6-allrouters\n\
             10.0.0.9\t"
        ));
    }

    #[test]
    fn an_entry_without_names_makes_no_line() {
        let nameless = Entry {
            address: "10.0.0.1".parse().unwrap(),
            names: vec![],
        };
        let block = Block::of_entries(&[nameless]);
        assert_eq!(block.as_str(), "# minet begin\n# minet end\n");
    }

    /// Whatever can become a name or an address is exactly one line afterwards.
    #[test]
    fn nothing_can_add_a_second_line() {
        let alphabet = [
            "a", "\n", "\r", " ", "\t", "#", "\0", ".", "-", "\u{85}", "\u{2028}",
        ];
        let mut accepted = 0;
        for i in 0..alphabet.len().pow(4) {
            let digit = |n: u32| alphabet[i / alphabet.len().pow(n) % alphabet.len()];
            let text = [digit(3), digit(2), digit(1), digit(0)].concat();
            let Ok(name) = text.parse::<HostName>() else {
                continue;
            };
            accepted += 1;
            for address in ["10.0.0.1", "::ffff:1.2.3.4", "fe80::1"] {
                let entry = Entry::of_itself(address.parse().unwrap(), &name);
                let block = Block::of_entries(&[entry]);
                let lines: Vec<_> = block.as_str().split(['\n', '\r', '\0']).collect();
                assert_eq!(lines.len(), 4, "{text:?}");
                assert!(lines[1].starts_with(&format!("{address}\t")), "{text:?}");
            }
        }
        assert!(accepted > 0);
    }

    #[test]
    fn host_mode_copies_the_host_and_adds_lines() {
        let entry = Entry::new("10.0.0.9".parse().unwrap(), name("db"));
        let host = b"127.0.0.1 localhost\r\n10.1.1.1 caf\xe9 # latin";
        assert_eq!(of_host(host, &[]), host);
        assert_eq!(
            of_host(host, std::slice::from_ref(&entry)),
            b"127.0.0.1 localhost\r\n10.1.1.1 caf\xe9 # latin\n\
              # minet begin\n10.0.0.9\tdb\n# minet end\n"
        );
        // The host is a container of another minet.
        let nested = b"# minet begin\n127.0.0.1\tlocalhost\n# minet end\n10.1.1.1 mine\n";
        assert_eq!(
            of_host(nested, &[entry]),
            b"127.0.0.1\tlocalhost\n10.1.1.1 mine\n# minet begin\n10.0.0.9\tdb\n# minet end\n"
        );
    }
}
