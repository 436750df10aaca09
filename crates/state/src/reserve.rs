//! Room that is kept, so that on a full disk things can still be taken away.
//!
//! To forget a container something has to be written, and a write-ahead log grows with every
//! change. So its file is longer than what stands in it, by blocks that are nobody else's; and
//! in the database itself there are free pages, on the disk already, so that the log can be
//! copied back without making that longer, and be begun anew.
//!
//! ```text
//!  minet.db-wal  |frame frame frame|                    ░░░░ reserve ░░░░|   ≥ LOG_RESERVE
//!  minet.db      |page page page page page ░ free pages ░|                   ≥ FREE_PAGES
//! ```
//!
//! Whoever adds to the store sees to it first, and is refused where there is no room for more
//! ([`Store::add`]). Whoever ends, stops and forgets only writes, and the reserve is his. Where
//! the database has to become longer all the same, its new blocks are reserved in the log's file
//! and then handed over.
//!
//! A separate file that is deleted in need would be simpler, and would not do: what it gives
//! back is anybody's, and whoever has filled the disk is quick. What cannot be reserved is left:
//! file systems that write each block to a new place (btrfs, ZFS) promise nothing.

use crate::{Error, Store, Transaction, store::schema_of};
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use rustix::{
    fs::{FallocateFlags, fallocate},
    io::Errno,
};
use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
};

/// What is left of the log's file for those who take things away: some thirty commands, if it
/// could never be copied back.
const LOG_RESERVE: u64 = 512 * 1024;

/// So much longer the file is made than what stands in it: that is enough for a while.
const LOG_ROOM: u64 = 2 * LOG_RESERVE;

/// Pages that are free in the database.
const FREE_PAGES: u64 = 16;

/// As many are made when there are fewer.
const MADE_PAGES: u64 = 64;

/// How often the database is offered the blocks that it needs.
const TRIES: u64 = 3;

/// SQLite's, if nothing else is said.
const PAGE: u64 = 4096;

/// What a frame of the log has besides a page, and the log before the first one
/// (sqlite.org/walformat.html).
const FRAME_HEADER: u64 = 24;
const LOG_HEADER: u64 = 32;

impl Store {
    /// Like [`Store::write`], for what makes the store larger: refused where there would be no
    /// room left to take it away again.
    pub fn add<T, E: From<Error>>(
        &mut self,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let Some(files) = self.log.as_deref().map(Files::of) else {
            return self.write(body);
        };
        self.keep_room(&files)?;
        self.grow(&files, body)
    }

    fn keep_room(&mut self, files: &Files) -> Result<(), Error> {
        let act = |error| files.explain(error);
        files.reserve(&self.connection).map_err(act)?;
        let free = number(&self.connection, "PRAGMA freelist_count").map_err(act)?;
        if files.missing(&self.connection).map_err(act)? > 0 {
            copy_back(&mut self.connection).map_err(act)?;
        }
        if free < FREE_PAGES {
            let make = |tx: &Transaction<'_>| {
                let room = format!(
                    "DROP TABLE IF EXISTS room; CREATE TABLE room (bytes BLOB);
                     INSERT INTO room VALUES (zeroblob({}))",
                    MADE_PAGES * PAGE
                );
                tx.inner.execute_batch(&room).map_err(act)
            };
            self.grow(files, make)?;
            // Somebody who does the same at this moment may have been faster.
            self.connection
                .execute_batch("DROP TABLE IF EXISTS room")
                .map_err(act)?;
        }
        Ok(())
    }

    /// Writes; what the database has to be longer for it, it gets of what the log has.
    fn grow<T, E: From<Error>>(
        &mut self,
        files: &Files,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let act = |error| files.explain(error);
        let in_use = log_in_use(&self.connection).map_err(act)?;
        let (value, missing) = {
            let tx = self.begin()?;
            let value = body(&tx)?;
            let missing = files.missing(&tx.inner).map_err(act)?;
            let enough = in_use + missing / PAGE * (PAGE + FRAME_HEADER) + LOG_ROOM;
            if missing > 0 {
                files.lengthen(enough + TRIES * missing).map_err(act)?;
            }
            tx.inner.commit().map_err(act)?;
            (value, missing)
        };
        for left in (0..TRIES).rev() {
            if files.missing(&self.connection).map_err(act)? == 0 {
                break;
            }
            // Free, for as long as nobody is faster. Should somebody be, each time, it is tried
            // again before anything else is added.
            let _ = self.shorten(files, left * missing);
            let _ = copy_back(&mut self.connection);
        }
        Ok(value)
    }

    /// Gives back what the log's file has beyond its room and these bytes.
    ///
    /// Under the lock of those who write, and if nobody has written since it was found out how
    /// far the log goes: behind that nothing stands.
    fn shorten(&mut self, files: &Files, more: u64) -> Result<(), Error> {
        let act = |error| files.explain(error);
        let version = number(&self.connection, "PRAGMA data_version").map_err(act)?;
        let in_use = log_in_use(&self.connection).map_err(act)?;
        let transaction = self.begin()?;
        if number(&transaction.inner, "PRAGMA data_version").map_err(act)? == version {
            files.shorten(in_use + LOG_ROOM + more);
        }
        Ok(())
    }
}

