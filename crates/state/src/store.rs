use crate::{
    Error,
    reserve::{copy_back, log_in_use},
    schema, schema_cables, schema_links, schema_names,
};
use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};
use std::{
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How long a command waits for another one that is writing.
const PATIENCE: Duration = Duration::from_secs(20);

/// A reader hardly ever waits: with a write-ahead log, nobody who writes is in its way.
const READERS_PATIENCE: Duration = Duration::from_millis(500);

/// Pages of a reader's cache; negative numbers are KiB (sqlite.org/pragma.html).
const READERS_CACHE: i64 = -128;

/// The open database.
#[derive(Debug)]
pub struct Store {
    pub(crate) connection: Connection,
    /// The log; none for a store in memory, or one that is only read.
    pub(crate) log: Option<PathBuf>,
    sharing: Sharing,
}

/// Whether others can use the database while this one has it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sharing {
    /// They meet in an index of the log, a file beside it that they have all mapped.
    Index,
    /// They cannot. Who comes first shortens that file and lengthens it again, and on a full
    /// disk somebody else may be faster. Then there is an index in memory, and a lock.
    Nothing,
}

impl Sharing {
    /// Tells a new connection, before it has looked at anything.
    fn apply(self, connection: &Connection, patience: Duration) -> Result<(), rusqlite::Error> {
        match self {
            Sharing::Index => connection.busy_timeout(patience),
            Sharing::Nothing => {
                // Two who want to be alone would wait for each other, each with half a lock.
                connection.busy_timeout(Duration::ZERO)?;
                connection.pragma_update(None, "locking_mode", "EXCLUSIVE")
            }
        }
    }
}

/// All reads and writes happen inside one of these: either all of it or none.
#[derive(Debug)]
pub struct Transaction<'store> {
    pub(crate) inner: rusqlite::Transaction<'store>,
}

