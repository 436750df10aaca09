//! What can be done to the table, as values.

use crate::command::{Command, IfPresent};
use crate::edge::Edge;
use crate::foreign::Restraint;
use crate::network::NetworkRules;
use crate::publication::Publication;
use crate::table::{Element, IPV6, OLDER, TABLE, Table, Transit, Value, any_layout, layout};
use crate::transit::{forget_older, name_older};
use minet_model::IfName;

/// One change. Several make one transaction, see [`crate::Firewall::apply`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Makes the table with its sets, chains and rules. If there is a table of this name
    /// already, it stays as it is, whatever its [`Transit`].
    InstallTable(Transit),
    /// Names interfaces that were there before minet turned forwarding on, so that they do
    /// not pass a table whose transit is [`Transit::Dropped`]; those named stay.
    NameOlder(Vec<IfName>),
    /// Takes that back; what is gone already is gone.
    ForgetOlder(Vec<IfName>),
    /// Adds a network; if it is there already, it stays.
    AddNetwork(NetworkRules),
    /// Makes a network what the second one is, instead of what the first one is.
    ReplaceNetwork(NetworkRules, NetworkRules),
    /// Removes a network; what is gone already is gone.
    RemoveNetwork(NetworkRules),
    /// Keeps a network out of others' bridges; what is there already stays.
    Restrain(Restraint),
    /// Takes that back; what is gone already is gone.
    Release(Restraint),
    /// Drops IPv6 packets that are passed on and have nothing to do with minet's networks:
    /// the host was no router for them before. What is there already stays.
    CloseTransit6,
    /// Takes that back; what is gone already is gone.
    OpenTransit6,
    /// Lets a container begin to talk to a port of another; what is open already stays.
    OpenEdge(Edge),
    /// Takes that back; what is gone already is gone.
    CloseEdge(Edge),
    /// Publishes a port. If the very same publication is there already, it stays.
    Publish(Publication),
    /// Unpublishes a port, if it is still the same container's.
    Unpublish(Publication),
    /// Removes the table with everything in it; what is gone already is gone.
    RemoveTable,
}

impl Change {
    /// The equivalent commands, to be given to `nft -f -`.
    ///
    /// They do what [`crate::Firewall::apply`] does when nothing is in the way: `nft`
    /// knows no "if it is there already" for the table and no "if it is still mine".
    pub fn to_nft(&self) -> Vec<String> {
        match self {
            Change::InstallTable(transit) => layout(*transit)
                .to_nft()
                .lines()
                .map(str::to_owned)
                .collect(),
            Change::RemoveTable
            | Change::NameOlder(_)
            | Change::ForgetOlder(_)
            | Change::AddNetwork(_)
            | Change::ReplaceNetwork(..)
            | Change::RemoveNetwork(_)
            | Change::Restrain(_)
            | Change::Release(_)
            | Change::CloseTransit6
            | Change::OpenTransit6
            | Change::OpenEdge(_)
            | Change::CloseEdge(_)
            | Change::Publish(_)
            | Change::Unpublish(_) => self.commands().iter().map(Command::to_nft).collect(),
        }
    }

    /// The messages.
    pub(crate) fn commands(&self) -> Vec<Command> {
        let table = any_layout();
        match self {
            Change::InstallTable(transit) => install(&layout(*transit)),
            Change::NameOlder(names) => name_older(names, table),
            Change::ForgetOlder(names) => forget_older(names, table),
            Change::AddNetwork(network) => network.add(table),
            Change::RemoveNetwork(network) => network.remove(table),
            Change::Restrain(restraint) => restraint.add(table),
            Change::Release(restraint) => restraint.remove(table),
            Change::CloseTransit6 => vec![close_transit6(table)],
            Change::OpenTransit6 => vec![Command::DeleteElement {
                set: crate::table_set(table, "closed"),
                element: ipv6(),
            }],
            Change::Publish(publication) => vec![publication.add(table)],
            Change::Unpublish(publication) => vec![publication.remove(table)],
            Change::ReplaceNetwork(before, after) => after.replace(before, table),
            Change::OpenEdge(edge) => vec![edge.open(table)],
            Change::CloseEdge(edge) => vec![edge.close(table)],
            Change::RemoveTable => vec![Command::DeleteTable],
        }
    }

    /// Whether this makes the table.
    pub(crate) fn installs(&self) -> bool {
        matches!(self, Change::InstallTable(_))
    }

