-- The SMS channel: attempts by SMS and what decides between the channels,
-- incoming SMS, lane notes, copies, settings, what is believed of peers, stories.
--
-- What was sent under schema 1 knew IP alone and stays with it. Nothing is
-- noted of its places, and its age is not known.

-- Peers that are no numbers. Everywhere else they stand as -id.
CREATE TABLE peer_name (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- The boot in which the daemon last began: what is stamped with another boot
-- started again then (DELIVERY 24).
ALTER TABLE device ADD COLUMN boot INTEGER;
ALTER TABLE device ADD COLUMN boot_ms INTEGER NOT NULL DEFAULT 0;

-- Without consent a number is here for SMS alone.
ALTER TABLE identity ADD COLUMN consented INTEGER NOT NULL DEFAULT 1 CHECK (consented IN (0, 1));

-- A note about a resolved uncertain copy is to be sent at once (DELIVERY 18).
ALTER TABLE lane_out ADD COLUMN note_due INTEGER NOT NULL DEFAULT 0 CHECK (note_due IN (0, 1));
CREATE INDEX lane_out_note_due ON lane_out (own, epoch) WHERE note_due = 1;

CREATE TABLE message_with_sms (
    id            INTEGER PRIMARY KEY,
    direction     INTEGER NOT NULL CHECK (direction IN (0, 1)),
    own           INTEGER NOT NULL CHECK (own > 0),
    -- Negative: a name.
    peer          INTEGER NOT NULL CHECK (peer <> 0),
    -- 1: a copy of another; 2: a note without a message.
    hidden        INTEGER NOT NULL DEFAULT 0 CHECK (hidden BETWEEN 0 AND 2),
    position      INTEGER NOT NULL,
    created_ms    INTEGER NOT NULL,
    changed_ms    INTEGER NOT NULL,
    epoch         INTEGER,
    lane_seq      INTEGER,
    -- Outgoing: the attempts. NULL for incoming.
    ip            INTEGER CHECK (ip BETWEEN 0 AND 7),
    ip_detail     INTEGER,
    sent_epoch    INTEGER,
    sent_seq      INTEGER,
    sms           INTEGER CHECK (sms BETWEEN 0 AND 7),
    take_back     INTEGER CHECK (take_back BETWEEN 0 AND 2),
    valid_for_ms  INTEGER,
    deadline_boot INTEGER,
    deadline_ms   INTEGER,
    -- Outgoing: what decides. `lane_use`, `stage` and `held` follow from the
    -- rest and are kept for the indexes; see src/rows.rs.
    queued        INTEGER NOT NULL DEFAULT 0 CHECK (queued IN (0, 1)),
    lane_use      INTEGER NOT NULL DEFAULT 0 CHECK (lane_use BETWEEN 0 AND 3),
    stage         INTEGER NOT NULL DEFAULT 0 CHECK (stage BETWEEN 0 AND 3),
    held          INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)),
    wish          INTEGER CHECK (wish IN (0, 1)),
    waits_for     INTEGER CHECK (waits_for BETWEEN 0 AND 5),
    look_boot     INTEGER,
    look_ms       INTEGER,
    look_after_ms INTEGER,
    born_boot     INTEGER,
    born_ms       INTEGER,
    in_doubt      INTEGER NOT NULL DEFAULT 0 CHECK (in_doubt IN (0, 1)),
    away          INTEGER NOT NULL DEFAULT 0 CHECK (away IN (0, 1)),
    -- Outgoing: the attempt by SMS. Of parts one byte each.
    sms_marked    INTEGER NOT NULL DEFAULT 0 CHECK (sms_marked IN (0, 1)),
    sms_attempt   INTEGER,
    sms_parts     BLOB,
    sms_code      INTEGER,
    -- An earlier attempt may have left the phone.
    sms_left      INTEGER NOT NULL DEFAULT 0 CHECK (sms_left IN (0, 1)),
    -- Outgoing: what the receiver is to be told of the place; what it was told
    -- and has acknowledged; under which seq it was told last; and the note that
    -- this message carries, as it travels.
    unclosed      INTEGER NOT NULL DEFAULT 0 CHECK (unclosed IN (0, 1)),
    closed        INTEGER NOT NULL DEFAULT 0 CHECK (closed IN (0, 1)),
    noted_epoch   INTEGER,
    noted_seq     INTEGER,
    note          BLOB,
    -- Incoming: by the user; outgoing: by the peer.
    read          INTEGER NOT NULL CHECK (read IN (0, 1)),
    -- Incoming. NULL for outgoing.
    body          INTEGER CHECK (body BETWEEN 0 AND 2),
    digest        INTEGER,
    age_s         INTEGER,
    cursor        INTEGER,
    -- Incoming: 0 by IP, 1 by SMS; the mark, the text's hash and the operator's
    -- stamp of an SMS; what it is a copy of, and whether a note says so.
    came_by       INTEGER NOT NULL DEFAULT 0 CHECK (came_by IN (0, 1)),
    residue       INTEGER CHECK (residue BETWEEN 0 AND 3),
    hash          INTEGER,
    scts_ms       INTEGER,
    copy_of       INTEGER,
    by_note       INTEGER NOT NULL DEFAULT 0 CHECK (by_note IN (0, 1)),
    late          INTEGER NOT NULL DEFAULT 0 CHECK (late IN (0, 1)),
    maybe_by_sms  INTEGER NOT NULL DEFAULT 0 CHECK (maybe_by_sms IN (0, 1)),
    arrived_boot  INTEGER,
    arrived_ms    INTEGER,
    -- The card an SMS leaves by, or came by.
    iccid         TEXT,
    text          TEXT,
    CHECK ((epoch IS NULL) = (lane_seq IS NULL)),
    CHECK ((sent_epoch IS NULL) = (sent_seq IS NULL)),
    CHECK ((direction = 0) = (ip IS NOT NULL AND sms IS NOT NULL)),
    CHECK ((direction = 1) = (body IS NOT NULL AND age_s IS NOT NULL)),
    CHECK ((copy_of IS NOT NULL) = (hidden = 1)),
    CHECK (hidden <> 2 OR note IS NOT NULL)
) STRICT;

