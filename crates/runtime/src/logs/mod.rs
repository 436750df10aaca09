//! What a container in the background prints: kept in files, read with `minet logs`.
//!
//! ```text
//!   stdout ──pipe──▶┐ supervisor                    containers/ID/log.json      now
//!                   ├─ lines ──▶ JSON, one a line ──▶             log.json.1    before
//!   stderr ──pipe──▶┘ (write.rs)                                  log.json.2    oldest
//!                                                        │
//!   minet logs -f ◀── read.rs, follow.rs (inotify) ◀─────┘
//! ```
//!
//! The format is that of Docker's json-file driver, so that programs which collect those
//! files understand these: `{"log":"…\n","stream":"stdout","time":"…"}`.
//!
//! What must stay true: a container can neither fill the disk with its output nor the
//! memory of its supervisor; and whatever fails here, the container runs on.

mod follow;
mod lines;
mod read;
mod write;

pub(crate) use lines::Lines;
pub use read::{Follow, LogEntry, LogRequest, Period, Reader};
pub(crate) use write::{LogWriter, forget};

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Where a line was printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogStream {
    /// Standard output; also what is printed to a terminal of the container's own.
    Stdout,
    /// Standard error.
    Stderr,
}

/// The `age`-th file: 0 is the one that is written to.
fn file(dir: &Path, age: u32) -> PathBuf {
    match age {
        0 => dir.join("log.json"),
        _ => dir.join(format!("log.json.{age}")),
    }
}
