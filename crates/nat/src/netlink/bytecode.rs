//! From the words of a rule to the instructions of the kernel's little machine.
//!
//! The machine has sixteen registers of four bytes, which also go by fours: register 1
//! is the first four of them. A question loads a field and compares it; when the answer
//! is no, the rule ends. `nft --debug=netlink list ruleset` shows the same instructions.

use super::message::{Attributes, Instruction};
use crate::table::{
    Connection, Family, Field, LinkLocal, Match, Rule, SHARD, Sense, Statement, ifname_bytes,
};
use nftnl::nftnl_sys::{self as sys, libc};

// Of the kernel's linux/netfilter/nf_tables.h; the libc crate does not have them.
const NFT_FIB_RESULT_ADDRTYPE: u32 = 3;
const NFTA_FIB_F_DADDR: u32 = 1 << 1;
/// More than, instead of at most.
const NFT_CONNLIMIT_F_INV: u32 = 1;
/// What `meta iiftype` says of an interface with a MAC, of the kernel's linux/if_arp.h.
const ARPHRD_ETHER: u16 = 1;
/// What kind of interface the packet came in by, and will leave by, since Linux 5.1.
const NFT_META_IIFKIND: i32 = 26;
const NFT_META_OIFKIND: i32 = 27;

/// The instructions of a rule.
pub(crate) fn compile(rule: &Rule) -> Vec<Instruction> {
    let mut program = Program::default();
    for question in &rule.matches {
        program.ask(question);
    }
    for statement in &rule.statements {
        program.act(statement);
    }
    program.instructions
}

#[derive(Default)]
struct Program {
    instructions: Vec<Instruction>,
    /// The family that the packet is already known to be of.
    family: Option<&'static Family>,
}

/// A unit of four bytes among the machine's registers, counted from 0.
#[derive(Clone, Copy)]
struct Slot(u32);

impl Slot {
    const FIRST: Slot = Slot(0);

    /// The number that the kernel knows it by: whole registers are 1 to 4, others from 8.
    fn register(self) -> u32 {
        match self.0 % 4 {
            0 => libc::NFT_REG_1 as u32 + self.0 / 4,
            _ => libc::NFT_REG32_00 as u32 + self.0,
        }
    }

    fn after(self, bytes: u32) -> Slot {
        Slot(self.0 + bytes.div_ceil(4))
    }
}

impl Program {
    fn push(&mut self, name: &'static str, operands: Attributes) {
        self.instructions.push(Instruction {
            name,
            operands,
            beside: None,
        });
    }

    fn ask(&mut self, question: &Match) {
        match question {
            Match::Lookup(fields, sense, set) => {
                self.load_all(fields);
                self.look_up(*sense, set);
            }
            Match::NotFrom(name) => {
                self.load(Field::IifName, Slot::FIRST);
                self.compare(libc::NFT_CMP_NEQ, &ifname_bytes(name.as_str()));
            }
            Match::FromKind(kind) => {
                self.load_meta(NFT_META_IIFKIND, Slot::FIRST, 16);
                self.compare(libc::NFT_CMP_EQ, &ifname_bytes(kind));
            }
            Match::FromShard => self.is_shard(Field::IifName),
            Match::ToShard => self.is_shard(Field::OifName),
            Match::ToKind(kind) => {
                self.load_meta(NFT_META_OIFKIND, Slot::FIRST, 16);
                self.compare(libc::NFT_CMP_EQ, &ifname_bytes(kind));
            }
            Match::ToLoopback(family) => self.is_loopback(family, family.daddr_offset),
            Match::FromLoopback(family) => self.is_loopback(family, family.saddr_offset),
            Match::Of(family) => self.is_of(family),
            Match::FromLinkLocal(family, link_local, sense) => {
                self.is_link_local(family, link_local, *sense);
            }
            Match::ToThisMachine => self.is_local(),
            Match::Ct(connection) => self.ask_conntrack(*connection),
        }
    }

