//! Every statement of the store, in one place, so that its cost can be looked at
//! beside its index: a test checks that none walks through a table, and the
//! benchmark runs the same ones bare.
//!
//! `ip` codes (see the schema): 0 none, 1 in flight, 2 accepted, 3 to 6 negative, 7
//! delivered; `sms`: 0 none, 1 waiting, 6 not used, 7 handed; `lane_use`: 0 free, 1
//! on IP, 2 queued, 3 blocks. SQLite uses a partial index only where a query repeats
//! its condition, hence `ip = 1 AND ip BETWEEN 1 AND 6`. `INDEXED BY` stands where
//! SQLite, which keeps no statistics here, would prefer a larger index.

/// The columns of [`crate::rows::Attempts`].
macro_rules! attempts {
    () => {
        "id, ip, ip_detail, sent_epoch, sent_seq, sms, take_back, read, own, peer, epoch,
         lane_seq, hidden, queued, wish, waits_for, lane_use, held, look_ms,
         sms_left, sms_parts, unclosed, (note IS NOT NULL) + 2 * (deadline_ms IS NOT NULL)"
    };
}

/// The name of the peer of a message; NULL for a number.
macro_rules! peer_name {
    () => {
        "CASE WHEN peer < 0 THEN (SELECT n.name FROM peer_name n WHERE n.id = -message.peer) END"
    };
}

/// The columns of [`crate::rows::message_of`].
macro_rules! message_columns {
    () => {
        concat!(
            attempts!(),
            ", direction, position, created_ms, changed_ms, body, age_s, came_by, copy_of, late,
               sms_marked, sms_code, scts_ms, iccid, text"
        )
    };
}

/// The columns of [`crate::rows::message`].
macro_rules! message {
    () => {
        concat!(message_columns!(), ", ", peer_name!())
    };
}

/// See [`crate::rows::message_of`].
pub(crate) const MESSAGE_COLUMNS: &str = message_columns!();

/// The columns of a `Copy` (`ops/merging.rs`).
macro_rules! copies {
    () => {
        "id, came_by, epoch, lane_seq, residue, text, maybe_by_sms, copy_of, by_note,
         arrived_boot, arrived_ms, body = 0"
    };
}

/// The columns of an SMS to be sent.
macro_rules! sms_job {
    () => {
        concat!(
            "id, own, peer, iccid, lane_seq, sms_marked, text, sms_attempt, ip, ip_detail,
             sent_epoch, sent_seq, ",
            peer_name!(),
            ", born_boot, born_ms"
        )
    };
}

/// Something of this lane (`$own`, `$peer`) before message `$id` blocks it.
macro_rules! blocked {
    ($own:literal, $peer:literal, $id:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM message b WHERE b.lane_use = 3 AND b.lane_use > 0 AND b.own = ",
            $own,
            " AND b.peer = ",
            $peer,
            " AND b.id < ",
            $id,
            ")"
        )
    };
}

/// What stands in a lane (?1, ?2) before ?3: the worst `lane_use`.
macro_rules! worst_before {
    () => {
        "CASE WHEN EXISTS (SELECT 1 FROM message WHERE lane_use = 3 AND lane_use > 0
                           AND own = ?1 AND peer = ?2 AND id < ?3) THEN 3
              WHEN EXISTS (SELECT 1 FROM message WHERE lane_use = 2 AND lane_use > 0
                           AND own = ?1 AND peer = ?2 AND id < ?3) THEN 2
              WHEN EXISTS (SELECT 1 FROM message WHERE lane_use = 1 AND lane_use > 0
                           AND own = ?1 AND peer = ?2 AND id < ?3) THEN 1
              ELSE 0 END"
    };
}

/// Every message that is open: in the outbox.
macro_rules! open_ids {
    ($and:literal) => {
        concat!(
            "SELECT id FROM message WHERE queued = 1",
            $and,
            " UNION SELECT id FROM message WHERE stage IN (1, 2, 3) AND stage > 0",
            $and,
            " UNION SELECT id FROM message
              WHERE ip IN (1, 2) AND ip BETWEEN 1 AND 6 AND hidden = 0",
            $and
        )
    };
}

