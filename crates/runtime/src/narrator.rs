use crate::step::{Act, Explanation};
use minet_model::ContainerId;

/// Is told what happens, as it happens. The command line prints it; a test may collect it.
pub trait Narrator {
    /// Whether it wants to hear of steps. Finding the words for one takes time, and nobody
    /// need wait for what nobody hears.
    fn follows_steps(&self) -> bool;

    /// Tells of the `number`-th step, if that is followed; only then it is put into words.
    fn tell_step(&mut self, number: usize, act: &dyn Act) {
        if self.follows_steps() {
            self.step(number, &act.explain());
        }
    }

    /// The `number`-th step is about to be applied. Call [`Narrator::tell_step`].
    fn step(&mut self, number: usize, explanation: &Explanation);

    /// This container is in the books from now on, and about to be made.
    fn admitted(&mut self, _id: &ContainerId) {}

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
    fn follows_steps(&self) -> bool {
        false
    }
    fn step(&mut self, _number: usize, _explanation: &Explanation) {}
    fn undo(&mut self, _explanation: &Explanation) {}
    fn note(&mut self, _text: &str) {}
    fn warn(&mut self, _text: &str) {}
}
