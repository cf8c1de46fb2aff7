-- The second channel: attempts by SMS, what decides between the channels, notes,
-- copies, and peers that are no numbers. `message` and `event` are made anew,
-- because their checks change.

-- Peers that only SMS reaches. Elsewhere they stand as the negative id.
CREATE TABLE peer_name (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- What the user chose; own 0 and peer 0: globally. NULL: as set above it.
CREATE TABLE setting (
    own      INTEGER NOT NULL,
    peer     INTEGER NOT NULL,
    mode     INTEGER CHECK (mode BETWEEN 0 AND 2),
    fallback INTEGER CHECK (fallback BETWEEN 0 AND 3),
    iccid    TEXT,
    PRIMARY KEY (own, peer)
) STRICT, WITHOUT ROWID;

-- Whether peers are believed to be on IP.
CREATE TABLE peer_reach (
    peer       INTEGER PRIMARY KEY CHECK (peer > 0),
    reach      INTEGER NOT NULL CHECK (reach BETWEEN 1 AND 3),
    since_boot INTEGER NOT NULL,
    since_ms   INTEGER NOT NULL
) STRICT;

-- Note entries whose SMS has not come (DELIVERY 18, 20).
CREATE TABLE note_pending (
    own      INTEGER NOT NULL,
    peer     INTEGER NOT NULL,
    epoch    INTEGER NOT NULL,
    lane_seq INTEGER NOT NULL,
    filled   INTEGER NOT NULL,
    hash     INTEGER NOT NULL,
    PRIMARY KEY (own, peer, epoch, lane_seq)
) STRICT, WITHOUT ROWID;

-- SMS that were taken, by the agent's name for them (DELIVERY 28).
CREATE TABLE spool (
    no       INTEGER PRIMARY KEY,
    spool_id TEXT NOT NULL UNIQUE
) STRICT;

-- Why messages went the way they went, for `twinectl explain`.
CREATE TABLE story (
    no      INTEGER PRIMARY KEY,
    message INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    step    INTEGER NOT NULL,
    detail  INTEGER,
    because TEXT
) STRICT;
CREATE INDEX story_message ON story (message, no);

-- The user agreed to use IP with the number; 0: it is here for SMS alone.
ALTER TABLE identity ADD COLUMN consented INTEGER NOT NULL DEFAULT 1;
-- A place of the lane was filled by SMS; a note without a message is due.
ALTER TABLE lane_out ADD COLUMN left_ip INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lane_out ADD COLUMN note_due INTEGER NOT NULL DEFAULT 0;
CREATE INDEX lane_out_note_due ON lane_out (own, epoch, peer) WHERE note_due = 1;

CREATE TABLE message_2 (
    id            INTEGER PRIMARY KEY,
    direction     INTEGER NOT NULL CHECK (direction IN (0, 1)),
    own           INTEGER NOT NULL CHECK (own > 0),
    -- Negative: a name.
    peer          INTEGER NOT NULL CHECK (peer <> 0),
    position      INTEGER NOT NULL,
    created_ms    INTEGER NOT NULL,
    changed_ms    INTEGER NOT NULL,
    -- The place in its lane: the sender's epoch and count. Of an incoming SMS
    -- what a note gave it.
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
    read          INTEGER NOT NULL CHECK (read IN (0, 1)),
    body          INTEGER CHECK (body BETWEEN 0 AND 2),
    digest        INTEGER,
    age_s         INTEGER,
    cursor        INTEGER,
    -- Outgoing: deciding. `lane_use` is what it means for those behind it.
    lane_use      INTEGER CHECK (lane_use BETWEEN 0 AND 3),
    undecided     INTEGER,
    wish          INTEGER,
    waits         INTEGER,
    look_boot     INTEGER,
    look_ms       INTEGER,
    look_for_ms   INTEGER,
    in_doubt      INTEGER,
    away          INTEGER,
    -- Outgoing: the SMS.
    sms_attempt   INTEGER,
    sms_code      INTEGER,
    sms_left      INTEGER,
    sms_marked    INTEGER,
    sms_parts     BLOB,
    handed_boot   INTEGER,
    handed_ms     INTEGER,
    -- Both: the card; the hash of the folded text.
    iccid         TEXT,
    hash          INTEGER,
    -- Outgoing: notes. `closed` is NULL where no note has to speak of the place.
    closed        INTEGER,
    noted_epoch   INTEGER,
    noted_seq     INTEGER,
    noted_as      INTEGER,
    note          BLOB,
    -- Incoming.
    came_by       INTEGER CHECK (came_by IN (0, 1)),
    residue       INTEGER,
    scts_ms       INTEGER,
    copy_of       INTEGER,
    by_note       INTEGER,
    late          INTEGER,
    maybe_by_sms  INTEGER,
    -- Written (outgoing: its age starts here) or arrived.
    born_boot     INTEGER,
    born_ms       INTEGER,
    -- NULL: a placeholder, or a note without a message.
    text          TEXT,
    CHECK ((epoch IS NULL) = (lane_seq IS NULL)),
    CHECK ((sent_epoch IS NULL) = (sent_seq IS NULL)),
    CHECK ((direction = 0) = (ip IS NOT NULL AND sms IS NOT NULL AND lane_use IS NOT NULL)),
    CHECK ((direction = 1) = (body IS NOT NULL AND age_s IS NOT NULL AND came_by IS NOT NULL))
) STRICT;

-- What was written before there were two channels is for IP alone (sms 7).
INSERT INTO message_2 (id, direction, own, peer, position, created_ms, changed_ms, epoch, lane_seq,
                       ip, ip_detail, sent_epoch, sent_seq, sms, take_back, valid_for_ms,
                       deadline_boot, deadline_ms, read, body, digest, age_s, cursor, lane_use,
                       came_by, text)
    SELECT id, direction, own, peer, position, created_ms, changed_ms, epoch, lane_seq,
           ip, ip_detail, sent_epoch, sent_seq, iif(direction = 0, 7, NULL), take_back,
           valid_for_ms, deadline_boot, deadline_ms, read, body, digest, age_s, cursor,
           iif(direction = 0, CASE ip WHEN 0 THEN 2 WHEN 1 THEN 1 WHEN 2 THEN 1 ELSE 0 END, NULL),
           iif(direction = 1, 0, NULL), text
    FROM message;
DROP TABLE message;
ALTER TABLE message_2 RENAME TO message;

-- A page of a conversation, without copies and notes.
CREATE INDEX message_history ON message (own, peer, position)
    WHERE copy_of IS NULL AND (direction = 1 OR text IS NOT NULL);
-- Unsettled and failed ones by seq. A delivered message (code 7) leaves it.
CREATE INDEX message_attempt ON message (ip, own, sent_epoch, sent_seq)
    WHERE ip > 0 AND ip < 7;
-- The queue of IP.
CREATE INDEX message_queue ON message (own, id) WHERE lane_use = 2;
-- What is before a message in its lane; what blocks it.
CREATE INDEX message_lane ON message (own, peer, id, lane_use) WHERE lane_use > 0;
CREATE INDEX message_block ON message (own, peer, id) WHERE lane_use = 3;
CREATE INDEX message_look ON message (look_ms, id) WHERE look_ms IS NOT NULL;
CREATE INDEX message_waits ON message (waits) WHERE waits IS NOT NULL;
-- The pacing queue, and what the agent has.
CREATE INDEX message_sms_queue ON message (id) WHERE sms = 1;
CREATE INDEX message_handed ON message (id) WHERE sms = 6;
CREATE INDEX message_handed_at ON message (handed_ms) WHERE handed_ms IS NOT NULL;
CREATE UNIQUE INDEX message_sms_attempt ON message (sms_attempt) WHERE sms_attempt IS NOT NULL;
-- Places a note has to speak of, and what the last note said.
CREATE INDEX message_place ON message (own, epoch, peer, lane_seq) WHERE closed = 0;
CREATE INDEX message_noted ON message (own, noted_epoch, noted_seq) WHERE closed = 0;
CREATE INDEX message_take_back ON message (own, sent_epoch, sent_seq)
    WHERE take_back IS NOT NULL;
CREATE INDEX message_deadline ON message (deadline_boot, deadline_ms)
    WHERE deadline_ms IS NOT NULL;
CREATE INDEX message_unread_by_peer ON message (own, peer, epoch, lane_seq)
    WHERE ip = 7 AND read = 0;
CREATE INDEX message_unread ON message (own, peer, epoch, lane_seq)
    WHERE direction = 1 AND read = 0 AND lane_seq IS NOT NULL;
CREATE INDEX message_name ON message (own, peer, epoch, lane_seq, position)
    WHERE direction = 1 AND lane_seq IS NOT NULL;
CREATE UNIQUE INDEX message_unnamed ON message (own, cursor)
    WHERE cursor IS NOT NULL;
-- Incoming SMS of a peer; copies of a message.
CREATE INDEX message_by_sms ON message (own, peer, id) WHERE came_by = 1;
CREATE INDEX message_copies ON message (copy_of) WHERE copy_of IS NOT NULL;

CREATE TABLE event_2 (
    cursor  INTEGER PRIMARY KEY,
    kind    INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 4),
    message INTEGER NOT NULL,
    shown   INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    -- With kinds 2 and 3: the other message.
    other   INTEGER
) STRICT;
INSERT INTO event_2 SELECT cursor, kind, message, shown, wall_ms, NULL FROM event;
DROP TABLE event;
ALTER TABLE event_2 RENAME TO event;
