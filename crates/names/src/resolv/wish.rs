//! What a user may add to `resolv.conf`, and why not.
//!
//! Stricter than what is read from the host's file: a resolver that meets nonsense leaves it
//! out without a word, and its user should have one.

use super::Word;

/// A suffix or an option that cannot stand in `resolv.conf`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid {kind} {text:?}: {why}")]
pub struct InvalidWish {
    kind: &'static str,
    text: String,
    why: &'static str,
}

/// A search suffix: a domain name (RFC 1035 section 2.3.4), `.` for none.
pub(super) fn suffix(text: &str) -> Result<Word, InvalidWish> {
    let why = match text.strip_suffix('.').unwrap_or(text) {
        "" if text == "." => None,
        "" => Some("it is empty"),
        name if name.len() > 253 => Some("a domain name has at most 253 bytes"),
        name if name.starts_with('.') => Some("it begins with a dot"),
        name => name.split('.').find_map(wrong_label),
    };
    word("DNS search domain", text, why)
}

/// An option such as `ndots:2` (resolv.conf(5)).
pub(super) fn option(text: &str) -> Result<Word, InvalidWish> {
    let why = match text {
        "" => Some("it is empty"),
        _ if text.len() > Word::MAX_LEN => Some("a word has at most 255 bytes"),
        _ if text.contains(['#', ';']) => Some("# and ; begin comments"),
        _ if !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Some("it is one word of printable ASCII, such as ndots:2")
        }
        _ => None,
    };
    word("DNS option", text, why)
}

fn wrong_label(label: &str) -> Option<&'static str> {
    let belongs = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    match label {
        "" => Some("two dots follow each other"),
        _ if !label.bytes().all(belongs) => {
            Some("a domain name consists of letters, digits, - and _, with dots between")
        }
        _ if label.len() > 63 => Some("what stands between two dots has at most 63 bytes"),
        _ if label.starts_with('-') || label.ends_with('-') => {
            Some("nothing between two dots begins or ends with -")
        }
        _ => None,
    }
}

fn word(kind: &'static str, text: &str, why: Option<&'static str>) -> Result<Word, InvalidWish> {
    let invalid = |why| InvalidWish {
        kind,
        text: text.to_owned(),
        why,
    };
    match why {
        Some(why) => Err(invalid(why)),
        None => text
            .parse()
            .map_err(|_| invalid("it is no word of printable ASCII")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_suffixes() {
        for text in [".", "example.org", "corp", "a.b.", "_tcp.x", "x-y", "10"] {
            assert_eq!(suffix(text).unwrap().as_str(), text);
        }
        let label = format!("a.{}", "x".repeat(64));
        let name = "a.".repeat(127) + "x";
        for (text, why) in [
            ("", "it is empty"),
            (".a", "it begins with a dot"),
            ("..", "it begins with a dot"),
            ("a..b", "two dots"),
            ("a#b", "letters, digits"),
            ("a b", "letters, digits"),
            ("a\nnameserver 6.6.6.6", "letters, digits"),
            ("caf\u{e9}", "letters, digits"),
            ("-a", "begins or ends with -"),
            (label.as_str(), "at most 63 bytes"),
            (name.as_str(), "at most 253 bytes"),
        ] {
            let error = suffix(text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        assert_eq!(
            suffix("a\nb").unwrap_err().to_string(),
            "invalid DNS search domain \"a\\nb\": a domain name consists of letters, digits, - and _, with dots between"
        );
    }

    #[test]
    fn options_are_words() {
        for text in ["ndots:2", "edns0", "trust-ad", "timeout:1"] {
            assert_eq!(option(text).unwrap().as_str(), text);
        }
        let long = "x".repeat(256);
        for (text, why) in [
            ("", "it is empty"),
            ("a#b", "begin comments"),
            (";x", "begin comments"),
            ("a b", "one word"),
            ("a\nsearch evil", "one word"),
            (long.as_str(), "at most 255 bytes"),
        ] {
            let error = option(text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
