//! What the table consists of, as the kernel tells it: to be compared with what it should.
//!
//! The description is not compared with the kernel's words directly, which leave out and
//! add: `table::layout` is installed in an empty network namespace, and what the kernel
//! says there is compared with what it says here, byte by byte.

use crate::error::Error;
use crate::firewall::Firewall;
use crate::netlink::attribute::{Attributes, Incoming};
use crate::netlink::encode::{dump_chains, dump_rules, dump_sets};
use crate::table::TABLE;
use std::collections::BTreeMap;

// Of the kernel's linux/netfilter/nf_tables.h; the libc crate does not have them.
const TABLE_OF: u16 = 1;
const SET_NAME: u16 = 2;
/// Flags, types and lengths of key and data, the description, the timeout, the notes. Not
/// what only says how many elements there are or how the kernel stores them.
const OF_A_SET: [u16; 9] = [3, 4, 5, 6, 7, 9, 11, 13, 15];
pub(crate) const CHAIN_NAME: u16 = 3;
/// Hook, policy, type, flags and notes.
const OF_A_CHAIN: [u16; 5] = [4, 5, 7, 10, 12];
const RULE_CHAIN: u16 = 2;
const RULE_EXPRESSIONS: u16 = 4;
const RULE_NOTES: u16 = 7;
const EXPRESSION_NAME: u16 = 1;
const EXPRESSION_DATA: u16 = 2;
/// What these hold changes with every packet.
const COUNTING: [&[u8]; 2] = [b"counter\0", b"last\0"];

/// Sets and chains with their rules, without the elements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anatomy {
    sets: BTreeMap<String, Vec<u8>>,
    chains: BTreeMap<String, ChainAnatomy>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct ChainAnatomy {
    definition: Vec<u8>,
    rules: Vec<Vec<u8>>,
}

impl Firewall {
    /// What the table consists of; nothing if there is none.
    ///
    /// # Errors
    /// Only if the kernel cannot be asked.
    pub fn anatomy(&mut self) -> Result<Anatomy, Error> {
        const ACT: &str = "look into table inet minet";
        let mut anatomy = Anatomy::default();
        for set in self.dump(&dump_sets(), ACT)?.iter().filter(is_ours) {
            let name = text(set.attributes(), SET_NAME);
            anatomy.sets.insert(name, essence(set, &OF_A_SET));
        }
        for chain in self.dump(&dump_chains(), ACT)?.iter().filter(is_ours) {
            let name = text(chain.attributes(), CHAIN_NAME);
            let definition = essence(chain, &OF_A_CHAIN);
            let rules = Vec::new();
            anatomy
                .chains
                .insert(name, ChainAnatomy { definition, rules });
        }
        for rule in self.dump(&dump_rules(), ACT)?.iter().filter(is_ours) {
            let chain = text(rule.attributes(), RULE_CHAIN);
            if let Some(chain) = anatomy.chains.get_mut(&chain) {
                chain.rules.push(instructions(rule));
            }
        }
        Ok(anatomy)
    }
}

impl Anatomy {
    /// What differs from how it should be, a sentence each; nothing if all is well.
    pub fn differences(&self, should: &Anatomy) -> Vec<String> {
        if *self == Anatomy::default() {
            return vec!["table inet minet is missing".to_owned()];
        }
        let mut differences = Vec::new();
        let mut tell = |sentence: String| differences.push(sentence);
        for (name, set) in &should.sets {
            match self.sets.get(name) {
                None => tell(format!("set {name} is missing")),
                Some(found) if found != set => tell(format!("set {name} is another")),
                Some(_) => {}
            }
        }
        for (name, chain) in &should.chains {
            match self.chains.get(name) {
                None => tell(format!("chain {name} is missing")),
                Some(found) => chain_differences(name, found, chain)
                    .into_iter()
                    .for_each(&mut tell),
            }
        }
        let strange = |kind: &'static str, name: &String| format!("{kind} {name} is not minet's");
        for name in self.sets.keys().filter(|name| is_extra_set(name, should)) {
            tell(strange("set", name));
        }
        let extra = |name: &&String| !should.chains.contains_key(*name);
        for name in self.chains.keys().filter(extra) {
            tell(strange("chain", name));
        }
        differences
    }
}

/// The kernel gives nameless sets, which are part of a rule, names of its own.
fn is_extra_set(name: &str, should: &Anatomy) -> bool {
    !name.starts_with("__") && !should.sets.contains_key(name)
}

