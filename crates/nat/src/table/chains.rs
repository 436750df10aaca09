//! The chains: what happens to a packet, place by place.

use super::chain::{Base, Chain, ChainType, Hook, Priority};
use super::family::{FAMILIES, Family, IPV4, Loopback};
use super::layout::{BRIDGED, OLDER, Transit};
use super::rule::{Connection, Field, Match, Rule, Sense, Statement};
use Field::{Daddr, Dport, EtherDaddr, IifName, L4Proto, NfProto, OifName, Saddr};
use Sense::{In, NotIn};
use Statement::{Accept, Counter, DnatByMap, Drop, Jump, Masquerade, NoTrack, Return, SnatByMap};
use minet_model::IfName;

/// All chains, in the order in which a packet meets them.
pub(super) fn chains(transit: Transit) -> Vec<Chain> {
    let beside_minet = match transit {
        Transit::Untouched => None,
        Transit::Dropped => Some(beside_minet()),
    };
    [guard(), prerouting(), output(), publish_ports(), input()]
        .into_iter()
        .chain(beside_minet)
        .chain([foreign(transit), forward(), postrouting()])
        .collect()
}

/// Before conntrack and before any rewriting: who may speak, and to whom.
fn guard() -> Chain {
    let loopback = |family: &'static Family| {
        rule(
            [
                Match::NotFrom(IfName::loopback()),
                Match::ToLoopback(family),
            ],
            [Counter, Drop],
            "loopback belongs to the host itself",
        )
    };
    let rules_of = |family: &'static Family| {
        [
            at_home(family),
            rule(
                [
                    lookup([IifName], NotIn, "bridges"),
                    Match::NotFrom(IfName::loopback()),
                    lookup([Daddr(family)], In, family.set("hidden")),
                    lookup([Daddr(family)], NotIn, family.set("routed")),
                ],
                [Counter, Drop],
                "containers are reached through published ports",
            ),
        ]
    };
    // Were it tracked here, its NAT would be settled before it comes by the first bridge.
    let bridged = rule(
        [Match::FromShard],
        [NoTrack, Accept],
        "frames on a further bridge: what is routed is judged on the first",
    );
    Chain {
        name: "guard",
        base: Some(Base {
            kind: ChainType::Filter,
            hook: Hook::Prerouting,
            priority: Priority::Raw,
        }),
        comment: "first of all: who may speak, and to whom",
        rules: [bridged]
            .into_iter()
            .chain(FAMILIES.iter().copied().map(loopback))
            .chain([between_neighbours()])
            .chain(FAMILIES.iter().copied().flat_map(rules_of))
            .collect(),
    }
}

/// Where the host shows its firewall the frames inside bridges (`bridge-nf-call-iptables`),
/// those between neighbours who may talk pass as they do where it does not: unjudged, and
/// unknown to conntrack. What the bridge's own MAC is the destination of, is routed.
fn between_neighbours() -> Rule {
    rule(
        [
            lookup([IifName], In, "talking"),
            lookup([EtherDaddr], NotIn, "routers"),
        ],
        [NoTrack, Accept],
        "a frame between neighbours, who may talk",
    )
}

/// A link-local address is at home on every link, and never leaves it: with it neighbours
/// find each other (RFC 4861).
fn at_home(family: &'static Family) -> Rule {
    let mut rule = rule(
        [
            lookup([IifName], In, "bridges"),
            lookup([Saddr(family), IifName], NotIn, family.set("home")),
            lookup([Saddr(family), IifName], NotIn, family.set("behind")),
        ],
        [Counter, Drop],
        "source address is not at home on this bridge",
    );
    let beyond_the_link = |of| Match::FromLinkLocal(family, of, NotIn);
    rule.matches
        .extend(family.link_local.as_ref().map(beyond_the_link));
    rule
}

fn prerouting() -> Chain {
    to_this_machine(
        "prerouting",
        Hook::Prerouting,
        "connections from elsewhere to the host",
    )
}

fn output() -> Chain {
    to_this_machine("output", Hook::Output, "connections of the host to itself")
}

