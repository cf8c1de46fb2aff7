//! What the second channel asks: decisions, attempts by SMS, lane notes, settings,
//! copies.

statements! {
    // -- between the channels ---------------------------------------------------
    /// By look, then id.
    LOAD_DUE = concat!(
        "SELECT ", attempts!(), ", look_ms, in_doubt, away, born_boot, born_ms, text, ",
        peer_name!(), " FROM message
         WHERE look_ms IS NOT NULL ORDER BY look_ms, id LIMIT ?1");
    WORST_BEFORE = concat!("SELECT ", worst_before!());
    WAKE =
        "UPDATE message SET look_boot = 0, look_ms = 0, look_after_ms = 0, held = lane_use = 3 AND stage = 1
         WHERE waits_for = ?1 AND waits_for IS NOT NULL AND (?2 IS NULL OR own = ?2)";
    SMS_QUEUE_WAKE =
        "UPDATE message SET look_boot = 0, look_ms = 0, look_after_ms = 0
         WHERE stage = 2 AND stage > 0 AND waits_for IS NULL AND own = ?1";
    SMS_QUEUE_OF_CARD = concat!(
        "SELECT ", attempts!(), " FROM message
         WHERE stage = 2 AND stage > 0 AND waits_for IS NULL AND iccid = ?1");
    /// Which waits for its turn by another card than ?3.
    SMS_QUEUE_OF_LANE = concat!(
        "SELECT ", attempts!(), " FROM message
         WHERE stage = 2 AND stage > 0 AND own = ?1 AND peer = ?2 AND iccid IS NOT ?3");
    SMS_CARD = "UPDATE message SET iccid = ?2 WHERE id = ?1";
    SMS_RELEASE = "UPDATE message SET iccid = ?2, sms_marked = ?3 WHERE id = ?1";
    SMS_UNMARK = "UPDATE message SET sms_marked = 0 WHERE id = ?1";
    SMS_QUEUE = concat!(
        "SELECT ", sms_job!(), " FROM message
         WHERE stage = 2 AND stage > 0 AND waits_for IS NULL AND id > ?1 ORDER BY id LIMIT ?2");
    SMS_JOB = concat!("SELECT ", sms_job!(), " FROM message WHERE id = ?1");
    /// Of which a part is without a result (code 0).
    SMS_WITH_AGENT = concat!(
        "SELECT ", sms_job!(), " FROM message
         WHERE stage = 3 AND stage > 0 AND instr(sms_parts, x'00') > 0 AND id > ?1
         ORDER BY id LIMIT ?2");
    SMS_NAME = "UPDATE message SET sms_attempt = ?2, sms_code = NULL WHERE id = ?1";
    SMS_FORGET = "UPDATE message SET sms_attempt = NULL WHERE id = ?1";
    SMS_CODE = "UPDATE message SET sms_code = ?2 WHERE id = ?1";
    SMS_CODE_KEPT = "SELECT sms_code FROM message WHERE id = ?1";
    SMS_BY_ATTEMPT = concat!(
        "SELECT ", attempts!(), " FROM message
         WHERE sms_attempt = ?1 AND sms_attempt IS NOT NULL");
    HANDED_ADD = "INSERT INTO sms_handed (boot, at_ms, parts) VALUES (?1, ?2, ?3)";
    /// Each has at least one part: the newest ?1 are enough.
    HANDED_PRUNE =
        "DELETE FROM sms_handed WHERE id <= (SELECT max(id) FROM sms_handed) - ?1";
    HANDED = "SELECT boot, at_ms, parts FROM sms_handed ORDER BY id DESC";
    HANDED_REARM = "UPDATE sms_handed SET boot = ?1, at_ms = ?2 WHERE boot <> ?1";

    // -- notes ------------------------------------------------------------------
    /// Places of a lane below ?4 that are not known closed, as they are.
    NOTE_PLACES = concat!(
        "SELECT ", attempts!(), ", text FROM message WHERE id IN (
             SELECT id FROM message
             WHERE unclosed = 1 AND own = ?1 AND peer = ?2 AND epoch = ?3 AND lane_seq < ?4
             UNION
             SELECT id FROM message WHERE lane_use IN (1, 2, 3) AND lane_use > 0
                                      AND own = ?1 AND peer = ?2)
           AND epoch = ?3 AND lane_seq < ?4 AND closed = 0
         ORDER BY lane_seq");
    NOTED = "UPDATE message SET noted_epoch = ?2, noted_seq = ?3 WHERE id = ?1";
    /// What a delivered message listed last.
    NOTE_CLOSE =
        "UPDATE message SET unclosed = 0, closed = 1, noted_epoch = NULL, noted_seq = NULL
         WHERE noted_seq IS NOT NULL AND own = ?1 AND noted_epoch = ?2 AND noted_seq = ?3";
    NOTE_CARRIED = "SELECT note FROM message WHERE id = ?1";
    /// Whether it listed any last.
    NOTED_BY =
        "SELECT 1 FROM message
         WHERE noted_seq IS NOT NULL AND own = ?1 AND noted_epoch = ?2 AND noted_seq = ?3
         LIMIT 1";
    NOTE_DUE = "UPDATE lane_out SET note_due = ?4 WHERE own = ?1 AND epoch = ?2 AND peer = ?3";
    /// A lane of the epoch held, and the next seq.
    NOTE_NEXT =
        "SELECT l.peer, e.epoch, e.next_seq
         FROM identity i JOIN epoch e ON e.own = i.number AND e.epoch = i.epoch
                         JOIN lane_out l ON l.own = e.own AND l.epoch = e.epoch AND l.note_due = 1
         WHERE i.number = ?1 LIMIT 1";
    NOTE_ADD =
        "INSERT INTO message (id, direction, own, peer, hidden, position, created_ms, changed_ms,
                              ip, sent_epoch, sent_seq, sms, read, note)
         VALUES (?1, 0, ?2, ?3, 2, ?1, ?4, ?4, 1, ?5, ?6, 6, 0, ?7)";

    HEARD_BY_IP = "SELECT 1 FROM lane_in WHERE own = ?1 AND peer = ?2 LIMIT 1";

    // -- settings and peers -----------------------------------------------------
    PEER_NAME_FIND = "SELECT id FROM peer_name WHERE name = ?1";
    PEER_NAME_ADD = "INSERT INTO peer_name (name) VALUES (?1) RETURNING id";
    SETTING = "SELECT mode, fallback, iccid FROM setting WHERE own = ?1 AND peer = ?2";
    SETTING_COUNT = "SELECT count(*) FROM setting WHERE own > 0";
    SETTING_SET =
        "INSERT INTO setting (own, peer, mode, fallback, iccid) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (own, peer) DO UPDATE
         SET mode = excluded.mode, fallback = excluded.fallback, iccid = excluded.iccid";
    SETTING_FORGET = "DELETE FROM setting WHERE own = ?1 AND peer = ?2";
    /// Looks for the open messages of one conversation, see [`LOOK_AT_ALL`].
    LOOK_AT_CONVERSATION = concat!(
        "UPDATE message SET look_boot = 0, look_ms = 0, look_after_ms = 0, held = lane_use = 3 AND stage = 1
         WHERE id IN (
             SELECT id FROM message WHERE lane_use IN (1, 2, 3) AND lane_use > 0
                                      AND own = ?1 AND peer = ?2
             UNION
             SELECT id FROM message WHERE waits_for = 0 AND waits_for IS NOT NULL
                                      AND own = ?1 AND peer = ?2)
           AND ", concerned!());
    /// Looks for all open messages, but what is with the agent, has left by SMS, or
    /// may stay in the queue of IP.
    LOOK_AT_ALL = concat!(
        "UPDATE message SET look_boot = 0, look_ms = 0, look_after_ms = 0, held = lane_use = 3 AND stage = 1
         WHERE id IN (", open_ids!(""), ") AND ", concerned!());
    /// SMS is not ruled out any more for what is in the queue of IP, unless the user
    /// wished for that. With a look at once.
    SMS_REOPEN_CONVERSATION =
        "UPDATE message SET sms = 0, look_boot = 0, look_ms = 0, look_after_ms = 0
         WHERE id IN (
             SELECT id FROM message WHERE lane_use = 2 AND lane_use > 0
                                      AND own = ?1 AND peer = ?2)
           AND sms = 6 AND wish IS NOT 0";
    SMS_REOPEN_ALL =
        "UPDATE message SET sms = 0, look_boot = 0, look_ms = 0, look_after_ms = 0
         WHERE id IN (SELECT id FROM message WHERE queued = 1) AND sms = 6 AND wish IS NOT 0";
    /// A refusal is taken back.
    REACH_UNREFUSE = "DELETE FROM reach WHERE peer = ?1 AND reach = 2";
    REACH = "SELECT reach, boot, since_ms FROM reach WHERE peer = ?1";
    REACH_SET =
        "INSERT INTO reach (peer, reach, boot, since_ms) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (peer) DO UPDATE
         SET reach = excluded.reach, boot = excluded.boot, since_ms = excluded.since_ms";
    /// Epoch held and consent.
    IDENTITY_FACTS = "SELECT epoch, consented FROM identity WHERE number = ?1";

    // -- merging ----------------------------------------------------------------
    /// The last roots of a conversation but ?3, newest first.
    RECENT_ROOTS = concat!(
        "SELECT ", copies!(), ",
                EXISTS (SELECT 1 FROM message c
                        WHERE c.copy_of = message.id AND c.copy_of IS NOT NULL)
         FROM message INDEXED BY message_history
         WHERE hidden = 0 AND own = ?1 AND peer = ?2 AND direction = 1 AND id <> ?3
         ORDER BY position DESC LIMIT ?4");
    /// The last SMS of a conversation with one hash, newest first.
    RECENT_SMS = concat!(
        "SELECT ", copies!(), " FROM message
         WHERE came_by = 1 AND own = ?1 AND peer = ?2 AND hash = ?3 ORDER BY id DESC LIMIT ?4");
    /// All in one place but conflicts.
    COPIES_IN = concat!(
        "SELECT ", copies!(), " FROM message
         WHERE direction = 1 AND lane_seq IS NOT NULL AND own = ?1 AND peer = ?2
           AND epoch = ?3 AND lane_seq = ?4 AND body <> 2");
    COPY = concat!("SELECT ", copies!(), " FROM message WHERE id = ?1 AND direction = 1");
    COPIES_OF = concat!(
        "SELECT ", copies!(), " FROM message WHERE copy_of = ?1 AND copy_of IS NOT NULL");
    /// What an event says of a copy: body and what it was a copy of.
    COPY_STATE = "SELECT body, copy_of, hidden, position FROM message WHERE id = ?1";
    LINK = "UPDATE message SET copy_of = ?2, by_note = ?3, hidden = 1 WHERE id = ?1";
    /// Those that referred to the copy.
    LINK_ON =
        "UPDATE message SET copy_of = ?2 WHERE copy_of = ?1 AND copy_of IS NOT NULL";
    UNLINK = "UPDATE message SET copy_of = NULL, by_note = 0, hidden = 0 WHERE id = ?1";
    PLACE =
        "UPDATE message SET epoch = ?2, lane_seq = ?3, late = ?4, position = ?5 WHERE id = ?1";
    PENDING_ADD =
        "INSERT INTO note_pending (own, peer, epoch, lane_seq, filled, hash, resent)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (own, peer, epoch, lane_seq) DO UPDATE
         SET filled = excluded.filled, hash = excluded.hash, resent = excluded.resent";
    PENDING_FORGET =
        "DELETE FROM note_pending WHERE own = ?1 AND peer = ?2 AND epoch = ?3 AND lane_seq = ?4";
    /// All but the ?4 highest places of a lane.
    PENDING_PRUNE =
        "DELETE FROM note_pending WHERE own = ?1 AND peer = ?2 AND epoch = ?3
           AND lane_seq <= (SELECT lane_seq FROM note_pending
                            WHERE own = ?1 AND peer = ?2 AND epoch = ?3
                            ORDER BY lane_seq DESC LIMIT 1 OFFSET ?4)";
    /// Lowest place first.
    PENDING =
        "SELECT epoch, lane_seq, filled, hash, resent FROM note_pending
         WHERE own = ?1 AND peer = ?2 AND hash = ?3 ORDER BY epoch, lane_seq";
}
