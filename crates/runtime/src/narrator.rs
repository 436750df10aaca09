use crate::step::Explanation;

/// Is told what happens, as it happens. The command line prints it; a test may collect it.
pub trait Narrator {
    /// The `number`-th step is about to be applied.
    fn step(&mut self, number: usize, explanation: &Explanation);

    /// A step is about to be undone.
    fn undo(&mut self, explanation: &Explanation);

    /// Something the user should know, although nothing failed.
    fn note(&mut self, text: &str);

    /// Something that was asked for and will not be so.
    fn warn(&mut self, text: &str);
}

/// Tells nobody.
pub(crate) struct Silent;

impl Narrator for Silent {
    fn step(&mut self, _number: usize, _explanation: &Explanation) {}
    fn undo(&mut self, _explanation: &Explanation) {}
    fn note(&mut self, _text: &str) {}
    fn warn(&mut self, _text: &str) {}
}
