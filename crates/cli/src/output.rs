use std::io::{self, Write};

/// Writes to standard output. A reader that has seen enough, as in `minet ps | head -1`,
/// is no failure: then nobody wants the rest.
pub(crate) fn print(text: &str) {
    let _ = io::stdout().lock().write_all(text.as_bytes());
}

/// Writes a line to standard error, where the user looks for what went wrong.
pub(crate) fn tell(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
