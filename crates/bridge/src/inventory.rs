//! Every interface of the namespace, for what has to be known of all of them at once.
//!
//! ```text
//! ip -d link show        list
//! ```

use crate::{
    Cause, Error, Rtnl,
    error::During,
    link::{self, Link},
};
use netlink_packet_route::{
    RouteNetlinkMessage,
    link::{LinkAttribute, LinkExtentMask, LinkMessage},
};

/// Lists the interfaces. The cost grows with their number; it is meant for bringing up a
/// network, not for starting a container.
///
/// # Errors
///
/// A failing socket; [`Cause::Unsteady`] when the list never holds still.
pub fn list(rtnl: &mut Rtnl) -> Result<Vec<Link>, Error> {
    read(rtnl).during(|| "list the interfaces".to_owned())
}

fn read(rtnl: &mut Rtnl) -> Result<Vec<Link>, Cause> {
    let mut question = LinkMessage::default();
    question
        .attributes
        .push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    let answers = rtnl.dump(&RouteNetlinkMessage::GetLink(question))?;
    let links = answers.iter().filter_map(|answer| match answer {
        RouteNetlinkMessage::NewLink(message) => Some(message),
        _ => None,
    });
    // Another's interface may have a name that minet would not accept.
    Ok(links.filter_map(link::parse_link).collect())
}
