//! An address that somebody changes by hand inside the container.
//!
//! The container's supervisor watches its interfaces (`attend/addresses.rs`) and tells here
//! what they are called now. Believed is only what the container might be given: an address
//! of the network's subnet that is not the gateway's and that nobody else holds. So a
//! hostile container cannot make its receivers talk to another one.

use super::note_all;
use crate::{Error, Runtime, admit::Admitted, attend::Addresses, find, narrator::Silent};
use minet_bridge::address;
use minet_model::{ContainerId, IfName, NetworkName};
use minet_state::{ContainerRow, LeaseHolder, Transaction};
use std::net::Ipv4Addr;

/// The IPv4 addresses of one interface, in the kernel's order.
struct Moved {
    interface: IfName,
    addresses: Vec<Ipv4Addr>,
}

impl Runtime {
    /// The announcements of the container's own namespace; none where it has no cables.
    pub(crate) fn watch_addresses(
        &mut self,
        admitted: &Admitted,
    ) -> Result<Option<Addresses>, Error> {
        match admitted.settings.attachments.is_empty() {
            true => Ok(None),
            false => Addresses::of(self.machine.netns_inside()?).map(Some),
        }
    }

    /// Takes note of the addresses inside a container as they are now.
    pub(crate) fn notice_addresses(&mut self, admitted: &Admitted) {
        // Nobody is there to be told, and the next change is another chance.
        let _ = self.look_inside(admitted);
        self.store.close();
        self.machine.let_go();
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

    /// Records them, and tells the container's receivers.
    fn addresses_changed(&mut self, id: &ContainerId, now: &[Moved]) -> Result<(), Error> {
        let noted = self.store.write(|tx| {
            let Some(row) = tx.container(id)?.filter(super::known::is_there) else {
                return Ok(Vec::new());
            };
            match record(tx, &row, now)? {
                true => note_all(tx, &row, &find::settings(&row)?),
                false => Ok(Vec::new()),
            }
        })?;
        self.relink(&noted, &mut Silent).map(drop)
    }
}

/// True if something is news.
fn record(tx: &Transaction<'_>, row: &ContainerRow, now: &[Moved]) -> Result<bool, Error> {
    let mut news = false;
    for attachment in find::settings(row)?.attachments {
        let leased = attachment.address.ip();
        let of_it = |moved: &&Moved| moved.interface == attachment.interface;
        let Some(moved) = now.iter().find(of_it) else {
            continue;
        };
        let mut address = None;
        // Without any, the lease stands: the interface is being changed.
        if !moved.addresses.is_empty() && !moved.addresses.contains(&leased) {
            for candidate in &moved.addresses {
                let at_home = attachment.address.contains(*candidate);
                if at_home
                    && *candidate != attachment.gateway
                    && is_free_for(tx, row, &attachment.network, *candidate)?
                {
                    address = Some(*candidate);
                    break;
                }
            }
        }
        news |= tx.set_moved_address(&row.id, &attachment.network, address)?;
    }
    Ok(news)
}

fn is_free_for(
    tx: &Transaction<'_>,
    row: &ContainerRow,
    network: &NetworkName,
    address: Ipv4Addr,
) -> Result<bool, Error> {
    let lease = tx.lease_of_address(network, address)?;
    Ok(match lease.map(|lease| lease.holder) {
        Some(LeaseHolder::Container(holder)) => holder == row.id,
        Some(LeaseHolder::NobodySince(_)) | None => true,
    })
}
