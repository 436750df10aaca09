//! The tables of links: wishes, what is still to be done about them, and addresses that
//! somebody changed by hand. Additive: an older file gets them and loses nothing.

/// - `link`: one alias in one receiver. `receiver` is a container's name, `*` for every
///   neighbour of the source, `/` for the host. `holder` is the receiver whose `--link`
///   this is, and with which it goes; a standing wish of `minet link` has none.
/// - `relink`: receivers whose names or edges may not be what the links say. Noted with
///   the change, removed when it is done, so that a crash in between is put right.
/// - `moved_address`: what an interface inside is called now, where that is not the lease.
pub(crate) const CREATE: &str = "
CREATE TABLE IF NOT EXISTS link (
    receiver  TEXT NOT NULL,
    alias     TEXT NOT NULL COLLATE NOCASE,
    source    TEXT NOT NULL,
    holder    TEXT REFERENCES container (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    created   INTEGER NOT NULL,
    PRIMARY KEY (receiver, alias)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS link_source ON link (source, receiver);
CREATE INDEX IF NOT EXISTS link_holder ON link (holder) WHERE holder IS NOT NULL;
CREATE TABLE IF NOT EXISTS relink (
    receiver    TEXT PRIMARY KEY,
    generation  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS moved_address (
    holder   TEXT NOT NULL REFERENCES container (id) ON DELETE CASCADE,
    network  TEXT NOT NULL,
    address  INTEGER NOT NULL,
    PRIMARY KEY (holder, network)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS moved_address_place ON moved_address (network, address);
";
