//! Names for containers whose user did not care: `brave_hopper`.

use minet_model::ContainerName;

const MOODS: [&str; 64] = [
    "agile", "amber", "bold", "brave", "bright", "brisk", "calm", "candid", "cheerful", "clever",
    "cosmic", "crisp", "curious", "daring", "deft", "eager", "earnest", "elegant", "fair",
    "fearless", "festive", "fluent", "fond", "frank", "gentle", "glad", "golden", "graceful",
    "happy", "hardy", "honest", "humble", "jolly", "keen", "kind", "lively", "loyal", "lucid",
    "mellow", "merry", "mighty", "modest", "neat", "nimble", "noble", "patient", "placid",
    "polite", "proud", "quick", "quiet", "serene", "sharp", "silent", "sincere", "steady", "sunny",
    "swift", "tender", "tidy", "vivid", "warm", "witty", "zealous",
];

/// People without whom there would be no networks to teach.
const PIONEERS: [&str; 48] = [
    "abramson",
    "baran",
    "bartik",
    "berners-lee",
    "boggs",
    "bolt",
    "bush",
    "cerf",
    "clark",
    "cohen",
    "crocker",
    "davies",
    "dijkstra",
    "engelbart",
    "estrin",
    "feinler",
    "floyd",
    "hamilton",
    "heart",
    "hopper",
    "jacobson",
    "kahn",
    "karels",
    "kleinrock",
    "lamarr",
    "lamport",
    "licklider",
    "lovelace",
    "metcalfe",
    "mockapetris",
    "moy",
    "nagle",
    "partridge",
    "perlman",
    "postel",
    "pouzin",
    "rekhter",
    "ritchie",
    "roberts",
    "russell",
    "saltzer",
    "shannon",
    "spring",
    "taylor",
    "thompson",
    "tomlinson",
    "turing",
    "wilkes",
];

/// A name made of random bytes; after a few attempts that were taken, with a number.
pub(crate) fn made_up(random: [u8; 4], attempt: u32) -> ContainerName {
    let mood = MOODS[usize::from(random[0]) % MOODS.len()];
    let pioneer = PIONEERS[usize::from(random[1]) % PIONEERS.len()];
    let name = match attempt {
        0..4 => format!("{mood}_{pioneer}"),
        _ => format!(
            "{mood}_{pioneer}_{}",
            u16::from_be_bytes([random[2], random[3]])
        ),
    };
    name.parse()
        .expect("lower-case words joined by underscores are a name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_makes_a_name() {
        for byte in 0..=255 {
            made_up([byte, byte, 0, 0], 0);
        }
        assert_eq!(made_up([3, 19, 0, 0], 0).as_str(), "brave_hopper");
        assert_eq!(made_up([3, 19, 1, 2], 9).as_str(), "brave_hopper_258");
    }

    #[test]
    fn no_word_stands_twice() {
        for words in [&MOODS[..], &PIONEERS[..]] {
            assert!(words.is_sorted() && words.windows(2).all(|pair| pair[0] != pair[1]));
        }
    }
}
