use super::{LogStream, file, follow};
use crate::{Error, Runtime, find};
use serde::Deserialize;
use std::{
    collections::VecDeque,
    fs::File,
    io::{self, BufRead, BufReader, Seek},
    ops::ControlFlow,
    path::Path,
};

/// What `minet logs` shall show.
#[derive(Debug, Clone)]
pub struct LogRequest {
    /// The container, by name or ID.
    pub container: String,
    /// Only so many of the last lines; all if nothing is said.
    pub tail: Option<usize>,
    /// Only what is younger: milliseconds since 1970.
    pub since: Option<i64>,
    /// Whether to wait for more until the container ends.
    pub follow: Follow,
}

/// Whether to wait for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// What is there is all.
    No,
    /// Until the container ends.
    UntilItEnds,
}

/// One line that a container printed, or a piece of a very long one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LogEntry {
    /// The text with the end of its line, if it had one.
    #[serde(rename = "log")]
    pub text: String,
    /// Where it was printed.
    pub stream: LogStream,
    /// When the supervisor read it, RFC 3339.
    pub time: String,
}

/// Takes entries until it has had enough.
pub type Reader<'a> = dyn FnMut(&LogEntry) -> ControlFlow<()> + 'a;

impl Runtime {
    /// Passes a container's log on, oldest first.
    pub fn logs(&mut self, request: &LogRequest, reader: &mut Reader<'_>) -> Result<(), Error> {
        let row = self
            .store
            .read(|tx| find::container(tx, &request.container))?;
        let dir = self.machine.paths().log_dir(&row.id);
        let supervisor = row
            .live
            .as_ref()
            .and_then(|live| self.open_process(live, live.supervisor));
        // One who follows may do so for weeks.
        self.store.close();
        if !file(&dir, 0).exists() {
            return Err(Error::NoLog(row.name.to_string()));
        }
        let tail = Tail {
            lines: request.tail,
            since: request.since,
        };
        let read = |error| Error::file("read the log in", &dir)(error);
        let last = match tail.read(&dir, reader).map_err(read)? {
            ControlFlow::Continue(last) => last,
            ControlFlow::Break(()) => return Ok(()),
        };
        match (request.follow, supervisor) {
            (Follow::UntilItEnds, Some(supervisor)) => {
                follow::follow(&dir, last, &supervisor, reader).map_err(read)
            }
            (Follow::UntilItEnds, None) | (Follow::No, _) => Ok(()),
        }
    }
}

/// What of the past is wanted.
struct Tail {
    lines: Option<usize>,
    since: Option<i64>,
}

impl Tail {
    /// Reads all files, the oldest first; returns the newest one, read to its end.
    fn read(&self, dir: &Path, reader: &mut Reader<'_>) -> io::Result<ControlFlow<(), File>> {
        let mut kept = VecDeque::new();
        let oldest = (1..).find(|age| !file(dir, *age).exists()).unwrap_or(1);
        let mut newest = None;
        for age in (0..oldest).rev() {
            let opened = match File::open(file(dir, age)) {
                // Put aside and removed between two looks.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                other => other?,
            };
            let mut source = BufReader::new(opened);
            let mut line = Vec::new();
            while source.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
                match self.lines {
                    None => {
                        if self.pass_on(&line, reader).is_break() {
                            return Ok(ControlFlow::Break(()));
                        }
                        line.clear();
                    }
                    Some(0) => line.clear(),
                    Some(count) => {
                        if kept.len() == count {
                            kept.pop_front();
                        }
                        kept.push_back(std::mem::take(&mut line));
                    }
                }
            }
            // A line that is being written is left to whoever follows.
            let position = source.stream_position()? - line.len() as u64;
            let mut file = source.into_inner();
            file.seek(io::SeekFrom::Start(position))?;
            newest = Some(file);
        }
        for line in kept {
            if self.pass_on(&line, reader).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        newest
            .map(ControlFlow::Continue)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn pass_on(&self, line: &[u8], reader: &mut Reader<'_>) -> ControlFlow<()> {
        match parse(line) {
            Some(entry) if self.is_young_enough(&entry) => reader(&entry),
            Some(_) | None => ControlFlow::Continue(()),
        }
    }

    fn is_young_enough(&self, entry: &LogEntry) -> bool {
        let since = |since| crate::time::parse_rfc3339(&entry.time).is_none_or(|at| at >= since);
        self.since.is_none_or(since)
    }
}

/// An entry; nothing of a line that a crash or a full disk has damaged.
pub(super) fn parse(line: &[u8]) -> Option<LogEntry> {
    serde_json::from_slice(line).ok()
}
