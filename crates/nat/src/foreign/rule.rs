//! What can be read from somebody else's rule: whose it is, and whether it ends everything.

use crate::netlink::attribute::{Attributes, Incoming};
use crate::netlink::userdata;

// Of the kernel's linux/netfilter/nf_tables.h and nf_tables_compat.h; the libc crate does
// not have them.
const RULE_HANDLE: u16 = 3;
const RULE_EXPRESSIONS: u16 = 4;
const RULE_USERDATA: u16 = 7;
const EXPRESSION_NAME: u16 = 1;
const EXPRESSION_DATA: u16 = 2;
const IMMEDIATE_DATA: u16 = 2;
const DATA_VERDICT: u16 = 2;
const VERDICT_CODE: u16 = 1;
const EXTENSION_NAME: u16 = 1;
const MATCH_INFO: u16 = 3;

/// The verdict `drop`, `NF_DROP`.
const DROP: u32 = 0;

/// A rule of a foreign chain, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ForeignRule {
    /// By which it can be deleted, once.
    pub(super) handle: u64,
    /// What somebody wrote beside it.
    pub(super) comment: Option<String>,
    /// Whether every packet that comes this far is dropped or rejected.
    pub(super) drops_everything: bool,
}

impl ForeignRule {
    pub(super) fn read(message: &Incoming) -> Option<Self> {
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
            drops_everything: drops_everything(&expressions),
        })
    }
}

/// Whether the rule asks nothing and ends in a drop or a refusal.
fn drops_everything(expressions: &[Expression<'_>]) -> bool {
    let asks_nothing = |expression: &Expression<'_>| {
        expression.comment().is_some()
            || matches!(
                expression.name,
                "counter" | "log" | "immediate" | "reject" | "target"
            )
    };
    expressions.iter().all(asks_nothing) && expressions.last().is_some_and(Expression::is_the_end)
}

/// One instruction of a rule.
struct Expression<'a> {
    name: &'a str,
    data: Attributes<'a>,
}

impl<'a> Expression<'a> {
    fn read(attributes: Attributes<'a>) -> Option<Self> {
        Some(Expression {
            name: text(attributes.get(EXPRESSION_NAME)?)?,
            data: attributes
                .inside(EXPRESSION_DATA)
                .unwrap_or(Attributes(&[])),
        })
    }

    /// The text of iptables' `-m comment`.
    fn comment(&self) -> Option<String> {
        let is_comment = self.name == "match" && self.extension() == Some("comment");
        let info = self.data.get(MATCH_INFO).filter(|_| is_comment)?;
        text(info).map(str::to_owned)
    }

    /// The name of an extension of iptables.
    fn extension(&self) -> Option<&'a str> {
        text(self.data.get(EXTENSION_NAME)?)
    }

    fn is_the_end(&self) -> bool {
        match self.name {
            "reject" => true,
            "target" => matches!(self.extension(), Some("REJECT" | "DROP")),
            "immediate" => self.verdict() == Some(DROP),
            _ => false,
        }
    }

    fn verdict(&self) -> Option<u32> {
        let data = self.data.inside(IMMEDIATE_DATA)?;
        let code = data.inside(DATA_VERDICT)?.get(VERDICT_CODE)?;
        Some(u32::from_be_bytes(code.try_into().ok()?))
    }
}

/// What stands before the first NUL.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes.split(|byte| *byte == 0).next()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::attribute::{finish, header, messages, nest, put};

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

    #[test]
    fn a_rule_without_questions_that_drops_is_the_end() {
        let dropping = rule(|list| {
            expression(list, "counter", |_| ());
            verdict(list, 0);
        });
        assert_eq!((dropping.handle, dropping.drops_everything), (7, true));
        assert!(!rule(|list| verdict(list, 1)).drops_everything);
        assert!(rule(|list| expression(list, "reject", |_| ())).drops_everything);
        let target = |name: &str| {
            let fill = |data: &mut Vec<u8>| put(data, EXTENSION_NAME, name.as_bytes());
            rule(|list| expression(list, "target", fill)).drops_everything
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
        assert!(!some.drops_everything);
    }

    #[test]
    fn a_comment_is_read_from_a_match_too() {
        let rule = rule(|list| {
            expression(list, "match", |data| {
                put(data, EXTENSION_NAME, b"comment\0");
                put(data, MATCH_INFO, b"minet: x\0\0\0\0");
            });
            verdict(list, 0);
        });
        assert_eq!(rule.comment.as_deref(), Some("minet: x"));
        assert!(rule.drops_everything);
    }
}
