//! Every statement of the store, in one place, so that its cost can be looked at
//! beside its index: a test checks that none walks through a table, and the
//! benchmark runs the same ones bare.
//!
//! `ip` codes (see the schema): 0 queued, 1 in flight, 2 accepted, 3 to 6
//! negative, 7 delivered. SQLite uses a partial index only where a query repeats
//! its condition, hence `ip = 1 AND ip < 7`. `INDEXED BY` stands where SQLite,
//! which keeps no statistics here, would prefer a larger index.

/// The columns of [`crate::rows::Attempts`].
macro_rules! attempts {
    () => {
        "id, ip, ip_detail, sent_epoch, sent_seq, sms, take_back, read"
    };
}

/// The columns of [`crate::rows::message`].
macro_rules! message {
    () => {
        concat!(
            attempts!(),
            ", direction, own, peer, position, created_ms, changed_ms, epoch, lane_seq, body,
               age_s, text"
        )
    };
}

/// See [`crate::rows::message`].
pub(crate) const MESSAGE_COLUMNS: &str = message!();

/// The lowest open seq of (`$own`, `$epoch`), `$next` if there is none.
macro_rules! lowest_unsettled {
    ($own:literal, $epoch:literal, $next:literal) => {
        concat!(
            "min(coalesce((SELECT min(sent_seq) FROM message WHERE ip = 1 AND ip < 7 AND own = ",
            $own,
            " AND sent_epoch = ",
            $epoch,
            "), ",
            $next,
            "), coalesce((SELECT min(sent_seq) FROM message WHERE ip = 2 AND ip < 7 AND own = ",
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
        "SELECT (SELECT count(*) FROM message WHERE ip = 0 AND ip < 7)
              + (SELECT count(*) FROM message WHERE ip = 1 AND ip < 7)
              + (SELECT count(*) FROM message WHERE ip = 2 AND ip < 7)";
    /// ?1: the highest the gateway knows.
    BEGIN_SESSION =
        "UPDATE device SET session_no = max(session_no, ?1) + 1 RETURNING session_no";

    // -- identities -----------------------------------------------------------
    /// A SIM that is not told leaves the known one.
    REGISTER =
        "INSERT INTO identity (number, iccid) VALUES (?1, ?2)
         ON CONFLICT (number) DO UPDATE SET iccid = coalesce(excluded.iccid, iccid)";
    /// In the order of registration.
    IDENTITIES = concat!(
        "SELECT i.number, i.iccid, i.last_epoch, i.cursor, i.cursor_check,
                (SELECT count(*) FROM message WHERE ip = 0 AND ip < 7 AND own = i.number),
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
                              read, valid_for_ms, deadline_boot, deadline_ms, text)
         VALUES (?1, 0, ?2, ?3, ?1, ?4, ?4, 0, 0, 0, ?5, ?6, ?7, ?8)";
    EVENT_ADD =
        "INSERT INTO event (cursor, kind, message, shown, wall_ms) VALUES (?1, ?2, ?3, ?4, ?5)";
    /// A queued message, if its identity holds an epoch.
    RELEASABLE =
        "SELECT m.own, m.peer, m.epoch, m.lane_seq, m.text, e.epoch, e.next_seq
         FROM message m JOIN identity i ON i.number = m.own
                        JOIN epoch e ON e.own = i.number AND e.epoch = i.epoch
         WHERE m.id = ?1 AND m.ip = 0";
    SEQ_TAKE = "UPDATE epoch SET next_seq = next_seq + 1 WHERE own = ?1 AND epoch = ?2";
    PLACE_TAKE =
        "INSERT INTO lane_out (own, epoch, peer, last_place) VALUES (?1, ?2, ?3, 1)
         ON CONFLICT (own, epoch, peer) DO UPDATE SET last_place = last_place + 1
         RETURNING last_place";
    RELEASE =
        "UPDATE message SET epoch = ?2, lane_seq = ?3, ip = 1, sent_epoch = ?2, sent_seq = ?4,
                            changed_ms = ?5
         WHERE id = ?1";
    QUEUED =
        "SELECT id, peer, text, deadline_ms FROM message
         WHERE ip = 0 AND ip < 7 AND own = ?1 AND sent_epoch IS NULL AND sent_seq IS NULL
         ORDER BY id LIMIT ?2";
    /// Of one epoch above ?3, by seq.
    IN_FLIGHT =
        "SELECT id, own, peer, epoch, lane_seq, sent_seq, take_back, text FROM message
         WHERE ip = 1 AND ip < 7 AND own = ?1 AND sent_epoch = ?2 AND sent_seq > ?3
         ORDER BY sent_seq LIMIT ?4";
    TAKING_BACK =
        "SELECT sent_epoch, sent_seq FROM message
         WHERE own = ?1 AND take_back IS NOT NULL AND ip = 2
         ORDER BY sent_epoch, sent_seq LIMIT ?2";

    // -- outcomes -------------------------------------------------------------
    ATTEMPTS = concat!("SELECT ", attempts!(), " FROM message WHERE id = ?1 AND direction = 0");
    OPEN_BY_SEQ = concat!(
        "SELECT ", attempts!(), " FROM message
         WHERE ip IN (1, 2) AND ip < 7 AND own = ?1 AND sent_epoch = ?2 AND sent_seq = ?3");
    /// Refused, revoked or expired.
    CONCLUDED_BY_SEQ = concat!(
        "SELECT ", attempts!(), " FROM message
         WHERE ip IN (3, 4, 5) AND ip < 7 AND own = ?1 AND sent_epoch = ?2 AND sent_seq = ?3");
    /// Above ?3 up to ?4, some at a time.
    IN_FLIGHT_BETWEEN = concat!(
        "SELECT ", attempts!(), " FROM message
         WHERE ip = 1 AND ip < 7 AND own = ?1 AND sent_epoch = ?2
           AND sent_seq > ?3 AND sent_seq <= ?4
         ORDER BY sent_seq LIMIT ?5");
    /// Above ?3 up to ?4, some at a time.
    ACCEPTED_BETWEEN = concat!(
        "SELECT ", attempts!(), " FROM message
         WHERE ip = 2 AND ip < 7 AND own = ?1 AND sent_epoch = ?2
           AND sent_seq > ?3 AND sent_seq <= ?4
         ORDER BY sent_seq LIMIT ?5");
    /// `changed_ms` here and below: NULL where the user sees no change.
    ///
    /// ?2: in flight or accepted.
    SET_OPEN =
        "UPDATE message SET ip = ?2, changed_ms = coalesce(?3, changed_ms) WHERE id = ?1";
    /// What is settled has no deadline any more.
    SETTLE =
        "UPDATE message SET ip = ?2, ip_detail = ?3, take_back = NULL, deadline_ms = NULL,
                            changed_ms = coalesce(?4, changed_ms)
         WHERE id = ?1";
    /// Nor has what is being taken back.
    TAKE_BACK =
        "UPDATE message SET take_back = ?2, deadline_ms = NULL WHERE id = ?1 RETURNING own";
    /// Back to the queue without a place; its validity goes on.
    REQUEUE =
        "UPDATE message SET ip = 0, sent_epoch = NULL, sent_seq = NULL, epoch = NULL,
                            lane_seq = NULL, changed_ms = coalesce(?2, changed_ms)
         WHERE id = ?1";
    /// Back to the queue with its place; its validity starts again.
    RETRY =
        "UPDATE message SET ip = 0, ip_detail = NULL, sent_epoch = NULL, sent_seq = NULL,
                            deadline_boot = ?2, deadline_ms = ?3 + valid_for_ms, changed_ms = ?4
         WHERE id = ?1";

    // -- deadlines ------------------------------------------------------------
    REARM =
        "UPDATE message SET deadline_boot = ?1, deadline_ms = ?2 + valid_for_ms
         WHERE deadline_ms IS NOT NULL AND deadline_boot <> ?1";
    NEXT_DEADLINE =
        "SELECT min(deadline_ms) FROM message
         WHERE deadline_ms IS NOT NULL AND deadline_boot = ?1";
    DUE = concat!(
        "SELECT ", attempts!(), ", own FROM message
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
        "SELECT body, digest, read FROM message
         WHERE direction = 1 AND own = ?1 AND peer = ?2 AND epoch = ?3 AND lane_seq = ?4";
    /// Position of the next later one of the lane (its conflicts lie behind it).
    NEXT_LATER =
        "SELECT position FROM message
         WHERE direction = 1 AND lane_seq IS NOT NULL AND own = ?1 AND peer = ?2
           AND (epoch, lane_seq) > (?3, ?4)
         ORDER BY epoch, lane_seq, position LIMIT 1";
    UNNAMED_FIND = "SELECT id FROM message WHERE own = ?1 AND cursor = ?2";
    INCOMING_ADD =
        "INSERT INTO message (id, direction, own, peer, position, created_ms, changed_ms, epoch,
                              lane_seq, read, body, digest, age_s, cursor, text)
         VALUES (?1, 1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";

    // -- receipts -------------------------------------------------------------
    NAME_OF =
        "SELECT own, peer, epoch, lane_seq FROM message WHERE id = ?1 AND direction = 1";
    /// All of the lane up to ?4.
    READ_UPTO =
        "UPDATE message INDEXED BY message_unread SET read = 1
         WHERE direction = 1 AND read = 0 AND lane_seq IS NOT NULL
           AND own = ?1 AND peer = ?2 AND epoch = ?3 AND lane_seq <= ?4";
    READ_RAISE =
        "UPDATE lane_in SET read_upto = max(read_upto, ?4), read_version = read_version + 1
         WHERE own = ?1 AND peer = ?2 AND epoch = ?3 RETURNING read_upto, read_version";
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
         WHERE own = ?1 AND peer = ?2 AND position <= ?3
           AND (position < ?3 OR (direction = 1 AND (epoch, lane_seq) < (?4, ?5)))
         ORDER BY position DESC, epoch DESC, lane_seq DESC LIMIT ?6");
    /// Open ones by id. Sorts ids alone, and of those keeps one page.
    OUTBOX = concat!(
        "SELECT ", message!(), " FROM message WHERE id IN (
             SELECT id FROM message WHERE ip IN (0, 1, 2) AND ip < 7 AND id > ?1
             ORDER BY id LIMIT ?2)
         ORDER BY id");
    OLDEST_EVENT = "SELECT min(cursor) FROM event";
    EVENTS =
        "SELECT cursor, kind, message, shown, wall_ms FROM event
         WHERE cursor > ?1 ORDER BY cursor LIMIT ?2";
    /// Newest activity first. Walks from pair to pair of the history's index, not
    /// from message to message.
    CONVERSATIONS =
        "WITH RECURSIVE
         own(number) AS (
             SELECT min(own) FROM message
             UNION ALL
             SELECT (SELECT min(m.own) FROM message m WHERE m.own > own.number)
             FROM own WHERE number IS NOT NULL),
         pair(own, peer) AS (
             SELECT number, (SELECT min(m.peer) FROM message m WHERE m.own = number)
             FROM own WHERE number IS NOT NULL
             UNION ALL
             SELECT own, (SELECT min(m.peer) FROM message m
                          WHERE m.own = pair.own AND m.peer > pair.peer)
             FROM pair WHERE peer IS NOT NULL)
         SELECT own, peer,
                (SELECT max(m.position) FROM message m
                 WHERE m.own = pair.own AND m.peer = pair.peer) AS newest
         FROM pair WHERE peer IS NOT NULL
         ORDER BY newest DESC LIMIT ?1 OFFSET ?2";
    CONVERSATION_COUNT = "SELECT count(*) FROM message WHERE own = ?1 AND peer = ?2";
    COUNTS =
        "SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM event),
                (SELECT count(*) FROM token), (SELECT count(*) FROM client)";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SqliteStore;

    /// What grows with use.
    const LARGE: [&str; 4] = ["message", "event", "token", "lane_in"];
    /// For a person who asks; once a day; once a boot, through the messages that
    /// have a deadline. The others run in every turn.
    const MAY_WALK: [&str; 3] = ["COUNTS", "TOKENS_PRUNE", "REARM"];
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
