//! Finding the chains that drop what they do not know.

use super::encode::{dump_chains, dump_rules};
use super::rule::ForeignRule;
use super::{ChainFamily, ForeignChain};
use crate::error::Error;
use crate::firewall::Firewall;
use crate::netlink::attribute::{Attributes, Incoming};
use crate::table::{Hook, TABLE};
use nix::libc;

// Of the kernel's linux/netfilter/nf_tables.h; the libc crate does not have them.
const CHAIN_TABLE: u16 = 1;
const CHAIN_NAME: u16 = 3;
const CHAIN_HOOK: u16 = 4;
const CHAIN_POLICY: u16 = 5;
const HOOK_NUMBER: u16 = 1;

/// A base chain in the path of packets that are passed on.
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

impl Firewall {
    /// The chains of others through which what is passed on must go, and whose last word
    /// is to drop.
    ///
    /// Reads all chains of the namespace, and the rules of those in question: for
    /// bringing up a network, not for starting a container.
    ///
    /// # Errors
    /// Only if the kernel cannot be asked.
    pub fn foreign_drops(&mut self) -> Result<Vec<ForeignChain>, Error> {
        let mut dropping = Vec::new();
        for BaseChain { chain, policy } in self.base_chains()? {
            if policy == Policy::Drop || self.ends_in_a_drop(&chain)? {
                dropping.push(chain);
            }
        }
        Ok(dropping)
    }

    /// All of them, whatever their last word.
    pub(super) fn foreign_chains(&mut self) -> Result<Vec<ForeignChain>, Error> {
        let chains = self.base_chains()?.into_iter();
        Ok(chains.map(|base| base.chain).collect())
    }

    fn base_chains(&mut self) -> Result<Vec<BaseChain>, Error> {
        let chains = self.dump(&dump_chains(), "list the chains of other firewalls")?;
        Ok(chains.iter().filter_map(base_chain).collect())
    }

    fn ends_in_a_drop(&mut self, chain: &ForeignChain) -> Result<bool, Error> {
        let rules = self.foreign_rules(chain)?;
        Ok(rules.last().is_some_and(|rule| rule.drops_everything))
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

/// None for what is not a base chain there, or minet's own.
fn base_chain(message: &Incoming) -> Option<BaseChain> {
    let family = match i32::from(*message.payload.first()?) {
        libc::NFPROTO_IPV4 => ChainFamily::Ip,
        libc::NFPROTO_IPV6 => ChainFamily::Ip6,
        libc::NFPROTO_INET => ChainFamily::Inet,
        _ => return None,
    };
    let attributes = message.attributes();
    let hook = number(attributes.inside(CHAIN_HOOK)?, HOOK_NUMBER)?;
    let chain = ForeignChain {
        family,
        table: text(attributes, CHAIN_TABLE)?,
        name: text(attributes, CHAIN_NAME)?,
    };
    let is_ours = chain.family == ChainFamily::Inet && chain.table == TABLE;
    let policy = match number(attributes, CHAIN_POLICY)? as i32 {
        libc::NF_DROP => Policy::Drop,
        _ => Policy::Accept,
    };
    (hook == Hook::Forward as u32 && !is_ours).then_some(BaseChain { chain, policy })
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
