//! The tables, and how an older file becomes a newer one.

/// The schema number this program writes, kept in SQLite's `user_version`.
///
/// Number 1 was never released; a file that has it is made anew. From 2 on, each step only
/// adds: no data of a running machine is lost.
pub(crate) const VERSION: i64 = 3;

/// Takes away the tables of a number that was never released.
pub(crate) const DROP: &str = "
DROP TABLE IF EXISTS port;
DROP TABLE IF EXISTS lease;
DROP TABLE IF EXISTS ended;
DROP TABLE IF EXISTS container;
DROP TABLE IF EXISTS network;
";

/// What the tables of number 2 lack, before [`CREATE`] finds them there. IPv6 addresses are
/// 16 bytes, which sort as the addresses do.
pub(crate) const FROM_2: &str = "
ALTER TABLE network ADD COLUMN cursor6 BLOB;
ALTER TABLE lease ADD COLUMN address6 BLOB;
ALTER TABLE lease ADD COLUMN shard INTEGER NOT NULL DEFAULT 0;
";

/// The whole schema. Times are milliseconds since 1970, addresses of leases are numbers
/// so that "the next one" is an index lookup. The number of a port comes before its address
/// in the keys: whoever asks for a port asks for it on all addresses.
pub(crate) const CREATE: &str = "
CREATE TABLE IF NOT EXISTS network (
    name          TEXT PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    bridge        TEXT NOT NULL UNIQUE,
    subnet        TEXT NOT NULL,
    definition    TEXT NOT NULL,
    created       INTEGER NOT NULL,
    cursor        INTEGER NOT NULL DEFAULT 0,
    up_in_boot    TEXT,
    plan          TEXT,
    cursor6       BLOB
) STRICT;
CREATE TABLE IF NOT EXISTS container (
    id                TEXT PRIMARY KEY,
    name              TEXT NOT NULL UNIQUE,
    spec              TEXT NOT NULL,
    created           INTEGER NOT NULL,
    started           INTEGER,
    finished          INTEGER,
    status            TEXT NOT NULL,
    exit_code         INTEGER,
    namespace_of      TEXT,
    settings          TEXT NOT NULL,
    plan              TEXT,
    boot              TEXT,
    supervisor_pid    INTEGER,
    supervisor_start  INTEGER,
    init_pid          INTEGER,
    init_start        INTEGER,
    netns             INTEGER,
    error             TEXT,
    wish              TEXT NOT NULL DEFAULT 'run',
    ended_by          INTEGER,
    restarts          INTEGER NOT NULL DEFAULT 0
) STRICT;
DROP INDEX IF EXISTS container_live;
CREATE INDEX IF NOT EXISTS container_supervised ON container (boot, supervisor_pid, supervisor_start, id) WHERE boot IS NOT NULL;
CREATE INDEX IF NOT EXISTS container_watch ON container (supervisor_start, id) WHERE boot IS NOT NULL;
CREATE INDEX IF NOT EXISTS container_namespace ON container (namespace_of) WHERE namespace_of IS NOT NULL;
CREATE TABLE IF NOT EXISTS lease (
    network    TEXT NOT NULL REFERENCES network (name) ON DELETE CASCADE,
    address    INTEGER NOT NULL,
    name       TEXT,
    mac        TEXT NOT NULL,
    holder     TEXT REFERENCES container (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
    released   INTEGER,
    address6   BLOB,
    shard      INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (network, address),
    UNIQUE (network, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS lease_holder ON lease (holder) WHERE holder IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS lease_address6 ON lease (network, address6) WHERE address6 IS NOT NULL;
CREATE INDEX IF NOT EXISTS lease_released ON lease (network, (name IS NOT NULL), released) WHERE holder IS NULL;
CREATE TABLE IF NOT EXISTS port (
    protocol        TEXT NOT NULL,
    host_ip         TEXT NOT NULL,
    host_port       INTEGER NOT NULL,
    container_port  INTEGER NOT NULL,
    holder          TEXT NOT NULL REFERENCES container (id) ON DELETE CASCADE,
    PRIMARY KEY (protocol, host_port, host_ip)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS port_holder ON port (holder);
CREATE TABLE IF NOT EXISTS kept_port (
    protocol        TEXT NOT NULL,
    host_ip         TEXT NOT NULL,
    host_port       INTEGER NOT NULL,
    container_port  INTEGER NOT NULL,
    name            TEXT NOT NULL,
    used            INTEGER NOT NULL,
    PRIMARY KEY (protocol, host_port, host_ip)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS kept_port_name ON kept_port (name);
CREATE INDEX IF NOT EXISTS kept_port_used ON kept_port (used);
CREATE TABLE IF NOT EXISTS handover (
    number           INTEGER PRIMARY KEY,
    giver            TEXT NOT NULL,
    taker            TEXT NOT NULL,
    what             TEXT NOT NULL,
    boot             TEXT NOT NULL,
    maker_pid        INTEGER NOT NULL,
    maker_start      INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS ended (
    number     INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    exit_code  INTEGER NOT NULL
) STRICT;
PRAGMA user_version = 3;
";