fn chain_differences(name: &str, found: &ChainAnatomy, should: &ChainAnatomy) -> Vec<String> {
    let mut differences = Vec::new();
    if found.definition != should.definition {
        differences.push(format!("chain {name} has another hook, type or policy"));
    }
    let (lost, added) = (
        count_missing(&should.rules, &found.rules),
        count_missing(&found.rules, &should.rules),
    );
    match (lost, added) {
        (0, 0) if found.rules == should.rules => {}
        (0, 0) => differences.push(format!("chain {name}: its rules are in another order")),
        (lost, 0) => differences.push(format!(
            "chain {name}: {lost} of its {} rules missing",
            should.rules.len()
        )),
        (0, added) => differences.push(format!("chain {name}: {added} rules too many")),
        (lost, added) => differences.push(format!(
            "chain {name}: {lost} of its {} rules missing, {added} strange ones there",
            should.rules.len()
        )),
    }
    differences
}

/// How many of these are not among those, each counted as often as it is there.
fn count_missing(these: &[Vec<u8>], those: &[Vec<u8>]) -> usize {
    let mut rest: Vec<&Vec<u8>> = those.iter().collect();
    let mut missing = 0;
    for one in these {
        match rest.iter().position(|other| *other == one) {
            Some(at) => drop(rest.swap_remove(at)),
            None => missing += 1,
        }
    }
    missing
}

pub(crate) fn is_ours(message: &&Incoming) -> bool {
    text(message.attributes(), TABLE_OF) == TABLE
}

fn essence(message: &Incoming, kinds: &[u16]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (kind, value) in message
        .attributes()
        .filter(|(kind, _)| kinds.contains(kind))
    {
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(u32::try_from(value.len()).unwrap_or(u32::MAX).to_ne_bytes());
        bytes.extend(value);
    }
    bytes
}

fn instructions(rule: &Incoming) -> Vec<u8> {
    let mut bytes = rule
        .attributes()
        .get(RULE_NOTES)
        .unwrap_or_default()
        .to_vec();
    let list = rule.attributes().inside(RULE_EXPRESSIONS);
    for (_, expression) in list.into_iter().flatten() {
        let expression = Attributes(expression);
        let name = expression.get(EXPRESSION_NAME).unwrap_or_default();
        bytes.extend(name);
        if !COUNTING.contains(&name) {
            bytes.extend(expression.get(EXPRESSION_DATA).unwrap_or_default());
        }
    }
    bytes
}

pub(crate) fn text(attributes: Attributes<'_>, kind: u16) -> String {
    let bytes = attributes.get(kind).unwrap_or_default();
    let name = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anatomy(rules: &[&str]) -> Anatomy {
        let rules = rules.iter().map(|rule| rule.as_bytes().to_vec()).collect();
        let definition = b"filter".to_vec();
        let chain = ChainAnatomy { definition, rules };
        Anatomy {
            sets: [("home".to_owned(), vec![1])].into(),
            chains: [("guard".to_owned(), chain)].into(),
        }
    }

    #[test]
    fn lost_added_and_moved_rules_are_told_apart() {
        let should = anatomy(&["a", "b", "b"]);
        let differences = |rules: &[&str]| anatomy(rules).differences(&should).join("; ");
        assert_eq!(differences(&["a", "b", "b"]), "");
        assert_eq!(
            differences(&["a", "b"]),
            "chain guard: 1 of its 3 rules missing"
        );
        assert_eq!(
            differences(&["a", "b", "b", "x"]),
            "chain guard: 1 rules too many"
        );
        assert_eq!(
            differences(&["b", "a", "b"]),
            "chain guard: its rules are in another order"
        );
        assert_eq!(
            differences(&["x", "b", "b"]),
            "chain guard: 1 of its 3 rules missing, 1 strange ones there"
        );
    }

    #[test]
    fn what_is_missing_or_strange_has_a_name() {
        let should = anatomy(&["a"]);
        assert_eq!(
            Anatomy::default().differences(&should),
            ["table inet minet is missing"]
        );
        let mut found = should.clone();
        found.sets.clear();
        found
            .chains
            .insert("mine".to_owned(), ChainAnatomy::default());
        assert_eq!(
            found.differences(&should),
            ["set home is missing", "chain mine is not minet's"]
        );
    }
}
