use crate::{cid_file::CidFile, output::tell};
use minet_model::ContainerId;
use minet_runtime::{Explanation, Narrator};

/// Prints what the runtime tells, to standard error: standard output is the container's.
pub(crate) struct Explainer {
    level: Level,
    cid_file: Option<CidFile>,
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
        Explainer {
            level,
            cid_file: None,
        }
    }

    /// The same; a container that is made has its ID written into the file.
    pub(crate) fn with_cid_file(level: Level, cid_file: Option<CidFile>) -> Self {
        Explainer { level, cid_file }
    }

    /// The container has run.
    pub(crate) fn keep_cid_file(&mut self) {
        if let Some(file) = &mut self.cid_file {
            file.keep();
        }
    }
}

impl Narrator for Explainer {
    fn follows_steps(&self) -> bool {
        self.level == Level::Steps
    }

    fn step(&mut self, number: usize, explanation: &Explanation) {
        tell(&in_words(number, explanation));
    }

    fn admitted(&mut self, id: &ContainerId) {
        let written = self.cid_file.as_ref().map(|file| file.write(id.as_str()));
        if let Some(Err(why)) = written {
            tell(&format!("minet: {why}"));
        }
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