impl Store {
    /// Opens `dir/minet.db`, and makes it (and the directory, mode 0700) on first use.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let path = dir.join("minet.db");
        let at_path = |source: Box<dyn std::error::Error + Send + Sync>| Error::Open {
            path: path.clone(),
            source,
        };
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(|error| at_path(error.into()))?;
        until_not_busy(PATIENCE, || {
            Self::open_file(&path, Sharing::Index).or_else(|error| match error.lacks_index() {
                true => Self::open_file(&path, Sharing::Nothing),
                false => Err(error),
            })
        })
    }

    /// Whether nobody else can use the database until this is dropped; then it should be, as
    /// soon as possible.
    pub fn excludes_others(&self) -> bool {
        self.sharing == Sharing::Nothing
    }

    fn open_file(path: &Path, sharing: Sharing) -> Result<Self, Error> {
        let at_path = |source: rusqlite::Error| Error::Open {
            path: path.to_owned(),
            source: source.into(),
        };
        let mut store = Store {
            connection: Connection::open(path).map_err(at_path)?,
            log: Some(path.with_extension("db-wal")),
            sharing,
        };
        sharing
            .apply(&store.connection, PATIENCE)
            .map_err(at_path)?;
        store.configure().map_err(at_path)?;
        store.migrate(path)?;
        Ok(store)
    }

    /// Opens what is there for somebody who only reads, often, and sleeps in between: with
    /// little memory, and without the cares of a writer for the log.
    pub fn open_to_read(dir: &Path) -> Result<Self, Error> {
        let path = dir.join("minet.db");
        let open = |sharing| {
            Self::open_reader(&path, sharing).map_err(|error| Error::Open {
                path: path.clone(),
                source: error.into(),
            })
        };
        until_not_busy(READERS_PATIENCE, || {
            open(Sharing::Index).or_else(|error| match error.lacks_index() {
                true => open(Sharing::Nothing),
                false => Err(error),
            })
        })
    }

    fn open_reader(path: &Path, sharing: Sharing) -> Result<Self, rusqlite::Error> {
        // To read a log, SQLite writes into the index beside it.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        sharing.apply(&connection, READERS_PATIENCE)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "cache_size", READERS_CACHE)?;
        // What is to be found out is found out now: whether it can be read.
        schema_of(&connection)?;
        Ok(Store {
            connection,
            log: None,
            sharing,
        })
    }

    /// Opens what is there for a rehearsal: nothing is made, and where there is no file
    /// yet an empty store in memory stands in for it.
    pub fn open_existing(dir: &Path) -> Result<Self, Error> {
        match dir.join("minet.db").try_exists() {
            Ok(true) => Self::open(dir),
            Ok(false) | Err(_) => Self::in_memory(),
        }
    }

    /// An empty store that is gone when it is dropped.
    pub fn in_memory() -> Result<Self, Error> {
        let connection =
            Connection::open_in_memory().map_err(Error::during("open a store in memory"))?;
        let mut store = Store {
            connection,
            log: None,
            sharing: Sharing::Index,
        };
        store.migrate(Path::new(":memory:"))?;
        Ok(store)
    }

    /// Runs `body` in one transaction: committed when it returns `Ok`, else undone.
    ///
    /// The write lock is taken at once, so that what `body` reads stays true until it
    /// has written.
    pub fn write<T, E: From<Error>>(
        &mut self,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction = self.begin()?;
        let value = body(&transaction)?;
        transaction
            .inner
            .commit()
            .map_err(Error::during("commit"))?;
        Ok(value)
    }

    /// Like [`Store::write`], but nothing is kept: for `--dry-run`.
    pub fn rehearse<T, E: From<Error>>(
        &mut self,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction = self.begin()?;
        body(&transaction)
    }

    /// Runs `body` on one consistent view of the store, without the write lock.
    pub fn read<T, E: From<Error>>(
        &mut self,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let inner = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Deferred)
            .map_err(Error::during("begin to read"))?;
        body(&Transaction { inner })
    }

    pub(crate) fn begin(&mut self) -> Result<Transaction<'_>, Error> {
        self.connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map(|inner| Transaction { inner })
            .map_err(Error::during("begin a transaction"))
    }

    /// A write-ahead log without an fsync per commit: a killed process loses nothing, and
    /// after a power failure the kernel state that the last commits spoke of is gone too.
    fn configure(&self) -> Result<(), rusqlite::Error> {
        // By itself SQLite copies the log back in the middle of a commit, and whenever the last
        // one goes out: an fsync that somebody waits for (see `Drop`), and then it removes the
        // log, with what is reserved there. First of all, since this may be the last one soon.
        self.connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        self.connection.pragma_update(None, "journal_mode", "WAL")?;
        self.connection
            .pragma_update(None, "synchronous", "NORMAL")?;
        // A file elsewhere for what is only needed for a moment may be one too many.
        self.connection
            .pragma_update(None, "temp_store", "MEMORY")?;
        self.connection.pragma_update(None, "wal_autocheckpoint", 0)
    }

    fn migrate(&mut self, path: &Path) -> Result<(), Error> {
        let at_path = |source: rusqlite::Error| Error::Open {
            path: path.to_owned(),
            source: source.into(),
        };
        let found = schema_of(&self.connection).map_err(at_path)?;
        if found > schema::VERSION {
            return Err(Error::Newer {
                path: path.to_owned(),
                found,
                known: schema::VERSION,
            });
        }
        if found < schema::VERSION {
            self.upgrade().map_err(at_path)?;
        }
        self.connection
            .pragma_update(None, "foreign_keys", true)
            .map_err(Error::during("turn on foreign keys"))
    }

    /// Asked again under the lock: of several that come at once, one makes the tables.
    fn upgrade(&mut self) -> Result<(), rusqlite::Error> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = schema_of(&transaction)?;
        if found < schema::VERSION {
            match found {
                1 => transaction.execute_batch(schema::DROP)?,
                2 => transaction.execute_batch(schema::FROM_2)?,
                _ => {}
            }
            transaction.execute_batch(schema_links::CREATE)?;
            transaction.execute_batch(schema_names::CREATE)?;
            transaction.execute_batch(schema::CREATE)?;
            transaction.execute_batch(schema_cables::CREATE)?;
            if found == 2 {
                transaction.execute_batch(schema_names::FILL)?;
                transaction.execute_batch(schema_cables::FILL)?;
            }
        }
        transaction.commit()
    }
}

impl Transaction<'_> {
    /// A number that is another one as soon as somebody else has changed the store
    /// (`PRAGMA data_version`, sqlite.org/pragma.html); it means nothing to another [`Store`].
    pub fn edition(&self) -> Result<i64, Error> {
        self.inner
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .map_err(Error::during("ask whether the store has changed"))
    }
}

/// Opens a store, again and again for as long as others are at it.
///
/// Switching a new file to its log, and recovering one after a crash, do not wait for
/// others who are doing the same; SQLite says busy at once.
fn until_not_busy(
    patience: Duration,
    open: impl Fn() -> Result<Store, Error>,
) -> Result<Store, Error> {
    let begun = Instant::now();
    // Some a little longer than others, so that they get out of each other's way.
    let pause = Duration::from_micros(2000 + u64::from(std::process::id() % 1000));
    loop {
        match open() {
            Err(error) if error.is_busy() && begun.elapsed() < patience => {
                std::thread::sleep(pause);
            }
            other => return other,
        }
    }
}

pub(crate) fn schema_of(connection: &Connection) -> Result<i64, rusqlite::Error> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// The log is copied back when more than this stands in it, in bytes: about 16 commands' worth.
///
/// Whoever opens the store while nobody else has it open reads the whole log first, so a
/// long one makes every command slow; and every copying costs an fsync.
const LONG_LOG: u64 = 256 * 1024;

