//! The parsers, with examples of what they are for and the promises that they keep.

mod files;
mod packets;
mod stored;
mod words;

/// A parser under test.
pub(crate) struct Target {
    /// How `--target` calls it.
    pub(crate) name: &'static str,
    /// Good input, which is made bad.
    pub(crate) examples: &'static [&'static str],
    /// Reads the input; an error is a promise that was broken.
    pub(crate) run: fn(&[u8]) -> Result<(), String>,
}

/// All of them.
pub(crate) fn all() -> Vec<Target> {
    let mut all = words::targets();
    all.extend(files::targets());
    all.extend(packets::targets());
    all.extend(stored::targets());
    all
}

/// Input as text; what is not UTF-8 never gets to a parser of text.
fn text(input: &[u8]) -> String {
    String::from_utf8_lossy(input).into_owned()
}

fn promise(kept: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    match kept {
        true => Ok(()),
        false => Err(what()),
    }
}
