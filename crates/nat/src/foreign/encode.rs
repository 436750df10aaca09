//! The messages to others' chains.

use super::{ForeignChain, Passage};
use crate::netlink::message::{Attributes, Instruction, Message, Object};
use crate::netlink::userdata;
use crate::table::ifname_bytes;
use nftnl::nftnl_sys::{self as sys, libc};

/// From the bridge, or to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    From,
    To,
}

/// Both, in the order of the rules.
pub(super) const SIDES: [Side; 2] = [Side::From, Side::To];

/// Where a rule is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// At the end.
    Last,
    /// Before the rule with this handle.
    Before(u64),
}

impl Side {
    pub(super) fn to_nft(self) -> &'static str {
        match self {
            Side::From => "iifname",
            Side::To => "oifname",
        }
    }

    fn meta_key(self) -> i32 {
        match self {
            Side::From => libc::NFT_META_IIFNAME,
            Side::To => libc::NFT_META_OIFNAME,
        }
    }
}

/// Asks for every chain of every table.
pub(super) fn dump_chains() -> Message {
    Message {
        kind: libc::NFT_MSG_GETCHAIN as u16,
        flags: libc::NLM_F_DUMP as u16,
        family: libc::NFPROTO_UNSPEC as u8,
        object: Object::Chain(Attributes::new()),
    }
}

/// Asks for the table that this chain is in.
pub(super) fn get_table(chain: &ForeignChain) -> Message {
    let name = Attributes::new().with(sys::NFTNL_TABLE_NAME, chain.table.as_str());
    Message {
        kind: libc::NFT_MSG_GETTABLE as u16,
        flags: 0,
        family: chain.family.number(),
        object: Object::Table(name),
    }
}

/// Asks for every rule of this chain.
pub(super) fn dump_rules(chain: &ForeignChain) -> Message {
    Message {
        kind: libc::NFT_MSG_GETRULE as u16,
        flags: libc::NLM_F_DUMP as u16,
        family: chain.family.number(),
        object: Object::Rule(rules_of(chain), Vec::new()),
    }
}

/// Accepts what comes from the bridge, or what goes to it.
pub(super) fn add_rule(
    chain: &ForeignChain,
    passage: &Passage,
    side: Side,
    place: Place,
) -> Message {
    let notes = userdata::comment(&passage.comment());
    let attributes = rules_of(chain).with(sys::NFTNL_RULE_USERDATA, notes);
    let (flags, attributes) = match place {
        Place::Last => (libc::NLM_F_CREATE | libc::NLM_F_APPEND, attributes),
        Place::Before(handle) => {
            let position = handle.to_ne_bytes().to_vec();
            let attributes = attributes.with(sys::NFTNL_RULE_POSITION, position);
            (libc::NLM_F_CREATE, attributes)
        }
    };
    Message {
        kind: libc::NFT_MSG_NEWRULE as u16,
        flags: flags as u16,
        family: chain.family.number(),
        object: Object::Rule(attributes, accept(passage, side)),
    }
}

/// Deletes the rule with this handle.
pub(super) fn delete_rule(chain: &ForeignChain, handle: u64) -> Message {
    let handle = handle.to_ne_bytes().to_vec();
    Message {
        kind: libc::NFT_MSG_DELRULE as u16,
        flags: 0,
        family: chain.family.number(),
        object: Object::Rule(
            rules_of(chain).with(sys::NFTNL_RULE_HANDLE, handle),
            Vec::new(),
        ),
    }
}

fn rules_of(chain: &ForeignChain) -> Attributes {
    Attributes::new()
        .with(sys::NFTNL_RULE_TABLE, chain.table.as_str())
        .with(sys::NFTNL_RULE_CHAIN, chain.name.as_str())
}

/// In the order in which `iptables-nft` expects them, which reads such rules back.
fn accept(passage: &Passage, side: Side) -> Vec<Instruction> {
    let register = libc::NFT_REG_1 as u32;
    let instruction = |name, operands| Instruction {
        name,
        operands,
        beside: None,
    };
    vec![
        instruction(
            "meta",
            Attributes::new()
                .with(sys::NFTNL_EXPR_META_KEY, side.meta_key() as u32)
                .with(sys::NFTNL_EXPR_META_DREG, register),
        ),
        instruction(
            "cmp",
            Attributes::new()
                .with(sys::NFTNL_EXPR_CMP_SREG, register)
                .with(sys::NFTNL_EXPR_CMP_OP, libc::NFT_CMP_EQ as u32)
                .with(
                    sys::NFTNL_EXPR_CMP_DATA,
                    ifname_bytes(passage.bridge.as_str()).to_vec(),
                ),
        ),
        instruction("counter", Attributes::new()),
        instruction(
            "immediate",
            Attributes::new()
                .with(sys::NFTNL_EXPR_IMM_DREG, libc::NFT_REG_VERDICT as u32)
                .with(sys::NFTNL_EXPR_IMM_VERDICT, libc::NF_ACCEPT as u32),
        ),
    ]
}
