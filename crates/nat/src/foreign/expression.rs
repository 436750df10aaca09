//! The instructions of somebody else's rule: a question, or a verdict.

use super::encode::Side;
use crate::netlink::attribute::Attributes;
use minet_model::IfName;
use nftnl::nftnl_sys::libc;

// Of the kernel's linux/netfilter/nf_tables.h and nf_tables_compat.h; the libc crate does
// not have them.
pub(super) const EXPRESSION_NAME: u16 = 1;
pub(super) const EXPRESSION_DATA: u16 = 2;
pub(super) const IMMEDIATE_DATA: u16 = 2;
pub(super) const DATA_VALUE: u16 = 1;
pub(super) const DATA_VERDICT: u16 = 2;
pub(super) const VERDICT_CODE: u16 = 1;
pub(super) const VERDICT_CHAIN: u16 = 2;
pub(super) const EXTENSION_NAME: u16 = 1;
pub(super) const MATCH_INFO: u16 = 3;
pub(super) const META_KEY: u16 = 2;
pub(super) const CMP_OPERATION: u16 = 2;
pub(super) const CMP_DATA: u16 = 3;

/// What happens to a packet that a rule means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing yet.
    GoesOn,
    Accepted,
    /// Or refused.
    Dropped,
    /// Back to where it was called from.
    Returns,
    /// To another chain, and back.
    Calls(String),
    /// To another chain, and not back.
    GoesTo(String),
}

/// The name of an interface, or how names begin (`minet+` in iptables, `"minet*"` in nft).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pattern {
    Name(String),
    Beginning(String),
}

/// One instruction of a rule.
pub(super) struct Expression<'a> {
    pub(super) name: &'a str,
    data: Attributes<'a>,
}

impl<'a> Expression<'a> {
    pub(super) fn read(attributes: Attributes<'a>) -> Option<Self> {
        Some(Expression {
            name: text(attributes.get(EXPRESSION_NAME)?)?,
            data: attributes
                .inside(EXPRESSION_DATA)
                .unwrap_or(Attributes(&[])),
        })
    }

    /// The text of iptables' `-m comment`.
    pub(super) fn comment(&self) -> Option<String> {
        let is_comment = self.name == "match" && self.extension() == Some("comment");
        let info = self.data.get(MATCH_INFO).filter(|_| is_comment)?;
        text(info).map(str::to_owned)
    }

    /// The name of an extension of iptables.
    fn extension(&self) -> Option<&'a str> {
        text(self.data.get(EXTENSION_NAME)?)
    }

    fn number(&self, kind: u16) -> Option<u32> {
        Some(u32::from_be_bytes(self.data.get(kind)?.try_into().ok()?))
    }

    pub(super) fn verdict(&self) -> Verdict {
        match self.name {
            "reject" => Verdict::Dropped,
            "target" if matches!(self.extension(), Some("REJECT" | "DROP")) => Verdict::Dropped,
            "immediate" => self.immediate().unwrap_or(Verdict::GoesOn),
            _ => Verdict::GoesOn,
        }
    }

    fn immediate(&self) -> Option<Verdict> {
        let data = self.data.inside(IMMEDIATE_DATA)?.inside(DATA_VERDICT)?;
        let chain = || text(data.get(VERDICT_CHAIN)?).map(str::to_owned);
        let code = u32::from_be_bytes(data.get(VERDICT_CODE)?.try_into().ok()?);
        Some(match code as i32 {
            libc::NF_DROP => Verdict::Dropped,
            libc::NF_ACCEPT => Verdict::Accepted,
            libc::NFT_RETURN => Verdict::Returns,
            libc::NFT_JUMP => Verdict::Calls(chain()?),
            libc::NFT_GOTO => Verdict::GoesTo(chain()?),
            _ => Verdict::GoesOn,
        })
    }
}

/// What stands before the first NUL.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes.split(|byte| *byte == 0).next()?).ok()
}

impl Pattern {
    /// From the bytes that are compared: with a NUL they are the whole name.
    fn read(bytes: &[u8]) -> Option<Self> {
        let name = std::str::from_utf8(bytes.split(|byte| *byte == 0).next()?).ok()?;
        Some(match bytes.contains(&0) {
            true => Pattern::Name(name.to_owned()),
            false => Pattern::Beginning(name.to_owned()),
        })
    }

    pub(super) fn means(&self, name: &IfName) -> bool {
        match self {
            Pattern::Name(this) => this == name.as_str(),
            Pattern::Beginning(these) => name.as_str().starts_with(these),
        }
    }
}

/// `iifname "minet0"`: an interface's name is loaded and compared.
pub(super) fn interface(meta: &Expression<'_>, cmp: &Expression<'_>) -> Option<(Side, Pattern)> {
    if (meta.name, cmp.name) != ("meta", "cmp") {
        return None;
    }
    let side = match i32::try_from(meta.number(META_KEY)?).ok()? {
        libc::NFT_META_IIFNAME => Side::From,
        libc::NFT_META_OIFNAME => Side::To,
        _ => return None,
    };
    let equal = cmp.number(CMP_OPERATION)? == libc::NFT_CMP_EQ as u32;
    let pattern = Pattern::read(cmp.data.inside(CMP_DATA)?.get(DATA_VALUE)?)?;
    equal.then_some((side, pattern))
}
