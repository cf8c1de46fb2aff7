//! Every statement of the store, in one place, so that its cost can be looked at
//! beside its index: a test checks that none walks through a table, and the
//! benchmark runs the same ones bare.
//!
//! `ip` codes (see the schema): 0 not on IP, 1 in flight, 2 accepted, 3 to 6
//! negative, 7 delivered. SQLite uses a partial index only where a query repeats
//! its condition, hence `ip = 1 AND ip > 0 AND ip < 7`. `INDEXED BY` stands where SQLite,
//! which keeps no statistics here, would prefer a larger index.

/// The columns of [`crate::rows::Attempts`].
macro_rules! attempts {
    () => {
        "id, ip, ip_detail, sent_epoch, sent_seq, sms, take_back, read, own, peer, waits,
         undecided, lane_use, in_doubt, away, sms_left, epoch, lane_seq, look_boot, look_ms,
         look_for_ms, closed, direction = 0 AND text IS NULL"
    };
}

/// The columns of [`crate::rows::message`].
macro_rules! message {
    () => {
        concat!(
            attempts!(),
            ", direction, position, created_ms, changed_ms, body, age_s,
             CASE WHEN peer < 0 THEN (SELECT n.name FROM peer_name n WHERE n.id = -peer) END,
             iccid, sms_marked, sms_parts, sms_code, scts_ms, came_by, copy_of, late, text,
             residue"
        )
    };
}

/// The columns of a `merging::Copy`.
macro_rules! copy {
    () => {
        "m.id, m.came_by, m.epoch, m.lane_seq, m.residue, m.hash, m.maybe_by_sms, m.copy_of,
         m.by_note, m.born_boot, m.born_ms"
    };
}

/// The columns of an `SmsJob`.
macro_rules! job {
    () => {
        "m.id, m.own, m.peer,
         CASE WHEN m.peer < 0 THEN (SELECT n.name FROM peer_name n WHERE n.id = -m.peer) END,
         m.iccid, m.lane_seq, m.sms_marked, m.text, m.ip, m.ip_detail, m.sent_epoch, m.sent_seq"
    };
}

/// See [`crate::rows::message`].
pub(crate) const MESSAGE_COLUMNS: &str = message!();

/// The lowest open seq of (`$own`, `$epoch`), `$next` if there is none.
macro_rules! lowest_unsettled {
    ($own:literal, $epoch:literal, $next:literal) => {
        concat!(
            "min(coalesce((SELECT min(sent_seq) FROM message WHERE ip = 1 AND ip > 0 AND ip < 7 AND own = ",
            $own,
            " AND sent_epoch = ",
            $epoch,
            "), ",
            $next,
            "), coalesce((SELECT min(sent_seq) FROM message WHERE ip = 2 AND ip > 0 AND ip < 7 AND own = ",
            $own,
            " AND sent_epoch = ",
            $epoch,
            "), ",
            $next,
            "))"
        )
    };
}

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* pub const $name: &str = $sql;)*

        /// All of them, by name.
        pub const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

