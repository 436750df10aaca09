//! What can be read from somebody else's rule: whose it is, whom it means, what it says.

use super::encode::Side;
use super::expression::{Expression, Pattern, Verdict, interface};
use crate::netlink::attribute::{Attributes, Incoming};
use crate::netlink::userdata;
use minet_model::IfName;

// Of the kernel's linux/netfilter/nf_tables.h; the libc crate does not have them.
const RULE_HANDLE: u16 = 3;
const RULE_EXPRESSIONS: u16 = 4;
const RULE_USERDATA: u16 = 7;

/// How the comment of every rule of minet's in another's chain begins.
pub(super) const OURS: &str = "minet: network ";

/// A rule of a foreign chain, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForeignRule {
    /// By which it can be deleted, once.
    pub(super) handle: u64,
    /// What somebody wrote beside it.
    pub(super) comment: Option<String>,
    asks: Asks,
    verdict: Verdict,
}

/// What a rule wants to know of a packet before it gives its verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asks {
    Nothing,
    /// Where it comes from, or where it goes, and no more.
    Interface(Side, Pattern),
    /// Something that differs from packet to packet.
    More,
}

/// Packets of a network, as one side of the bridge sees them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Traffic<'a> {
    pub(super) side: Side,
    pub(super) bridge: &'a IfName,
}

