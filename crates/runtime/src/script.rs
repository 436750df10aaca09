//! A plan as a shell script that does the same, or takes it back.

use crate::{Plan, Rehearsal};
use std::fmt::Write;

/// Which way a script goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Makes everything.
    Up,
    /// Takes everything back.
    Down,
}

/// The script for `sh`, with the reason above each step.
pub fn script(rehearsal: &Rehearsal, direction: Direction) -> String {
    let name = &rehearsal.name;
    let mut text = match direction {
        Direction::Up => format!(
            "#!/bin/sh\n# Makes the network of {name}, as minet would. Needs iproute2 and nftables, and root.\nset -e\n"
        ),
        Direction::Down => format!("#!/bin/sh\n# Takes back what the script for {name} made.\n"),
    };
    match direction {
        Direction::Up => up(&mut text, rehearsal),
        Direction::Down => down(&mut text, &rehearsal.plan),
    }
    text
}

fn up(text: &mut String, rehearsal: &Rehearsal) {
    for (index, step) in rehearsal.plan.steps.iter().enumerate() {
        let explanation = step.act().explain();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "\n# {}. {}\n#    {}",
            index + 1,
            flat(&explanation.what),
            flat(&explanation.why)
        );
        for command in &explanation.up {
            let _ = writeln!(text, "{command}");
        }
    }
    let words: Vec<String> = rehearsal.command.iter().map(|word| quoted(word)).collect();
    let command = words.join(" ");
    let _ = match rehearsal.own_namespace {
        true => writeln!(
            text,
            "\n# Now the command:\n#    ip netns exec {} unshare --mount --pid --uts --ipc --fork -- {command}",
            rehearsal.name
        ),
        false => writeln!(
            text,
            "\n# Now the command:\n#    unshare --mount --pid --uts --ipc --fork -- {command}"
        ),
    };
}

fn down(text: &mut String, plan: &Plan) {
    for step in plan.steps.iter().rev() {
        let explanation = step.act().explain();
        if explanation.down.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n# undo: {}", flat(&explanation.what));
        for command in &explanation.down {
            let _ = writeln!(text, "{command}");
        }
    }
}

/// A comment ends with its line.
fn flat(text: &str) -> String {
    text.replace('\n', " ")
}

/// A word as a shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        // A line end would end the comment that the word stands in.
        false => format!(
            "'{}'",
            word.replace('\'', "'\\''").replace('\n', "'\"\\n\"'")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_when_they_must_be() {
        assert_eq!(quoted("httpd"), "httpd");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted(""), "''");
        assert!(!quoted("a\nb").contains('\n'));
    }
}