INSERT INTO message_with_sms (
    id, direction, own, peer, position, created_ms, changed_ms, epoch, lane_seq, ip, ip_detail,
    sent_epoch, sent_seq, sms, take_back, valid_for_ms, deadline_boot, deadline_ms, queued,
    lane_use, read, body, digest, age_s, cursor, text)
SELECT
    id, direction, own, peer, position, created_ms, changed_ms, epoch, lane_seq, ip, ip_detail,
    sent_epoch, sent_seq, iif(sms = 0, 6, sms), take_back, valid_for_ms, deadline_boot,
    deadline_ms, coalesce(ip = 0, 0),
    CASE ip WHEN 0 THEN 2 WHEN 1 THEN 1 WHEN 2 THEN 1 ELSE 0 END,
    read, body, digest, age_s, cursor, text
FROM message;
DROP TABLE message;
ALTER TABLE message_with_sms RENAME TO message;

-- A page of a conversation. Ties of position are few and sorted when read.
CREATE INDEX message_history ON message (own, peer, position, direction) WHERE hidden = 0;
-- Unsettled and failed messages by seq. A delivered message (code 7) leaves it.
CREATE INDEX message_attempt ON message (ip, own, sent_epoch, sent_seq)
    WHERE ip BETWEEN 1 AND 6;
-- The queue of IP, by id.
CREATE INDEX message_queued ON message (queued, own) WHERE queued = 1;
-- What is in the way of others in its lane (DELIVERY 21).
CREATE INDEX message_lane ON message (own, peer, lane_use) WHERE lane_use > 0;
-- What gets a look when the one before it is out of its way.
CREATE INDEX message_held ON message (own, peer) WHERE held = 1;
-- Undecided, in the pacing queue, at the agent; by id.
CREATE INDEX message_stage ON message (stage) WHERE stage > 0;
CREATE INDEX message_look ON message (look_ms) WHERE look_ms IS NOT NULL;
CREATE INDEX message_waits ON message (waits_for) WHERE waits_for IS NOT NULL;
-- The few that are being taken back.
CREATE INDEX message_take_back ON message (own, sent_epoch, sent_seq)
    WHERE take_back IS NOT NULL;