    /// The object and the act, as an error names them.
    pub(crate) fn describe(&self) -> String {
        match self {
            Change::InstallTable(_) => format!("create table inet {TABLE}"),
            Change::NameOlder(_) | Change::ForgetOlder(_) => {
                format!("change set {OLDER} of table inet {TABLE}")
            }
            Change::AddNetwork(network) => {
                format!("add network {} to table inet {TABLE}", network.owner)
            }
            Change::ReplaceNetwork(_, network) => {
                format!("change network {} in table inet {TABLE}", network.owner)
            }
            Change::RemoveNetwork(network) => {
                format!("remove network {} from table inet {TABLE}", network.owner)
            }
            Change::Restrain(restraint) => format!("restrain network {}", restraint.owner),
            Change::Release(restraint) => format!("release network {}", restraint.owner),
            Change::CloseTransit6 => "close the transit of IPv6".to_owned(),
            Change::OpenTransit6 => "open the transit of IPv6".to_owned(),
            Change::OpenEdge(edge) => format!("let {} reach {}", edge.owner, edge.source),
            Change::CloseEdge(edge) => {
                format!("let {} reach {} no longer", edge.owner, edge.source)
            }
            Change::Publish(publication) => format!("publish {}", publication.port),
            Change::Unpublish(publication) => format!("unpublish {}", publication.port),
            Change::RemoveTable => format!("delete table inet {TABLE}"),
        }
    }
}

fn close_transit6(table: &Table) -> Command {
    Command::AddElement {
        set: crate::table_set(table, "closed"),
        element: ipv6(),
        if_present: IfPresent::Keep,
    }
}

fn ipv6() -> Element {
    Element {
        key: vec![Value::NfProto(&IPV6)],
        data: Vec::new(),
        comment: String::new(),
    }
}