statements! {
    // -- the device -----------------------------------------------------------
    /// Highest session number, message id and event cursor.
    SNAPSHOT =
        "SELECT session_no,
                max(message_floor, coalesce((SELECT max(id) FROM message), 0),
                    coalesce((SELECT max(message) FROM token), 0)),
                max(event_floor, coalesce((SELECT max(cursor) FROM event), 0))
         FROM device";
    /// Queued and unsettled messages.
    OUTBOX_COUNT =
        "SELECT (SELECT count(*) FROM message WHERE ip = 0 AND lane_use > 0)
              + (SELECT count(*) FROM message WHERE ip = 1 AND ip > 0 AND ip < 7)
              + (SELECT count(*) FROM message WHERE ip = 2 AND ip > 0 AND ip < 7)";
    /// ?1: the highest the gateway knows.
    BEGIN_SESSION =
        "UPDATE device SET session_no = max(session_no, ?1) + 1 RETURNING session_no";

    // -- identities -----------------------------------------------------------
    /// A SIM that is not told leaves the known one.
    REGISTER =
        "INSERT INTO identity (number, iccid) VALUES (?1, ?2)
         ON CONFLICT (number) DO UPDATE
         SET iccid = coalesce(excluded.iccid, iccid), consented = 1";
    /// For SMS alone, unless it is known.
    NOTE_SIM =
        "INSERT INTO identity (number, iccid, consented) VALUES (?1, ?2, 0)
         ON CONFLICT (number) DO UPDATE SET iccid = excluded.iccid";
    /// In the order of registration.
    IDENTITIES = concat!(
        "SELECT i.number, i.iccid, i.last_epoch, i.cursor, i.cursor_check,
                (SELECT count(*) FROM message WHERE lane_use = 2 AND own = i.number),
                i.consented,
                EXISTS (SELECT 1 FROM lane_out l WHERE l.note_due = 1 AND l.own = i.number
                          AND l.epoch = i.epoch),
                e.epoch, e.next_seq, ", lowest_unsettled!("e.own", "e.epoch", "e.next_seq"), "
         FROM identity i LEFT JOIN epoch e ON e.own = i.number AND e.epoch = i.epoch
         ORDER BY i.id");
    /// Closed epochs with open seqs, lowest first. ?2: the one held.
    OLD_EPOCHS = concat!(
        "SELECT epoch, next_seq, lowest FROM (
             SELECT e.epoch, e.next_seq, ", lowest_unsettled!("e.own", "e.epoch", "e.next_seq"), "
                    AS lowest
             FROM epoch e WHERE e.own = ?1 AND e.epoch <> ?2)
         WHERE lowest < next_seq ORDER BY epoch LIMIT ?3");
    CLOSE_EPOCH = "UPDATE identity SET epoch = NULL WHERE number = ?1 AND epoch = ?2";
    BIND_EPOCH =
        "UPDATE identity SET epoch = ?2, last_epoch = ?2 WHERE number = ?1 AND last_epoch < ?2";
    EPOCH_ADD = "INSERT INTO epoch (own, epoch, next_seq) VALUES (?1, ?2, 1)";
    /// Lanes of closed epochs give no places any more.
    LANES_FORGET = "DELETE FROM lane_out WHERE own = ?1 AND epoch <> ?2";
    /// Where an identity stands now.
    POSITION = concat!(
        "SELECT e.epoch, ", lowest_unsettled!("e.own", "e.epoch", "e.next_seq"), "
         FROM identity i JOIN epoch e ON e.own = i.number AND e.epoch = i.epoch
         WHERE i.number = ?1");
    HELD_EPOCH = "SELECT epoch FROM identity WHERE number = ?1";
    /// A mailbox's cursor only moves forward.
    CURSOR_MOVE =
        "UPDATE identity SET cursor = ?2, cursor_check = ?3 WHERE number = ?1 AND cursor < ?2";

    // -- sending --------------------------------------------------------------
    /// Nothing is added if the token or not even the client is known.
    TOKEN_ADD =
        "INSERT INTO token (message, client, wall_ms, token)
         SELECT ?1, id, ?2, ?3 FROM client WHERE name = ?4
         ON CONFLICT (client, token) DO NOTHING";
    TOKEN_FIND =
        "SELECT message FROM token
         WHERE client = (SELECT id FROM client WHERE name = ?1) AND token = ?2";
    CLIENT_ADD = "INSERT INTO client (name) VALUES (?1) ON CONFLICT (name) DO NOTHING";
    OUTGOING_ADD =
        "INSERT INTO message (id, direction, own, peer, position, created_ms, changed_ms, ip, sms,
                              read, valid_for_ms, deadline_boot, deadline_ms, lane_use, undecided,
                              wish, look_boot, look_ms, look_for_ms, born_boot, born_ms, text)
         VALUES (?1, 0, ?2, ?3, ?1, ?4, ?4, 0, ?9, 0, ?5, ?6, ?7, ?10, ?11, ?12, ?13, ?14, ?15,
                 ?16, ?17, ?8)";
    EVENT_ADD =
        "INSERT INTO event (cursor, kind, message, shown, wall_ms, other)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    /// A message, if its identity holds an epoch; with what may speak against IP.
    RELEASABLE =
        "SELECT m.epoch, m.lane_seq, m.text, e.epoch, e.next_seq, m.wish,
                coalesce(s.mode, g.mode, 0), r.reach, r.since_boot, r.since_ms,
                EXISTS (SELECT 1 FROM message b WHERE b.lane_use = 3 AND b.own = m.own
                          AND b.peer = m.peer AND b.id < m.id),
                l.left_ip
         FROM message m JOIN identity i ON i.number = m.own
                        JOIN epoch e ON e.own = i.number AND e.epoch = i.epoch
                        LEFT JOIN setting s ON s.own = m.own AND s.peer = m.peer
                        LEFT JOIN setting g ON g.own = 0 AND g.peer = 0
                        LEFT JOIN peer_reach r ON r.peer = m.peer
                        LEFT JOIN lane_out l ON l.own = m.own AND l.epoch = i.epoch
                                            AND l.peer = m.peer
         WHERE m.id = ?1";
    SEQ_TAKE =
        "UPDATE epoch SET next_seq = next_seq + 1 WHERE own = ?1 AND epoch = ?2
         RETURNING next_seq - 1";
    SEQ_NEXT = "SELECT next_seq FROM epoch WHERE own = ?1 AND epoch = ?2";
    PLACE_TAKE =
        "INSERT INTO lane_out (own, epoch, peer, last_place) VALUES (?1, ?2, ?3, 1)
         ON CONFLICT (own, epoch, peer) DO UPDATE SET last_place = last_place + 1
         RETURNING last_place";
    RELEASE =
        "UPDATE message SET epoch = ?2, lane_seq = ?3, ip = 1, sent_epoch = ?2, sent_seq = ?4,
                            changed_ms = ?5, lane_use = 1, undecided = 0, waits = NULL,
                            look_boot = ?6, look_ms = ?7, look_for_ms = ?8, in_doubt = NULL,
                            away = NULL, closed = ?9, note = ?10, hash = ?11
         WHERE id = ?1";
    QUEUED =
        "SELECT id, peer, text, deadline_ms,
                (SELECT n.name FROM peer_name n WHERE n.id = -peer)
         FROM message m
         WHERE lane_use = 2 AND own = ?1
           AND NOT EXISTS (SELECT 1 FROM message b WHERE b.lane_use = 3 AND b.own = m.own
                             AND b.peer = m.peer AND b.id < m.id)
         ORDER BY id LIMIT ?2";
    /// Of one epoch above ?3, by seq.
    IN_FLIGHT =
        "SELECT id, own, peer, sent_epoch, lane_seq, sent_seq, take_back, note, text FROM message
         WHERE ip = 1 AND ip > 0 AND ip < 7 AND own = ?1 AND sent_epoch = ?2 AND sent_seq > ?3
         ORDER BY sent_seq LIMIT ?4";
    TAKING_BACK =
        "SELECT sent_epoch, sent_seq FROM message
         WHERE own = ?1 AND take_back IS NOT NULL AND ip = 2
         ORDER BY sent_epoch, sent_seq LIMIT ?2";

    // -- outcomes -------------------------------------------------------------
    ATTEMPTS = concat!("SELECT ", attempts!(), " FROM message WHERE id = ?1 AND direction = 0");
    OPEN_BY_SEQ = concat!(
        "SELECT ", attempts!(), " FROM message
         WHERE ip IN (1, 2) AND ip > 0 AND ip < 7 AND own = ?1 AND sent_epoch = ?2 AND sent_seq = ?3");
    /// Refused, revoked or expired.
    CONCLUDED_BY_SEQ = concat!(
        "SELECT ", attempts!(), " FROM message
         WHERE ip IN (3, 4, 5) AND ip > 0 AND ip < 7 AND own = ?1 AND sent_epoch = ?2 AND sent_seq = ?3");
    /// Above ?3 up to ?4, some at a time.
    IN_FLIGHT_BETWEEN = concat!(
        "SELECT ", attempts!(), " FROM message
         WHERE ip = 1 AND ip > 0 AND ip < 7 AND own = ?1 AND sent_epoch = ?2
           AND sent_seq > ?3 AND sent_seq <= ?4
         ORDER BY sent_seq LIMIT ?5");
    /// Above ?3 up to ?4, some at a time.
    ACCEPTED_BETWEEN = concat!(
        "SELECT ", attempts!(), " FROM message
         WHERE ip = 2 AND ip > 0 AND ip < 7 AND own = ?1 AND sent_epoch = ?2
           AND sent_seq > ?3 AND sent_seq <= ?4
         ORDER BY sent_seq LIMIT ?5");
    /// Everything that an attempt's progress changes. `changed_ms` here and
    /// below: NULL where the user sees no change. ?14: nothing has a deadline that
    /// is over or being taken back.
    CHANGE =
        "UPDATE message SET ip = ?2, ip_detail = ?3, sms = ?4, take_back = ?5, waits = ?6,
                            undecided = ?7, in_doubt = ?8, away = ?9, lane_use = ?10,
                            look_boot = ?11, look_ms = ?12, look_for_ms = ?13,
                            deadline_ms = iif(?14, NULL, deadline_ms), sms_left = ?15,
                            closed = ?16, changed_ms = coalesce(?17, changed_ms)
         WHERE id = ?1";
    /// Back to the queue without a number and a place; its validity goes on.
    REQUEUE =
        "UPDATE message SET sent_epoch = NULL, sent_seq = NULL, epoch = NULL, lane_seq = NULL,
                            note = NULL, closed = NULL
         WHERE id = ?1";
    /// Back to the queue with its place; its validity and its age start again.
    RETRY =
        "UPDATE message SET sent_epoch = NULL, sent_seq = NULL, wish = ?5, note = NULL,
                            deadline_boot = ?2, deadline_ms = ?3 + valid_for_ms,
                            born_boot = ?2, born_ms = ?3, changed_ms = ?4
         WHERE id = ?1";
    WISH = "UPDATE message SET wish = ?2 WHERE id = ?1";
    NOTE_DELETE = "DELETE FROM message WHERE id = ?1 AND direction = 0 AND text IS NULL";

    // -- deadlines ------------------------------------------------------------
    REARM =
        "UPDATE message SET deadline_boot = ?1, deadline_ms = ?2 + valid_for_ms
         WHERE deadline_ms IS NOT NULL AND deadline_boot <> ?1";
    /// Looks, ages and beliefs of another boot start again.
    REARM_LOOKS =
        "UPDATE message SET look_boot = ?1, look_ms = ?2 + look_for_ms
         WHERE look_ms IS NOT NULL AND look_boot <> ?1";
    REARM_BORN =
        "UPDATE message SET born_boot = ?1, born_ms = ?2 WHERE lane_use > 0 AND born_boot <> ?1";
    REARM_REACH = "UPDATE peer_reach SET since_boot = ?1, since_ms = ?2 WHERE since_boot <> ?1";
    /// The earliest.
    LOOKS =
        "SELECT id, look_ms FROM message WHERE look_ms IS NOT NULL ORDER BY look_ms, id LIMIT ?1";
    NEXT_DEADLINE =
        "SELECT min(deadline_ms) FROM message
         WHERE deadline_ms IS NOT NULL AND deadline_boot = ?1";
    DUE = concat!(
        "SELECT ", attempts!(), " FROM message
         WHERE deadline_ms IS NOT NULL AND deadline_boot = ?1 AND deadline_ms <= ?2
         ORDER BY deadline_ms LIMIT ?3");

    // -- receiving ------------------------------------------------------------
    LANE_READ =
        "SELECT high_water, forgotten, gaps FROM lane_in
         WHERE own = ?1 AND peer = ?2 AND epoch = ?3";
    LANE_WRITE =
        "INSERT INTO lane_in (own, peer, epoch, high_water, forgotten, gaps)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (own, peer, epoch) DO UPDATE
         SET high_water = excluded.high_water, forgotten = excluded.forgotten,
             gaps = excluded.gaps";
    SAME_NAME =
        "SELECT body, digest FROM message
         WHERE direction = 1 AND lane_seq IS NOT NULL AND came_by = 0
           AND own = ?1 AND peer = ?2 AND epoch = ?3 AND lane_seq = ?4";
    /// Position of the next later one of the lane (its conflicts lie behind it).
    NEXT_LATER =
        "SELECT position FROM message
         WHERE direction = 1 AND lane_seq IS NOT NULL AND own = ?1 AND peer = ?2
           AND (epoch, lane_seq) > (?3, ?4)
         ORDER BY epoch, lane_seq, position LIMIT 1";
    /// Position of the next earlier one of the lane.
    NEXT_EARLIER =
        "SELECT position FROM message
         WHERE direction = 1 AND lane_seq IS NOT NULL AND own = ?1 AND peer = ?2
           AND (epoch, lane_seq) < (?3, ?4)
         ORDER BY epoch DESC, lane_seq DESC, position DESC LIMIT 1";
    UNNAMED_FIND = "SELECT id FROM message WHERE own = ?1 AND cursor = ?2";
    INCOMING_ADD =
        "INSERT INTO message (id, direction, own, peer, position, created_ms, changed_ms, epoch,
                              lane_seq, read, body, digest, age_s, cursor, came_by, maybe_by_sms,
                              born_boot, born_ms, text)
         VALUES (?1, 1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, ?14, ?15, ?16, ?13)";
    SMS_ADD =
        "INSERT INTO message (id, direction, own, peer, position, created_ms, changed_ms, read,
                              body, age_s, came_by, iccid, hash, residue, scts_ms, born_boot,
                              born_ms, text)
         VALUES (?1, 1, ?2, ?3, ?1, ?4, ?4, 0, 0, 0, 1, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    SPOOL_ADD = "INSERT INTO spool (spool_id) VALUES (?1) ON CONFLICT (spool_id) DO NOTHING";
    SPOOL_PRUNE = "DELETE FROM spool WHERE no <= (SELECT max(no) FROM spool) - ?1";
    /// The network's own repeat: newest first, one page of candidates.
    SMS_TWIN =
        "SELECT text FROM (SELECT scts_ms, text FROM message
                           WHERE came_by = 1 AND own = ?1 AND peer = ?2
                           ORDER BY id DESC LIMIT ?4)
         WHERE scts_ms = ?3";

    ANY_SMS = "SELECT 1 FROM message WHERE came_by = 1 AND own = ?1 AND peer = ?2 LIMIT 1";

    // -- copies and notes -----------------------------------------------------
    /// See `merging::Copy`.
    ROOTS_OF = concat!("SELECT ", copy!(), ", text,
                EXISTS (SELECT 1 FROM message c WHERE c.copy_of = m.id)
         FROM message m
         WHERE copy_of IS NULL AND (direction = 1 OR text IS NOT NULL)
           AND own = ?1 AND peer = ?2 AND direction = 1 AND id <> ?3
         ORDER BY position DESC LIMIT ?4");
    COPIES_BY_SMS = concat!("SELECT ", copy!(), " FROM message m
         WHERE came_by = 1 AND own = ?1 AND peer = ?2 ORDER BY id DESC LIMIT ?3");
    COPIES_IN_PLACE = concat!("SELECT ", copy!(), " FROM message m
         WHERE direction = 1 AND lane_seq IS NOT NULL
           AND own = ?1 AND peer = ?2 AND epoch = ?3 AND lane_seq = ?4");
    COPY = concat!("SELECT ", copy!(), " FROM message m WHERE id = ?1 AND direction = 1");
    COPIES_OF = concat!("SELECT ", copy!(), " FROM message m WHERE copy_of = ?1");
    LINK = "UPDATE message SET copy_of = ?2, by_note = ?3 WHERE id = ?1";
    RELINK = "UPDATE message SET copy_of = ?2 WHERE copy_of = ?1";
    SMS_PLACE =
        "UPDATE message SET epoch = ?2, lane_seq = ?3, late = ?4, position = ?5 WHERE id = ?1";
    POSITION_OF = "SELECT position, body FROM message WHERE id = ?1";
    SHOWN_AS = "SELECT body FROM message WHERE id = ?1 AND direction = 1";
    PENDING_ADD =
        "INSERT INTO note_pending VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (own, peer, epoch, lane_seq) DO UPDATE
         SET filled = excluded.filled, hash = excluded.hash";
    PENDING_DROP =
        "DELETE FROM note_pending WHERE own = ?1 AND peer = ?2 AND epoch = ?3 AND lane_seq = ?4";
    PENDING_OF =
        "SELECT epoch, lane_seq, filled FROM note_pending
         WHERE own = ?1 AND peer = ?2 AND hash = ?3 ORDER BY epoch, lane_seq";
    PENDING_PRUNE =
        "DELETE FROM note_pending WHERE own = ?1 AND peer = ?2 AND (epoch, lane_seq) <= (
             SELECT epoch, lane_seq FROM note_pending WHERE own = ?1 AND peer = ?2
             ORDER BY epoch DESC, lane_seq DESC LIMIT 1 OFFSET ?3)";
    /// Places of a lane that are not known closed, before ?4.
    PLACES =
        "SELECT lane_seq, ip, ip_detail, sent_epoch, sent_seq, sms, sms_left, hash, id FROM message
         WHERE closed = 0 AND own = ?1 AND epoch = ?2 AND peer = ?3 AND lane_seq < ?4
         ORDER BY lane_seq LIMIT ?5";
    NOTED = "UPDATE message SET noted_epoch = ?2, noted_seq = ?3, noted_as = ?4 WHERE id = ?1";
    NOTED_BY =
        "SELECT lane_seq, ip, ip_detail, sent_epoch, sent_seq, sms, sms_left, hash, id, noted_as
         FROM message
         WHERE closed = 0 AND own = ?1 AND noted_epoch = ?2 AND noted_seq = ?3";
    CLOSE_PLACE = "UPDATE message SET closed = 1 WHERE id = ?1";
    LANE_LEFT_IP = "UPDATE lane_out SET left_ip = 1 WHERE own = ?1 AND epoch = ?2 AND peer = ?3";
    /// Places that were released before the lane left IP and are not delivered.
    LANE_REOPEN =
        "UPDATE message SET closed = 0
         WHERE lane_use > 0 AND own = ?1 AND peer = ?2 AND epoch = ?3 AND closed IS NULL";
    NOTE_DUE = "UPDATE lane_out SET note_due = 1 WHERE own = ?1 AND epoch = ?2 AND peer = ?3";
    NOTE_DONE = "UPDATE lane_out SET note_due = 0 WHERE own = ?1 AND epoch = ?2 AND peer = ?3";
    LANE_WITH_NOTE =
        "SELECT l.epoch, l.peer, l.last_place FROM lane_out l
         JOIN identity i ON i.number = l.own AND i.epoch = l.epoch
         WHERE l.note_due = 1 AND l.own = ?1 ORDER BY l.peer LIMIT 1";
    NOTE_ADD =
        "INSERT INTO message (id, direction, own, peer, position, created_ms, changed_ms, ip, sms,
                              read, lane_use, sent_epoch, sent_seq, note)
         VALUES (?1, 0, ?2, ?3, ?1, ?4, ?4, 1, 7, 0, 0, ?5, ?6, ?7)";

    // -- between the channels -------------------------------------------------
    LANE_BEFORE =
        "SELECT max(lane_use) FROM message
         WHERE lane_use > 0 AND own = ?1 AND peer = ?2 AND id < ?3";
    /// The first behind ?3 that may go on, and that nothing else looks at.
    LANE_WAKE =
        "UPDATE message SET look_boot = 0, look_ms = 0, look_for_ms = 0
         WHERE id = (SELECT id FROM message
                     WHERE lane_use > 0 AND own = ?1 AND peer = ?2 AND id > ?3
                       AND sms = 0 AND look_ms IS NULL
                     ORDER BY id LIMIT 1)";
    DUE_LOOKS = concat!(
        "SELECT ", attempts!(), ", text, wish, born_ms FROM message
         WHERE look_ms IS NOT NULL AND look_ms <= ?1 ORDER BY look_ms, id LIMIT ?2");
    WAKE =
        "UPDATE message SET look_boot = 0, look_ms = 0, look_for_ms = 0
         WHERE waits IS NOT NULL AND waits = ?1 AND (?2 IS NULL OR own = ?2)";
    /// What a new setting may concern: what has not left.
    WAKE_ALL =
        "UPDATE message SET look_boot = 0, look_ms = 0, look_for_ms = 0
         WHERE lane_use > 0 AND ip = 0 AND sms IN (0, 7)
           AND (?1 IS NULL OR (own = ?1 AND peer = ?2))";
    /// And what waits.
    WAKE_WAITING =
        "UPDATE message SET look_boot = 0, look_ms = 0, look_for_ms = 0
         WHERE waits IS NOT NULL AND (?1 IS NULL OR (own = ?1 AND peer = ?2))";
    RULE_IN =
        "UPDATE message SET sms = 0 WHERE lane_use > 0 AND ip = 0 AND sms = 7 AND wish IS NOT 0
           AND (?1 IS NULL OR (own = ?1 AND peer = ?2))";
    SETTING_SET =
        "INSERT INTO setting VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (own, peer) DO UPDATE
         SET mode = excluded.mode, fallback = excluded.fallback, iccid = excluded.iccid";
    SETTING = "SELECT mode, fallback, iccid FROM setting WHERE own = ?1 AND peer = ?2";
    SETTING_COUNT = "SELECT count(*) FROM setting";
    REACH_SET =
        "INSERT INTO peer_reach VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (peer) DO UPDATE SET reach = excluded.reach,
             since_boot = excluded.since_boot, since_ms = excluded.since_ms";
    REACH = "SELECT reach, since_boot, since_ms FROM peer_reach WHERE peer = ?1";
    REACH_UNREFUSE = "DELETE FROM peer_reach WHERE peer = ?1 AND reach = 2";
    /// A sign of life; nothing to do where it is believed already.
    REACH_ALIVE =
        "INSERT INTO peer_reach VALUES (?1, 1, 0, 0)
         ON CONFLICT (peer) DO UPDATE SET reach = 1 WHERE reach <> 1";
    BOUND = "SELECT epoch IS NOT NULL, consented FROM identity WHERE number = ?1";
    PEER_NAME_ADD = "INSERT INTO peer_name (name) VALUES (?1) ON CONFLICT (name) DO NOTHING";
    PEER_NAME_FIND = "SELECT id FROM peer_name WHERE name = ?1";
    PEER_NAME = "SELECT name FROM peer_name WHERE id = ?1";
    SMS_RELEASE =
        "UPDATE message SET iccid = ?2, sms_marked = ?3, epoch = ?4, lane_seq = ?5, closed = ?6,
                            hash = ?7, sms_parts = NULL, sms_attempt = NULL
         WHERE id = ?1";
    SMS_TEXT_AND_PLACE = "SELECT text, epoch, lane_seq FROM message WHERE id = ?1";
    SMS_QUEUE = concat!("SELECT ", job!(), " FROM message m
         WHERE sms = 1 AND waits IS NULL AND id > ?1 ORDER BY id LIMIT ?2");
    SMS_JOB = concat!("SELECT ", job!(), " FROM message m WHERE id = ?1");
    SMS_HANDED = concat!("SELECT ", job!(), ", sms_attempt FROM message m
         WHERE sms = 6 AND id > ?1 ORDER BY id LIMIT ?2");
    SMS_HAND =
        "UPDATE message SET sms_attempt = ?2, sms_parts = ?3, handed_boot = ?4, handed_ms = ?5
         WHERE id = ?1";
    SMS_BY_ATTEMPT = concat!(
        "SELECT ", attempts!(), ", sms_parts, sms_code, sms_marked FROM message
         WHERE sms_attempt IS NOT NULL AND sms_attempt = ?1");
    SMS_PARTS = "UPDATE message SET sms_parts = ?2, sms_code = coalesce(?3, sms_code) WHERE id = ?1";
    SMS_BACK = "UPDATE message SET sms_parts = NULL, sms_attempt = NULL WHERE id = ?1";
    SMS_COUNTS =
        "SELECT (SELECT count(*) FROM message WHERE sms = 1),
                (SELECT count(*) FROM message WHERE sms = 6)";
    SMS_HANDED_LATELY =
        "SELECT handed_boot, handed_ms, length(sms_parts) FROM message
         WHERE handed_ms IS NOT NULL ORDER BY handed_ms DESC LIMIT ?1";
    STORY_ADD =
        "INSERT INTO story (message, wall_ms, step, detail, because) VALUES (?1, ?2, ?3, ?4, ?5)";
    STORY = "SELECT wall_ms, step, detail, because FROM story WHERE message = ?1 ORDER BY no DESC LIMIT ?2";
    STORY_PRUNE = "DELETE FROM story WHERE no <= (SELECT max(no) FROM story) - ?1";

    // -- receipts -------------------------------------------------------------
    NAME_OF =
        "SELECT own, peer, epoch, lane_seq FROM message
         WHERE id = (SELECT coalesce(
             (SELECT m.id FROM message m
              WHERE m.id = ?1 AND m.came_by = 0 AND m.lane_seq IS NOT NULL),
             (SELECT c.id FROM message c
              WHERE c.copy_of = ?1 AND c.came_by = 0 AND c.lane_seq IS NOT NULL LIMIT 1),
             ?1)) AND direction = 1";
    /// An incoming message without a place of a lane by IP.
    READ_ALONE = "UPDATE message SET read = 1 WHERE id = ?1 AND direction = 1";
    /// All of the lane up to ?4.
    READ_UPTO =
        "UPDATE message INDEXED BY message_unread SET read = 1
         WHERE direction = 1 AND read = 0 AND lane_seq IS NOT NULL
           AND own = ?1 AND peer = ?2 AND epoch = ?3 AND lane_seq <= ?4";
    READ_RAISE =
        "UPDATE lane_in SET read_upto = max(read_upto, ?4), read_version = read_version + 1
         WHERE own = ?1 AND peer = ?2 AND epoch = ?3 RETURNING read_upto, read_version";
    UNTOLD_MARKS =
        "SELECT peer, epoch, read_upto, read_version FROM lane_in INDEXED BY lane_in_untold
         WHERE own = ?1 AND read_version > read_told ORDER BY peer, epoch LIMIT ?2";
    READ_TOLD =
        "UPDATE lane_in SET read_told = read_version
         WHERE own = ?1 AND peer = ?2 AND epoch = ?3 AND read_version = ?4";
    /// From ?4 up to ?5, some at a time.
    UNREAD_BY_PEER = concat!(
        "SELECT ", attempts!(), ", lane_seq FROM message
         WHERE ip = 7 AND read = 0
           AND own = ?1 AND peer = ?2 AND epoch = ?3 AND lane_seq BETWEEN ?4 AND ?5
         ORDER BY lane_seq LIMIT ?6");
    READ_SET =
        "UPDATE message SET read = 1, changed_ms = coalesce(?2, changed_ms) WHERE id = ?1";

    // -- clients --------------------------------------------------------------
    CLIENT_CURSOR = "SELECT cursor FROM client WHERE name = ?1";
    CLIENT_COUNT = "SELECT count(cursor) FROM client";
    CLIENT_OPEN =
        "INSERT INTO client (name, cursor) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor";
    CLIENT_ACK = "UPDATE client SET cursor = max(cursor, ?2) WHERE name = ?1 AND cursor NOT NULL";

    // -- upkeep ---------------------------------------------------------------
    EVENTS_PRUNE = "DELETE FROM event WHERE cursor <= ?1";
    /// Older than ?1 and not among the newest ?2.
    TOKENS_PRUNE =
        "DELETE FROM token WHERE wall_ms < ?1
           AND message <= (SELECT message FROM token ORDER BY message DESC LIMIT 1 OFFSET ?2)";
    /// Epochs nobody will ask about; their lanes go with them.
    EPOCHS_PRUNE = concat!(
        "DELETE FROM epoch
         WHERE epoch <> coalesce((SELECT i.epoch FROM identity i WHERE i.number = own), 0)
           AND ", lowest_unsettled!("epoch.own", "epoch.epoch", "next_seq"), " = next_seq");

    // -- reading --------------------------------------------------------------
    MESSAGE = concat!("SELECT ", message!(), " FROM message WHERE id = ?1");
    /// Newest first, before the key (?3, ?4, ?5). An outgoing message is alone at
    /// its position, so its epoch and place never decide.
    HISTORY = concat!(
        "SELECT ", message!(), " FROM message
         WHERE copy_of IS NULL AND (direction = 1 OR text IS NOT NULL)
           AND own = ?1 AND peer = ?2 AND position <= ?3
           AND (position < ?3 OR (direction = 1 AND (epoch, lane_seq) < (?4, ?5)))
         ORDER BY position DESC, epoch DESC, lane_seq DESC LIMIT ?6");
    /// Open ones by id. Sorts ids alone, and of those keeps one page.
    OUTBOX = concat!(
        "SELECT ", message!(), " FROM message WHERE text IS NOT NULL AND id IN (
             SELECT id FROM (
                 SELECT id FROM message WHERE ip IN (1, 2) AND ip > 0 AND ip < 7 AND id > ?1
                 UNION SELECT id FROM message WHERE lane_use > 0 AND id > ?1)
             ORDER BY id LIMIT ?2)
         ORDER BY id");
    OLDEST_EVENT = "SELECT min(cursor) FROM event";
    EVENTS =
        "SELECT cursor, kind, message, shown, wall_ms, other FROM event
         WHERE cursor > ?1 ORDER BY cursor LIMIT ?2";
    /// Newest activity first. Walks from pair to pair of the history's index, not
    /// from message to message.
    CONVERSATIONS =
        "WITH RECURSIVE
         own(number) AS (
             SELECT min(own) FROM message
             WHERE copy_of IS NULL AND (direction = 1 OR text IS NOT NULL)
             UNION ALL
             SELECT (SELECT min(m.own) FROM message m
                     WHERE m.copy_of IS NULL AND (m.direction = 1 OR m.text IS NOT NULL)
                       AND m.own > own.number)
             FROM own WHERE number IS NOT NULL),
         pair(own, peer) AS (
             SELECT number, (SELECT min(m.peer) FROM message m
                             WHERE m.copy_of IS NULL AND (m.direction = 1 OR m.text IS NOT NULL)
                               AND m.own = number)
             FROM own WHERE number IS NOT NULL
             UNION ALL
             SELECT own, (SELECT min(m.peer) FROM message m
                          WHERE m.copy_of IS NULL AND (m.direction = 1 OR m.text IS NOT NULL)
                            AND m.own = pair.own AND m.peer > pair.peer)
             FROM pair WHERE peer IS NOT NULL)
         SELECT own, peer,
                (SELECT max(m.position) FROM message m
                 WHERE m.copy_of IS NULL AND (m.direction = 1 OR m.text IS NOT NULL)
                   AND m.own = pair.own AND m.peer = pair.peer) AS newest
         FROM pair WHERE peer IS NOT NULL
         ORDER BY newest DESC LIMIT ?1 OFFSET ?2";
    CONVERSATION_COUNT =
        "SELECT count(*) FROM message
         WHERE copy_of IS NULL AND (direction = 1 OR text IS NOT NULL)
           AND own = ?1 AND peer = ?2";
    COUNTS =
        "SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM event),
                (SELECT count(*) FROM token), (SELECT count(*) FROM client)";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SqliteStore;

    /// What grows with use.
    const LARGE: [&str; 7] = [
        "message",
        "event",
        "token",
        "lane_in",
        "story",
        "spool",
        "peer_reach",
    ];
    /// For a person who asks; once a day; once a boot, through the messages that
    /// have a deadline. The others run in every turn.
    const MAY_WALK: [&str; 10] = [
        "COUNTS",
        "TOKENS_PRUNE",
        "REARM",
        "REARM_LOOKS",
        "REARM_BORN",
        "REARM_REACH",
        "WAKE_ALL",
        "WAKE_WAITING",
        "RULE_IN",
        "OUTBOX_COUNT",
    ];
    /// Sorts one page, not what it is taken from.
    const MAY_SORT: [&str; 4] = ["HISTORY", "OUTBOX", "CONVERSATIONS", "DUE"];

    #[test]
    fn no_statement_walks_through_a_table_that_grows() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("store.db")).unwrap();
        for (name, sql) in ALL {
            let mut plan = store
                .connection
                .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            let mut steps = plan.raw_query();
            while let Some(step) = steps.next().unwrap() {
                let step: String = step.get(3).unwrap();
                println!("{name}: {step}");
                let walks = LARGE.iter().any(|table| {
                    step == format!("SCAN {table}") || step.starts_with(&format!("SCAN {table} "))
                });
                assert!(!walks || MAY_WALK.contains(name), "{name}: {step}");
                assert!(
                    !step.contains("TEMP B-TREE") || MAY_SORT.contains(name),
                    "{name}: {step}"
                );
            }
        }
    }
}