/// The files of a store.
struct Files {
    log: PathBuf,
    database: PathBuf,
}

impl Files {
    fn of(log: &Path) -> Self {
        Files {
            log: log.to_owned(),
            database: log.with_extension("db"),
        }
    }

    fn explain(&self, error: rusqlite::Error) -> Error {
        let is_full = error.sqlite_error_code() == Some(ErrorCode::DiskFull);
        match (is_full, self.database.parent()) {
            (true, Some(dir)) => Error::NoRoom {
                dir: dir.to_owned(),
            },
            _ => Error::during("keep room in the store")(error),
        }
    }

    /// By how many bytes the database will be longer when everything has been copied back.
    fn missing(&self, connection: &Connection) -> Result<u64, rusqlite::Error> {
        let length = self.database.metadata().map_or(0, |file| file.len());
        let pages = number(connection, "PRAGMA page_count")?;
        Ok((pages * PAGE).saturating_sub(length))
    }

    /// Makes the log's file longer, if it is not long enough.
    fn reserve(&self, connection: &Connection) -> Result<(), rusqlite::Error> {
        let in_use = log_in_use(connection)?;
        let length = self.log.metadata().map_or(0, |log| log.len());
        match length >= in_use + LOG_RESERVE {
            true => Ok(()),
            false => self.lengthen(in_use + LOG_ROOM),
        }
    }

    /// Of a file system that reserves nothing, no more can be asked. SQLite has no lock on this
    /// file, which closing it here would take away.
    fn lengthen(&self, length: u64) -> Result<(), rusqlite::Error> {
        let log = OpenOptions::new().write(true).open(&self.log);
        let lengthened = log.map(|log| fallocate(&log, FallocateFlags::empty(), 0, length));
        match lengthened {
            Ok(Err(Errno::NOSPC | Errno::DQUOT)) => {
                let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
                Err(rusqlite::Error::SqliteFailure(code, None))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Gives back what is behind.
    fn shorten(&self, length: u64) {
        if let Ok(log) = OpenOptions::new().write(true).open(&self.log)
            && log.metadata().is_ok_and(|log| log.len() > length)
        {
            let _ = log.set_len(length);
        }
    }
}

/// How many bytes of the log's file stand for something.
pub(crate) fn log_in_use(connection: &Connection) -> Result<u64, rusqlite::Error> {
    let frames = |row: &rusqlite::Row<'_>| row.get::<_, i64>(1);
    // Copies nothing, and says how many frames there are; -1 where there is no log yet.
    let frames = connection
        .prepare_cached("PRAGMA wal_checkpoint(NOOP)")?
        .query_row([], frames)?;
    let frames = u64::try_from(frames).unwrap_or(0);
    Ok(LOG_HEADER + frames * (PAGE + FRAME_HEADER))
}

/// Copies the log back, and begins it anew, if nobody is in the way. Its file stays as long as
/// it is.
pub(crate) fn copy_back(connection: &mut Connection) -> Result<(), rusqlite::Error> {
    let busy = |row: &rusqlite::Row<'_>| row.get::<_, bool>(0);
    if connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], busy)? {
        return Ok(());
    }
    // The next who writes begins the log anew; but should nobody have it open until then, it
    // would be forgotten that all of it was copied, and the log would go on.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = schema_of(&transaction)?;
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()
}

fn number(connection: &Connection, pragma: &str) -> Result<u64, rusqlite::Error> {
    let value = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    let value = connection.prepare_cached(pragma)?.query_row([], value)?;
    Ok(u64::try_from(value).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::params;
    use std::thread;

    #[test]
    fn room_is_made_by_many_at_once() {
        let dir = std::env::temp_dir().join(format!("minet-state-room-{}", std::process::id()));
        drop(Store::open(&dir).unwrap());
        let fill = |worker: usize| {
            let mut store = Store::open(&dir).unwrap();
            for number in 0..20 {
                store
                    .add(|tx| {
                        let id = format!("{worker}-{number}-{}", "x".repeat(20_000));
                        let insert = "INSERT INTO ended (id, exit_code) VALUES (?1, 0)";
                        let inserted = tx.inner.execute(insert, params![id]);
                        inserted.map(drop).map_err(Error::during("fill"))
                    })
                    .unwrap();
            }
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..6)
                .map(|worker| scope.spawn(move || fill(worker)))
                .collect();
            for worker in workers {
                worker.join().unwrap();
            }
        });
        let store = Store::open(&dir).unwrap();
        let whole = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
        let checked = store
            .connection
            .query_row("PRAGMA integrity_check", [], whole);
        assert_eq!(checked.unwrap(), "ok");
        let rows = number(&store.connection, "SELECT count(*) FROM ended").unwrap();
        assert_eq!(rows, 120);
        drop(store);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
