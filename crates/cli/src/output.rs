use std::{
    io::{self, IsTerminal, Write},
    process,
};

/// Writes to standard output; what a terminal would act on is shown instead, if it is one,
/// so that no label and no variable of a container moves the cursor of who lists it.
pub(crate) fn print(text: &str) {
    match io::stdout().is_terminal() {
        true => print_as_it_is(&tamed(text)),
        false => print_as_it_is(text),
    }
}

/// Writes to standard output. A reader that has seen enough, as in `minet ps | head -1`,
/// is no failure: then nobody wants the rest. A full disk is one.
pub(crate) fn print_as_it_is(text: &str) {
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
    let _ = writeln!(io::stderr().lock(), "{}", tamed(line));
}

/// The text with every control character shown but those that make lines and columns. In
/// the notation of JSON, so that JSON remains what it is: it may contain some of them as
/// they are (DEL and C1, RFC 8259 section 7).
fn tamed(text: &str) -> String {
    let show = |c: char| match c.is_control() && !matches!(c, '\n' | '\t') {
        true => format!("\\u{:04x}", u32::from(c)),
        false => c.to_string(),
    };
    text.chars().map(show).collect()
}

/// One cell of a table, in one line whatever a user's words in it contain.
pub(crate) fn in_one_cell(text: &str) -> String {
    text.chars().map(shown).collect()
}

fn shown(c: char) -> String {
    match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    }
}

/// One line of a bearable length, whatever a user's words in it contain: what a terminal
/// would act on is shown, and the middle of what is too long is left out.
pub(crate) fn visible(text: &str) -> String {
    let length = text.chars().count();
    if length <= LONGEST {
        return text.chars().map(shown).collect();
    }
    let beginning: String = text.chars().take(LONGEST / 2).map(shown).collect();
    let end: String = text.chars().skip(length - LONGEST / 2).map(shown).collect();
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

    #[test]
    fn lines_and_columns_remain_and_json_too() {
        assert_eq!(
            super::tamed("a\tb\n\u{1b}[31m\u{9b}2J\r\u{7f}é"),
            "a\tb\n\\u001b[31m\\u009b2J\\u000d\\u007fé"
        );
    }
}
