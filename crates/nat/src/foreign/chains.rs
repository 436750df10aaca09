//! Finding the chains that drop what they do not know.

use super::encode::{SIDES, Side, dump_chains, dump_rules, get_table};
use super::last_word::{End, Walk, Why};
use super::rule::{ForeignRule, Traffic};
use super::{ChainFamily, ForeignChain};
use crate::error::Error;
use crate::firewall::Firewall;
use crate::netlink::attribute::{Attributes, Incoming};
use crate::table::{Hook, TABLE};
use minet_model::IfName;
use nix::libc;

// Of the kernel's linux/netfilter/nf_tables.h; the libc crate does not have them.
const CHAIN_TABLE: u16 = 1;
const CHAIN_NAME: u16 = 3;
const CHAIN_HOOK: u16 = 4;
const CHAIN_POLICY: u16 = 5;
const HOOK_NUMBER: u16 = 1;
const TABLE_FLAGS: u16 = 2;
/// `NFT_TABLE_F_OWNER`: only the process that made the table may change it.
const OWNED: u32 = 2;

/// A base chain in the path of packets.
struct BaseChain {
    chain: ForeignChain,
    policy: Policy,
}

/// What happens to a packet about which no rule says anything.
#[derive(PartialEq, Eq)]
enum Policy {
    Accept,
    Drop,
}

/// Who may change a table.
#[derive(PartialEq, Eq)]
enum Lock {
    Open,
    Locked,
}

impl Firewall {
    /// The chains of others in which a network's packets are dropped on their way from one
    /// interface to another, since no rule there knows its bridge. Each is where the last
    /// word stands: the base chain, or one that it calls in any case.
    ///
    /// Reads all chains of the namespace, and the rules of those in question: for
    /// bringing up a network, not for starting a container.
    ///
    /// # Errors
    /// Only if the kernel cannot be asked.
    pub fn foreign_drops(&mut self, bridge: &IfName) -> Result<Vec<ForeignChain>, Error> {
        let traffic = SIDES.map(|side| Traffic { side, bridge });
        let mut drops = self.drops_in(Hook::Forward, &traffic, Why::Unknown)?;
        self.keep(&mut drops, Lock::Open)?;
        Ok(drops)
    }

    /// The chains of others in which what a network sends out is dropped by a rule that names
    /// its bridge: somebody wants it so.
    ///
    /// # Errors
    /// Only if the kernel cannot be asked.
    pub fn refusals(&mut self, bridge: &IfName) -> Result<Vec<ForeignChain>, Error> {
        let traffic = Traffic {
            side: Side::From,
            bridge,
        };
        self.drops_in(Hook::Forward, &[traffic], Why::Named)
    }

    /// The chains of others in which what a network sends out is dropped, and which nobody but
    /// their owner may change, as with firewalld from version 2 on.
    ///
    /// # Errors
    /// Only if the kernel cannot be asked.
    pub fn locked_drops(&mut self, bridge: &IfName) -> Result<Vec<ForeignChain>, Error> {
        let traffic = Traffic {
            side: Side::From,
            bridge,
        };
        let mut drops = self.drops_in(Hook::Forward, &[traffic], Why::Unknown)?;
        self.keep(&mut drops, Lock::Locked)?;
        Ok(drops)
    }

    /// The chains of others in which what comes from elsewhere for the host itself is dropped,
    /// unless a rule knows it.
    ///
    /// # Errors
    /// Only if the kernel cannot be asked.
    pub fn foreign_input_drops(&mut self, from: &IfName) -> Result<Vec<ForeignChain>, Error> {
        let traffic = Traffic {
            side: Side::From,
            bridge: from,
        };
        self.drops_in(Hook::Input, &[traffic], Why::Unknown)
    }

    /// Keeps those chains whose tables are locked, or those whose are not.
    fn keep(&mut self, chains: &mut Vec<ForeignChain>, wanted: Lock) -> Result<(), Error> {
        let mut kept = Vec::new();
        for chain in chains.drain(..) {
            if self.lock_of(&chain)? == wanted {
                kept.push(chain);
            }
        }
        *chains = kept;
        Ok(())
    }

