//! The table of names: what the resolver looks up.

/// Who is called how on a network, in lower case. A name stays as long as its container
/// is plugged in there, running or not: a name that sleeps is not asked for outside.
pub(crate) const CREATE: &str = "
CREATE TABLE IF NOT EXISTS name (
    network  TEXT NOT NULL REFERENCES network (name) ON DELETE CASCADE,
    name     TEXT NOT NULL,
    holder   TEXT NOT NULL REFERENCES container (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    kind     TEXT NOT NULL,
    PRIMARY KEY (network, name, holder)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS name_holder ON name (holder);
";

/// The containers that an older program has started have names, too.
pub(crate) const FILL: &str = "
INSERT OR IGNORE INTO name (network, name, holder, kind)
    SELECT lease.network, lower(container.name), container.id, 'name'
    FROM lease JOIN container ON container.id = lease.holder;
INSERT OR IGNORE INTO name (network, name, holder, kind)
    SELECT lease.network, substr(container.id, 1, 12), container.id, 'id'
    FROM lease JOIN container ON container.id = lease.holder;
";
