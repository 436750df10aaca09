//! Following packets through others' chains, to the place where the last word is said.
//!
//! Only rules that mean all packets of some traffic are looked at: what a rule for particular
//! ones does is its owner's business.

use super::ForeignChain;
use super::expression::Verdict;
use super::rule::{ForeignRule, Traffic, Word};
use crate::error::Error;
use crate::firewall::Firewall;
use std::collections::HashMap;

/// How deep chains may call each other; the kernel allows `NFT_JUMP_STACK_SIZE`.
const DEEPEST: usize = 16;

/// What becomes of packets about which no rule says anything in particular.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Dropped, in this chain.
    Dropped(ForeignChain, Why),
    /// They come to the end of this chain, and so back to where it was called from.
    FallOff(ForeignChain),
    Accepted,
}

/// Why something is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// No rule knows the bridge.
    Unknown,
    /// A rule names it.
    Named,
}

/// The way through others' chains, each read once.
pub(super) struct Walk<'a> {
    firewall: &'a mut Firewall,
    known: HashMap<ForeignChain, Vec<ForeignRule>>,
}

impl<'a> Walk<'a> {
    pub(super) fn begin(firewall: &'a mut Firewall) -> Self {
        Walk {
            firewall,
            known: HashMap::new(),
        }
    }

    /// Where packets end that come into this chain.
    pub(super) fn end_of(
        &mut self,
        chain: &ForeignChain,
        traffic: Traffic<'_>,
    ) -> Result<End, Error> {
        self.end_below(chain, traffic, 0)
    }

    fn end_below(
        &mut self,
        chain: &ForeignChain,
        traffic: Traffic<'_>,
        depth: usize,
    ) -> Result<End, Error> {
        if depth > DEEPEST {
            return Ok(End::FallOff(chain.clone()));
        }
        for rule in self.rules(chain)? {
            let (verdict, why) = match rule.word(traffic) {
                _ if rule.is_minets() => continue,
                Word::None => continue,
                Word::OnAll(verdict) => (verdict, Why::Unknown),
                Word::OnTheseByName(verdict) => (verdict, Why::Named),
            };
            let callee = |name: &String| ForeignChain {
                name: name.clone(),
                ..chain.clone()
            };
            let end = match verdict {
                Verdict::GoesOn => continue,
                Verdict::Accepted => End::Accepted,
                Verdict::Dropped => End::Dropped(chain.clone(), why),
                Verdict::Returns => End::FallOff(chain.clone()),
                Verdict::Calls(name) => match self.end_below(&callee(name), traffic, depth + 1)? {
                    End::FallOff(_) => continue,
                    end => end,
                },
                Verdict::GoesTo(name) => self.end_below(&callee(name), traffic, depth + 1)?,
            };
            return Ok(match (end, why) {
                (End::Dropped(chain, _), Why::Named) => End::Dropped(chain, Why::Named),
                (end, _) => end,
            });
        }
        Ok(End::FallOff(chain.clone()))
    }

    fn rules(&mut self, chain: &ForeignChain) -> Result<Vec<ForeignRule>, Error> {
        if let Some(rules) = self.known.get(chain) {
            return Ok(rules.clone());
        }
        let rules = self.firewall.foreign_rules(chain)?;
        self.known.insert(chain.clone(), rules.clone());
        Ok(rules)
    }
}
