use std::{fmt, str::FromStr};

/// A word of a resolver line: a suffix, an option, a zone.
///
/// Printable ASCII without white space, at most 255 bytes, and not beginning with `#` or
/// `;`, which begin comments. So no word can end its line or begin another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Word(String);

/// Why a text cannot stand in a resolver line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot stand in resolv.conf: one word of printable ASCII, not a comment")]
pub struct InvalidWord(String);

impl Word {
    /// The longest word in bytes, as long as the longest domain name (RFC 1035).
    pub const MAX_LEN: usize = 255;

    /// The word as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Word {
    type Err = InvalidWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = (1..=Self::MAX_LEN).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic())
            && !text.starts_with(['#', ';']);
        match allowed {
            true => Ok(Word(text.to_owned())),
            false => Err(InvalidWord(text.to_owned())),
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_one_word() {
        for text in ["example.org", "ndots:2", ".", "a#b", "_tcp"] {
            assert_eq!(text.parse::<Word>().unwrap().as_str(), text);
        }
        let long = "x".repeat(256);
        for text in [
            "",
            " ",
            "a b",
            "a\tb",
            "a\nnameserver 6.6.6.6",
            "a\r",
            "\0",
            "#x",
            ";x",
            "caf\u{e9}",
            "a\u{2028}b",
            &long,
        ] {
            assert!(text.parse::<Word>().is_err(), "{text:?}");
        }
    }
}
