use std::{
    io::{self, Write},
    process,
};

/// Writes to standard output. A reader that has seen enough, as in `minet ps | head -1`,
/// is no failure: then nobody wants the rest. A full disk is one.
pub(crate) fn print(text: &str) {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            tell(&format!("minet: write to standard output: {error}"));
            process::exit(1);
        }
        Ok(()) | Err(_) => {}
    }
}

/// Writes a value as JSON, over several lines.
pub(crate) fn print_json(value: &impl serde::Serialize) {
    let text = serde_json::to_string_pretty(value).expect("strings, numbers and lists");
    print(&format!("{text}\n"));
}

/// Writes a line to standard error, where the user looks for what went wrong.
pub(crate) fn tell(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// One line of a bearable length, whatever a user's words in it contain: what a terminal
/// would act on is shown, and the middle of what is too long is left out.
pub(crate) fn visible(text: &str) -> String {
    let show = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    let length = text.chars().count();
    if length <= LONGEST {
        return text.chars().map(show).collect();
    }
    let beginning: String = text.chars().take(LONGEST / 2).map(show).collect();
    let end: String = text.chars().skip(length - LONGEST / 2).map(show).collect();
    format!("{beginning}…{end}")
}

/// Characters of a message; more was somebody's 100 kB argument.
const LONGEST: usize = 2000;

#[cfg(test)]
mod tests {
    #[test]
    fn control_characters_are_shown_and_not_sent() {
        assert_eq!(super::visible("a\nb\u{1b}[31mé"), "a\\nb\\u{1b}[31mé");
        assert_eq!(super::visible(&"é".repeat(9000)).chars().count(), 2001);
    }
}
