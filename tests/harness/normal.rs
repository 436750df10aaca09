//! Texts without what may differ from one run to the next.

/// `counter packets 3 bytes 180` becomes `counter packets N bytes N`.
pub fn without_counters(text: &str) -> String {
    let mut words = Vec::new();
    let mut after = "";
    for word in text.split(' ') {
        let digits = word.trim_end_matches(|c: char| !c.is_ascii_digit());
        let count = matches!(after, "packets" | "bytes") && !digits.is_empty();
        words.push(match count {
            true => word.replacen(digits, "N", 1),
            false => word.to_owned(),
        });
        after = word;
    }
    words.join(" ")
}

/// Runs of 8 hexadecimal digits and more become `ID`, whatever their length.
pub fn without_ids(text: &str) -> String {
    let mut result = String::new();
    let mut run = String::new();
    for c in text.chars().chain(['\0']) {
        if matches!(c, '0'..='9' | 'a'..='f') {
            run.push(c);
            continue;
        }
        result.push_str(if run.len() >= 8 { "ID" } else { &run });
        run.clear();
        result.push(c);
    }
    result.pop();
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_lose_their_numbers_and_nothing_else() {
        let rule = "iifname \"lo\" counter packets 3 bytes 180 drop\n\tcounter packets 0 bytes 0\n";
        let normal = "iifname \"lo\" counter packets N bytes N drop\n\tcounter packets N bytes N\n";
        assert_eq!(without_counters(rule), normal);
    }

    #[test]
    fn ids_are_long_hexadecimal_numbers() {
        assert_eq!(without_ids("veth3f3f3f3f 172.17.0.2"), "vethID 172.17.0.2");
        assert_eq!(without_ids("web 3fa91c20aa00"), "web ID");
        assert_eq!(without_ids("deadbeef"), "ID");
    }
}
