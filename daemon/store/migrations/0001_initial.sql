-- The first schema. A migration is never edited once it has been released:
-- what has to change is a file of its own.
--
-- Numbers are E.164 as integers. Digests and boot ids are 64-bit patterns kept
-- as signed integers. Enumerations are the codes of src/codes.rs.

-- The one row of what belongs to the device as a whole.
CREATE TABLE device (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    session_no    INTEGER NOT NULL CHECK (session_no >= 0),
    -- Message ids and event cursors are given above these whatever the tables
    -- hold: a salvaged store may have lost the rows with the highest ones.
    message_floor INTEGER NOT NULL CHECK (message_floor >= 0),
    event_floor   INTEGER NOT NULL CHECK (event_floor >= 0)
) STRICT;
INSERT INTO device VALUES (1, 0, 0, 0);

CREATE TABLE identity (
    -- The order of registration.
    id           INTEGER PRIMARY KEY,
    number       INTEGER NOT NULL UNIQUE,
    iccid        TEXT,
    -- NULL: wants a new one.
    epoch        INTEGER,
    last_epoch   INTEGER NOT NULL DEFAULT 0 CHECK (last_epoch >= coalesce(epoch, 0)),
    cursor       INTEGER NOT NULL DEFAULT 0,
    cursor_check INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Every epoch an identity held and may still be asked about.
CREATE TABLE epoch (
    own      INTEGER NOT NULL REFERENCES identity (number),
    epoch    INTEGER NOT NULL CHECK (epoch > 0),
    next_seq INTEGER NOT NULL CHECK (next_seq > 0),
    PRIMARY KEY (own, epoch)
) STRICT, WITHOUT ROWID;

-- Where outgoing lanes stand.
CREATE TABLE lane_out (
    own        INTEGER NOT NULL,
    epoch      INTEGER NOT NULL,
    peer       INTEGER NOT NULL,
    last_place INTEGER NOT NULL CHECK (last_place > 0),
    PRIMARY KEY (own, epoch, peer),
    FOREIGN KEY (own, epoch) REFERENCES epoch (own, epoch) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- What was taken of incoming lanes (DELIVERY 10) and read of them (DELIVERY 11).
-- Outlives the messages: a deleted history makes no repeat a new message.
CREATE TABLE lane_in (
    own          INTEGER NOT NULL,
    peer         INTEGER NOT NULL,
    epoch        INTEGER NOT NULL,
    high_water   INTEGER NOT NULL,
    forgotten    INTEGER NOT NULL,
    -- Pairs of 8-byte little-endian integers: first and last place of a gap.
    gaps         BLOB NOT NULL,
    -- The furthest place read, how often there was something to tell of it, and
    -- which of these the gateway has.
    read_upto    INTEGER NOT NULL DEFAULT 0,
    read_version INTEGER NOT NULL DEFAULT 0,
    read_told    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (own, peer, epoch)
) STRICT, WITHOUT ROWID;
CREATE INDEX lane_in_untold ON lane_in (own, peer, epoch)
    WHERE read_version > read_told;

-- Messages of both directions. No foreign key leads here or from here: a
-- message is taken whatever else is known. The text stands last, so that a
-- long one is not read through to get at what stands behind it.
CREATE TABLE message (
    id            INTEGER PRIMARY KEY,
    direction     INTEGER NOT NULL CHECK (direction IN (0, 1)),
    own           INTEGER NOT NULL CHECK (own > 0),
    peer          INTEGER NOT NULL CHECK (peer > 0),
    -- Where it stands in the conversation: its id, or the position of a later
    -- one of its lane.
    position      INTEGER NOT NULL,
    created_ms    INTEGER NOT NULL,
    changed_ms    INTEGER NOT NULL,
    -- The place in its lane: the sender's epoch and count.
    epoch         INTEGER,
    lane_seq      INTEGER,
    -- Outgoing: the attempts. NULL for incoming.
    ip            INTEGER CHECK (ip BETWEEN 0 AND 7),
    ip_detail     INTEGER,
    sent_epoch    INTEGER,
    sent_seq      INTEGER,
    sms           INTEGER CHECK (sms BETWEEN 0 AND 5),
    take_back     INTEGER CHECK (take_back BETWEEN 0 AND 1),
    valid_for_ms  INTEGER,
    deadline_boot INTEGER,
    deadline_ms   INTEGER,
    -- Incoming: by the user; outgoing: by the peer.
    read          INTEGER NOT NULL CHECK (read IN (0, 1)),
    -- Incoming. NULL for outgoing.
    body          INTEGER CHECK (body BETWEEN 0 AND 2),
    digest        INTEGER,
    age_s         INTEGER,
    -- Only of what is known by its cursor alone.
    cursor        INTEGER,
    text          TEXT,
    CHECK ((epoch IS NULL) = (lane_seq IS NULL)),
    CHECK ((sent_epoch IS NULL) = (sent_seq IS NULL)),
    CHECK ((direction = 0) = (ip IS NOT NULL AND sms IS NOT NULL)),
    CHECK ((direction = 1) = (body IS NOT NULL AND age_s IS NOT NULL))
) STRICT;

-- A page of a conversation. Ties of position are few and sorted when read.
CREATE INDEX message_history ON message (own, peer, position);
-- Queued messages by id (the row id follows the NULLs), unsettled and failed
-- ones by seq. A delivered message (code 7) leaves it.
CREATE INDEX message_attempt ON message (ip, own, sent_epoch, sent_seq)
    WHERE ip < 7;
-- The few that are being taken back.
CREATE INDEX message_take_back ON message (own, sent_epoch, sent_seq)
    WHERE take_back IS NOT NULL;
-- Those with a deadline that still holds.
CREATE INDEX message_deadline ON message (deadline_boot, deadline_ms)
    WHERE deadline_ms IS NOT NULL;
-- Outgoing messages a read mark of the peer may reach: the delivered ones.
CREATE INDEX message_unread_by_peer ON message (own, peer, epoch, lane_seq)
    WHERE ip = 7 AND read = 0;
-- Incoming messages the user has not read.
CREATE INDEX message_unread ON message (own, peer, epoch, lane_seq)
    WHERE direction = 1 AND read = 0 AND lane_seq IS NOT NULL;
-- Incoming messages by name: repeats, conflicts, and places of late ones.
CREATE INDEX message_name ON message (own, peer, epoch, lane_seq, position)
    WHERE direction = 1 AND lane_seq IS NOT NULL;
CREATE UNIQUE INDEX message_unnamed ON message (own, cursor)
    WHERE cursor IS NOT NULL;

CREATE TABLE client (
    id     INTEGER PRIMARY KEY,
    name   TEXT NOT NULL UNIQUE,
    -- Events acknowledged; NULL: it sends only.
    cursor INTEGER
) STRICT;

-- Idempotence tokens (DELIVERY 1). The key is the message, so that the oldest
-- come first; a token outlives its message.
CREATE TABLE token (
    message INTEGER PRIMARY KEY,
    client  INTEGER NOT NULL REFERENCES client (id),
    wall_ms INTEGER NOT NULL,
    token   BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX token_name ON token (client, token);

-- The durable event log (DELIVERY 29): cursors without holes.
CREATE TABLE event (
    cursor  INTEGER PRIMARY KEY,
    kind    INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 1),
    message INTEGER NOT NULL,
    shown   INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL
) STRICT;