/// Everything in order: a rule may only name what is there.
fn install(table: &Table) -> Vec<Command> {
    let sets = table.sets.iter().zip(1..).map(|(set, id)| Command::AddSet {
        set: set.clone(),
        id,
    });
    let chains = table.chains.iter().cloned().map(Command::AddChain);
    let rules = table.chains.iter().flat_map(|chain| {
        chain.rules.iter().map(|rule| Command::AddRule {
            chain: chain.name,
            rule: rule.clone(),
        })
    });
    let comment = table.comment;
    let mut commands = vec![Command::AddTable { comment }];
    commands.extend(sets.chain(chains).chain(rules));
    commands
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Masquerade, Neighbours, Reach};
    use minet_model::{ContainerId, MacAddr, Protocol, PublishedPort};

    fn network(reach: Reach) -> NetworkRules {
        NetworkRules {
            bridge: "minet0".parse().unwrap(),
            subnet: "172.17.0.0/16".parse().unwrap(),
            subnet6: None,
            gateway: "172.17.0.1".parse().unwrap(),
            router: Some(MacAddr::for_ipv4("172.17.0.1".parse().unwrap())),
            owner: "bridge".parse().unwrap(),
            masquerade: Masquerade::On,
            outbound: None,
            outbound6: None,
            behind: Vec::new(),
            reach,
            neighbours: Neighbours::Talk,
            connections: minet_model::Connections::Limited,
        }
    }

    fn web(host_ip: &str) -> Publication {
        Publication {
            port: PublishedPort {
                protocol: Protocol::Tcp,
                container_port: 80,
                host_ip: host_ip.parse().unwrap(),
                host_port: 8080,
            },
            container: match host_ip.contains(':') {
                true => "fd00::2".parse().unwrap(),
                false => "172.17.0.2".parse().unwrap(),
            },
            owner: "web".parse().unwrap(),
            owner_id: ContainerId::from_bytes([0x3f; 32]),
        }
    }

    #[test]
    fn a_port_is_one_line() {
        assert_eq!(
            Change::Publish(web("0.0.0.0")).to_nft(),
            ["create element inet minet publish { tcp . 8080 \
                 comment \"web (3f3f3f3f3f3f): 8080 -> 80/tcp\" : 172.17.0.2 . 80 }"]
        );
        assert_eq!(
            Change::Publish(web("127.0.0.1")).to_nft(),
            [
                "create element inet minet publish_at { 127.0.0.1 . tcp . 8080 \
                 comment \"web (3f3f3f3f3f3f): 127.0.0.1:8080 -> 80/tcp\" : 172.17.0.2 . 80 }"
            ]
        );
        assert_eq!(
            Change::Publish(web("::")).to_nft(),
            ["create element inet minet publish6 { tcp . 8080 \
                 comment \"web (3f3f3f3f3f3f): 8080 -> 80/tcp\" : fd00::2 . 80 }"]
        );
        assert_eq!(
            Change::Unpublish(web("2001:db8::1")).to_nft(),
            ["delete element inet minet publish_at6 { 2001:db8::1 . tcp . 8080 }"]
        );
        assert_eq!(
            Change::Unpublish(web("0.0.0.0")).to_nft(),
            ["delete element inet minet publish { tcp . 8080 }"]
        );
    }

    #[test]
    fn a_network_is_a_line_for_each_set() {
        assert_eq!(
            Change::AddNetwork(network(Reach::Outside)).to_nft(),
            [
                "add element inet minet home { 172.17.0.0/16 . \"minet0\" comment \"network bridge\" }",
                "add element inet minet hidden { 172.17.0.0/16 comment \"network bridge\" }",
                "add element inet minet masqueraded { 172.17.0.0/16 comment \"network bridge\" }",
                "add element inet minet within { \"minet0\" . \"minet0\" comment \"network bridge\" }",
                "add element inet minet routers { 02:42:ac:11:00:01 comment \"network bridge\" }",
                "add element inet minet talking { \"minet0\" comment \"network bridge\" }",
                "add element inet minet bridges { \"minet0\" comment \"network bridge\" }",
            ]
        );
        assert_eq!(
            Change::RemoveNetwork(network(Reach::InternalOnly)).to_nft(),
            [
                "delete element inet minet bridges { \"minet0\" }",
                "delete element inet minet internal { \"minet0\" }",
                "delete element inet minet talking { \"minet0\" }",
                "delete element inet minet routers { 02:42:ac:11:00:01 }",
                "delete element inet minet within { \"minet0\" . \"minet0\" }",
                "delete element inet minet hidden { 172.17.0.0/16 }",
                "delete element inet minet home { 172.17.0.0/16 . \"minet0\" }",
            ]
        );
    }

    #[test]
    fn a_change_touches_only_what_is_different() {
        let before = network(Reach::Outside);
        let mut after = before.clone();
        after.outbound = Some("192.0.2.9".parse().unwrap());
        after.neighbours = Neighbours::Apart;
        assert_eq!(
            Change::ReplaceNetwork(before.clone(), after).to_nft(),
            [
                "delete element inet minet talking { \"minet0\" }",
                "delete element inet minet routers { 02:42:ac:11:00:01 }",
                "delete element inet minet within { \"minet0\" . \"minet0\" }",
                "delete element inet minet masqueraded { 172.17.0.0/16 }",
                "add element inet minet outbound { 172.17.0.0/16 comment \"network bridge\" : 192.0.2.9 }",
            ]
        );
        assert!(
            Change::ReplaceNetwork(before.clone(), before)
                .to_nft()
                .is_empty()
        );
    }

    #[test]
    fn ipv6_is_a_line_more_for_each_set_of_addresses() {
        let mut both = network(Reach::Outside);
        both.subnet6 = Some("fd00:1::/64".parse().unwrap());
        both.outbound = Some("192.0.2.9".parse().unwrap());
        let lines = Change::AddNetwork(both.clone()).to_nft();
        let six: Vec<_> = lines.iter().filter(|line| line.contains("fd00")).collect();
        assert_eq!(
            six,
            [
                "add element inet minet home6 { fd00:1::/64 . \"minet0\" comment \"network bridge\" }",
                "add element inet minet hidden6 { fd00:1::/64 comment \"network bridge\" }",
                "add element inet minet masqueraded6 { fd00:1::/64 comment \"network bridge\" }",
            ]
        );
        assert_eq!(
            Change::CloseTransit6.to_nft(),
            ["add element inet minet closed { ipv6 }"]
        );
    }

    #[test]
    fn a_restraint_is_a_line_and_one_for_each_exit() {
        let restraint = Restraint {
            bridge: "minet0".parse().unwrap(),
            owner: "bridge".parse().unwrap(),
            exits: vec!["br-lan".parse().unwrap()],
        };
        assert_eq!(
            Change::Restrain(restraint.clone()).to_nft(),
            [
                "add element inet minet exits { \"minet0\" . \"br-lan\" comment \"network bridge\" }",
                "add element inet minet restrained { \"minet0\" comment \"network bridge\" }",
            ]
        );
        assert_eq!(
            Change::Release(restraint).to_nft(),
            [
                "delete element inet minet restrained { \"minet0\" }",
                "delete element inet minet exits { \"minet0\" . \"br-lan\" }",
            ]
        );
    }

    #[test]
    fn transit_is_dropped_only_where_that_was_asked_for() {
        let drops = |transit| {
            let lines = Change::InstallTable(transit).to_nft();
            let of_transit = |line: &&String| line.contains("this host is no router");
            lines.iter().filter(of_transit).count()
        };
        // IPv6 has its rule in both; a set says whether it holds.
        assert_eq!(drops(Transit::Untouched), 1);
        assert_eq!(drops(Transit::Dropped), 2);
        assert_eq!(Change::RemoveTable.to_nft(), ["delete table inet minet"]);
    }
}
