//! An IPv4 address that somebody changes by hand inside the container.
//!
//! Whoever stands guard hears of it (`attend/inside.rs`) and finds out here whom it concerns;
//! that container's supervisor looks which addresses there are now. Believed is only what the container might be given: an address
//! of the network that is nobody's: not the gateway's, not reserved, and no other name's,
//! not even of a container that rests now. So a hostile container cannot make its receivers
//! talk to another one. What is believed is nobody else's from then on, and the guard at
//! the cable lets it pass; the guard follows the plan, and the plan what is believed.

use super::note_all;
use crate::{
    Error, Runtime,
    admit::Admitted,
    attend::Rumours,
    find,
    narrator::Silent,
    networks,
    plan::Plan,
    settings::Attachment,
    step::{Act, Step},
    steps::{GuardCable, LayCable},
    time::now,
};
use ipnetwork::Ipv4Network;
use minet_bridge::{
    address,
    events::AddressChange,
    inventory,
    link::{self, Link},
};
use minet_model::{ContainerId, IfName, InstanceTag, NetworkName};
use minet_state::{ContainerRow, LeaseHolder, Transaction};
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};

/// Longer than what was heard waits to be looked into.
const JUST_NOW_MS: i64 = 2000;

/// The IPv4 addresses of one interface, in the kernel's order.
struct Moved {
    interface: IfName,
    addresses: Vec<Ipv4Addr>,
}

impl Runtime {
    /// Where the supervisors are called that have to look inside, because of what was heard.
    ///
    /// That an address came which minet has given to somebody is no news. Of everything else
    /// it is found out to whom the cable leads: all interfaces are looked at, once for all
    /// that was heard.
    pub(crate) fn who_is_to_look(&mut self, rumours: &Rumours) -> Result<Vec<PathBuf>, Error> {
        if rumours.lost {
            let live = self.store.read(|tx| tx.live_containers())?;
            return live.iter().map(etc_dir).collect();
        }
        let mut strange = self.store.read(|tx| strange(tx, rumours))?;
        // Who has ended meanwhile has given its address back.
        let rtnl = self.machine.rtnl()?;
        strange.retain(|number| link::namespace_exists(rtnl, *number).unwrap_or(true));
        if strange.is_empty() {
            return Ok(Vec::new());
        }
        let instance = self.machine.paths().instance();
        let mut dirs = Vec::new();
        for link in inventory::list(self.machine.rtnl()?)? {
            if link.namespace.is_some_and(|other| strange.contains(&other)) {
                let row = self
                    .store
                    .read(|tx| at_its_end(tx, instance.as_ref(), &link))?;
                dirs.extend(row.as_ref().map(etc_dir).transpose()?);
            }
        }
        Ok(dirs)
    }

    /// Takes note of the addresses inside a container as they are now.
    pub(crate) fn notice_addresses(&mut self, admitted: &Admitted) {
        // Nobody is there to be told, and the next change is another chance.
        let _ = self.look_inside(admitted);
        self.store.close();
        self.machine.let_go();
        minet_netns::give_back_memory();
    }

    fn look_inside(&mut self, admitted: &Admitted) -> Result<(), Error> {
        let Some(row) = self.store.read(|tx| tx.container(&admitted.id))? else {
            return Ok(());
        };
        let mut now = Vec::new();
        for attachment in find::settings(&row)?.attachments {
            let interface = attachment.interface;
            let Some(rtnl) = self.machine.rtnl_inside() else {
                return Ok(());
            };
            // One that has just been unplugged is none of the container's.
            let Ok(addresses) = address::list(rtnl, &interface) else {
                continue;
            };
            let addresses = addresses.iter().map(|address| address.ip()).collect();
            now.push(Moved {
                interface,
                addresses,
            });
        }
        self.addresses_changed(&admitted.id, &now)
    }

    /// Records them, lets them pass, and tells the container's receivers.
    fn addresses_changed(&mut self, id: &ContainerId, now: &[Moved]) -> Result<(), Error> {
        let news = self.store.write(|tx| {
            let row = tx.container(id)?.filter(super::known::is_there);
            let Some(row) = row else { return Ok(None) };
            let Some(guards) = record(tx, &row, now)? else {
                return Ok(None);
            };
            let noted = note_all(tx, &row, &find::settings(&row)?)?;
            Ok::<_, Error>(Some((noted, guards)))
        })?;
        let Some((noted, guards)) = news else {
            return Ok(());
        };
        for guard in guards {
            guard.apply(&mut self.machine)?;
        }
        self.relink(&noted, &mut Silent).map(drop)
    }
}

/// The container to which a cable leads.
fn at_its_end(
    tx: &Transaction<'_>,
    instance: Option<&InstanceTag>,
    link: &Link,
) -> Result<Option<ContainerRow>, Error> {
    let alias = link.alias.as_deref();
    let Some(name) = alias.and_then(|alias| LayCable::whose(instance, alias)) else {
        return Ok(None);
    };
    let row = tx.container_by_name(name)?;
    Ok(row.filter(super::known::is_there))
}

