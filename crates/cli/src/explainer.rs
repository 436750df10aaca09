use crate::output::tell;
use minet_runtime::{Explanation, Narrator};

/// Prints what the runtime tells, to standard error: standard output is the container's.
pub(crate) struct Explainer {
    level: Level,
}

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// Only what the user must know.
    Notes,
    /// Every step.
    Steps,
}

impl Explainer {
    pub(crate) fn new(level: Level) -> Self {
        Explainer { level }
    }
}

impl Narrator for Explainer {
    fn follows_steps(&self) -> bool {
        self.level == Level::Steps
    }

    fn step(&mut self, number: usize, explanation: &Explanation) {
        tell(&in_words(number, explanation));
    }

    fn undo(&mut self, explanation: &Explanation) {
        tell(&format!("undo: {}", explanation.what));
        for command in &explanation.down {
            tell(&at_the_prompt(command));
        }
    }

    fn note(&mut self, text: &str) {
        tell(&format!("minet: {text}"));
    }

    fn warn(&mut self, text: &str) {
        tell(text);
    }
}

/// A step as a paragraph: what, the commands, why.
pub(crate) fn in_words(number: usize, explanation: &Explanation) -> String {
    let mut text = format!("{number:2}. {}\n", explanation.what);
    for command in &explanation.up {
        text.push_str(&at_the_prompt(command));
        text.push('\n');
    }
    text.push_str(&format!("    {}", explanation.why));
    text
}

/// A command as it is typed; a here-document goes on below without a prompt.
fn at_the_prompt(command: &str) -> String {
    format!("      $ {}", command.replace('\n', "\n        "))
}
