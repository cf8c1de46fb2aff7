-- What the last restore from a backup has left; at most one row.
CREATE TABLE last_restore (
    one         INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    unix_s      INTEGER NOT NULL,
    epoch_floor INTEGER NOT NULL
) STRICT;
