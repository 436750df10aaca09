use crate::{
    Error,
    machine::{Inside, Machine},
    step::{Act, Explanation, Finding},
};
use minet_model::ContainerName;
use minet_names::resolver::{self, Sockets};
use minet_nat::{Firewall, ResolverPort};
use minet_netns::Netns;
use serde::{Deserialize, Serialize};
use std::{fs, io};

/// The container has a name server on 127.0.0.11: its supervisor.
///
/// The sockets are opened inside and held outside; they, and the table that leads port 53
/// to them, go with the namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerNames {
    /// The container, for the explanation.
    pub name: ContainerName,
}

/// What queries are sent to, and where they arrive.
const PORT: ResolverPort = ResolverPort {
    asked: resolver::ASKED,
    listens: resolver::LISTENS,
};

fn open() -> Result<Sockets, Error> {
    let sockets = Sockets::open().map_err(Error::process("open the resolver's sockets"))?;
    Firewall::open()?.lead_to_resolver(&PORT)?;
    Ok(sockets)
}

/// Whether both sockets are there, as the kernel lists them (proc_net_tcp in the kernel's
/// documentation): address in the machine's order, a colon, port; in hexadecimal digits.
fn listens() -> io::Result<bool> {
    let address = u32::from_ne_bytes(resolver::ADDRESS.octets());
    let local = format!(" {address:08X}:{:04X} ", resolver::LISTENS);
    let has = |table| Ok::<_, io::Error>(fs::read_to_string(table)?.contains(&local));
    Ok(has("/proc/thread-self/net/udp")? && has("/proc/thread-self/net/tcp")?)
}

fn find() -> Result<Finding, Error> {
    if !Firewall::open()?.leads_to_resolver()? {
        let gone = "the table that leads port 53 to the resolver is gone".to_owned();
        return Ok(Finding::Differs(gone));
    }
    let listens = listens().map_err(Error::process("look for the resolver's sockets"))?;
    Ok(Finding::expect(listens, || {
        format!(
            "nobody listens on {}:{}",
            resolver::ADDRESS,
            resolver::LISTENS
        )
    }))
}

impl Act for AnswerNames {
    fn apply(&self, machine: &mut Machine) -> Result<(), Error> {
        let sockets = Netns::run(machine.netns_inside()?, open)??;
        machine.set_resolver(Some(sockets));
        Ok(())
    }

    fn undo(&self, machine: &mut Machine) -> Result<(), Error> {
        machine.set_resolver(None);
        match machine.inside() {
            Inside::Held { netns, .. } => {
                Netns::run(netns, || Firewall::open()?.forget_resolver())??;
                Ok(())
            }
            Inside::Unknown | Inside::Dying => Ok(()),
        }
    }

    fn check(&self, machine: &mut Machine) -> Result<Finding, Error> {
        Netns::run(machine.netns_inside()?, find)?
    }

    /// The table can be made again; the sockets are the supervisor's own.
    fn mend(&self, machine: &mut Machine) -> Result<(), Error> {
        let mend = || {
            let mut firewall = Firewall::open()?;
            firewall.forget_resolver()?;
            Ok::<_, Error>(firewall.lead_to_resolver(&PORT)?)
        };
        Netns::run(machine.netns_inside()?, mend)?
    }

    fn explain(&self) -> Explanation {
        let name = &self.name;
        let nft = |text: &str| format!("ip netns exec {name} nft -f - <<'END'\n{text}\nEND");
        Explanation {
            what: format!("answer the questions of {name} for names"),
            why: "Its supervisor listens inside, on a port that no program wants, and a table that keeps no state leads 127.0.0.11:53 there: so a program may still bind port 53 itself.".into(),
            up: vec![
                nft(&PORT.to_nft()),
                format!(
                    "# in {name}, a name server on {}:{}, such as: ip netns exec {name} dnsmasq --no-daemon --listen-address={} --port={}",
                    resolver::ADDRESS,
                    resolver::LISTENS,
                    resolver::ADDRESS,
                    resolver::LISTENS
                ),
            ],
            down: vec![nft(&PORT.to_nft_delete())],
        }
    }
}
