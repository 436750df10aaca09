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

impl Firewall {
    /// Lets a network pass a chain: two rules before its last word, in one transaction.
    ///
    /// If both are there, they stay; if one is missing, both are placed anew. A chain that
    /// is gone drops nothing.
    ///
    /// # Errors
    /// Whatever the kernel refuses.
    pub fn let_pass(&mut self, passage: &Passage, chain: &ForeignChain) -> Result<(), Error> {
        let act = format!("let {} pass {chain}", passage.bridge);
        self.until_settled(&act, |firewall| match firewall.foreign_drops()? {
            drops if drops.contains(chain) => {
                let rules = firewall.foreign_rules(chain)?;
                Ok(placing(&rules, passage, chain))
            }
            _ => Ok(Vec::new()),
        })
    }

    /// Whether the network passes the chain: both rules are there, or it does not drop any
    /// more.
    ///
    /// # Errors
    /// Only if the kernel cannot be asked.
    pub fn passes(&mut self, passage: &Passage, chain: &ForeignChain) -> Result<bool, Error> {
        let rules = self.foreign_rules(chain)?;
        Ok(ours(&rules, passage).len() == SIDES.len() || !self.foreign_drops()?.contains(chain))
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
    let ours = ours(rules, passage);
    if ours.len() == SIDES.len() {
        return Vec::new();
    }
    let place = before_the_last_word(rules);
    let delete = ours.iter().map(|handle| delete_rule(chain, *handle));
    let add = SIDES.map(|side| add_rule(chain, passage, side, place));
    delete.chain(add).collect()
}

/// The handles of the rules that bear this network's comment.
fn ours(rules: &[ForeignRule], passage: &Passage) -> Vec<u64> {
    let comment = passage.comment();
    let ours = |rule: &&ForeignRule| rule.comment.as_deref() == Some(comment.as_str());
    rules.iter().filter(ours).map(|rule| rule.handle).collect()
}

/// Behind everything that the owner says about particular packets.
fn before_the_last_word(rules: &[ForeignRule]) -> Place {
    match rules.last() {
        Some(rule) if rule.drops_everything => Place::Before(rule.handle),
        Some(_) | None => Place::Last,
    }
}
