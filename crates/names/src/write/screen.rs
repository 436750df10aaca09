//! What readers see while the file itself is written.

/// Another file with the new text, which whoever opens the file gets instead of it. It is up
/// for moments, and what can only be tried is tried: without one, writing goes on.
pub trait Screen {
    /// From now on, whoever opens the file reads this text.
    fn raise(&mut self, text: &[u8]);

    /// The file itself is seen again, if it was not. Returns what somebody has made of the
    /// text meanwhile, if anybody has.
    fn lower(&mut self) -> Option<Vec<u8>>;
}

/// Readers see the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoScreen;

impl Screen for NoScreen {
    fn raise(&mut self, _text: &[u8]) {}

    fn lower(&mut self) -> Option<Vec<u8>> {
        None
    }
}