/// Only what is meant for the host may be redirected; transit to somebody else's port 53
/// is none of our business.
fn to_this_machine(name: &'static str, hook: Hook, comment: &'static str) -> Chain {
    Chain {
        name,
        base: Some(Base {
            kind: ChainType::Nat,
            hook,
            priority: Priority::DstNat,
        }),
        comment,
        rules: vec![rule(
            [Match::ToThisMachine],
            [Jump("publish_ports".to_owned())],
            "",
        )],
    }
}

/// One lookup each, however many ports there are; the more specific map comes first.
fn publish_ports() -> Chain {
    let rules_of = |family: &'static Family| {
        let at = vec![Daddr(family), L4Proto, Dport];
        let anywhere = vec![L4Proto, Dport];
        let mut rules = left_to_the_relay(family);
        rules.extend([
            rule([], [DnatByMap(family, at, family.set("publish_at"))], ""),
            rule([], [DnatByMap(family, anywhere, family.set("publish"))], ""),
        ]);
        rules
    };
    Chain {
        name: "publish_ports",
        base: None,
        comment: "a host port becomes a container's address and port",
        rules: FAMILIES.iter().copied().flat_map(rules_of).collect(),
    }
}

/// What cannot be led to a container, because its source means nothing there: the socket
/// that holds the port gets it.
fn left_to_the_relay(family: &'static Family) -> Vec<Rule> {
    let loopback = match family.loopback {
        Loopback::Leads => None,
        Loopback::Stays => Some(rule(
            [Match::ToLoopback(family)],
            [Return],
            "relayed: the loopback does not lead out",
        )),
    };
    let link_local = family.link_local.as_ref().map(|of| {
        rule(
            [Match::FromLinkLocal(family, of, In)],
            [Return],
            "relayed: such an address is good for one link",
        )
    });
    loopback.into_iter().chain(link_local).collect()
}

/// To the host itself. A container reaches the host's services at its own gateway and at
/// the host's addresses outside; what listens at another network's gateway is meant for
/// that network. A published port is not meant for the host, so it does not come by here.
fn input() -> Chain {
    let not_ours = rule([lookup([IifName], NotIn, "bridges")], [Accept], "not ours");
    let known = rule([Match::Ct(Connection::Known)], [Accept], "");
    let linked = rule(
        // Neighbour discovery is no connection.
        [lookup([IifName], In, "linked"), Match::Ct(Connection::New)],
        [Counter, Drop],
        "its containers reach nobody but along links",
    );
    let foreign_gateway = |family: &'static Family| {
        rule(
            [
                lookup([Daddr(family)], In, family.set("hidden")),
                lookup([Daddr(family), IifName], NotIn, family.set("home")),
            ],
            [Counter, Drop],
            "the gateway of another network",
        )
    };
    Chain {
        name: "input",
        base: Some(Base {
            kind: ChainType::Filter,
            hook: Hook::Input,
            priority: Priority::Filter,
        }),
        comment: "from containers to this machine itself",
        rules: [not_plugged_in(), not_ours, known, linked]
            .into_iter()
            .chain(FAMILIES.iter().copied().map(too_many_connections))
            .chain(FAMILIES.iter().copied().map(foreign_gateway))
            .chain(FAMILIES.iter().copied().map(behind))
            .collect(),
    }
}

/// A neighbour with routes of a network's (`--route`) answers for what lies behind it, where
/// frames on a bridge are judged here; the host itself has nothing to do with that.
fn behind(family: &'static Family) -> Rule {
    rule(
        [lookup([Saddr(family), IifName], In, family.set("behind"))],
        [Counter, Drop],
        "from behind a neighbour, who routes for the network only",
    )
}

/// The chain that is only there where minet turned forwarding on.
pub(crate) const TRANSIT: &str = "transit";

const NO_ROUTER: &str = "this host is no router: forwarding is on for minet's networks only";

