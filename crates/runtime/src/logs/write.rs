use super::{LogStream, file};
use crate::time::rfc3339_now;
use minet_model::LogLimits;
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// The current file of a container's log, and when it is put aside.
pub(crate) struct LogWriter {
    dir: PathBuf,
    file: File,
    size: u64,
    limits: LogLimits,
    /// Lines that are written with the next system call.
    buffer: Vec<u8>,
}

/// How many bytes are gathered before they are written.
const BATCH: usize = 16 * 1024;

impl LogWriter {
    /// Goes on with the log in `dir`, or begins it.
    pub(crate) fn open(dir: &Path, limits: LogLimits) -> io::Result<Self> {
        let file = open_current(dir)?;
        let size = file.metadata()?.len();
        Ok(LogWriter {
            dir: dir.to_owned(),
            file,
            size,
            limits,
            buffer: Vec::new(),
        })
    }

    /// Adds a line, or a piece of one.
    pub(crate) fn add(&mut self, stream: LogStream, line: &[u8]) {
        let before = self.buffer.len();
        let entry = serde_json::json!({
            "log": String::from_utf8_lossy(line),
            "stream": stream,
            "time": rfc3339_now(),
        });
        // Writing to memory does not fail.
        let _ = writeln!(self.buffer, "{entry}");
        let length = (self.buffer.len() - before) as u64;
        if self.size > 0 && self.size + length > self.limits.max_size {
            let entry = self.buffer.split_off(before);
            self.flush();
            self.put_aside();
            self.buffer = entry;
        }
        self.size += length;
        if self.buffer.len() >= BATCH {
            self.flush();
        }
    }

    /// Writes what was gathered. If the disk is full, it is lost: the container must not
    /// wait for an administrator.
    pub(crate) fn flush(&mut self) {
        let _ = self.file.write_all(&self.buffer);
        self.buffer.clear();
    }

    /// Every file grows older by one, the oldest one goes.
    fn put_aside(&mut self) {
        let oldest = self.limits.max_files - 1;
        if oldest == 0 {
            let _ = self.file.set_len(0);
        }
        for age in (0..oldest).rev() {
            let _ = fs::rename(file(&self.dir, age), file(&self.dir, age + 1));
        }
        if let Ok(file) = open_current(&self.dir) {
            self.file = file;
        }
        self.size = self.file.metadata().map_or(0, |metadata| metadata.len());
    }
}

/// Removes a container's log for good.
pub(crate) fn forget(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    // The last one takes the directory of all along.
    if let Some(parent) = dir.parent() {
        let _ = fs::remove_dir(parent);
    }
    Ok(())
}

fn open_current(dir: &Path) -> io::Result<File> {
    let mut attempts = 0;
    loop {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let opened = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(file(dir, 0));
        match opened {
            // Somebody removed the directory of all containers just now.
            Err(error) if error.kind() == io::ErrorKind::NotFound && attempts < 10 => {
                attempts += 1;
            }
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(limits: LogLimits) -> Vec<u64> {
        let name = format!("minet-log-{}-{}", std::process::id(), limits.max_files);
        let dir = std::env::temp_dir().join(name);
        let mut writer = LogWriter::open(&dir, limits).unwrap();
        for number in 0..1000 {
            writer.add(LogStream::Stdout, format!("line {number}\n").as_bytes());
        }
        writer.flush();
        let sizes = (0..10).map_while(|age| Some(fs::metadata(file(&dir, age)).ok()?.len()));
        let sizes = sizes.collect();
        let newest = fs::read_to_string(file(&dir, 0)).unwrap();
        assert!(newest.ends_with("\"}\n") && newest.contains("line 999"));
        forget(&dir).unwrap();
        forget(&dir).unwrap();
        sizes
    }

    #[test]
    fn files_stay_small_and_few() {
        for max_files in 1..4 {
            let sizes = sizes(LogLimits {
                max_size: 4096,
                max_files,
            });
            assert_eq!(sizes.len() as u32, max_files);
            assert!(
                sizes.iter().all(|size| (1..=4096).contains(size)),
                "{sizes:?}"
            );
        }
    }
}
