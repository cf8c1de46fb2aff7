-- The records of twine-gateway-core's storage module. Never change this file:
-- add another.

-- The highest session number of each device that holds or held a number.
CREATE TABLE device (
    key        BLOB NOT NULL PRIMARY KEY,
    session_no INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- device is NULL once the number is unbound; epoch never goes back.
CREATE TABLE number (
    number INTEGER NOT NULL PRIMARY KEY,
    device BLOB,
    epoch  INTEGER NOT NULL
) STRICT;
CREATE INDEX number_by_device ON number (device) WHERE device IS NOT NULL;

-- One epoch of a sender.
CREATE TABLE stream (
    number           INTEGER NOT NULL,
    epoch            INTEGER NOT NULL,
    owner            BLOB NOT NULL,
    high_water       INTEGER NOT NULL,
    lowest_unsettled INTEGER NOT NULL,
    pruned_to        INTEGER NOT NULL,
    PRIMARY KEY (number, epoch)
) STRICT, WITHOUT ROWID;

-- What became of each seq. fate: see sqlite/codes.rs. recipient and cursor
-- only while it waits. digest: the bits of an unsigned integer.
CREATE TABLE sent (
    number    INTEGER NOT NULL,
    epoch     INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    digest    INTEGER,
    fate      INTEGER NOT NULL,
    handed    INTEGER NOT NULL,
    recipient INTEGER,
    cursor    INTEGER,
    PRIMARY KEY (number, epoch, seq)
) STRICT, WITHOUT ROWID;

-- The accounts of each mailbox.
CREATE TABLE mailbox (
    owner        INTEGER NOT NULL PRIMARY KEY,
    last_cursor  INTEGER NOT NULL,
    handed_upto  INTEGER NOT NULL,
    doubted_upto INTEGER NOT NULL,
    messages     INTEGER NOT NULL,
    marks        INTEGER NOT NULL,
    bytes        INTEGER NOT NULL
) STRICT;

-- What waits in each mailbox. A message has seq, lane_seq and content. A read
-- mark has none of them, but upto; its peer is the reader, its epoch the owner's.
CREATE TABLE entry (
    owner    INTEGER NOT NULL,
    cursor   INTEGER NOT NULL,
    taken_s  INTEGER NOT NULL,
    peer     INTEGER NOT NULL,
    epoch    INTEGER NOT NULL,
    seq      INTEGER,
    lane_seq INTEGER,
    content  BLOB,
    upto     INTEGER,
    PRIMARY KEY (owner, cursor)
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_by_age ON entry (taken_s);
CREATE INDEX entry_mark ON entry (owner, peer, epoch) WHERE upto IS NOT NULL;
