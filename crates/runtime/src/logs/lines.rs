/// Cuts a stream of bytes into lines, and lines without an end into pieces.
pub(crate) struct Lines {
    pending: Vec<u8>,
}

/// Docker's length of a piece.
const LONGEST: usize = 16 * 1024;

impl Lines {
    pub(crate) fn new() -> Self {
        Lines {
            pending: Vec::new(),
        }
    }

    /// Passes every line that is complete now to `out`, its end included.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], mut out: impl FnMut(&[u8])) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(end + 1);
            self.join(line, &mut out);
            if !self.pending.is_empty() {
                out(&self.pending);
                self.pending.clear();
            }
            bytes = rest;
        }
        self.join(bytes, &mut out);
    }

    /// Passes on what is left of a line that was never completed.
    pub(crate) fn finish(&mut self, mut out: impl FnMut(&[u8])) {
        if !self.pending.is_empty() {
            out(&self.pending);
            self.pending.clear();
        }
    }

    fn join(&mut self, mut bytes: &[u8], out: &mut impl FnMut(&[u8])) {
        while self.pending.len() + bytes.len() > LONGEST {
            let (head, rest) = bytes.split_at(LONGEST - self.pending.len());
            self.pending.extend_from_slice(head);
            let whole = whole_characters(&self.pending);
            out(&self.pending[..whole]);
            self.pending.drain(..whole);
            bytes = rest;
        }
        self.pending.extend_from_slice(bytes);
    }
}

/// How many of these bytes do not cut a character in two.
fn whole_characters(bytes: &[u8]) -> usize {
    // A character has at most four bytes.
    let tail = bytes.len().saturating_sub(4);
    let cut = (tail..bytes.len())
        .rev()
        .find(|at| bytes[*at] & 0xC0 != 0x80);
    match cut {
        Some(at) => match std::str::from_utf8(&bytes[at..]) {
            Err(error) if error.error_len().is_none() && at > 0 => at,
            Ok(_) | Err(_) => bytes.len(),
        },
        None => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut lines, mut cut) = (Lines::new(), Vec::new());
        for piece in pieces {
            lines.feed(piece, |line| cut.push(line.to_vec()));
        }
        lines.finish(|line| cut.push(line.to_vec()));
        cut
    }

    #[test]
    fn lines_come_out_whole_however_they_come_in() {
        assert_eq!(
            cut(&[b"a\nb", b"c\n", b"\nd"]),
            [&b"a\n"[..], b"bc\n", b"\n", b"d"]
        );
        assert!(cut(&[b""]).is_empty());
    }

    #[test]
    fn a_line_without_end_is_cut_between_characters() {
        let long = "é".repeat(LONGEST);
        let pieces = cut(&[b"x", long.as_bytes(), b"\n"]);
        assert!(pieces.iter().all(|piece| piece.len() <= LONGEST));
        assert!(
            pieces
                .iter()
                .all(|piece| std::str::from_utf8(piece).is_ok())
        );
        assert_eq!(pieces.concat(), format!("x{long}\n").into_bytes());
        let nonsense = vec![0x80; 3 * LONGEST];
        assert_eq!(cut(&[&nonsense]).concat(), nonsense);
    }
}