    fn act(&mut self, statement: &Statement) {
        match statement {
            Statement::Counter => self.push("counter", Attributes::new()),
            Statement::WithMoreConnections(field, set, over) => self.count(*field, set, *over),
            Statement::NoTrack => self.push("notrack", Attributes::new()),
            Statement::Accept => self.verdict(libc::NF_ACCEPT, None),
            Statement::Drop => self.verdict(libc::NF_DROP, None),
            Statement::Return => self.verdict(libc::NFT_RETURN, None),
            Statement::Jump(chain) => self.verdict(libc::NFT_JUMP, Some(chain)),
            Statement::Masquerade => self.push("masq", Attributes::new()),
            Statement::DnatByMap(family, fields, map) => {
                self.load_all(fields);
                self.look_up_in_place(map);
                let port = Slot::FIRST.after(family.address.bytes());
                self.translate(libc::NFT_NAT_DNAT, family, Some(port));
            }
            Statement::SnatByMap(family, fields, map) => {
                self.load_all(fields);
                self.look_up_in_place(map);
                self.translate(libc::NFT_NAT_SNAT, family, None);
            }
        }
    }

    /// A comparison that is shorter than a name is one of its beginning.
    fn is_shard(&mut self, interface: Field) {
        self.load(interface, Slot::FIRST);
        self.compare(libc::NFT_CMP_EQ, SHARD.as_bytes());
    }

    /// Loads fields side by side, each from the beginning of a slot.
    fn load_all(&mut self, fields: &[Field]) {
        let mut slot = Slot::FIRST;
        for field in fields {
            slot = slot.after(self.load(*field, slot));
        }
    }

    /// Loads one field and says how many bytes it takes.
    fn load(&mut self, field: Field, into: Slot) -> u32 {
        match field {
            Field::IifName => self.load_meta(libc::NFT_META_IIFNAME, into, 16),
            Field::OifName => self.load_meta(libc::NFT_META_OIFNAME, into, 16),
            Field::EtherDaddr => self.load_mac(0, into),
            Field::NfProto => self.load_meta(libc::NFT_META_NFPROTO, into, 1),
            Field::L4Proto => self.load_meta(libc::NFT_META_L4PROTO, into, 1),
            Field::Saddr(family) => self.load_address(family, family.saddr_offset, into),
            Field::Daddr(family) => self.load_address(family, family.daddr_offset, into),
            Field::Dport => self.load_payload(libc::NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, into),
        }
    }

    fn load_meta(&mut self, key: i32, into: Slot, len: u32) -> u32 {
        let operands = Attributes::new()
            .with(sys::NFTNL_EXPR_META_KEY, key as u32)
            .with(sys::NFTNL_EXPR_META_DREG, into.register());
        self.push("meta", operands);
        len
    }

    fn load_address(&mut self, family: &'static Family, offset: u32, into: Slot) -> u32 {
        self.is_of(family);
        self.load_payload(
            libc::NFT_PAYLOAD_NETWORK_HEADER,
            offset,
            family.address.bytes(),
            into,
        )
    }

    /// A frame's header is only read where there is one.
    fn load_mac(&mut self, offset: u32, into: Slot) -> u32 {
        self.load_meta(libc::NFT_META_IIFTYPE, Slot::FIRST, 2);
        self.compare(libc::NFT_CMP_EQ, &ARPHRD_ETHER.to_ne_bytes());
        self.load_payload(libc::NFT_PAYLOAD_LL_HEADER, offset, 6, into)
    }

    fn load_payload(&mut self, base: i32, offset: u32, len: u32, into: Slot) -> u32 {
        let operands = Attributes::new()
            .with(sys::NFTNL_EXPR_PAYLOAD_DREG, into.register())
            .with(sys::NFTNL_EXPR_PAYLOAD_BASE, base as u32)
            .with(sys::NFTNL_EXPR_PAYLOAD_OFFSET, offset)
            .with(sys::NFTNL_EXPR_PAYLOAD_LEN, len);
        self.push("payload", operands);
        len
    }

    /// In a table of family inet, a header is only read once its version is known.
    fn is_of(&mut self, family: &'static Family) {
        if self.family == Some(family) {
            return;
        }
        self.load_meta(libc::NFT_META_NFPROTO, Slot::FIRST, 1);
        self.compare(libc::NFT_CMP_EQ, &[family.nfproto]);
        self.family = Some(family);
    }

