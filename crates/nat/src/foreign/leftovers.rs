//! Our rules in others' chains, whatever network they were for.

use super::{ForeignChain, encode::delete_rule, rule::OURS};
use crate::error::Error;
use crate::firewall::Firewall;
use minet_model::IfName;

/// Rules in a chain of somebody else's that bear a comment of minet's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Where they stand.
    pub chain: ForeignChain,
    /// What is written beside them.
    pub comment: String,
    /// The bridge that they let pass.
    pub bridge: IfName,
}

impl Firewall {
    /// All rules that minet has placed in chains of others, also in those that do not drop
    /// any more.
    ///
    /// # Errors
    /// Only if the kernel cannot be asked.
    pub fn placed_in_foreign(&mut self) -> Result<Vec<Leftover>, Error> {
        let mut found: Vec<Leftover> = Vec::new();
        for chain in self.foreign_chains()? {
            for rule in self.foreign_rules(&chain)? {
                let comment = rule.comment.unwrap_or_default();
                let Some(bridge) = bridge_in(&comment) else {
                    continue;
                };
                let leftover = Leftover {
                    chain: chain.clone(),
                    comment,
                    bridge,
                };
                if !found.contains(&leftover) {
                    found.push(leftover);
                }
            }
        }
        Ok(found)
    }

    /// Removes them, and nothing else; what is gone is gone.
    ///
    /// # Errors
    /// Whatever the kernel refuses.
    pub fn withdraw_leftover(&mut self, leftover: &Leftover) -> Result<(), Error> {
        let Leftover { chain, comment, .. } = leftover;
        let act = format!("withdraw the rules for {} from {chain}", leftover.bridge);
        self.until_settled(&act, |firewall| {
            let rules = firewall.foreign_rules(chain)?;
            let ours = rules
                .iter()
                .filter(|rule| rule.comment.as_deref() == Some(comment.as_str()));
            Ok(ours.map(|rule| delete_rule(chain, rule.handle)).collect())
        })
    }
}

/// The bridge in a comment of [`super::Passage::comment`], of which only the beginning is cut.
fn bridge_in(comment: &str) -> Option<IfName> {
    let (network, bridge) = comment.rsplit_once(" on ")?;
    network
        .starts_with(OURS)
        .then(|| bridge.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foreign::Passage;

    #[test]
    fn a_comment_says_which_bridge_it_is_for() {
        let name = "n".repeat(128);
        for network in ["lab", "on", &name] {
            let passage = Passage {
                bridge: "mn-3fa91c20".parse().unwrap(),
                network: network.parse().unwrap(),
            };
            assert_eq!(bridge_in(&passage.comment()), Some(passage.bridge));
        }
        for other in [
            "",
            "minet",
            "DOCKER on docker0",
            "minet: network x",
            "my minet: network a on b",
        ] {
            assert_eq!(bridge_in(other), None, "{other}");
        }
    }
}
