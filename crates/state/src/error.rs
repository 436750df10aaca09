use std::path::PathBuf;

/// What can go wrong with the memory of minet.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory or the file cannot be opened or made.
    #[error("open {}", path.display())]
    Open {
        /// The database file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A newer minet wrote the file.
    #[error("{} was written by a newer minet (schema {found}, this one knows {known}): upgrade minet, or use another --root", path.display())]
    Newer {
        /// The database file.
        path: PathBuf,
        /// The schema number in the file.
        found: i64,
        /// The newest schema number this program knows.
        known: i64,
    },
    /// What is left is kept for what takes things away.
    #[error("no space left in {} for one more thing to remember (what stops and removes still works): free some, or move minet's state with --root", dir.display())]
    NoRoom {
        /// The store's directory.
        dir: PathBuf,
    },
    /// The name of a new container is held by another one.
    #[error(
        "Conflict. The container name \"/{name}\" is already in use by container \"{holder}\". You have to remove (or rename) that container to be able to reuse that name."
    )]
    NameTaken {
        /// The name asked for.
        name: String,
        /// The ID of the container that has it.
        holder: String,
    },
    /// An address of a network is held by another container.
    #[error(
        "Address already in use: {address} of network {network} is in use by container {holder:?}"
    )]
    AddressTaken {
        /// The network's name.
        network: String,
        /// The address asked for.
        address: std::net::IpAddr,
        /// The name of the container that has it.
        holder: String,
    },
    /// A host port is published already.
    #[error("Bind for {host} failed: port is already allocated: container {holder:?} publishes it")]
    PortTaken {
        /// The host address and port.
        host: std::net::SocketAddr,
        /// The name of the container that has it.
        holder: String,
    },
    /// A name that a link is to have leads to another container.
    #[error(
        "Conflict. The alias \"{alias}\" is already in use in {receiver} by a link to \"{source_name}\": take that back first (minet unlink {source_name}:{alias})"
    )]
    AliasTaken {
        /// The name asked for.
        alias: String,
        /// In whom.
        receiver: String,
        /// Where it leads now.
        source_name: String,
    },
    /// A row holds something that no minet wrote.
    #[error("the store holds {what} that cannot be read: {text:?}")]
    Corrupt {
        /// Which column.
        what: &'static str,
        /// What stands there.
        text: String,
    },
    /// SQLite itself failed: disk full, file corrupt, lock not free in time.
    #[error("the store failed while it tried to {act}")]
    Sqlite {
        /// What was being done.
        act: &'static str,
        /// SQLite's own words.
        #[source]
        source: rusqlite::Error,
    },
}

impl Error {
    /// Whether the file in which those who use the database meet could not be made, or not made
    /// long enough.
    pub(crate) fn lacks_index(&self) -> bool {
        let code = self
            .cause()
            .and_then(rusqlite::Error::sqlite_error)
            .map(|error| error.extended_code);
        use rusqlite::ffi::{SQLITE_CANTOPEN, SQLITE_IOERR_SHMOPEN, SQLITE_IOERR_SHMSIZE};
        let codes = [SQLITE_CANTOPEN, SQLITE_IOERR_SHMOPEN, SQLITE_IOERR_SHMSIZE];
        code.is_some_and(|code| codes.contains(&code))
    }

    fn cause(&self) -> Option<&rusqlite::Error> {
        match self {
            Error::Open { source, .. } => source.downcast_ref::<rusqlite::Error>(),
            Error::Sqlite { source, .. } => Some(source),
            _ => None,
        }
    }

    /// Whether somebody else held a lock at this moment.
    pub(crate) fn is_busy(&self) -> bool {
        let code = self.cause().and_then(rusqlite::Error::sqlite_error_code);
        matches!(
            code,
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
        )
    }

    /// For `map_err`: SQLite failed during this act.
    pub(crate) fn during(act: &'static str) -> impl Fn(rusqlite::Error) -> Error {
        move |source| Error::Sqlite { act, source }
    }
}

/// Whether a statement failed because a UNIQUE or PRIMARY KEY constraint holds.
pub(crate) fn is_taken(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
}