    fn is_loopback(&mut self, family: &'static Family, offset: u32) {
        self.is_of(family);
        let len = u32::try_from(family.loopback_bytes.len()).expect("at most an address");
        self.load_payload(libc::NFT_PAYLOAD_NETWORK_HEADER, offset, len, Slot::FIRST);
        self.compare(libc::NFT_CMP_EQ, family.loopback_bytes);
    }

    fn is_link_local(&mut self, family: &'static Family, of: &LinkLocal, sense: Sense) {
        self.load_address(family, family.saddr_offset, Slot::FIRST);
        let register = Slot::FIRST.register();
        let operands = Attributes::new()
            .with(sys::NFTNL_EXPR_BITWISE_SREG, register)
            .with(sys::NFTNL_EXPR_BITWISE_DREG, register)
            .with(sys::NFTNL_EXPR_BITWISE_LEN, 16)
            .with(sys::NFTNL_EXPR_BITWISE_MASK, of.mask.to_vec())
            .with(sys::NFTNL_EXPR_BITWISE_XOR, vec![0; 16]);
        self.push("bitwise", operands);
        let operator = match sense {
            Sense::In => libc::NFT_CMP_EQ,
            Sense::NotIn => libc::NFT_CMP_NEQ,
        };
        self.compare(operator, &of.prefix);
    }

