use ::time::{OffsetDateTime, format_description::well_known::Rfc3339};
use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970, for display; a clock that is set back harms nothing.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// As Docker prints times: RFC 3339 in UTC; no time at all is the year 1.
pub(crate) fn rfc3339(milliseconds: Option<i64>) -> String {
    let never = || "0001-01-01T00:00:00Z".to_owned();
    let Some(milliseconds) = milliseconds else {
        return never();
    };
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(never)
}

/// Now, to the nanosecond.
pub(crate) fn rfc3339_now() -> String {
    OffsetDateTime::now_utc()
        .format(&Rfc3339)
        .unwrap_or_default()
}

/// Milliseconds since 1970 as RFC 3339, in UTC.
pub(crate) fn format_time(milliseconds: i64) -> String {
    rfc3339(Some(milliseconds))
}

/// The same as Docker's lists have it, in Go's words: `2026-01-31 12:00:00 +0000 UTC`.
pub fn format_time_as_go(milliseconds: i64) -> String {
    let text = rfc3339(Some(milliseconds / 1000 * 1000));
    format!("{} +0000 UTC", text.replace('T', " ").trim_end_matches('Z'))
}

/// A moment in milliseconds since 1970: RFC 3339, or in UTC without a zone, and with less of
/// a time or none.
pub fn parse_time(text: &str) -> Option<i64> {
    let variants = [
        text.to_owned(),
        format!("{text}Z"),
        format!("{text}:00Z"),
        format!("{text}:00:00Z"),
        format!("{text}T00:00:00Z"),
    ];
    variants.iter().find_map(|text| parse_rfc3339(text))
}

/// Milliseconds since 1970.
pub(crate) fn parse_rfc3339(text: &str) -> Option<i64> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_print_as_docker_prints_them() {
        assert_eq!(rfc3339(None), "0001-01-01T00:00:00Z");
        assert_eq!(rfc3339(Some(0)), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(Some(1_700_000_000_123)), "2023-11-14T22:13:20.123Z");
        assert_eq!(
            format_time_as_go(1_700_000_000_123),
            "2023-11-14 22:13:20 +0000 UTC"
        );
    }
}
