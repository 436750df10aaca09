//! Many questions at once: who reaches whom, and who does not.

use crate::{Place, Running, TestHost};

/// Questions that were put, and what each should come to. They run side by side, since one
/// that is dropped takes two seconds to be sure of it.
pub struct Round<'h> {
    host: &'h TestHost,
    asked: Vec<(String, Expected, Running<'h>)>,
}

/// What comes of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Answer,
    None,
}

/// What those send who should not be heard; the oracle is a server that never printed it.
pub const INTRUDER: &str = "intruder";

impl<'h> Round<'h> {
    /// Nothing was asked yet.
    pub fn new(host: &'h TestHost) -> Self {
        Round {
            host,
            asked: Vec::new(),
        }
    }

    /// By whatever command comes first, such as `docker exec web`, this is answered.
    pub fn answered(&mut self, place: Place, by: &str, questions: &[&str]) {
        for question in questions {
            self.put(place, by, &format!("{question} hello"), Expected::Answer);
        }
    }

    /// This is not.
    pub fn refused(&mut self, place: Place, by: &str, questions: &[&str]) {
        for question in questions {
            let question = format!("{question} {INTRUDER}");
            self.put(place, by, &question, Expected::None);
        }
    }

    fn put(&mut self, place: Place, by: &str, question: &str, expected: Expected) {
        let probe = self.host.probe();
        let line = format!("{by} {probe} ask {question}");
        let running = self.host.spawn(place, line.as_str());
        let shown = format!("{place:?}: {by} ask {question}");
        self.asked.push((shown, expected, running));
    }

    /// Waits for all of them, and fails the test with those that came otherwise.
    #[track_caller]
    pub fn finish(self, what: &str) {
        let mut wrong = String::new();
        let count = self.asked.len();
        for (shown, expected, running) in self.asked {
            let finished = running.finish();
            let got = match finished.code() {
                0 => Expected::Answer,
                _ => Expected::None,
            };
            if got != expected {
                let said = finished.stderr().trim_end().to_owned();
                wrong.push_str(&format!("  {shown}: {got:?} ({said})\n"));
            }
        }
        assert!(wrong.is_empty(), "{what}, of {count}:\n{wrong}");
    }
}