    fn is_local(&mut self) {
        let operands = Attributes::new()
            .with(sys::NFTNL_EXPR_FIB_DREG, Slot::FIRST.register())
            .with(sys::NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE)
            .with(sys::NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
        self.push("fib", operands);
        self.compare(libc::NFT_CMP_EQ, &u32::from(libc::RTN_LOCAL).to_ne_bytes());
    }

    fn ask_conntrack(&mut self, connection: Connection) {
        // The bits of `enum ip_conntrack_info` as nft_ct.h shifts them, and of `ip_conntrack_status`.
        let (key, bits) = match connection {
            Connection::Invalid => (libc::NFT_CT_STATE, 0x1),
            Connection::Known => (libc::NFT_CT_STATE, 0x2 | 0x4),
            Connection::New => (libc::NFT_CT_STATE, 0x8),
            Connection::Untracked => (libc::NFT_CT_STATE, 0x40),
            Connection::Dnat => (libc::NFT_CT_STATUS, 0x20),
        };
        let register = Slot::FIRST.register();
        let operands = Attributes::new()
            .with(sys::NFTNL_EXPR_CT_KEY, key as u32)
            .with(sys::NFTNL_EXPR_CT_DREG, register);
        self.push("ct", operands);
        let operands = Attributes::new()
            .with(sys::NFTNL_EXPR_BITWISE_SREG, register)
            .with(sys::NFTNL_EXPR_BITWISE_DREG, register)
            .with(sys::NFTNL_EXPR_BITWISE_LEN, 4)
            .with(
                sys::NFTNL_EXPR_BITWISE_MASK,
                u32::to_ne_bytes(bits).to_vec(),
            )
            .with(sys::NFTNL_EXPR_BITWISE_XOR, vec![0; 4]);
        self.push("bitwise", operands);
        self.compare(libc::NFT_CMP_NEQ, &[0; 4]);
    }

    fn compare(&mut self, operator: i32, with: &[u8]) {
        let operands = Attributes::new()
            .with(sys::NFTNL_EXPR_CMP_SREG, Slot::FIRST.register())
            .with(sys::NFTNL_EXPR_CMP_OP, operator as u32)
            .with(sys::NFTNL_EXPR_CMP_DATA, with.to_vec());
        self.push("cmp", operands);
    }

    fn look_up(&mut self, sense: Sense, set: &str) {
        let operands = Attributes::new()
            .with(sys::NFTNL_EXPR_LOOKUP_SREG, Slot::FIRST.register())
            .with(sys::NFTNL_EXPR_LOOKUP_SET, set);
        let operands = match sense {
            Sense::In => operands,
            Sense::NotIn => {
                operands.with(sys::NFTNL_EXPR_LOOKUP_FLAGS, libc::NFT_LOOKUP_F_INV as u32)
            }
        };
        self.push("lookup", operands);
    }

    /// The map's data replaces its key in the registers.
    fn look_up_in_place(&mut self, map: &str) {
        let lookup = Attributes::new()
            .with(sys::NFTNL_EXPR_LOOKUP_SREG, Slot::FIRST.register())
            .with(sys::NFTNL_EXPR_LOOKUP_DREG, Slot::FIRST.register())
            .with(sys::NFTNL_EXPR_LOOKUP_SET, map);
        self.push("lookup", lookup);
    }

    /// The new address stands in the first slot, the new port where it is said.
    fn translate(&mut self, kind: i32, family: &Family, port: Option<Slot>) {
        let mut nat = Attributes::new()
            .with(sys::NFTNL_EXPR_NAT_TYPE, kind as u32)
            .with(sys::NFTNL_EXPR_NAT_FAMILY, u32::from(family.nfproto))
            .with(sys::NFTNL_EXPR_NAT_REG_ADDR_MIN, Slot::FIRST.register());
        if let Some(port) = port {
            nat = nat.with(sys::NFTNL_EXPR_NAT_REG_PROTO_MIN, port.register());
        }
        self.push("nat", nat);
    }

    /// `add @SET { FIELD ct count over N }`: finds the field's value in the set or adds it,
    /// with a counter of its own.
    fn count(&mut self, field: Field, set: &str, over: u32) {
        self.load(field, Slot::FIRST);
        let limit = Instruction {
            name: "connlimit",
            operands: Attributes::new()
                .with(sys::NFTNL_EXPR_CONNLIMIT_COUNT, over)
                .with(sys::NFTNL_EXPR_CONNLIMIT_FLAGS, NFT_CONNLIMIT_F_INV),
            beside: None,
        };
        let operands = Attributes::new()
            .with(sys::NFTNL_EXPR_DYNSET_SREG_KEY, Slot::FIRST.register())
            .with(sys::NFTNL_EXPR_DYNSET_OP, libc::NFT_DYNSET_OP_ADD as u32)
            .with(sys::NFTNL_EXPR_DYNSET_SET_NAME, set);
        self.instructions.push(Instruction {
            name: "dynset",
            operands,
            beside: Some((sys::NFTNL_EXPR_DYNSET_EXPR as u16, Box::new(limit))),
        });
    }

    fn verdict(&mut self, verdict: i32, chain: Option<&str>) {
        let mut operands = Attributes::new()
            .with(sys::NFTNL_EXPR_IMM_DREG, libc::NFT_REG_VERDICT as u32)
            .with(sys::NFTNL_EXPR_IMM_VERDICT, verdict as u32);
        if let Some(chain) = chain {
            operands = operands.with(sys::NFTNL_EXPR_IMM_CHAIN, chain);
        }
        self.push("immediate", operands);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::IPV4;

    fn names(rule: &Rule) -> Vec<&'static str> {
        compile(rule).iter().map(|i| i.name).collect()
    }

    #[test]
    fn slots_are_numbered_as_the_kernel_numbers_registers() {
        let numbers: Vec<_> = (0..6).map(|slot| Slot(slot).register()).collect();
        assert_eq!(numbers, [1, 9, 10, 11, 2, 13]);
    }

    #[test]
    fn a_header_is_read_only_once_its_version_is_known() {
        let rule = Rule {
            matches: vec![
                Match::ToLoopback(&IPV4),
                Match::Lookup(vec![Field::Daddr(&IPV4)], Sense::In, "hidden".to_owned()),
            ],
            statements: vec![Statement::Drop],
            comment: "",
        };
        assert_eq!(
            names(&rule),
            [
                "meta",
                "cmp",
                "payload",
                "cmp",
                "payload",
                "lookup",
                "immediate"
            ]
        );
    }

    #[test]
    fn the_port_follows_the_address_in_the_registers() {
        let fields = vec![Field::L4Proto, Field::Dport];
        let rule = Rule {
            matches: Vec::new(),
            statements: vec![Statement::DnatByMap(&IPV4, fields, "publish".to_owned())],
            comment: "",
        };
        let program = compile(&rule);
        assert_eq!(names(&rule), ["meta", "payload", "lookup", "nat"]);
        let port = Attributes::new().with(sys::NFTNL_EXPR_NAT_REG_PROTO_MIN, 9);
        assert!(program[3].operands.0.contains(&port.0[0]));
    }
}
