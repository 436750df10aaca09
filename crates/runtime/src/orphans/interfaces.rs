//! Cables and bridges, by what minet has written on them.

use super::{Orphan, Thing, Use};
use crate::{Error, Runtime, steps::leads_to_a_namespace};
use minet_bridge::{
    inventory,
    link::{self, Link},
};
use minet_model::{IfName, InstanceTag};
use std::path::Path;

/// All that say that they are this instance's, known or not.
pub(super) fn list(runtime: &mut Runtime) -> Result<Vec<Orphan>, Error> {
    let tag = runtime.machine.paths().instance();
    let names = runtime.machine.paths().netns_dir().to_owned();
    let links = inventory::list(runtime.machine.rtnl()?)?;
    let orphan = |link: &Link| {
        let words = InstanceTag::words_of(tag.as_ref(), link.alias.as_deref()?)?;
        let name = &link.name;
        let (what, use_) = match words.split(' ').collect::<Vec<_>>()[..] {
            ["minet", "container", container, end] => (
                format!("interface {name}, the cable to {end} of container {container}"),
                use_of_cable(&names, container),
            ),
            ["minet", "network", network] => (
                format!("interface {name} of network {network}"),
                use_of_bridge(&names, tag.as_ref(), link, &links),
            ),
            _ => return None,
        };
        Some(Orphan {
            thing: Thing::Interface(name.clone()),
            what,
            use_,
        })
    };
    Ok(links.iter().filter_map(orphan).collect())
}

/// Whether a supervisor still holds the namespace that it leads to.
fn use_of_cable(names: &Path, container: &str) -> Use {
    match leads_to_a_namespace(&names.join(container)) {
        true => Use::InUse,
        false => Use::Unused,
    }
}

/// Whether somebody is plugged in: a container that runs, or what is not minet's.
fn use_of_bridge(names: &Path, tag: Option<&InstanceTag>, bridge: &Link, links: &[Link]) -> Use {
    let is_unused = |port: &Link| {
        let alias = port.alias.as_deref();
        let words = alias.and_then(|alias| InstanceTag::words_of(tag, alias));
        match words
            .map(|words| words.split(' ').collect::<Vec<_>>())
            .as_deref()
        {
            Some(["minet", "container", container, _]) => {
                use_of_cable(names, container) == Use::Unused
            }
            Some(["minet", "network", _]) => true,
            Some(_) | None => false,
        }
    };
    let mut ports = links
        .iter()
        .filter(|link| link.master == Some(bridge.index));
    match ports.all(is_unused) {
        true => Use::Unused,
        false => Use::InUse,
    }
}

/// Removes one, if it still is what it was.
pub(super) fn remove(runtime: &mut Runtime, name: &IfName) -> Result<(), Error> {
    let tag = runtime.machine.paths().instance();
    let rtnl = runtime.machine.rtnl()?;
    let is_ours = |link: &Link| {
        let alias = link.alias.as_deref();
        let words = alias.and_then(|alias| InstanceTag::words_of(tag.as_ref(), alias));
        words.is_some_and(|words| words.starts_with("minet "))
    };
    if link::find(rtnl, name)?.as_ref().is_some_and(is_ours) {
        link::remove(rtnl, name)?;
    }
    Ok(())
}