fn etc_dir(row: &ContainerRow) -> Result<PathBuf, Error> {
    Ok(find::settings(row)?.etc_dir)
}

/// The namespaces in which something happened that is not minet's own doing.
fn strange(tx: &Transaction<'_>, rumours: &Rumours) -> Result<BTreeSet<i32>, Error> {
    let mut networks = Vec::new();
    for row in tx.networks()? {
        networks.push((row.network.name, row.network.subnet));
    }
    let mut namespaces = BTreeSet::new();
    for (namespace, change) in &rumours.changes {
        let expected = match change {
            AddressChange::Came(address) if address.is_loopback() => true,
            AddressChange::Came(address) => is_given(tx, &networks, *address)?,
            AddressChange::Went(address) => address.is_loopback(),
        };
        if !expected {
            namespaces.insert(*namespace);
        }
    }
    Ok(namespaces)
}

/// Whether minet has given this address to a container, which has had it ever since or has
/// just ended.
fn is_given(
    tx: &Transaction<'_>,
    networks: &[(NetworkName, Ipv4Network)],
    address: Ipv4Addr,
) -> Result<bool, Error> {
    for (network, subnet) in networks {
        if !subnet.contains(address) {
            continue;
        }
        let lease = tx.lease_of_address(network, address)?;
        return Ok(match lease.map(|lease| lease.holder) {
            Some(LeaseHolder::Container(holder)) => tx.moved_address(&holder, network)?.is_none(),
            Some(LeaseHolder::NobodySince(since)) => now() - since < JUST_NOW_MS,
            None => false,
        });
    }
    Ok(false)
}

/// If something is news: the guards as they ought to be now.
fn record(
    tx: &Transaction<'_>,
    row: &ContainerRow,
    now: &[Moved],
) -> Result<Option<Vec<GuardCable>>, Error> {
    let mut plan = find::plan(row)?;
    let mut news = false;
    let mut guards = Vec::new();
    for attachment in find::settings(row)?.attachments {
        let of_it = |moved: &&Moved| moved.interface == attachment.interface;
        let Some(moved) = now.iter().find(of_it) else {
            continue;
        };
        let address = believed(tx, row, &attachment, moved)?;
        let before = tx.moved_address(&row.id, &attachment.network)?;
        if tx.set_moved_address(&row.id, &attachment.network, address)? {
            news = true;
            let leased = attachment.address.ip();
            let (before, after) = (before.unwrap_or(leased), address.unwrap_or(leased));
            guards.extend(amend(&mut plan, &attachment, before, after));
        }
    }
    if news {
        tx.set_plan(&row.id, &plan.to_json())?;
    }
    Ok(news.then_some(guards))
}

/// The address that took the place of the leased one; none where the lease stands, also
/// while there is no address at all: the interface is being changed.
fn believed(
    tx: &Transaction<'_>,
    row: &ContainerRow,
    attachment: &Attachment,
    moved: &Moved,
) -> Result<Option<Ipv4Addr>, Error> {
    if moved.addresses.contains(&attachment.address.ip()) {
        return Ok(None);
    }
    for candidate in &moved.addresses {
        if is_free_for(tx, row, attachment, *candidate)? {
            return Ok(Some(*candidate));
        }
    }
    Ok(None)
}

fn is_free_for(
    tx: &Transaction<'_>,
    row: &ContainerRow,
    attachment: &Attachment,
    address: Ipv4Addr,
) -> Result<bool, Error> {
    let Some(network) = tx.network(&attachment.network)? else {
        return Ok(false);
    };
    if networks::pool(&network.network)?
        .check_static(address)
        .is_err()
    {
        return Ok(false);
    }
    if let Some(holder) = tx.moved_to(&attachment.network, address)? {
        return Ok(holder == row.id);
    }
    let lease = tx.lease_of_address(&attachment.network, address)?;
    Ok(lease.is_none_or(|lease| match lease.holder {
        LeaseHolder::Container(holder) => holder == row.id,
        LeaseHolder::NobodySince(_) => lease.name.is_none(),
    }))
}

/// Makes the plan say what is so now; returns the guard that does not know it yet.
fn amend(
    plan: &mut Plan,
    attachment: &Attachment,
    before: Ipv4Addr,
    after: Ipv4Addr,
) -> Option<GuardCable> {
    let mut unaware = None;
    for step in &mut plan.steps {
        match step {
            Step::GiveAddress(step)
                if step.interface == attachment.interface
                    && step.address.ip() == IpAddr::V4(before) =>
            {
                step.address = ipnetwork::IpNetwork::new(after.into(), step.address.prefix())
                    .expect("the prefix of an address of the same family");
            }
            Step::GuardCable(step) if step.host_end == attachment.host_end => {
                for address in &mut step.addresses {
                    if *address == IpAddr::V4(before) {
                        *address = after.into();
                    }
                }
                unaware = Some(step.clone());
            }
            _ => {}
        }
    }
    unaware
}
