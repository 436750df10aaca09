//! A wish that one container knows another by a name.

use crate::{ContainerName, HostName};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// `SRC[:ALIAS[ ALIAS…]]`: the container that is to be known, and by which names.
///
/// The aliases are separated by spaces, as Docker's users write them, or by commas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkSpec {
    /// The container that is reached. It may not exist yet.
    pub source: ContainerName,
    /// The names that lead to it, at least one; its own if none was given.
    pub aliases: Vec<HostName>,
}

/// Why a text is not a link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLink {
    /// Nothing at all.
    #[error("empty string specified for links")]
    Empty,
    /// Not `SRC[:ALIAS]`, or a word in it that is no name.
    #[error("bad format for links: {0} (write SRC, SRC:ALIAS or SRC:ALIAS,ALIAS)")]
    Format(String),
    /// The same name twice.
    #[error("bad format for links: {text}: the alias {alias} is given twice")]
    AliasTwice {
        /// What was written.
        text: String,
        /// The name.
        alias: HostName,
    },
}

impl FromStr for LinkSpec {
    type Err = InvalidLink;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(InvalidLink::Empty);
        }
        let format = || InvalidLink::Format(text.to_owned());
        let (source, names) = text.split_once(':').unwrap_or((text, ""));
        let source: ContainerName = source.parse().map_err(|_| format())?;
        let names = match text.contains(':') {
            true => names,
            false => source.as_str(),
        };
        let separator = |c: char| c == ',' || c.is_ascii_whitespace();
        let mut aliases: Vec<HostName> = Vec::new();
        for word in names.split(separator).filter(|word| !word.is_empty()) {
            let alias: HostName = word.parse().map_err(|_| format())?;
            if aliases.iter().any(|known| same_name(known, &alias)) {
                return Err(InvalidLink::AliasTwice {
                    text: text.to_owned(),
                    alias,
                });
            }
            aliases.push(alias);
        }
        match aliases.is_empty() {
            true => Err(format()),
            false => Ok(LinkSpec { source, aliases }),
        }
    }
}

/// Names are compared without regard to case (RFC 1123, RFC 4343).
fn same_name(one: &HostName, other: &HostName) -> bool {
    one.as_str().eq_ignore_ascii_case(other.as_str())
}

/// Who shall know the names of a link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Receiver {
    /// This container.
    Container(ContainerName),
    /// Every container that shares a network with the source, now and later.
    Neighbours,
    /// The host itself, in its own hosts file.
    Host,
}

/// A text that does not name a receiver.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no receiver of a link")]
pub struct InvalidReceiver(String);

/// What stands for those that are no container; no container's name begins so.
const NEIGHBOURS: &str = "*";
const HOST: &str = "/";

impl fmt::Display for Receiver {
    /// One word, as it is stored: a container's name, `*` or `/`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Receiver::Container(name) => name.as_str(),
            Receiver::Neighbours => NEIGHBOURS,
            Receiver::Host => HOST,
        })
    }
}

impl FromStr for Receiver {
    type Err = InvalidReceiver;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            NEIGHBOURS => Ok(Receiver::Neighbours),
            HOST => Ok(Receiver::Host),
            name => name
                .parse()
                .map(Receiver::Container)
                .map_err(|_| InvalidReceiver(name.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aliases(text: &str) -> Vec<String> {
        let link: LinkSpec = text.parse().unwrap();
        assert_eq!(link.source.as_str(), "db001");
        link.aliases.iter().map(HostName::to_string).collect()
    }

    #[test]
    fn a_link_is_a_source_and_its_names() {
        assert_eq!(aliases("db001"), ["db001"]);
        assert_eq!(aliases("/db001"), ["db001"]);
        assert_eq!(aliases("db001:db"), ["db"]);
        assert_eq!(
            aliases("db001:db002 db003 db004"),
            ["db002", "db003", "db004"]
        );
        assert_eq!(aliases("db001:a,b,c.example"), ["a", "b", "c.example"]);
    }

    #[test]
    fn what_is_no_link_is_refused_in_dockers_words() {
        let error = |text: &str| text.parse::<LinkSpec>().unwrap_err().to_string();
        assert_eq!(error(""), "empty string specified for links");
        for text in [
            "a:b:c",
            ":b",
            "a:",
            "a: ",
            "a b",
            "a:-x",
            "a:b\n6.6.6.6 bank.com:",
            "db-",
        ] {
            let said = format!("bad format for links: {text} ");
            assert!(error(text).starts_with(&said), "{text:?}: {}", error(text));
        }
        assert!(error("a:db,DB").contains("the alias DB is given twice"));
        // A newline is white space: what follows must still be a name, and gets no line.
        assert_eq!("a:b\nc".parse::<LinkSpec>().unwrap().aliases.len(), 2);
    }

    #[test]
    fn receivers_are_one_word() {
        for word in ["web", "*", "/"] {
            assert_eq!(word.parse::<Receiver>().unwrap().to_string(), word);
        }
        assert!("".parse::<Receiver>().is_err());
    }
}
