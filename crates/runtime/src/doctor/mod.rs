//! `minet doctor`: is this machine one on which minet can do its work?
//!
//! Each examination is a small function that looks at one thing and says what it found; why
//! that matters stands beside it, and what mends it comes with the finding. Nothing is
//! changed: what the kernel can do is tried in a network namespace that is gone afterwards.
//! An examination that fails is a finding too.

mod firewalls;
mod kernel;
mod limits;
mod networks;
mod others;
mod store;

use crate::{Error, Machine, Paths, memory::Memory, process};
use minet_state::{NetworkRow, Store};
use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As it should be.
    Fine,
    /// Worth knowing; nothing to be done.
    Note,
    /// It works, but it will not always.
    Warning,
    /// Something does not work.
    Wrong,
}

/// What one examination found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// What was examined.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What was found.
    pub found: String,
    /// Why it matters.
    pub why: &'static str,
    /// The command that mends it, or what to do.
    pub mend: Option<String>,
}

/// What a look at one thing yields.
pub(crate) struct Finding {
    severity: Severity,
    found: String,
    mend: Option<String>,
}

impl Finding {
    fn fine(found: impl Into<String>) -> Self {
        Finding {
            severity: Severity::Fine,
            found: found.into(),
            mend: None,
        }
    }

    fn note(found: impl Into<String>) -> Self {
        Finding {
            severity: Severity::Note,
            ..Finding::fine(found)
        }
    }

    fn warning(found: impl Into<String>, mend: impl Into<String>) -> Self {
        Finding {
            severity: Severity::Warning,
            found: found.into(),
            mend: Some(mend.into()),
        }
    }

    fn wrong(found: impl Into<String>, mend: impl Into<String>) -> Self {
        Finding {
            severity: Severity::Wrong,
            ..Finding::warning(found, mend)
        }
    }
}

/// What the examinations look at.
pub(crate) struct Patient {
    paths: Paths,
    machine: Machine,
    boot: String,
}

impl Patient {
    /// What minet remembers; an empty memory if there is none yet.
    fn memory(&self) -> Result<Memory, Error> {
        let dir = self.paths.state_dir();
        Ok(Memory::new(dir.to_owned(), Store::open_existing(dir)?))
    }

    /// The networks that should stand.
    fn standing(&self) -> Result<Vec<NetworkRow>, Error> {
        let mut rows = self.memory()?.read(|tx| Ok::<_, Error>(tx.networks()?))?;
        rows.retain(|row| row.up_in_boot.as_deref() == Some(self.boot.as_str()));
        Ok(rows)
    }
}

/// One thing to look at.
struct Examination {
    name: &'static str,
    why: &'static str,
    look: fn(&mut Patient) -> Result<Finding, Error>,
}

/// All of them, in the order in which they are told: the kernel first, since the rest needs
/// it.
fn examinations() -> impl Iterator<Item = &'static Examination> {
    [
        kernel::ALL,
        others::ALL,
        firewalls::ALL,
        networks::ALL,
        limits::ALL,
        store::ALL,
    ]
    .into_iter()
    .flatten()
}

/// Examines this machine.
///
/// # Errors
/// Only where there is nothing to look from: without root, or without a `/proc`.
pub fn doctor(paths: Paths) -> Result<Vec<Diagnosis>, Error> {
    if !nix::unistd::geteuid().is_root() {
        return Err(Error::NotRoot);
    }
    if !process::proc_shows_us() {
        return Err(Error::ForeignProc);
    }
    let mut patient = Patient {
        machine: Machine::new(paths.clone()),
        boot: process::boot_id().map_err(Error::process("read the boot's identity"))?,
        paths,
    };
    Ok(examinations()
        .map(|examination| examine(examination, &mut patient))
        .collect())
}

fn examine(examination: &Examination, patient: &mut Patient) -> Diagnosis {
    let Finding {
        severity,
        found,
        mend,
    } = (examination.look)(patient)
        .unwrap_or_else(|error| Finding::wrong(error.chain(), "see the error"));
    Diagnosis {
        name: examination.name,
        severity,
        found,
        why: examination.why,
        mend,
    }
}

/// A number in a file of /proc; none where there is no such file.
fn number(path: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    text.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn there_are_many_and_each_has_a_name_and_a_reason() {
        let names: Vec<_> = examinations().map(|one| one.name).collect();
        let distinct: BTreeSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len());
        assert!(names.len() >= 20, "{}", names.len());
        assert!(examinations().all(|one| one.why.ends_with('.')));
    }
}