impl Drop for Store {
    /// Copies a long log back, at the end of a command, when its work is done.
    fn drop(&mut self) {
        let is_long = || log_in_use(&self.connection).is_ok_and(|length| length > LONG_LOG);
        if self.log.is_some() && is_long() {
            // If it fails, the log is as good as it was, and the next command tries again. Its
            // file stays as long as it is: see `reserve.rs`.
            let _ = copy_back(&mut self.connection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use minet_model::NetworkName;

    #[test]
    fn a_newer_file_is_refused_and_left_alone() {
        let dir = std::env::temp_dir().join(format!("minet-state-{}", std::process::id()));
        drop(Store::open(&dir).unwrap());
        let connection = Connection::open(dir.join("minet.db")).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        let error = Store::open(&dir).unwrap_err();
        assert!(matches!(error, Error::Newer { found: 99, .. }), "{error}");
        let connection = Connection::open(dir.join("minet.db")).unwrap();
        let version: i64 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        assert_eq!(version, 99);
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_file_of_a_number_that_was_never_released_is_made_anew() {
        let dir = std::env::temp_dir().join(format!("minet-state-old-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let connection = Connection::open(dir.join("minet.db")).unwrap();
        connection
            .execute_batch("CREATE TABLE network (name TEXT); PRAGMA user_version = 1")
            .unwrap();
        drop(connection);
        let mut store = Store::open(&dir).unwrap();
        assert_eq!(store.read(|tx| tx.networks()).unwrap(), []);
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn an_older_file_keeps_what_it_holds() {
        let dir = std::env::temp_dir().join(format!("minet-state-older-{}", std::process::id()));
        drop(Store::open(&dir).unwrap());
        let connection = Connection::open(dir.join("minet.db")).unwrap();
        connection
            .execute_batch(
                "INSERT INTO ended (id, exit_code) VALUES ('x', 7);
                 DROP TABLE link; DROP TABLE relink; DROP TABLE moved_address;
                 DROP TABLE kept_port; DROP TABLE handover; DROP TABLE name; DROP INDEX lease_address6;
                 DROP TRIGGER lease_given; DROP TRIGGER lease_moved; DROP TRIGGER lease_released;
                 DROP TRIGGER lease_forgotten; DROP TABLE cables;
                 ALTER TABLE lease DROP COLUMN shard;
                 ALTER TABLE lease DROP COLUMN address6;
                 ALTER TABLE network DROP COLUMN cursor6;
                 PRAGMA user_version = 2",
            )
            .unwrap();
        drop(connection);
        let mut store = Store::open(&dir).unwrap();
        assert_eq!(store.read(|tx| tx.links()).unwrap(), []);
        assert_eq!(store.read(|tx| tx.kept_ports()).unwrap(), []);
        assert_eq!(store.read(|tx| tx.leases()).unwrap(), []);
        let bridge = NetworkName::default_bridge();
        assert_eq!(store.read(|tx| tx.cursor6(&bridge)).unwrap(), None);
        let ended = "SELECT exit_code FROM ended WHERE id = 'x'";
        let code: i32 = store
            .connection
            .query_row(ended, [], |row| row.get(0))
            .unwrap();
        assert_eq!(code, 7);
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_file_that_is_no_database_is_an_error_that_names_it() {
        let dir = std::env::temp_dir().join(format!("minet-state-bad-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(
            dir.join("minet.db"),
            "not a database, but long enough to be read as one",
        )
        .unwrap();
        let error = Store::open(&dir).unwrap_err();
        assert!(error.to_string().contains("minet.db"), "{error}");
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn the_log_does_not_grow_for_ever() {
        let dir = std::env::temp_dir().join(format!("minet-state-log-{}", std::process::id()));
        let mut longest = 0;
        for round in 0..100 {
            let mut store = Store::open(&dir).unwrap();
            let write = |tx: &Transaction<'_>| {
                tx.inner
                    .execute_batch("CREATE TABLE IF NOT EXISTS filler (text TEXT)")
                    .and_then(|()| {
                        let text = format!("{round}{}", "x".repeat(9000));
                        tx.inner.execute("INSERT INTO filler VALUES (?1)", [text])
                    })
                    .map_err(Error::during("fill the log"))
            };
            store.write(write).unwrap();
            drop(store);
            longest = longest.max(dir.join("minet.db-wal").metadata().unwrap().len());
        }
        assert!(longest < 2 * LONG_LOG, "{longest}");
        let mut store = Store::open(&dir).unwrap();
        store.add(|_| Ok::<_, Error>(())).unwrap();
        let length = || dir.join("minet.db-wal").metadata().unwrap().len();
        let reserved = length();
        drop(store);
        // What is kept free is kept, and not read as a log.
        let id = minet_model::ContainerId::from_bytes([7; 32]);
        for _ in 0..100 {
            let mut store = Store::open(&dir).unwrap();
            store.add(|tx| tx.remember_end(&id, 0)).unwrap();
            assert!(log_in_use(&store.connection).unwrap() < 2 * LONG_LOG);
        }
        assert_eq!(length(), reserved);
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn opening_for_a_rehearsal_makes_nothing() {
        let dir = std::env::temp_dir().join(format!("minet-state-none-{}", std::process::id()));
        Store::open_existing(&dir).unwrap();
        assert!(!dir.exists());
    }
}
