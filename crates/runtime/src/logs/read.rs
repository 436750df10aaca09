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
    /// Only what was printed within it.
    pub period: Period,
    /// Whether to wait for more until the container ends.
    pub follow: Follow,
}

/// A part of the past and the future, in milliseconds since 1970; both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Period {
    /// Its beginning, if it has one.
    pub since: Option<i64>,
    /// Its end, if it has one.
    pub until: Option<i64>,
}

impl Period {
    /// What has no time that can be read is in every period.
    fn contains(self, entry: &LogEntry) -> bool {
        let at = crate::time::parse_rfc3339(&entry.time);
        at.is_none_or(|at| {
            self.since.is_none_or(|since| at >= since) && self.until.is_none_or(|until| at <= until)
        })
    }

    fn is_over(self) -> bool {
        self.until.is_some_and(|until| until < crate::time::now())
    }
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
        let period = request.period;
        let tail = Tail {
            lines: request.tail,
            period,
        };
        let read = |error| Error::file("read the log in", &dir)(error);
        let last = match tail.read(&dir, reader).map_err(read)? {
            ControlFlow::Continue(last) => last,
            ControlFlow::Break(()) => return Ok(()),
        };
        match (request.follow, supervisor) {
            (Follow::UntilItEnds, Some(supervisor)) if !period.is_over() => {
                let mut reader = |entry: &LogEntry| match period.contains(entry) {
                    true => reader(entry),
                    false => ControlFlow::Continue(()),
                };
                follow::follow(&dir, last, (&supervisor, period.until), &mut reader).map_err(read)
            }
            (Follow::UntilItEnds | Follow::No, _) => Ok(()),
        }
    }
}

/// What of the past is wanted.
struct Tail {
    lines: Option<usize>,
    period: Period,
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
                    Some(_) if !self.counts(&line) => line.clear(),
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
            Some(entry) if self.period.contains(&entry) => reader(&entry),
            Some(_) | None => ControlFlow::Continue(()),
        }
    }

    /// Whether a line is one of the last so many: what is too old is never among them, so
    /// only what is too young has to be looked at.
    fn counts(&self, line: &[u8]) -> bool {
        self.period.until.is_none() || parse(line).is_some_and(|entry| self.period.contains(&entry))
    }
}

/// An entry; nothing of a line that a crash or a full disk has damaged.
pub(super) fn parse(line: &[u8]) -> Option<LogEntry> {
    serde_json::from_slice(line).ok()
}