-- Those with a deadline that still holds.
CREATE INDEX message_deadline ON message (deadline_boot, deadline_ms)
    WHERE deadline_ms IS NOT NULL;
-- By the agent's name for it; results may come long after.
CREATE INDEX message_sms_attempt ON message (sms_attempt) WHERE sms_attempt IS NOT NULL;
-- What a lane note speaks of, and by what it is acknowledged.
CREATE INDEX message_unclosed ON message (own, peer, epoch, lane_seq) WHERE unclosed = 1;
CREATE INDEX message_noted ON message (own, noted_epoch, noted_seq)
    WHERE noted_seq IS NOT NULL;
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
-- SMS of a conversation, by id.
CREATE INDEX message_by_sms ON message (own, peer) WHERE came_by = 1;
CREATE INDEX message_copies ON message (copy_of) WHERE copy_of IS NOT NULL;

CREATE TABLE event_with_other (
    cursor  INTEGER PRIMARY KEY,
    kind    INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 4),
    message INTEGER NOT NULL,
    shown   INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    -- The other message of a merge.
    other   INTEGER
) STRICT;
INSERT INTO event_with_other (cursor, kind, message, shown, wall_ms)
SELECT cursor, kind, message, shown, wall_ms FROM event;
DROP TABLE event;
ALTER TABLE event_with_other RENAME TO event;

-- What the user chose; (0, 0): globally.
CREATE TABLE setting (
    own      INTEGER NOT NULL,
    peer     INTEGER NOT NULL,
    mode     INTEGER CHECK (mode BETWEEN 0 AND 2),
    fallback INTEGER CHECK (fallback BETWEEN 0 AND 3),
    iccid    TEXT,
    PRIMARY KEY (own, peer)
) STRICT, WITHOUT ROWID;

-- Whether a peer is believed to be on IP, and since when.
CREATE TABLE reach (
    peer     INTEGER PRIMARY KEY,
    reach    INTEGER NOT NULL CHECK (reach BETWEEN 0 AND 3),
    boot     INTEGER NOT NULL,
    since_ms INTEGER NOT NULL
) STRICT;

-- Parts handed to the agent lately, for pacing.
CREATE TABLE sms_handed (
    id    INTEGER PRIMARY KEY,
    boot  INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    parts INTEGER NOT NULL CHECK (parts BETWEEN 0 AND 255)
) STRICT;

-- SMS that were taken, to recognise repeats: by the agent's name, and by what
-- the network repeats.
CREATE TABLE sms_seen (
    id       INTEGER PRIMARY KEY,
    own      INTEGER NOT NULL,
    peer     INTEGER NOT NULL,
    scts_ms  INTEGER NOT NULL,
    digest   INTEGER NOT NULL,
    spool_id TEXT NOT NULL
) STRICT;
CREATE INDEX sms_seen_spool ON sms_seen (spool_id);
CREATE INDEX sms_seen_network ON sms_seen (own, peer, scts_ms, digest);

-- Entries of incoming notes whose SMS has not come (yet).
CREATE TABLE note_pending (
    own      INTEGER NOT NULL,
    peer     INTEGER NOT NULL,
    epoch    INTEGER NOT NULL,
    lane_seq INTEGER NOT NULL,
    filled   INTEGER NOT NULL CHECK (filled BETWEEN 0 AND 3),
    hash     INTEGER NOT NULL,
    PRIMARY KEY (own, peer, epoch, lane_seq)
) STRICT, WITHOUT ROWID;

-- Why a message went the way it went. No texts, no numbers.
CREATE TABLE story (
    no      INTEGER PRIMARY KEY,
    message INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    step    INTEGER NOT NULL,
    detail  INTEGER,
    -- One a line.
    because TEXT
) STRICT;
CREATE INDEX story_message ON story (message);
