//! The table of cables: how many are plugged into each bridge of a network.

/// A lease that somebody holds is a cable. How many there are is counted as they come and
/// go, since a start that counted them would take the longer the more there are. Bridge 0
/// is the network's own, the others are its further ones.
pub(crate) const CREATE: &str = "
CREATE TABLE IF NOT EXISTS cables (
    network  TEXT NOT NULL REFERENCES network (name) ON DELETE CASCADE,
    shard    INTEGER NOT NULL,
    count    INTEGER NOT NULL,
    PRIMARY KEY (network, shard)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS lease_given AFTER INSERT ON lease WHEN new.holder IS NOT NULL
BEGIN
    INSERT INTO cables VALUES (new.network, new.shard, 1)
        ON CONFLICT (network, shard) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER IF NOT EXISTS lease_moved AFTER UPDATE OF holder, shard ON lease
    WHEN old.holder IS NOT NULL AND new.holder IS NOT NULL
BEGIN
    UPDATE cables SET count = count - 1 WHERE network = old.network AND shard = old.shard;
    INSERT INTO cables VALUES (new.network, new.shard, 1)
        ON CONFLICT (network, shard) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER IF NOT EXISTS lease_released AFTER UPDATE OF holder ON lease
    WHEN old.holder IS NOT NULL AND new.holder IS NULL
BEGIN
    UPDATE cables SET count = count - 1 WHERE network = old.network AND shard = old.shard;
END;
CREATE TRIGGER IF NOT EXISTS lease_forgotten AFTER DELETE ON lease WHEN old.holder IS NOT NULL
BEGIN
    UPDATE cables SET count = count - 1 WHERE network = old.network AND shard = old.shard;
END;
";

/// The cables that an older program has laid.
pub(crate) const FILL: &str = "
INSERT OR REPLACE INTO cables (network, shard, count)
    SELECT network, shard, count(*) FROM lease WHERE holder IS NOT NULL GROUP BY network, shard;
";