/// The lowest open seq of (`$own`, `$epoch`), `$next` if there is none.
macro_rules! lowest_unsettled {
    ($own:literal, $epoch:literal, $next:literal) => {
        concat!(
            "min(coalesce((SELECT min(sent_seq) FROM message WHERE ip = 1 AND ip BETWEEN 1 AND 6 AND own = ",
            $own,
            " AND sent_epoch = ",
            $epoch,
            "), ",
            $next,
            "), coalesce((SELECT min(sent_seq) FROM message WHERE ip = 2 AND ip BETWEEN 1 AND 6 AND own = ",
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

        /// All of this part, by name.
        pub const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

/// Of an open message: it is not with the agent, has not left by SMS, and may
/// not stay in the queue of IP as it is. What is on its way by IP keeps its deadline, at
/// which it is decided by the settings of then, unless it is to go by SMS alone.
macro_rules! concerned {
    () => {
        "sms IN (0, 1, 5, 6)
           AND (queued = 0 AND ip NOT IN (1, 2) OR waits_for IS NOT NULL OR sms = 1
                OR (wish IS NOT 0
                    AND coalesce((SELECT mode FROM setting s
                                  WHERE s.own = message.own AND s.peer = message.peer),
                                 (SELECT mode FROM setting s WHERE s.own = 0 AND s.peer = 0)) = 2))"
    };
}

pub mod sms;

pub use sms::*;

statements! {
    // -- the device -------------------------------------------------------------
    /// Highest session number, message id and event cursor; SMS that wait, and
    /// that the agent has.
    SNAPSHOT =
        "SELECT session_no,
                max(message_floor, coalesce((SELECT max(id) FROM message), 0),
                    coalesce((SELECT max(message) FROM token), 0)),
                max(event_floor, coalesce((SELECT max(cursor) FROM event), 0)),
                (SELECT count(*) FROM message WHERE stage = 2 AND stage > 0),
                (SELECT count(*) FROM message
                 WHERE stage = 3 AND stage > 0 AND instr(sms_parts, x'00') > 0)
         FROM device";
    /// Open messages.
    OUTBOX_COUNT =
        "SELECT (SELECT count(*) FROM message WHERE queued = 1)
              + (SELECT count(*) FROM message
                 WHERE stage IN (1, 2, 3) AND stage > 0 AND ip NOT IN (1, 2))
              + (SELECT count(*) FROM message
                 WHERE ip IN (1, 2) AND ip BETWEEN 1 AND 6 AND hidden = 0)";
    /// ?1: the highest the gateway knows.
    BEGIN_SESSION =
        "UPDATE device SET session_no = max(session_no, ?1) + 1 RETURNING session_no";
    MEMO_SET =
        "INSERT INTO memo (kind, bytes) VALUES (?1, ?2)
         ON CONFLICT (kind) DO UPDATE SET bytes = excluded.bytes";
    MEMOS = "SELECT kind, bytes FROM memo";
    /// What the daemon calls now, in a boot it has not seen.
    BOOT_BEGIN = "UPDATE device SET boot = ?1, boot_ms = ?2 WHERE boot IS NOT ?1";
    BOOT = "SELECT boot, boot_ms FROM device WHERE boot IS NOT NULL";

    // -- identities -------------------------------------------------------------
    /// A SIM that is not told leaves the known one.
    REGISTER =
        "INSERT INTO identity (number, iccid) VALUES (?1, ?2)
         ON CONFLICT (number) DO UPDATE SET iccid = coalesce(excluded.iccid, iccid), consented = 1";
    NOTE_SIM =
        "INSERT INTO identity (number, iccid, consented) VALUES (?1, ?2, 0)
         ON CONFLICT (number) DO UPDATE SET iccid = excluded.iccid";
    /// In the order of registration.
    IDENTITIES = concat!(
        "SELECT i.number, i.iccid, i.last_epoch, i.cursor, i.cursor_check,
                (SELECT count(*) FROM message WHERE queued = 1 AND own = i.number),
                e.epoch, e.next_seq, ", lowest_unsettled!("e.own", "e.epoch", "e.next_seq"), ",
                i.consented,
                EXISTS (SELECT 1 FROM lane_out l
                        WHERE l.note_due = 1 AND l.own = i.number AND l.epoch = i.epoch)
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

    // -- sending ----------------------------------------------------------------
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
                              read, valid_for_ms, deadline_boot, deadline_ms, queued, lane_use,
                              stage, held, wish, look_boot, look_ms, look_after_ms, born_boot,
                              born_ms, text)
         VALUES (?1, 0, ?2, ?3, ?1, ?4, ?4, 0, ?5, 0, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,
                 ?16, ?17, ?18, ?19)";
    EVENT_ADD =
        "INSERT INTO event (cursor, kind, message, shown, wall_ms, other)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    /// A message in the queue of IP, if its identity holds an epoch, and what may
    /// speak against IP. `unclosed` says whether there may be something to note.
    RELEASABLE = concat!(
        "SELECT m.own, m.peer, m.epoch, m.lane_seq, m.text, e.epoch, e.next_seq, m.sms, m.sms_left,
                m.wish, ",
        blocked!("m.own", "m.peer", "m.id"), ",
                EXISTS (SELECT 1 FROM message u
                        WHERE u.unclosed = 1 AND u.own = m.own AND u.peer = m.peer
                          AND u.epoch = e.epoch),
                coalesce((SELECT mode FROM setting s WHERE s.own = m.own AND s.peer = m.peer),
                         (SELECT mode FROM setting s WHERE s.own = 0 AND s.peer = 0)),
                coalesce((SELECT fallback FROM setting s WHERE s.own = m.own AND s.peer = m.peer),
                         (SELECT fallback FROM setting s WHERE s.own = 0 AND s.peer = 0)),
                r.reach, r.boot, r.since_ms
         FROM message m JOIN identity i ON i.number = m.own
                        JOIN epoch e ON e.own = i.number AND e.epoch = i.epoch
                        LEFT JOIN reach r ON r.peer = m.peer
         WHERE m.id = ?1 AND m.queued = 1");
    SEQ_TAKE = "UPDATE epoch SET next_seq = next_seq + 1 WHERE own = ?1 AND epoch = ?2";
    PLACE_TAKE =
        "INSERT INTO lane_out (own, epoch, peer, last_place) VALUES (?1, ?2, ?3, 1)
         ON CONFLICT (own, epoch, peer) DO UPDATE SET last_place = last_place + 1
         RETURNING last_place";
    RELEASE =
        "UPDATE message SET epoch = ?2, lane_seq = ?3, ip = 1, sent_epoch = ?2, sent_seq = ?4,
                            changed_ms = ?5, queued = 0, lane_use = 1, held = ?6, waits_for = NULL,
                            look_boot = ?7, look_ms = ?8, look_after_ms = ?9, unclosed = ?10,
                            closed = 0, noted_epoch = NULL, noted_seq = NULL, note = ?11,
                            in_doubt = 0, away = 0
         WHERE id = ?1";
    /// Without those behind one that blocks their lane, and those to a name, which wait for
    /// their user: IP does not reach it.
    QUEUED = concat!(
        "SELECT id, peer, text, deadline_ms, ", peer_name!(), " FROM message
         WHERE queued = 1 AND own = ?1 AND NOT (peer < 0 AND waits_for IS 0)
           AND NOT ", blocked!("message.own", "message.peer", "message.id"), "
         ORDER BY id LIMIT ?2");
    /// Of one epoch above ?3, by seq.
    IN_FLIGHT =
        "SELECT id, own, peer, sent_epoch, lane_seq, sent_seq, take_back, text, note FROM message
         WHERE ip = 1 AND ip BETWEEN 1 AND 6 AND own = ?1 AND sent_epoch = ?2 AND sent_seq > ?3
         ORDER BY sent_seq LIMIT ?4";
    TAKING_BACK =
        "SELECT sent_epoch, sent_seq FROM message
         WHERE own = ?1 AND take_back IS NOT NULL AND ip = 2
         ORDER BY sent_epoch, sent_seq LIMIT ?2";

    // -- outcomes ---------------------------------------------------------------
    /// Not of a note: that is no message.
    ATTEMPTS = concat!(
        "SELECT ", attempts!(), " FROM message WHERE id = ?1 AND direction = 0 AND hidden = 0");
    /// With what is believed of its peer, and whether something behind it waits for
    /// its lane.
    OPEN_BY_SEQ = concat!(
        "SELECT ", attempts!(), ",
                (SELECT r.reach FROM reach r WHERE r.peer = message.peer),
                EXISTS (SELECT 1 FROM message h
                        WHERE h.held = 1 AND h.own = message.own AND h.peer = message.peer)
         FROM message
         WHERE ip IN (1, 2) AND ip BETWEEN 1 AND 6
           AND own = ?1 AND sent_epoch = ?2 AND sent_seq = ?3");
    /// Refused, revoked or expired.
    CONCLUDED_BY_SEQ = concat!(
        "SELECT ", attempts!(), " FROM message
         WHERE ip IN (3, 4, 5) AND ip BETWEEN 1 AND 6
           AND own = ?1 AND sent_epoch = ?2 AND sent_seq = ?3");
    /// Above ?3 up to ?4, some at a time.
    IN_FLIGHT_BETWEEN = concat!(
        "SELECT ", attempts!(), " FROM message
         WHERE ip = 1 AND ip BETWEEN 1 AND 6 AND own = ?1 AND sent_epoch = ?2
           AND sent_seq > ?3 AND sent_seq <= ?4
         ORDER BY sent_seq LIMIT ?5");
    /// Above ?3 up to ?4, some at a time.
    ACCEPTED_BETWEEN = concat!(
        "SELECT ", attempts!(), " FROM message
         WHERE ip = 2 AND ip BETWEEN 1 AND 6 AND own = ?1 AND sent_epoch = ?2
           AND sent_seq > ?3 AND sent_seq <= ?4
         ORDER BY sent_seq LIMIT ?5");
    /// `changed_ms` here and below: NULL where the user sees no change.
    ///
    /// ?2: in flight or accepted.
    SET_OPEN =
        "UPDATE message SET ip = ?2, changed_ms = coalesce(?3, changed_ms) WHERE id = ?1";
    /// The same, with a look; it has had one.
    SET_OPEN_LOOK =
        "UPDATE message SET ip = ?2, changed_ms = coalesce(?3, changed_ms), away = ?4,
                            look_boot = ?5, look_ms = ?6, look_after_ms = ?7
         WHERE id = ?1";
    /// Delivered by IP, and never on another way: nothing more is to come.
    SETTLE =
        "UPDATE message SET ip = 7, take_back = NULL, deadline_ms = NULL, look_ms = NULL,
                            lane_use = 0, changed_ms = coalesce(?2, changed_ms)
         WHERE id = ?1";
    /// Everything that may change. ?4: it keeps its seq; ?18: what was noted of it
    /// does not hold any more; ?19: its validity goes on; ?20: its look stays.
    SAVE =
        "UPDATE message SET ip = ?2, ip_detail = ?3, sent_epoch = iif(?4, sent_epoch, NULL),
                            sent_seq = iif(?4, sent_seq, NULL), epoch = ?5, lane_seq = ?6,
                            sms = ?7, take_back = ?8, queued = ?9, wish = ?10, waits_for = ?11,
                            lane_use = ?12, stage = ?13, held = ?14, sms_left = ?15,
                            sms_parts = ?16, unclosed = ?17,
                            closed = iif(?18, 0, closed),
                            noted_epoch = iif(?18, NULL, noted_epoch),
                            noted_seq = iif(?18, NULL, noted_seq),
                            deadline_ms = iif(?19, deadline_ms, NULL),
                            look_boot = iif(?20, look_boot, ?21),
                            look_ms = iif(?20, look_ms, ?22),
                            look_after_ms = iif(?20, look_after_ms, ?23),
                            changed_ms = coalesce(?24, changed_ms)
         WHERE id = ?1";
    AWAY = "UPDATE message SET away = 1 WHERE id = ?1";
    IN_DOUBT = "UPDATE message SET in_doubt = 1 WHERE id = ?1 AND in_doubt = 0";
    NOT_IN_DOUBT = "UPDATE message SET in_doubt = 0, away = 0 WHERE id = ?1";
    /// Another try: validity and age start again. ?2: its note is none of the new one's.
    RESTART =
        "UPDATE message SET deadline_boot = ?2, deadline_ms = ?3 + valid_for_ms, born_boot = ?2,
                            born_ms = ?3
         WHERE id = ?1";
    /// Of an attempt by IP that is gone.
    NOTE_DROP = "UPDATE message SET note = NULL WHERE id = ?1";
    /// Its seq is another message's.
    SEQ_DROP = "UPDATE message SET sent_epoch = NULL, sent_seq = NULL WHERE id = ?1";
    NOTE_DELETE = "DELETE FROM message WHERE id = ?1 AND hidden = 2";
    /// Those behind ?3 that wait for their lane, up to the first on no channel yet: at
    /// once. Only an undecided one goes on waiting.
    FOLLOW =
        "UPDATE message SET look_boot = 0, look_ms = 0, look_after_ms = 0, held = lane_use = 3
         WHERE held = 1 AND own = ?1 AND peer = ?2 AND id > ?3
           AND id <= ifnull((SELECT min(id) FROM message
                             WHERE held = 1 AND own = ?1 AND peer = ?2 AND id > ?3
                               AND lane_use >= 2), id)";

    // -- deadlines --------------------------------------------------------------
    REARM =
        "UPDATE message SET deadline_boot = ?1, deadline_ms = ?2 + valid_for_ms
         WHERE deadline_ms IS NOT NULL AND deadline_boot <> ?1";
    LOOKS_REARM =
        "UPDATE message SET look_boot = ?1, look_ms = ?2 + look_after_ms
         WHERE look_ms IS NOT NULL AND look_boot <> ?1";
    NEXT_DUE =
        "SELECT
             (SELECT min(look_ms) FROM message WHERE look_ms IS NOT NULL),
             (SELECT min(deadline_ms) FROM message
              WHERE deadline_ms IS NOT NULL AND deadline_boot = (SELECT boot FROM device))";
    DUE = concat!(
        "SELECT ", attempts!(), " FROM message
         WHERE deadline_ms IS NOT NULL AND deadline_boot = ?1 AND deadline_ms <= ?2
         ORDER BY deadline_ms LIMIT ?3");

    // -- receiving --------------------------------------------------------------
    /// The same, with what is believed of the peer and whether an SMS of it ever
    /// came; one row in any case.
    LANE_STATE =
        "SELECT l.high_water, l.forgotten, l.gaps,
                (SELECT r.reach FROM reach r WHERE r.peer = ?2),
                EXISTS (SELECT 1 FROM message s WHERE s.came_by = 1 AND s.own = ?1 AND s.peer = ?2)
         FROM (SELECT 1) LEFT JOIN lane_in l ON l.own = ?1 AND l.peer = ?2 AND l.epoch = ?3";
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
        "SELECT body, digest, read FROM message
         WHERE direction = 1 AND own = ?1 AND peer = ?2 AND epoch = ?3 AND lane_seq = ?4
           AND came_by = 0";
    /// Position of the next later one of the lane (its conflicts lie behind it).
    /// A late SMS draws nobody to where it stayed.
    NEXT_LATER =
        "SELECT position FROM message
         WHERE direction = 1 AND lane_seq IS NOT NULL AND own = ?1 AND peer = ?2
           AND (epoch, lane_seq) > (?3, ?4) AND late = 0
         ORDER BY epoch, lane_seq, position LIMIT 1";
    /// Of the next earlier one; conflicts stand anywhere.
    NEXT_EARLIER =
        "SELECT position FROM message
         WHERE direction = 1 AND lane_seq IS NOT NULL AND own = ?1 AND peer = ?2
           AND (epoch, lane_seq) < (?3, ?4) AND late = 0 AND body <> 2
         ORDER BY epoch DESC, lane_seq DESC, position DESC LIMIT 1";
    UNNAMED_FIND = "SELECT id FROM message WHERE own = ?1 AND cursor = ?2";
    INCOMING_ADD =
        "INSERT INTO message (id, direction, own, peer, position, created_ms, changed_ms, epoch,
                              lane_seq, read, body, digest, age_s, cursor, maybe_by_sms,
                              arrived_boot, arrived_ms, text)
         VALUES (?1, 1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    SMS_ADD =
        "INSERT INTO message (id, direction, own, peer, position, created_ms, changed_ms, read,
                              body, age_s, came_by, residue, hash, scts_ms, arrived_boot,
                              arrived_ms, iccid, text)
         VALUES (?1, 1, ?2, ?3, ?1, ?4, ?4, 0, 0, 0, 1, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    SMS_SEEN =
        "SELECT EXISTS (SELECT 1 FROM sms_seen WHERE spool_id = ?1)
             OR EXISTS (SELECT 1 FROM sms_seen
                        WHERE own = ?2 AND peer = ?3 AND scts_ms = ?4 AND digest = ?5
                          AND ?4 <> 0)";
    SMS_SEEN_ADD =
        "INSERT INTO sms_seen (spool_id, own, peer, scts_ms, digest)
         VALUES (?1, ?2, ?3, ?4, ?5)";
    SMS_SEEN_PRUNE = "DELETE FROM sms_seen WHERE id <= (SELECT max(id) FROM sms_seen) - ?1";

    // -- receipts ---------------------------------------------------------------
    NAME_OF =
        "SELECT own, peer, epoch, lane_seq, came_by, copy_of FROM message
         WHERE id = ?1 AND direction = 1";
    /// The place of a copy of ?1 by IP.
    NAME_OF_COPY =
        "SELECT epoch, lane_seq FROM message
         WHERE copy_of = ?1 AND copy_of IS NOT NULL AND came_by = 0 AND lane_seq IS NOT NULL
         LIMIT 1";
    /// All of the lane up to ?4.
    READ_UPTO =
        "UPDATE message INDEXED BY message_unread SET read = 1
         WHERE direction = 1 AND read = 0 AND lane_seq IS NOT NULL
           AND own = ?1 AND peer = ?2 AND epoch = ?3 AND lane_seq <= ?4";
    /// A lane may have nothing but SMS so far.
    READ_RAISE =
        "INSERT INTO lane_in (own, peer, epoch, high_water, forgotten, gaps, read_upto,
                              read_version)
         VALUES (?1, ?2, ?3, 0, 0, x'', ?4, 1)
         ON CONFLICT (own, peer, epoch) DO UPDATE
         SET read_upto = max(read_upto, excluded.read_upto), read_version = read_version + 1
         RETURNING read_upto, read_version";
    /// What was read is here again: its mark has to be told once more.
    READ_AGAIN =
        "UPDATE lane_in SET read_version = read_version + 1
         WHERE own = ?1 AND peer = ?2 AND epoch = ?3";
    UNTOLD_MARKS =
        "SELECT peer, epoch, read_upto, read_version FROM lane_in INDEXED BY lane_in_untold
         WHERE own = ?1 AND read_version > read_told ORDER BY peer, epoch LIMIT ?2";
    READ_TOLD =
        "UPDATE lane_in SET read_told = read_version
         WHERE own = ?1 AND peer = ?2 AND epoch = ?3 AND read_version = ?4";
    /// From ?4 up to ?5, some at a time.
    UNREAD_BY_PEER = concat!(
        "SELECT ", attempts!(), " FROM message
         WHERE ip = 7 AND read = 0
           AND own = ?1 AND peer = ?2 AND epoch = ?3 AND lane_seq BETWEEN ?4 AND ?5
         ORDER BY lane_seq LIMIT ?6");
    READ_SET =
        "UPDATE message SET read = 1, changed_ms = coalesce(?2, changed_ms) WHERE id = ?1";

    // -- clients ----------------------------------------------------------------
    CLIENT_CURSOR = "SELECT cursor FROM client WHERE name = ?1";
    CLIENT_COUNT = "SELECT count(cursor) FROM client";
    CLIENT_OPEN =
        "INSERT INTO client (name, cursor) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor";
    CLIENT_ACK = "UPDATE client SET cursor = max(cursor, ?2) WHERE name = ?1 AND cursor NOT NULL";

    // -- upkeep -----------------------------------------------------------------
    EVENTS_PRUNE = "DELETE FROM event WHERE cursor <= ?1";
    /// Older than ?1 and not among the newest ?2.
    TOKENS_PRUNE =
        "DELETE FROM token WHERE wall_ms < ?1
           AND message <= (SELECT message FROM token ORDER BY message DESC LIMIT 1 OFFSET ?2)";
    STORY_ADD =
        "INSERT INTO story (message, wall_ms, step, detail, because) VALUES (?1, ?2, ?3, ?4, ?5)";
    /// Only of a message that has a story: of others it goes without saying.
    STORY_GO_ON =
        "INSERT INTO story (message, wall_ms, step, because) SELECT ?1, ?2, ?3, ?4
         WHERE EXISTS (SELECT 1 FROM story WHERE message = ?1)";
    STORY_PRUNE = "DELETE FROM story WHERE no <= (SELECT max(no) FROM story) - ?1";
    /// Epochs nobody will ask about; their lanes go with them.
    EPOCHS_PRUNE = concat!(
        "DELETE FROM epoch
         WHERE epoch <> coalesce((SELECT i.epoch FROM identity i WHERE i.number = own), 0)
           AND ", lowest_unsettled!("epoch.own", "epoch.epoch", "next_seq"), " = next_seq");

    // -- reading ----------------------------------------------------------------
    /// Not of a note.
    MESSAGE = concat!("SELECT ", message!(), " FROM message WHERE id = ?1 AND hidden < 2");
    /// Newest first, before the key (?3, ?4, ?5). An outgoing message is alone at
    /// its position, so its epoch and place never decide.
    /// Position of the newest message of a conversation.
    NEWEST_WITH =
        "SELECT max(position) FROM message INDEXED BY message_history
         WHERE hidden = 0 AND own = ?1 AND peer = ?2";
    HISTORY = concat!(
        "SELECT ", message!(), " FROM message INDEXED BY message_history
         WHERE hidden = 0 AND own = ?1 AND peer = ?2 AND position <= ?3
           AND (position < ?3
                OR (direction = 1 AND (coalesce(epoch, 0), coalesce(lane_seq, 0)) < (?4, ?5)))
         ORDER BY position DESC, epoch DESC, lane_seq DESC LIMIT ?6");
    /// Open ones by id. Sorts ids alone, and of those keeps one page.
    OUTBOX = concat!(
        "SELECT ", message!(), " FROM message WHERE id IN (
             SELECT id FROM (", open_ids!(" AND id > ?1"), ") ORDER BY id LIMIT ?2)
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
             SELECT min(own) FROM message WHERE hidden = 0
             UNION ALL
             SELECT (SELECT min(m.own) FROM message m WHERE m.hidden = 0 AND m.own > own.number)
             FROM own WHERE number IS NOT NULL),
         pair(own, peer) AS (
             SELECT number, (SELECT min(m.peer) FROM message m
                             WHERE m.hidden = 0 AND m.own = number)
             FROM own WHERE number IS NOT NULL
             UNION ALL
             SELECT own, (SELECT min(m.peer) FROM message m
                          WHERE m.hidden = 0 AND m.own = pair.own AND m.peer > pair.peer)
             FROM pair WHERE peer IS NOT NULL)
         SELECT own, peer,
                (SELECT max(m.position) FROM message m
                 WHERE m.hidden = 0 AND m.own = pair.own AND m.peer = pair.peer) AS newest
         FROM pair WHERE peer IS NOT NULL
         ORDER BY newest DESC LIMIT ?1 OFFSET ?2";
    CONVERSATION_COUNT =
        "SELECT count(*) FROM message WHERE hidden = 0 AND own = ?1 AND peer = ?2";
    /// The last, newest first.
    STORY =
        "SELECT wall_ms, step, detail, because FROM story
         WHERE message = ?1 ORDER BY no DESC LIMIT ?2";
    COUNTS =
        "SELECT (SELECT count(*) FROM message WHERE hidden <> 2), (SELECT count(*) FROM event),
                (SELECT count(*) FROM token), (SELECT count(*) FROM client)";
}

#[cfg(test)]
mod tests;