    fn lock_of(&mut self, chain: &ForeignChain) -> Result<Lock, Error> {
        let answer = self.ask(&get_table(chain), "look at another firewall's table")?;
        let flags = |message: &Incoming| number(message.attributes(), TABLE_FLAGS);
        let mut flags = answer.iter().filter_map(flags);
        Ok(match flags.any(|flags| flags & OWNED != 0) {
            true => Lock::Locked,
            false => Lock::Open,
        })
    }

    fn drops_in(
        &mut self,
        hook: Hook,
        traffic: &[Traffic<'_>],
        why: Why,
    ) -> Result<Vec<ForeignChain>, Error> {
        let chains = self.dump(&dump_chains(), "list the chains of other firewalls")?;
        let base = chains.iter().filter_map(|chain| base_chain(chain, hook));
        let mut walk = Walk::begin(self);
        let mut dropping = Vec::new();
        for BaseChain { chain, policy } in base {
            for &traffic in traffic {
                let (found, because) = match walk.end_of(&chain, traffic)? {
                    End::Dropped(chain, why) => (chain, why),
                    End::FallOff(chain) if policy == Policy::Drop => (chain, Why::Unknown),
                    End::FallOff(_) | End::Accepted => continue,
                };
                if because == why && !dropping.contains(&found) {
                    dropping.push(found);
                }
            }
        }
        Ok(dropping)
    }

    /// All chains of others, whether they drop anything or not.
    pub(super) fn foreign_chains(&mut self) -> Result<Vec<ForeignChain>, Error> {
        let chains = self.dump(&dump_chains(), "list the chains of other firewalls")?;
        Ok(chains.iter().filter_map(foreign_chain).collect())
    }

    /// The rules of a chain, in order; none if the chain is gone.
    pub(super) fn foreign_rules(
        &mut self,
        chain: &ForeignChain,
    ) -> Result<Vec<ForeignRule>, Error> {
        let act = format!("list the rules of {chain}");
        let rules = self.dump(&dump_rules(chain), &act)?;
        Ok(rules.iter().filter_map(ForeignRule::read).collect())
    }
}

/// None for what is minet's own.
fn foreign_chain(message: &Incoming) -> Option<ForeignChain> {
    let attributes = message.attributes();
    let chain = ForeignChain {
        family: family(message)?,
        table: text(attributes, CHAIN_TABLE)?,
        name: text(attributes, CHAIN_NAME)?,
    };
    let is_ours = chain.family == ChainFamily::Inet && chain.table == TABLE;
    (!is_ours).then_some(chain)
}

/// None for what is not a base chain there, or minet's own.
fn base_chain(message: &Incoming, wanted: Hook) -> Option<BaseChain> {
    let chain = foreign_chain(message)?;
    let attributes = message.attributes();
    let policy = match number(attributes, CHAIN_POLICY)? as i32 {
        libc::NF_DROP => Policy::Drop,
        _ => Policy::Accept,
    };
    (hook(attributes)? == wanted as u32).then_some(BaseChain { chain, policy })
}

/// Whether the kernel tells of a new chain, or a changed one, that others' packets must pass
/// on their way from one interface to another.
pub(crate) fn is_in_the_path(message: &Incoming) -> bool {
    base_chain(message, Hook::Forward).is_some()
}

fn family(message: &Incoming) -> Option<ChainFamily> {
    Some(match i32::from(*message.payload.first()?) {
        libc::NFPROTO_IPV4 => ChainFamily::Ip,
        libc::NFPROTO_IPV6 => ChainFamily::Ip6,
        libc::NFPROTO_INET => ChainFamily::Inet,
        _ => return None,
    })
}

fn hook(attributes: Attributes<'_>) -> Option<u32> {
    number(attributes.inside(CHAIN_HOOK)?, HOOK_NUMBER)
}

/// The names of a chain's table and of the chain.
pub(super) fn names(message: &Incoming) -> Vec<String> {
    let name = |kind| text(message.attributes(), kind);
    [CHAIN_TABLE, CHAIN_NAME]
        .into_iter()
        .filter_map(name)
        .collect()
}

fn number(attributes: Attributes<'_>, kind: u16) -> Option<u32> {
    Some(u32::from_be_bytes(attributes.get(kind)?.try_into().ok()?))
}

fn text(attributes: Attributes<'_>, kind: u16) -> Option<String> {
    let bytes = attributes.get(kind)?.split(|byte| *byte == 0).next()?;
    String::from_utf8(bytes.to_vec()).ok()
}
