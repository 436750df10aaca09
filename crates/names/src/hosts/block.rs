//! The marked block: finding it in a file that a user may have edited, and replacing it.

use super::{Block, Markers};
use std::ops::Range;

/// `existing` with minet's lines replaced by `block`; every other byte stays.
///
/// A marker is a line that holds nothing else, with any white space around it, so a file
/// saved with CRLF still has its markers. What happens to the file:
///
/// | it has | then |
/// | --- | --- |
/// | a begin and later an end | from the begin nearest to that end, through the end, it is replaced; of several such pairs the first |
/// | only a begin | that one line is replaced; what follows may be the user's and stays, but the new lines stand before it and win |
/// | no begin | the block is appended, behind a line end if the last line has none |
///
/// It works on bytes, since a comment may be in any encoding. Doing it twice is doing it
/// once.
pub fn update(existing: &[u8], block: &Block) -> Vec<u8> {
    update_between(existing, &Markers::default(), block)
}

/// The same for a block between other markers.
pub fn update_between(existing: &[u8], markers: &Markers, block: &Block) -> Vec<u8> {
    let place = place_of_block(existing, markers);
    let (before, after) = (&existing[..place.start], &existing[place.end..]);
    let mut text = Vec::with_capacity(before.len() + block.text.len() + after.len() + 1);
    text.extend_from_slice(before);
    if before.last().is_some_and(|&byte| byte != b'\n') {
        text.push(b'\n');
    }
    text.extend_from_slice(block.text.as_bytes());
    text.extend_from_slice(after);
    text
}

/// Which bytes the block takes the place of; an empty range at the end to append it.
fn place_of_block(text: &[u8], markers: &Markers) -> Range<usize> {
    let mut begin: Option<Range<usize>> = None;
    for line in lines(text) {
        if is_marker(&text[line.clone()], &markers.begin) {
            begin = Some(line);
        } else if let Some(begin) = &begin
            && is_marker(&text[line.clone()], &markers.end)
        {
            return begin.start..line.end;
        }
    }
    begin.unwrap_or(text.len()..text.len())
}

/// `existing` without the block, if it has one; every other byte stays.
pub fn without_block(existing: &[u8], markers: &Markers) -> Vec<u8> {
    let place = place_of_block(existing, markers);
    [&existing[..place.start], &existing[place.end..]].concat()
}

/// The text without any marker line.
pub(super) fn without_markers(text: &[u8]) -> Vec<u8> {
    let markers = Markers::default();
    lines(text)
        .map(|line| &text[line])
        .filter(|line| !is_marker(line, &markers.begin) && !is_marker(line, &markers.end))
        .flatten()
        .copied()
        .collect()
}

/// Each line with its line end; a last line may have none.
fn lines(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut end = 0;
    text.split_inclusive(|&byte| byte == b'\n')
        .map(move |line| {
            let start = end;
            end += line.len();
            start..end
        })
}

fn is_marker(line: &[u8], marker: &str) -> bool {
    line.trim_ascii() == marker.as_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::{BEGIN, END};
    use super::*;

    /// The block under test holds the single line `NEW`.
    #[track_caller]
    fn becomes(existing: &str, want: &str) {
        let block = Block {
            text: format!("{BEGIN}\nNEW\n{END}\n"),
        };
        let once = update(existing.as_bytes(), &block);
        assert_eq!(String::from_utf8_lossy(&once), want);
        assert_eq!(update(&once, &block), once, "twice is not once");
    }

    #[test]
    fn only_the_lines_between_the_markers_change() {
        becomes("", "# minet begin\nNEW\n# minet end\n");
        becomes(
            "a\n# minet begin\nold\nold\n# minet end\nz\n",
            "a\n# minet begin\nNEW\n# minet end\nz\n",
        );
        // No line end anywhere near the block.
        becomes(
            "a\n\n# minet begin\n# minet end",
            "a\n\n# minet begin\nNEW\n# minet end\n",
        );
        becomes("a\nz", "a\nz\n# minet begin\nNEW\n# minet end\n");
        becomes("\n\n", "\n\n# minet begin\nNEW\n# minet end\n");
    }

    #[test]
    fn a_file_with_crlf_keeps_it() {
        becomes(
            "a\r\n# minet begin\r\nold\r\n# minet end\r\nz\r\n",
            "a\r\n# minet begin\nNEW\n# minet end\nz\r\n",
        );
        becomes("a\r\nz", "a\r\nz\n# minet begin\nNEW\n# minet end\n");
    }

    #[test]
    fn what_only_looks_like_a_marker_is_text() {
        becomes(
            "# minet begin here\n# minet ends\n",
            "# minet begin here\n# minet ends\n# minet begin\nNEW\n# minet end\n",
        );
    }

    #[test]
    fn damaged_markers_cost_no_line() {
        let block = "# minet begin\nNEW\n# minet end\n";
        // The end is lost.
        becomes("a\n# minet begin\nold\nz\n", &format!("a\n{block}old\nz\n"));
        becomes("# minet begin", block);
        // The begin is lost.
        becomes(
            "a\nold\n# minet end\nz",
            &format!("a\nold\n# minet end\nz\n{block}"),
        );
        // They are the wrong way round.
        becomes(
            "# minet end\na\n# minet begin\nz\n",
            &format!("# minet end\na\n{block}z\n"),
        );
        // A begin too many, a pair too many.
        becomes(
            "# minet begin\na\n# minet begin\nold\n# minet end\n",
            &format!("# minet begin\na\n{block}"),
        );
        becomes(
            "# minet begin\nold\n# minet end\na\n# minet begin\nb\n# minet end\n",
            &format!("{block}a\n# minet begin\nb\n# minet end\n"),
        );
    }

    /// All files of up to six lines out of five kinds: no user's line is lost or moved.
    #[test]
    fn no_file_loses_a_line_that_is_not_between_markers() {
        let kinds = [
            "# minet begin\n",
            "# minet end\n",
            "mine\n",
            "mine too\r\n",
            "\n",
        ];
        for code in 0..kinds.len().pow(6) {
            let kind = |n: u32| kinds[code / kinds.len().pow(n) % kinds.len()];
            let text: String = (0..6).map(kind).collect();
            let place = place_of_block(text.as_bytes(), &Markers::default());
            let replaced = &text[place.clone()];
            let inner = replaced.trim_end().strip_prefix(BEGIN).unwrap_or_default();
            assert!(!inner.contains(BEGIN), "{text:?}");
            assert_eq!(replaced.is_empty(), !text.contains(BEGIN), "{text:?}");
            assert!(inner.is_empty() || inner.ends_with(END), "{text:?}");
        }
    }
}