/// A rule's word about all packets of some traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word<'a> {
    /// About packets of others, or about some of these.
    None,
    /// About all packets that come this far.
    OnAll(&'a Verdict),
    /// About those of this very bridge: its author knows it.
    OnTheseByName(&'a Verdict),
}

impl ForeignRule {
    pub(crate) fn read(message: &Incoming) -> Option<Self> {
        let attributes = message.attributes();
        let handle: [u8; 8] = attributes.get(RULE_HANDLE)?.try_into().ok()?;
        let list = attributes.inside(RULE_EXPRESSIONS);
        let expressions: Vec<_> = list
            .into_iter()
            .flatten()
            .filter_map(|(_, bytes)| Expression::read(Attributes(bytes)))
            .collect();
        let noted = attributes
            .get(RULE_USERDATA)
            .and_then(userdata::read_comment);
        // A rule that came back through iptables-restore carries it as a match instead.
        let matched = || expressions.iter().find_map(Expression::comment);
        Some(ForeignRule {
            handle: u64::from_be_bytes(handle),
            comment: noted.or_else(matched),
            asks: asks(&expressions),
            verdict: expressions
                .last()
                .map_or(Verdict::GoesOn, Expression::verdict),
        })
    }

    /// Whether minet placed it, for whichever network.
    pub(crate) fn is_minets(&self) -> bool {
        let comment = self.comment.as_deref();
        comment.is_some_and(|comment| comment.starts_with(OURS))
    }

    /// Whether no packet gets past it, and none is accepted by it.
    pub(super) fn ends_the_chain(&self) -> bool {
        let ends = matches!(self.verdict, Verdict::Dropped | Verdict::Returns);
        self.asks == Asks::Nothing && ends
    }

    /// Whether it may change where a chain's last word stands, or what it is.
    pub(crate) fn speaks_of_all(&self) -> bool {
        let opens = matches!(self.verdict, Verdict::GoesOn | Verdict::Accepted);
        self.asks == Asks::Nothing && !opens
    }

    pub(super) fn word(&self, traffic: Traffic<'_>) -> Word<'_> {
        match &self.asks {
            Asks::Nothing => Word::OnAll(&self.verdict),
            Asks::Interface(side, pattern)
                if *side == traffic.side && pattern.means(traffic.bridge) =>
            {
                Word::OnTheseByName(&self.verdict)
            }
            Asks::Interface(..) | Asks::More => Word::None,
        }
    }
}

fn asks(expressions: &[Expression<'_>]) -> Asks {
    let says_only = |expression: &&Expression<'_>| {
        expression.comment().is_none()
            && !matches!(
                expression.name,
                "counter" | "log" | "immediate" | "reject" | "target"
            )
    };
    let questions: Vec<_> = expressions.iter().filter(says_only).collect();
    match questions[..] {
        [] => Asks::Nothing,
        [meta, cmp] => match interface(meta, cmp) {
            Some((side, pattern)) => Asks::Interface(side, pattern),
            None => Asks::More,
        },
        _ => Asks::More,
    }
}

#[cfg(test)]
mod tests {
    use super::super::expression::*;
    use super::*;
    use crate::netlink::attribute::{finish, header, messages, nest, put};
    use nftnl::nftnl_sys::libc;

    fn expression(list: &mut Vec<u8>, name: &str, fill: impl FnOnce(&mut Vec<u8>)) {
        nest(list, 1, |element| {
            put(element, EXPRESSION_NAME, name.as_bytes());
            nest(element, EXPRESSION_DATA, fill);
        });
    }

    fn verdict(list: &mut Vec<u8>, code: i32) {
        expression(list, "immediate", |data| {
            nest(data, IMMEDIATE_DATA, |data| {
                nest(data, DATA_VERDICT, |data| {
                    put(data, VERDICT_CODE, &code.to_be_bytes());
                });
            });
        });
    }

    fn rule(fill: impl FnOnce(&mut Vec<u8>)) -> ForeignRule {
        let mut message = header(0, 0, 1, 2, 0);
        put(&mut message, RULE_HANDLE, &7u64.to_be_bytes());
        nest(&mut message, RULE_EXPRESSIONS, fill);
        ForeignRule::read(&messages(&finish(message))[0]).unwrap()
    }

    fn calls(list: &mut Vec<u8>, code: i32, chain: &str) {
        expression(list, "immediate", |data| {
            nest(data, IMMEDIATE_DATA, |data| {
                nest(data, DATA_VERDICT, |data| {
                    put(data, VERDICT_CODE, &code.to_be_bytes());
                    put(data, VERDICT_CHAIN, format!("{chain}\0").as_bytes());
                });
            });
        });
    }

    fn from(list: &mut Vec<u8>, name: &[u8]) {
        expression(list, "meta", |data| {
            put(data, META_KEY, &libc::NFT_META_IIFNAME.to_be_bytes());
        });
        expression(list, "cmp", |data| {
            put(data, CMP_OPERATION, &libc::NFT_CMP_EQ.to_be_bytes());
            nest(data, CMP_DATA, |data| put(data, DATA_VALUE, name));
        });
    }

    fn word(rule: &ForeignRule, bridge: &str) -> (bool, Option<Verdict>) {
        let bridge = bridge.parse().unwrap();
        let traffic = Traffic {
            side: Side::From,
            bridge: &bridge,
        };
        match rule.word(traffic) {
            Word::None => (false, None),
            Word::OnAll(verdict) => (false, Some(verdict.clone())),
            Word::OnTheseByName(verdict) => (true, Some(verdict.clone())),
        }
    }

    #[test]
    fn a_rule_without_questions_that_drops_is_the_end() {
        let dropping = rule(|list| {
            expression(list, "counter", |_| ());
            verdict(list, 0);
        });
        assert_eq!((dropping.handle, dropping.ends_the_chain()), (7, true));
        assert!(!rule(|list| verdict(list, 1)).ends_the_chain());
        assert!(rule(|list| expression(list, "reject", |_| ())).ends_the_chain());
        let target = |name: &str| {
            let fill = |data: &mut Vec<u8>| put(data, EXTENSION_NAME, name.as_bytes());
            rule(|list| expression(list, "target", fill)).ends_the_chain()
        };
        assert!(target("REJECT"));
        assert!(!target("LOG"));
    }

    #[test]
    fn a_rule_with_a_question_is_not_the_end() {
        let some = rule(|list| {
            expression(list, "meta", |_| ());
            expression(list, "cmp", |_| ());
            verdict(list, 0);
        });
        assert!(!some.ends_the_chain());
        assert_eq!(word(&some, "minet0"), (false, None));
    }

    #[test]
    fn whoever_names_an_interface_means_it_and_no_other() {
        let of = |name: &[u8]| {
            rule(|list| {
                from(list, name);
                verdict(list, 1);
            })
        };
        let accepted = (true, Some(Verdict::Accepted));
        for name in [
            &b"minet0\0"[..],
            b"minet0\0\0\0\0\0\0\0\0\0\0",
            b"minet",
            b"mi",
        ] {
            assert_eq!(word(&of(name), "minet0"), accepted, "{name:?}");
        }
        for name in [&b"minet\0"[..], b"minet00\0", b"docker"] {
            assert_eq!(word(&of(name), "minet0"), (false, None), "{name:?}");
        }
    }

    #[test]
    fn a_call_leads_to_a_chain() {
        let call = rule(|list| calls(list, libc::NFT_JUMP, "zones"));
        let goes = rule(|list| calls(list, libc::NFT_GOTO, "public"));
        let said = |rule| word(rule, "minet0").1.unwrap();
        assert_eq!(said(&call), Verdict::Calls("zones".to_owned()));
        assert_eq!(said(&goes), Verdict::GoesTo("public".to_owned()));
        assert!(call.speaks_of_all() && !call.ends_the_chain());
    }

    #[test]
    fn a_comment_is_read_from_a_match_too() {
        let rule = rule(|list| {
            expression(list, "match", |data| {
                put(data, EXTENSION_NAME, b"comment\0");
                put(data, MATCH_INFO, b"minet: network x\0\0\0\0");
            });
            verdict(list, 0);
        });
        assert_eq!(rule.comment.as_deref(), Some("minet: network x"));
        assert!(rule.is_minets() && rule.ends_the_chain());
    }
}
