//! Our two rules in somebody else's chain: placed, found, withdrawn.

use super::encode::{Place, SIDES, add_rule, delete_rule};
use super::rule::ForeignRule;
use super::{ForeignChain, Passage};
use crate::error::Error;
use crate::firewall::Firewall;
use crate::netlink::batch::Batch;
use crate::netlink::message::Message;
use nix::errno::Errno;
use std::time::Instant;

/// How often it is tried anew because the chain's owner changed it meanwhile.
const ATTEMPTS: usize = 8;

/// Whether a network gets through a chain that drops what it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing {
    /// Both rules are there, behind those of the chain's owner; or it drops nothing of the
    /// network's any more.
    Through,
    /// A rule is missing.
    Dropped,
    /// Both are there, and rules of the owner's that came later stand behind them, where they
    /// never have a word.
    BeforeOthers,
}

impl Firewall {
    /// Lets a network pass a chain: two rules before its last word, in one transaction.
    ///
    /// If both are there, they stay; if one is missing or rules of the owner's came behind
    /// them, both are placed anew. A chain that is gone drops nothing.
    ///
    /// # Errors
    /// Whatever the kernel refuses.
    pub fn let_pass(&mut self, passage: &Passage, chain: &ForeignChain) -> Result<(), Error> {
        let act = format!("let {} pass {chain}", passage.bridge);
        self.until_settled(&act, |firewall| {
            match firewall.foreign_drops(&passage.bridge)? {
                drops if drops.contains(chain) => {
                    let rules = firewall.foreign_rules(chain)?;
                    Ok(placing(&rules, passage, chain))
                }
                _ => Ok(Vec::new()),
            }
        })
    }

    /// Whether the network gets through a chain.
    ///
    /// # Errors
    /// Only if the kernel cannot be asked.
    pub fn passing(&mut self, passage: &Passage, chain: &ForeignChain) -> Result<Passing, Error> {
        match two_rules(&self.foreign_rules(chain)?, passage) {
            Passing::Through => Ok(Passing::Through),
            short => match self.foreign_drops(&passage.bridge)?.contains(chain) {
                true => Ok(short),
                false => Ok(Passing::Through),
            },
        }
    }

    /// Removes the rules of [`Self::let_pass`], and nothing else; what is gone is gone.
    ///
    /// # Errors
    /// Whatever the kernel refuses.
    pub fn withdraw(&mut self, passage: &Passage, chain: &ForeignChain) -> Result<(), Error> {
        let act = format!("withdraw the rules for {} from {chain}", passage.bridge);
        self.until_settled(&act, |firewall| {
            let rules = firewall.foreign_rules(chain)?;
            let delete = |handle: &u64| delete_rule(chain, *handle);
            Ok(ours(&rules, passage).iter().map(delete).collect())
        })
    }

    /// Sends what is missing until nothing is: the owner may change the chain between our
    /// look and our word.
    pub(super) fn until_settled(
        &mut self,
        act: &str,
        missing: impl Fn(&mut Self) -> Result<Vec<Message>, Error>,
    ) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let messages = missing(self)?;
            if messages.is_empty() || self.send_to_foreign(&messages, act)? == Sent::Done {
                return Ok(());
            }
        }
        Err(Error::Refused {
            act: act.to_owned(),
            words: Some("its owner keeps changing it".to_owned()),
            source: Errno::EBUSY,
        })
    }

    fn send_to_foreign(&mut self, messages: &[Message], act: &str) -> Result<Sent, Error> {
        let mut batch = Batch::begin(self.socket.next_seq());
        for message in messages {
            batch.push(message);
        }
        let (bytes, next_seq) = batch.end();
        self.deleted = Some(Instant::now());
        let answer = self.socket.exchange(&bytes, next_seq);
        let complaints = answer
            .map_err(|errno| Error::socket(act, errno))?
            .complaints;
        let overtaken = |errno| matches!(errno, Errno::ENOENT | Errno::EAGAIN);
        match complaints.into_iter().next() {
            None => Ok(Sent::Done),
            Some(complaint) if overtaken(complaint.errno) => Ok(Sent::Overtaken),
            Some(complaint) => Err(complaint.into_error(act, "nftables")),
        }
    }
}

/// What became of a transaction.
#[derive(PartialEq, Eq)]
enum Sent {
    Done,
    /// The chain, or a rule of it, was gone.
    Overtaken,
}

/// Nothing if both rules are there; else both anew, without what is left of them.
fn placing(rules: &[ForeignRule], passage: &Passage, chain: &ForeignChain) -> Vec<Message> {
    if two_rules(rules, passage) == Passing::Through {
        return Vec::new();
    }
    let place = before_the_last_word(rules);
    let ours = ours(rules, passage);
    let delete = ours.iter().map(|handle| delete_rule(chain, *handle));
    let add = SIDES.map(|side| add_rule(chain, passage, side, place));
    delete.chain(add).collect()
}

/// What the rules of a chain that drops say.
fn two_rules(rules: &[ForeignRule], passage: &Passage) -> Passing {
    if ours(rules, passage).len() != SIDES.len() {
        return Passing::Dropped;
    }
    let is_ours = |rule: &&ForeignRule| rule.comment == Some(passage.comment());
    let mut behind = rules.iter().skip_while(|rule| !is_ours(rule));
    let last_word = |rule: &ForeignRule| rule.ends_the_chain();
    match behind.find(|rule| !rule.is_minets()) {
        Some(rule) if !last_word(rule) => Passing::BeforeOthers,
        Some(_) | None => Passing::Through,
    }
}

/// The handles of the rules that bear this network's comment.
fn ours(rules: &[ForeignRule], passage: &Passage) -> Vec<u64> {
    let comment = passage.comment();
    let ours = |rule: &&ForeignRule| rule.comment.as_deref() == Some(comment.as_str());
    rules.iter().filter(ours).map(|rule| rule.handle).collect()
}

/// Behind everything that the owner says about particular packets.
fn before_the_last_word(rules: &[ForeignRule]) -> Place {
    let last_word = rules.iter().find(|rule| rule.ends_the_chain());
    last_word.map_or(Place::Last, |rule| Place::Before(rule.handle))
}
