//! `minet network rm` and `prune`.

use super::{
    NetworkError,
    list::{ListedNetwork, with_bridges},
};
use crate::{Error, Runtime, find, network, network_down};
use minet_model::NetworkName;
use minet_state::{LeaseHolder, Transaction};

impl Runtime {
    /// Removes a network, by name or ID: its bridge, its rules, its leases.
    pub fn remove_network(&mut self, text: &str) -> Result<NetworkName, Error> {
        let lock = network::lock(self)?;
        let row = self.store.read(|tx| {
            refuse_predefined(text)?;
            find::network(tx, text)
        })?;
        let name = row.network.name.clone();
        refuse_predefined(name.as_str())?;
        // What another boot made is gone; only the row speaks of it.
        let plan = network::stored_plan(&row)
            .filter(|stored| stored.boot == self.boot)
            .map(|stored| stored.plan)
            .unwrap_or_default();
        match network_down::take_one_down(self, &name, &plan)? {
            None => {
                return Err(self.store.read(|tx| in_use(tx, &name))?.into());
            }
            Some(left_behind) if !left_behind.is_empty() => {
                return Err(Error::LeftBehind {
                    container: name.to_string(),
                    left_behind,
                });
            }
            Some(_) => {}
        }
        self.store.write(|tx| tx.delete_network(&name))?;
        drop(lock);
        Ok(name)
    }

    /// Removes all networks that fit and that no container, running or not, is on.
    pub fn prune_networks(
        &mut self,
        fits: &dyn Fn(&ListedNetwork) -> bool,
    ) -> Result<Vec<NetworkName>, Error> {
        let unused = self.store.read(|tx| {
            // Nobody knows which networks one is on that cannot be understood.
            tx.containers()?
                .iter()
                .try_for_each(|row| find::spec(row).map(drop))?;
            let networks = with_bridges(tx)?.into_iter();
            let unused = networks
                .filter(|network| !network.used && !network.name.is_predefined() && fits(network));
            Ok::<_, Error>(unused.map(|network| network.name).collect::<Vec<_>>())
        })?;
        unused
            .iter()
            .map(|name| self.remove_network(name.as_str()))
            .collect()
    }
}

fn refuse_predefined(text: &str) -> Result<(), Error> {
    match text.parse::<NetworkName>() {
        Ok(name) if name.is_predefined() => Err(NetworkError::Predefined(text.to_owned()).into()),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Who keeps it from being removed.
fn in_use(tx: &Transaction<'_>, name: &NetworkName) -> Result<NetworkError, Error> {
    let holders: Vec<String> = tx
        .leases_held_on(name)?
        .iter()
        .map(|lease| {
            let id = match &lease.holder {
                LeaseHolder::Container(id) => id.short(),
                LeaseHolder::NobodySince(_) => "",
            };
            let name = lease.name.as_deref().unwrap_or_default();
            format!("name:{name:?} id:{id:?}")
        })
        .collect();
    Ok(NetworkError::InUse {
        network: name.to_string(),
        holders: holders.join(", "),
    })
}