/// Where minet turned IPv4 forwarding on, packets that are not its own: between the host's cards,
/// tunnels and whatever was there before, the host stays what it was, no router. A bridge or
/// a cable that came later is another container tool's, which found forwarding on and relies
/// on it: what its guests send passes, and that tool's own rules say how far.
///
/// To its guests come answers, and what it publishes, no more. Docker would have closed the
/// rest itself, had it been the one who turned forwarding on.
fn beside_minet() -> Chain {
    let another_tools = |kind| {
        let answers = |connection| {
            let matches = [
                Match::ToKind(kind),
                lookup([OifName], NotIn, OLDER),
                Match::Ct(connection),
            ];
            rule(matches, [Accept], "")
        };
        [
            rule(
                [Match::FromKind(kind), lookup([IifName], NotIn, OLDER)],
                [Accept],
                "another tool's, which came later",
            ),
            answers(Connection::Known),
            answers(Connection::Dnat),
        ]
    };
    let no_router = rule([], [Counter, Drop], NO_ROUTER);
    Chain {
        name: TRANSIT,
        base: None,
        comment: "what is not minet's, where minet turned IPv4 forwarding on",
        rules: ["bridge", "veth"]
            .into_iter()
            .flat_map(another_tools)
            .chain([no_router])
            .collect(),
    }
}

/// What is sent to the further bridge itself, and not over it.
fn not_plugged_in() -> Rule {
    rule(
        [Match::FromShard],
        [Counter, Drop],
        "the host is on the first bridge only",
    )
}

const FOREIGN: &str = "foreign";

/// What is not minet's. With `net.bridge.bridge-nf-call-iptables=1`, frames between two ports
/// of one bridge come by, too, as if the bridge had routed them to itself: nothing tells
/// them apart from packets that are sent back to where they came from, so both pass.
fn foreign(transit: Transit) -> Chain {
    let within = rule(
        [
            Match::FromKind("bridge"),
            lookup([IifName, OifName], In, BRIDGED),
        ],
        [Accept],
        "inside a bridge of somebody else's",
    );
    let of_later = rule(
        [
            Match::FromKind("bridge"),
            Match::ToKind("bridge"),
            lookup([IifName], NotIn, OLDER),
            lookup([OifName], NotIn, OLDER),
        ],
        [Accept],
        "inside one that came later",
    );
    let transit = match transit {
        Transit::Untouched => rule([Match::Of(&IPV4)], [Accept], ""),
        Transit::Dropped => rule([Match::Of(&IPV4)], [Jump(TRANSIT.to_owned())], ""),
    };
    let closed = rule(
        [lookup([NfProto], In, "closed")],
        [Counter, Drop],
        NO_ROUTER,
    );
    Chain {
        name: FOREIGN,
        base: None,
        comment: "what is not minet's",
        rules: vec![within, of_later, transit, closed, rule([], [Accept], "")],
    }
}

/// Between networks, and between networks and the outside.
fn forward() -> Chain {
    let not_ours = [
        lookup([IifName], NotIn, "bridges"),
        lookup([OifName], NotIn, "bridges"),
    ];
    let linked = |family: &'static Family| {
        rule(
            [lookup(
                [Saddr(family), Daddr(family), L4Proto, Dport],
                In,
                family.set("edges"),
            )],
            [Accept],
            "linked",
        )
    };
    Chain {
        name: "forward",
        base: Some(Base {
            kind: ChainType::Filter,
            hook: Hook::Forward,
            priority: Priority::Filter,
        }),
        comment: "from one interface to another",
        rules: [
            rule(
                [Match::FromShard, Match::ToShard],
                [Accept],
                "frames that stay on a further bridge",
            ),
            not_plugged_in(),
            rule(
                [
                    Match::Ct(Connection::Untracked),
                    lookup([IifName, OifName], In, "within"),
                ],
                [Accept],
                "a frame between neighbours, who may talk",
            ),
            rule(not_ours, [Jump(FOREIGN.to_owned())], "not ours"),
            rule(
                [Match::Ct(Connection::Invalid)],
                [Counter, Drop],
                "NAT would not touch it: a container's address would leak",
            ),
            rule([Match::Ct(Connection::Known)], [Accept], ""),
        ]
        .into_iter()
        .chain(FAMILIES.iter().copied().map(too_many_connections))
        .chain([rule(
            [lookup([IifName, OifName], In, "within")],
            [Accept],
            "neighbours",
        )])
        .chain(FAMILIES.iter().copied().map(behind))
        .chain(FAMILIES.iter().copied().map(linked))
        .chain([
            rule(
                [lookup([IifName], In, "linked")],
                [Counter, Drop],
                "its containers reach nobody but along links",
            ),
            rule(
                [lookup([IifName], In, "internal")],
                [Counter, Drop],
                "nothing leaves an internal network",
            ),
            rule(
                [lookup([OifName], In, "internal")],
                [Counter, Drop],
                "nothing enters an internal network",
            ),
            rule(
                [
                    Match::Ct(Connection::Dnat),
                    lookup([OifName], In, "bridges"),
                ],
                [Accept],
                "published",
            ),
            rule(
                [lookup([OifName], In, "bridges")],
                [Counter, Drop],
                "another network, or a port that is not published",
            ),
            rule(
                [
                    lookup([IifName], In, "restrained"),
                    Match::Ct(Connection::Dnat),
                ],
                [Accept],
                "published by another",
            ),
            rule(
                [
                    lookup([IifName], In, "restrained"),
                    Match::ToKind("bridge"),
                    lookup([IifName, OifName], NotIn, "exits"),
                ],
                [Counter, Drop],
                "behind another's bridge, and not published",
            ),
        ])
        .collect(),
    }
}

