use crate::{
    Error,
    lock::Lock,
    machine::Machine,
    step::{Act, Explanation, Finding},
};
use minet_model::{ContainerId, ContainerName, Protocol, PublishedPort};
use minet_nat::{Change, Publication};
use serde::{Deserialize, Serialize};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    thread,
    time::{Duration, Instant},
};

/// How long a repair that is under way is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// The elements in the maps of the table that lead host ports to the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishPorts {
    /// The container's name, for the elements' comments.
    pub name: ContainerName,
    /// The container, so that nobody else's element is ever removed.
    pub id: ContainerId,
    /// The container's address.
    pub address: Ipv4Addr,
    /// Its IPv6 address, where it has one that leads out.
    #[serde(default)]
    pub address6: Option<Ipv6Addr>,
    /// The ports, IPv4 and IPv6.
    pub ports: Vec<PublishedPort>,
}

impl PublishPorts {
    /// The ports that the kernel leads to the container. A port on an IPv6 address of the
    /// host is relayed by the supervisor instead where the container has only IPv4.
    fn publications(&self) -> impl Iterator<Item = Publication> {
        self.ports.iter().filter_map(|port| {
            Some(Publication {
                port: *port,
                container: self.target(port)?,
                owner: self.name.clone(),
                owner_id: self.id.clone(),
            })
        })
    }

    /// The container's address of the family of a host port. What is for `[::1]` cannot leave by
    /// a bridge.
    fn target(&self, port: &PublishedPort) -> Option<IpAddr> {
        match port.host_ip {
            IpAddr::V4(_) => Some(self.address.into()),
            IpAddr::V6(host) if host.is_loopback() => None,
            IpAddr::V6(_) => self.address6.map(IpAddr::V6),
        }
    }

    pub(crate) fn publish(&self) -> Vec<Change> {
        self.publications().map(Change::Publish).collect()
    }

    fn unpublish(&self) -> Vec<Change> {
        self.publications().map(Change::Unpublish).collect()
    }

    /// A UDP flow that began before would go on to where it went then: the kernel looks
    /// up the map only for the first packet of a flow.
    fn forget_udp_flows(&self, machine: &mut Machine) -> Result<(), Error> {
        let led = |port: &&PublishedPort| self.target(port).is_some();
        let udp = |port: &&PublishedPort| port.protocol == Protocol::Udp;
        for port in self.ports.iter().filter(udp).filter(led) {
            machine.firewall()?.flush_conntrack(
                Protocol::Udp,
                port.host_port,
                Some(port.host_ip),
            )?;
        }
        Ok(())
    }
}

impl PublishPorts {
    /// Leads the ports of `self` where `next` says, in one transaction: no packet comes
    /// between the two. Connections that were made before go on as they are.
    pub(crate) fn hand_over(
        &self,
        next: &PublishPorts,
        machine: &mut Machine,
    ) -> Result<(), Error> {
        let mut changes = self.unpublish();
        changes.extend(next.publish());
        machine.firewall()?.apply(&changes)?;
        next.forget_udp_flows(machine)
    }
}

/// The commands of one change to the table.
pub(super) fn nft_commands(change: &Change) -> Vec<String> {
    change
        .to_nft()
        .iter()
        .map(|line| format!("nft '{line}'"))
        .collect()
}

/// Waits until nobody repairs, but not for longer than [`PATIENCE`].
fn wait_for_a_repair(machine: &Machine) {
    let lock = machine.paths().run_dir().join("repair.lock");
    let began = Instant::now();
    while began.elapsed() < PATIENCE && matches!(Lock::try_take(&lock), Ok(None)) {
        thread::sleep(Duration::from_millis(5));
    }
}

impl Act for PublishPorts {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        let taken = |error: &minet_nat::Error| matches!(error, minet_nat::Error::PortTaken { .. });
        match machine.firewall()?.apply(&self.publish()) {
            // The store says that the port is free: a repair may have put back what belonged
            // to a container that has just ended, and is about to notice.
            Err(error) if taken(&error) => {
                wait_for_a_repair(machine);
                machine.firewall()?.apply(&self.publish())?;
            }
            applied => applied?,
        }
        self.forget_udp_flows(machine)
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        machine.firewall()?.apply(&self.unpublish())?;
        self.forget_udp_flows(machine)
    }

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        for publication in self.publications() {
            let port = publication.port;
            let found = machine.firewall()?.publication(&port)?;
            let ours = found.is_some_and(|element| {
                element.owner_id.as_deref() == Some(self.id.short())
                    && Some(element.container) == self.target(&port)
                    && element.port == port
            });
            if !ours {
                return Ok(Finding::Differs(format!(
                    "{port} does not lead to {}",
                    self.name
                )));
            }
        }
        Ok(Finding::AsPlanned)
    }

    fn mend(&self, machine: &mut Machine) -> Result<(), Error> {
        // The port is the container's, as the store says: whatever else stands there goes.
        let publications: Vec<_> = self.publications().collect();
        machine.firewall()?.republish(&publications)?;
        self.forget_udp_flows(machine)
    }

    fn explain(&self) -> Explanation {
        let ports: Vec<String> = self.ports.iter().map(PublishedPort::to_string).collect();
        let relayed = |port: &&PublishedPort| self.target(port).is_none();
        let mut up: Vec<String> = self.publish().iter().flat_map(nft_commands).collect();
        up.extend(self.ports.iter().filter(relayed).map(|port| {
            let why = match self.address6 {
                None => "the container has no IPv6",
                Some(_) => "the loopback does not lead out",
            };
            format!("# {port} is relayed by the supervisor: {why}")
        }));
        Explanation {
            what: format!("publish {} of {}", ports.join(", "), self.name),
            why: "For each host port one element in a map: the kernel looks up the port of a packet to the host and rewrites its destination (DNAT).".into(),
            up,
            down: self.unpublish().iter().flat_map(nft_commands).collect(),
        }
    }
}
