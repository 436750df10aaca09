//! What the table consists of: first the sets, then the [`super::chains`].

use super::chains::chains;
use super::family::{FAMILIES, Family};
use super::set::{Set, Shape};
use super::value::DataType;
use super::{TABLE, Table};
use std::sync::OnceLock;

/// What the table does with packets that neither come from nor go to a network of minet's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transit {
    /// Nothing: the host was a router before, or its owner made it one.
    Untouched,
    /// Drop: forwarding was turned on for minet's networks alone, and turning it on must
    /// not make the host a router between its other interfaces. Bridges and cables that
    /// come later belong to another tool, which needs forwarding too, and pass.
    Dropped,
}

/// The set of interfaces between which the host was no router, see [`Transit::Dropped`].
pub(crate) const OLDER: &str = "older";

/// The set of the same interfaces, twice each: what goes back to where it came from.
pub(crate) const BRIDGED: &str = "bridged";

/// The whole of `inet minet`, without elements.
pub fn layout(transit: Transit) -> Table {
    let per_family = FAMILIES.iter().copied();
    let mut sets = shared_sets();
    sets.extend(per_family.flat_map(sets_of));
    Table {
        name: TABLE,
        comment: "minet's own: made, changed and removed by minet alone",
        sets,
        chains: chains(transit),
    }
}

/// The same, made once: the sets are those of every table of minet's, whatever its transit,
/// and each of ten thousand ports looks up its own.
pub(crate) fn any_layout() -> &'static Table {
    static ANY: OnceLock<Table> = OnceLock::new();
    ANY.get_or_init(|| layout(Transit::Untouched))
}

fn shared_sets() -> Vec<Set> {
    let set = |name: &str, key: &[DataType], comment: &str| Set {
        name: name.to_owned(),
        key: key.to_vec(),
        data: Vec::new(),
        shape: Shape::Exact,
        comment: comment.to_owned(),
    };
    vec![
        set("bridges", &[DataType::Ifname], "every bridge of minet's"),
        set(
            "unlimited",
            &[DataType::Ifname],
            "bridges whose containers may open any number of connections",
        ),
        set(
            "within",
            &[DataType::Ifname, DataType::Ifname],
            "bridge . bridge: neighbours on one network may talk",
        ),
        set(
            "talking",
            &[DataType::Ifname],
            "bridges within which frames need no judging",
        ),
        set(
            "routers",
            &[DataType::EtherAddr],
            "their own MACs: what is addressed to them is routed",
        ),
        set(
            "internal",
            &[DataType::Ifname],
            "bridges that nothing enters and nothing leaves",
        ),
        set(
            "closed",
            &[DataType::NfProto],
            "families that this host passes on for minet's networks only",
        ),
        set(
            "linked",
            &[DataType::Ifname],
            "bridges whose containers reach nobody but along edges",
        ),
        set(
            "restrained",
            &[DataType::Ifname],
            "bridges whose containers are kept out of others' bridges",
        ),
        set(
            "exits",
            &[DataType::Ifname, DataType::Ifname],
            "restrained bridge . another's interface that leads out",
        ),
        set(
            OLDER,
            &[DataType::Ifname],
            "bridges and cables from before minet turned forwarding on",
        ),
        set(
            BRIDGED,
            &[DataType::Ifname, DataType::Ifname],
            "each of them . itself: frames inside a bridge",
        ),
    ]
}

fn sets_of(family: &Family) -> Vec<Set> {
    use DataType::{Ifname, InetProto, InetService};
    let address = family.address;
    let define = |name: &str, key: &[DataType], data: &[DataType], shape, comment: &str| Set {
        name: family.set(name),
        key: key.to_vec(),
        data: data.to_vec(),
        shape,
        comment: comment.to_owned(),
    };
    vec![
        define(
            "connections",
            &[address],
            &[],
            Shape::Counted,
            "containers' addresses and how many connections they have opened",
        ),
        define(
            "home",
            &[address, Ifname],
            &[],
            Shape::Interval,
            "subnet . bridge: where an address is at home",
        ),
        define(
            "behind",
            &[address, Ifname],
            &[],
            Shape::Interval,
            "subnet . bridge: what a neighbour there routes to",
        ),
        define(
            "masqueraded",
            &[address],
            &[],
            Shape::Interval,
            "subnets that leave under the host's address",
        ),
        define(
            "outbound",
            &[address],
            &[address],
            Shape::Interval,
            "subnet : the host's address under which it leaves",
        ),
        define(
            "hidden",
            &[address],
            &[],
            Shape::Interval,
            "subnets that outside may not address directly",
        ),
        define(
            "routed",
            &[address],
            &[],
            Shape::Interval,
            "of those, subnets whose answers come under their own addresses",
        ),
        define(
            "edges",
            &[address, address, InetProto, InetService],
            &[],
            Shape::Exact,
            "who . whom . port: links where neighbours do not talk",
        ),
        define(
            "publish",
            &[InetProto, InetService],
            &[address, InetService],
            Shape::Exact,
            "host port : container, on every address of the host",
        ),
        define(
            "publish_at",
            &[address, InetProto, InetService],
            &[address, InetService],
            Shape::Exact,
            "host address and port : container",
        ),
    ]
}