/// Under which source address a connection leaves. Each rule counts connections, not
/// packets: a nat chain sees only the first packet of each.
fn postrouting() -> Chain {
    let hairpin = |family: &'static Family| {
        rule(
            [
                Match::Ct(Connection::Dnat),
                lookup([Saddr(family), OifName], In, family.set("home")),
            ],
            [Counter, Masquerade],
            "hairpin: the answer must come back through the host",
        )
    };
    let from_loopback = |family: &'static Family| {
        rule(
            [
                lookup([OifName], In, "bridges"),
                Match::FromLoopback(family),
            ],
            [Counter, Masquerade],
            "a loopback address means another machine there",
        )
    };
    let leaving = |family: &'static Family| {
        rule(
            [lookup([Saddr(family)], In, family.set("masqueraded"))],
            [Counter, Masquerade],
            "out into the world under the host's address",
        )
    };
    let under_an_address = |family: &'static Family| {
        let source = vec![Saddr(family)];
        rule(
            [],
            [SnatByMap(family, source, family.set("outbound"))],
            "out into the world under a certain address",
        )
    };
    let families = || FAMILIES.iter().copied();
    let mut rules: Vec<_> = families().map(hairpin).collect();
    let leads = |family: &&'static Family| family.loopback == Loopback::Leads;
    rules.extend(families().filter(leads).map(from_loopback));
    rules.push(rule(
        [lookup([OifName], In, "bridges")],
        [Return],
        "between networks the client keeps its address",
    ));
    rules.extend(families().map(under_an_address));
    rules.extend(families().map(leaving));
    Chain {
        name: "postrouting",
        base: Some(Base {
            kind: ChainType::Nat,
            hook: Hook::Postrouting,
            priority: Priority::SrcNat,
        }),
        comment: "under which source address a connection goes on",
        rules,
    }
}

/// One container must not fill the host's table of connections, with which everybody's new
/// ones would stop. Only those that it opens count, and only while conntrack holds them open.
pub(super) const MOST_CONNECTIONS: u32 = 8192;

fn too_many_connections(family: &'static Family) -> Rule {
    let count =
        Statement::WithMoreConnections(Saddr(family), family.set("connections"), MOST_CONNECTIONS);
    rule(
        [
            lookup([IifName], In, "bridges"),
            lookup([IifName], NotIn, "unlimited"),
            Match::Ct(Connection::New),
        ],
        [count, Counter, Drop],
        "more connections than one container may have open",
    )
}

fn rule<const M: usize, const S: usize>(
    matches: [Match; M],
    statements: [Statement; S],
    comment: &'static str,
) -> Rule {
    Rule {
        matches: matches.into(),
        statements: statements.into(),
        comment,
    }
}

fn lookup<const N: usize>(fields: [Field; N], sense: Sense, set: impl Into<String>) -> Match {
    Match::Lookup(fields.into(), sense, set.into())
}
