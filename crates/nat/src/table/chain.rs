//! Chains: where in a packet's path the rules stand.

use super::rule::Rule;

/// What a base chain may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainType {
    /// Let packets pass or drop them.
    Filter,
    /// Rewrite addresses; sees only the first packet of each connection.
    Nat,
}

/// The place in a packet's path, with the number of `enum nf_inet_hooks`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Hook {
    /// Just received, not yet routed.
    Prerouting = 0,
    /// For this machine.
    Input = 1,
    /// On its way from one interface to another.
    Forward = 2,
    /// Sent by this machine.
    Output = 3,
    /// About to leave.
    Postrouting = 4,
}

/// A place among the chains of the same hook; lower numbers come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Priority {
    /// Before conntrack, `NF_IP_PRI_RAW`.
    Raw = -300,
    /// Where destinations are rewritten, `NF_IP_PRI_NAT_DST`.
    DstNat = -100,
    /// Where packets are filtered, `NF_IP_PRI_FILTER`.
    Filter = 0,
    /// Where sources are rewritten, `NF_IP_PRI_NAT_SRC`.
    SrcNat = 100,
}

/// How a base chain is tied to the packet's path. Its policy is always to accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Base {
    /// What it may do.
    pub kind: ChainType,
    /// Where.
    pub hook: Hook,
    /// In which order.
    pub priority: Priority,
}

/// A chain with its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The name.
    pub name: &'static str,
    /// Its place; none for a chain that others jump to.
    pub base: Option<Base>,
    /// What it is for.
    pub comment: &'static str,
    /// From top to bottom.
    pub rules: Vec<Rule>,
}

impl ChainType {
    /// The word after `type`.
    pub fn name(self) -> &'static str {
        match self {
            ChainType::Filter => "filter",
            ChainType::Nat => "nat",
        }
    }
}

impl Hook {
    fn name(self) -> &'static str {
        match self {
            Hook::Prerouting => "prerouting",
            Hook::Input => "input",
            Hook::Forward => "forward",
            Hook::Output => "output",
            Hook::Postrouting => "postrouting",
        }
    }
}

impl Base {
    fn to_nft(self) -> String {
        let (kind, hook) = (self.kind.name(), self.hook.name());
        // `nft` knows the word dstnat only for the prerouting hook.
        let priority = match (self.priority, self.hook) {
            (Priority::DstNat, Hook::Output) => "-100",
            (Priority::DstNat, _) => "dstnat",
            (Priority::Raw, _) => "raw",
            (Priority::Filter, _) => "filter",
            (Priority::SrcNat, _) => "srcnat",
        };
        format!("type {kind} hook {hook} priority {priority}; policy accept;")
    }
}

impl Chain {
    /// The chain as `nft` lists it.
    pub fn to_nft(&self) -> String {
        let mut lines = vec![format!("comment \"{}\"", self.comment)];
        lines.extend(self.base.map(Base::to_nft));
        lines.extend(self.rules.iter().map(Rule::to_nft));
        let body: String = lines.iter().map(|line| format!("\t\t{line}\n")).collect();
        format!("\tchain {} {{\n{body}\t}}\n", self.name)
    }
}
