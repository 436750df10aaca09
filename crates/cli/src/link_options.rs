//! The options of `minet link` and `minet unlink`.

use crate::format::Format;
use clap::Args;
use minet_model::{ContainerName, HostName, LinkSpec};
use minet_runtime::{LinkWish, Unlink};

/// Let containers know another by a name.
///
/// A link is a standing wish: it follows its source through restarts, new addresses, other
/// networks and other names, and waits for it where it does not run yet. It goes one way:
/// the source does not learn who knows it.
///
/// On networks whose containers do not reach each other (--icc=false, --link-only) a link
/// opens the way to the ports that its source exposes and publishes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LinkOptions {
    /// Let the host know the names, too: in a marked block of its own hosts file
    #[arg(long, requires = "link")]
    host: bool,
    /// Of the list: table, json (one object a line), or a template such as '{{.Source}}'
    #[arg(long, default_value = "table", conflicts_with = "link")]
    pub(crate) format: Format,
    /// Of the list: one JSON object a line
    #[arg(long, conflicts_with_all = ["link", "format"])]
    pub(crate) json: bool,
    /// Who is to be known, and by which names; by its own if none is given
    #[arg(value_name = "SRC[:ALIAS[,ALIAS…]]")]
    link: Option<LinkSpec>,
    /// By whom; by every container that shares a network with it, now and later, if nobody is named
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
}

const EXAMPLES: &str = "\
Examples:
  minet link db001:db,store web     web knows db001 as db and as store
  minet link db001:db               so does every neighbour of db001, now and later
  minet link --host db001:db        and this machine
  minet unlink db001:db             nobody knows that name any more";

/// Take names back.
#[derive(Debug, Args)]
pub(crate) struct UnlinkOptions {
    /// Every link there is
    #[arg(long, conflicts_with_all = ["link", "host"])]
    all: bool,
    /// Only those of this machine
    #[arg(long)]
    host: bool,
    /// Who was to be known, and by which names; by all of them if none is given
    #[arg(value_name = "SRC[:ALIAS[,ALIAS…]]", required_unless_present = "all", value_parser = source)]
    link: Option<(ContainerName, Vec<HostName>)>,
    /// From whom; from everybody if nobody is named
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
}

/// As a link, but without names it means all of them.
fn source(text: &str) -> Result<(ContainerName, Vec<HostName>), String> {
    let told = |error: &dyn std::error::Error| error.to_string();
    match text.contains(':') || text.is_empty() {
        true => text
            .parse()
            .map(|link: LinkSpec| (link.source, link.aliases))
            .map_err(|error| told(&error)),
        false => text
            .parse()
            .map(|name| (name, Vec::new()))
            .map_err(|error: minet_model::InvalidContainerName| told(&error)),
    }
}

impl LinkOptions {
    /// What is wished; nothing where only the list is asked for.
    pub(crate) fn wish(&self) -> Option<LinkWish> {
        self.link.clone().map(|link| LinkWish {
            link,
            containers: self.containers.clone(),
            host: self.host,
        })
    }
}

impl UnlinkOptions {
    /// What is to be taken back.
    pub(crate) fn which(&self) -> Unlink {
        let (source, aliases) = self.link.clone().unzip();
        Unlink {
            source,
            aliases: aliases.unwrap_or_default(),
            containers: self.containers.clone(),
            host: self.host,
        }
    }
}
