//! Moments and spans of time, as users write and read them.

use std::{
    str::FromStr,
    time::{SystemTime, UNIX_EPOCH},
};

/// Now, in milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

/// A moment that a user named, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) i64);

impl FromStr for Moment {
    type Err = String;

    /// So long ago (`10m`, `1h30m`, `1.5h`), a date with or without a time and a zone, or
    /// seconds since 1970, as with Docker.
    fn from_str(text: &str) -> Result<Self, String> {
        let ago = span(text).map(|span| now() - span);
        let seconds = || milliseconds(text.parse().ok()?, 1000.0);
        ago.or_else(seconds)
            .or_else(|| minet_runtime::parse_time(text))
            .map(Moment)
            .ok_or_else(|| "write 10m, 2026-01-31T12:00:00Z, or seconds since 1970".to_owned())
    }
}

/// The units of spans, and their milliseconds; the days are not Go's.
const UNITS: [(&str, f64); 5] = [
    ("d", 86_400_000.0),
    ("h", 3_600_000.0),
    ("ms", 1.0),
    ("m", 60_000.0),
    ("s", 1000.0),
];

/// `1h30m` and `-1.5h` in milliseconds.
fn span(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    if rest.is_empty() {
        return None;
    }
    let mut total = 0_i64;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..unit_at].parse().ok()?;
        let (unit, length) = UNITS
            .iter()
            .find(|(unit, _)| rest[unit_at..].starts_with(unit))?;
        total = total.checked_add(milliseconds(number, *length)?)?;
        rest = &rest[unit_at + unit.len()..];
    }
    Some(sign * total)
}

#[expect(clippy::cast_possible_truncation, reason = "it is within the bounds")]
fn milliseconds(number: f64, each: f64) -> Option<i64> {
    const FAR_AWAY: f64 = 1e15;
    let product = number * each;
    (product.abs() < FAR_AWAY).then_some(product as i64)
}

/// How long ago, in the words that Docker uses.
pub(crate) fn since_in_words(moment: i64) -> String {
    in_words((now() - moment).max(0) / 1000)
}

/// Hours are rounded, all else is cut.
fn in_words(seconds: i64) -> String {
    let hours = (seconds + 1800) / 3600;
    match (seconds, hours) {
        (0, _) => "Less than a second".to_owned(),
        (1, _) => "1 second".to_owned(),
        (..60, _) => format!("{seconds} seconds"),
        (..120, _) => "About a minute".to_owned(),
        (..3600, _) => format!("{} minutes", seconds / 60),
        (_, 1) => "About an hour".to_owned(),
        (_, ..48) => format!("{hours} hours"),
        (_, ..336) => format!("{} days", hours / 24),
        (_, ..1440) => format!("{} weeks", hours / 24 / 7),
        (_, ..17_520) => format!("{} months", hours / 24 / 30),
        _ => format!("{} years", hours / 24 / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_spans_dates_or_seconds() {
        for (text, milliseconds) in [
            ("1h30m", 5_400_000),
            ("1.5h", 5_400_000),
            ("90s", 90_000),
            ("1m500ms", 60_500),
            ("-5m", -300_000),
            ("2d", 172_800_000),
        ] {
            assert_eq!(span(text), Some(milliseconds), "{text}");
        }
        for text in [
            "",
            "-",
            "m",
            "10",
            "1x",
            "1..5h",
            "9e9h",
            "99999999999999999h",
        ] {
            assert_eq!(span(text), None, "{text:?}");
        }
        for (text, moment) in [
            ("1.5", 1500),
            ("1970-01-01T00:01:00Z", 60_000),
            ("1970-01-01T01:01:00+01:00", 60_000),
            ("1970-01-01T00:01", 60_000),
            ("1970-01-01T01", 3_600_000),
            ("1970-01-02", 86_400_000),
        ] {
            assert_eq!(text.parse(), Ok(Moment(moment)), "{text}");
        }
        for text in ["yesterday", "", "inf", "1970-01-01T1"] {
            assert!(text.parse::<Moment>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn spans_are_in_dockers_words() {
        for (seconds, text) in [
            (0, "Less than a second"),
            (59, "59 seconds"),
            (61, "About a minute"),
            (3600, "About an hour"),
            (5399, "About an hour"),
            (5400, "2 hours"),
            (200_000, "2 days"),
            (63_072_000, "2 years"),
        ] {
            assert_eq!(in_words(seconds), text);
        }
    }
}
