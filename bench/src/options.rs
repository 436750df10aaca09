//! The command line.

use crate::race::Effort;
use anyhow::{Context, Result, bail, ensure};
use std::path::PathBuf;

pub(crate) const HELP: &str = "\
Measure minet against the kernel's floor, and against whichever peers are installed

Usage: cargo xtask bench [OPTIONS]

Options:
  --quick           The start path alone, in less than two minutes; fails if a ratio to the
                    floor is more than twice the recorded one
  --only GROUP,…    Only these groups: ready, start, remove, scale, ports, data, dns,
                    memory, peers, docker
  --json            Print JSON instead of a table
  --path            Instead of measuring, list the system calls of one `minet run` that
                    touch the kernel's network state, with the time of each (needs strace)
  --record FILE     Write this run's ratios to FILE, for --quick to compare with later
  --out DIR         Where bench.json and bench.svg go
";

/// What this process is to do.
#[derive(Debug)]
pub(crate) enum Task {
    Help,
    Measure(Options),
    Path,
    /// Take one group's figures; this process is on a throw-away host already.
    Inside(String, Effort),
    /// Be one end of a conversation.
    Talk(Vec<String>),
}

/// How to measure.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) effort: Effort,
    /// All of them if empty.
    pub(crate) only: Vec<String>,
    pub(crate) json: bool,
    pub(crate) record: Option<PathBuf>,
    pub(crate) out_dir: PathBuf,
}

impl Options {
    pub(crate) fn parse(words: &[String]) -> Result<Task> {
        match words.first().map(String::as_str) {
            Some("inside") => {
                let group = words.get(1).context("inside which group?")?;
                let quick = words.get(2).is_some_and(|word| word == "--quick");
                return Ok(Task::Inside(group.clone(), effort(quick)));
            }
            Some("talk") => return Ok(Task::Talk(words[1..].to_vec())),
            _ => {}
        }
        let mut options = Options {
            effort: Effort::Full,
            only: Vec::new(),
            json: false,
            record: None,
            out_dir: PathBuf::from("target/bench"),
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || {
                words
                    .next()
                    .with_context(|| format!("{word} takes a value"))
            };
            match word.as_str() {
                "-h" | "--help" => return Ok(Task::Help),
                "--quick" => options.effort = Effort::Quick,
                "--json" => options.json = true,
                "--path" => return Ok(Task::Path),
                "--only" => options.only = value()?.split(',').map(str::to_owned).collect(),
                "--record" => options.record = Some(value()?.into()),
                "--out" => options.out_dir = value()?.into(),
                _ => bail!("unknown option {word}"),
            }
        }
        for group in &options.only {
            let known = crate::groups::NAMES.contains(&group.as_str());
            ensure!(known, "there is no group {group:?}");
        }
        Ok(Task::Measure(options))
    }
}

fn effort(quick: bool) -> Effort {
    match quick {
        true => Effort::Quick,
        false => Effort::Full,
    }
}
