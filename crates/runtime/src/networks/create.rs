//! `minet network create`: the wish is recorded, the bridge and the rules are made at once.

use super::{NetworkError, require_outbound};
use crate::{
    Error, Narrator, Runtime,
    network::{self, Ground},
    plan::Carrier,
};
use minet_bridge::{Rtnl, link};
use minet_model::{BridgeChoice, Ipv6Spec, NetworkId, NetworkSpec, Reach};

impl Runtime {
    /// Creates a network; returns its identity.
    pub fn create_network(
        &mut self,
        mut spec: NetworkSpec,
        narrator: &mut dyn Narrator,
    ) -> Result<NetworkId, Error> {
        if spec.subnet.is_none() && !matches!(spec.bridge, BridgeChoice::Existing(_)) {
            require_no_parts(&spec)?;
        }
        if let Some(ipv6) = spec.ipv6.as_ref().filter(|ipv6| ipv6.subnet.is_none())
            && !matches!(spec.bridge, BridgeChoice::Existing(_))
        {
            require_no_parts6(ipv6)?;
        }
        self.recognise_existing_bridge(&mut spec)?;
        require_outbound(self, &spec)?;
        let ground = network::plan_new(self, &spec)?;
        let boot = self.boot.clone();
        self.store.add(|tx| {
            if tx.network(&spec.name)?.is_some() {
                return Err(NetworkError::Exists(spec.name.to_string()).into());
            }
            ground.record(tx, &boot)
        })?;
        if let Err(error) = self.bring_up(&ground, narrator) {
            // While something of it resists, the row has to say what.
            if ground.tear_down(self)?.is_empty() {
                self.store.write(|tx| tx.delete_network(&spec.name))?;
            }
            return Err(error);
        }
        if spec.reach == Reach::Outside {
            self.warn_of_no_forwarding(narrator)?;
        }
        let row = self.store.read(|tx| tx.network(&spec.name))?;
        row.map(|row| row.network.id)
            .ok_or_else(|| Error::NoSuchNetwork(spec.name.to_string()))
    }

    fn bring_up(&mut self, ground: &Ground, narrator: &mut dyn Narrator) -> Result<(), Error> {
        let mut carrier = Carrier::new(&mut self.machine, narrator, None);
        ground.build(&mut carrier, &mut self.store, &self.boot)
    }

    /// Docker's option names a bridge, and means the one of this name if there is one.
    fn recognise_existing_bridge(&mut self, spec: &mut NetworkSpec) -> Result<(), Error> {
        let BridgeChoice::Named(name) = &spec.bridge else {
            return Ok(());
        };
        if link::find(self.machine.rtnl()?, name)?.is_some() {
            spec.bridge = BridgeChoice::Existing(name.clone());
        }
        Ok(())
    }
}

/// Every new port of a bridge with STP listens and learns for 15 seconds each.
pub(crate) fn spanning_tree_warning(
    rtnl: &mut Rtnl,
    spec: &NetworkSpec,
) -> Result<Option<String>, Error> {
    let BridgeChoice::Existing(bridge) = &spec.bridge else {
        return Ok(None);
    };
    let link = link::find(rtnl, bridge)?;
    Ok(link.filter(|link| link.stp == Some(true)).map(|_| {
        format!(
            "WARNING: bridge {bridge} speaks the spanning tree protocol: a container hears and is heard only 30 seconds after its start; if there are no loops, turn it off: ip link set {bridge} type bridge stp_state 0"
        )
    }))
}

/// A part of a subnet means nothing without the subnet.
fn require_no_parts(spec: &NetworkSpec) -> Result<(), Error> {
    let parts = [
        (spec.gateway.is_some(), "--gateway"),
        (spec.ip_range.is_some(), "--ip-range"),
        (!spec.reserved.is_empty(), "--aux-address"),
    ];
    require_none(&parts)
}

fn require_no_parts6(spec: &Ipv6Spec) -> Result<(), Error> {
    let parts = [
        (spec.gateway.is_some(), "--gateway"),
        (spec.ip_range.is_some(), "--ip-range"),
        (!spec.reserved.is_empty(), "--aux-address"),
    ];
    require_none(&parts)
}

fn require_none(parts: &[(bool, &'static str)]) -> Result<(), Error> {
    match parts.iter().find(|(given, _)| *given) {
        Some((_, option)) => Err(NetworkError::NeedsSubnet(option).into()),
        None => Ok(()),
    }
}
