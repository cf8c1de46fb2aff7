//! TLS sessions that devices may resume, kept over a restart of the gateway: a fleet that
//! comes back costs no signatures, and each handset half a kilobyte less.
//!
//! Owns a file of its own, so that a handshake never waits for the records, nor a
//! commit for a handshake. A ticket is good for one resumption: `take` deletes it. Nothing
//! here is worth a sync: what the power takes is a full handshake, or a ticket that
//! can be used twice, with which nobody gets anywhere without its secret.
//!
//! A file that turns out to be damaged, at the start or later, is begun anew, and the log
//! says so: each device makes one full handshake then.
//!
//! A session's secret is its device's proof. So it is sealed with a key that comes
//! from the TLS private key, which whoever has this file may not have: with another
//! key its sessions are of no use, and each is a full handshake.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use rustls::server::StoresServerSessions;

use super::BUSY_TIMEOUT;
use crate::limits::{MAX_TLS_SESSIONS, TLS_SESSION_AGE};

/// The file's name in the data directory.
const FILE_NAME: &str = "tls-sessions.db";

/// See the module.
#[derive(Debug)]
pub(crate) struct Sessions {
    path: PathBuf,
    db: Mutex<Connection>,
    seal: LessSafeKey,
    random: SystemRandom,
    most: i64,
}

impl Sessions {
    /// Opens the file of a data directory. One that cannot be used is begun anew.
    pub(crate) fn open(data_dir: &Path, key: &[u8; 32]) -> rusqlite::Result<Self> {
        Self::open_for(data_dir, key, MAX_TLS_SESSIONS)
    }

    fn open_for(data_dir: &Path, key: &[u8; 32], most: usize) -> rusqlite::Result<Self> {
        let path = data_dir.join(FILE_NAME);
        let db = prepare(&path).or_else(|error| begin_anew(&path, &error))?;
        let Ok(key) = UnboundKey::new(&CHACHA20_POLY1305, key) else {
            unreachable!("its keys have 32 bytes");
        };
        Ok(Self {
            path,
            db: Mutex::new(db),
            seal: LessSafeKey::new(key),
            random: SystemRandom::new(),
            most: i64::try_from(most).unwrap_or(i64::MAX),
        })
    }

    /// Asks the file; once more if it was damaged and is begun anew. What fails costs a
    /// full handshake, no more.
    fn ask<T>(&self, question: impl Fn(&Connection) -> rusqlite::Result<T>) -> Option<T> {
        let mut db = self.db.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answer = question(&db);
        if let Err(error) = &answer
            && is_damage(error)
        {
            answer = replace(&mut db, &self.path, error).and_then(|()| question(&db));
        }
        answer
            .inspect_err(|error| log::warn!("event=tls_session_failed error=\"{error}\""))
            .ok()
    }

    fn insert(&self, id: &[u8], mut secret: Vec<u8>) -> Option<()> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).ok()?;
        self.seal
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(id),
                &mut secret,
            )
            .ok()?;
        self.ask(|db| {
            db.prepare_cached(
                "INSERT OR REPLACE INTO sessions (id, nonce, sealed, made_s) VALUES (?, ?, ?, ?)",
            )?
            .execute(params![id, nonce, secret, now_s()])?;
            // Numbers grow: the oldest go.
            db.prepare_cached("DELETE FROM sessions WHERE number <= ? - ?")?
                .execute(params![db.last_insert_rowid(), self.most])
        })
        .map(drop)
    }

    fn find(&self, id: &[u8], once: bool) -> Option<Vec<u8>> {
        let sql = if once {
            "DELETE FROM sessions WHERE id = ? RETURNING nonce, sealed, made_s"
        } else {
            "SELECT nonce, sealed, made_s FROM sessions WHERE id = ?"
        };
        let found = self.ask(|db| {
            db.prepare_cached(sql)?
                .query_row([id], |row| {
                    Ok((
                        row.get::<_, [u8; NONCE_LEN]>(0)?,
                        row.get::<_, Vec<u8>>(1)?,
                        row.get::<_, i64>(2)?,
                    ))
                })
                .optional()
        })?;
        let (nonce, mut sealed, made_s) = found?;
        let oldest = now_s().saturating_sub_unsigned(TLS_SESSION_AGE.as_secs());
        if made_s < oldest {
            return None;
        }
        let nonce = Nonce::assume_unique_for_key(nonce);
        let secret = self.seal.open_in_place(nonce, Aad::from(id), &mut sealed);
        Some(secret.ok()?.to_vec())
    }
}

impl StoresServerSessions for Sessions {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.insert(&key, value).is_some()
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.find(key, false)
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.find(key, true)
    }

    fn can_cache(&self) -> bool {
        true
    }
}

fn prepare(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open(path)?;
    db.busy_timeout(BUSY_TIMEOUT)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "OFF")?;
    db.execute_batch(
        "CREATE TABLE IF NOT EXISTS sessions (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id BLOB NOT NULL UNIQUE,
            nonce BLOB NOT NULL,
            sealed BLOB NOT NULL,
            made_s INTEGER NOT NULL
        ) STRICT;",
    )?;
    Ok(db)
}

fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// Closes the old file first: as it closes, SQLite deletes what has the name of its log.
fn replace(db: &mut Connection, path: &Path, error: &rusqlite::Error) -> rusqlite::Result<()> {
    *db = Connection::open_in_memory()?;
    *db = begin_anew(path, error)?;
    Ok(())
}

fn begin_anew(path: &Path, error: &rusqlite::Error) -> rusqlite::Result<Connection> {
    log::warn!(
        "event=tls_sessions_lost file=\"{}\" error=\"{error}\" so=\"begun anew, each device makes a full handshake\"",
        path.display()
    );
    for end in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        let _ = std::fs::remove_file(name);
    }
    prepare(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    #[test]
    fn a_session_outlives_the_process_and_is_good_once() {
        let dir = tempfile::tempdir().unwrap();
        let sessions = Sessions::open(dir.path(), &KEY).unwrap();
        assert!(sessions.put(b"a".to_vec(), b"secret".to_vec()));
        drop(sessions);
        let sessions = Sessions::open(dir.path(), &KEY).unwrap();
        assert_eq!(sessions.get(b"a").as_deref(), Some(&b"secret"[..]));
        assert_eq!(sessions.take(b"a").as_deref(), Some(&b"secret"[..]));
        assert_eq!(sessions.take(b"a"), None);
    }

    #[test]
    fn the_file_without_the_key_is_of_no_use() {
        let dir = tempfile::tempdir().unwrap();
        let sessions = Sessions::open(dir.path(), &KEY).unwrap();
        let secret = vec![0x5a; 64];
        assert!(sessions.put(b"a".to_vec(), secret.clone()));
        let sealed: Vec<u8> = sessions
            .db
            .lock()
            .unwrap()
            .query_row("SELECT sealed FROM sessions", [], |row| row.get(0))
            .unwrap();
        assert!(!sealed.windows(8).any(|part| part == &secret[..8]));
        drop(sessions);
        let other = Sessions::open(dir.path(), &[8; 32]).unwrap();
        assert_eq!(other.take(b"a"), None);
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_and_when_they_are_too_old() {
        let dir = tempfile::tempdir().unwrap();
        let sessions = Sessions::open_for(dir.path(), &KEY, 3).unwrap();
        for id in 0..5_u8 {
            assert!(sessions.put(vec![id], vec![id]));
        }
        let kept = (0..5_u8).filter(|id| sessions.get(&[*id]).is_some());
        assert_eq!(kept.collect::<Vec<_>>(), [2, 3, 4]);
        let age = TLS_SESSION_AGE.as_secs() + 1;
        sessions
            .db
            .lock()
            .unwrap()
            .execute(
                "UPDATE sessions SET made_s = made_s - ?",
                [i64::try_from(age).unwrap()],
            )
            .unwrap();
        assert_eq!(sessions.take(&[4]), None);
    }

    /// Its file, with sessions on more than one page.
    fn filled(dir: &Path) -> PathBuf {
        let sessions = Sessions::open(dir, &KEY).unwrap();
        for id in 0..50_u8 {
            assert!(sessions.put(vec![id], vec![id; 200]));
        }
        dir.join(FILE_NAME)
    }

    #[test]
    fn a_file_that_is_damaged_is_begun_anew() {
        type Damage = fn(&mut Vec<u8>);
        let damages: [(&str, Damage); 4] = [
            ("no database", |bytes| bytes.fill(b'x')),
            ("cut", |bytes| bytes.truncate(bytes.len() / 2)),
            ("cut in its header", |bytes| bytes.truncate(50)),
            // What opening looks at is whole.
            ("garbage", |bytes| bytes[4096..].fill(b'x')),
        ];
        for (what, damage) in damages {
            let dir = tempfile::tempdir().unwrap();
            let file = filled(dir.path());
            let mut bytes = std::fs::read(&file).unwrap();
            assert!(bytes.len() > 3 * 4096);
            damage(&mut bytes);
            std::fs::write(&file, bytes).unwrap();
            let sessions = Sessions::open(dir.path(), &KEY).unwrap();
            assert_eq!(sessions.take(&[1]), None, "{what}");
            assert!(sessions.put(b"a".to_vec(), b"secret".to_vec()), "{what}");
            drop(sessions);
            let sessions = Sessions::open(dir.path(), &KEY).unwrap();
            assert!(sessions.take(b"a").is_some(), "{what}");
        }
    }

    #[test]
    fn a_file_that_is_damaged_while_it_is_open_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let file = filled(dir.path());
        let sessions = Sessions::open(dir.path(), &KEY).unwrap();
        let size = usize::try_from(std::fs::metadata(&file).unwrap().len()).unwrap();
        std::fs::write(&file, vec![b'x'; size]).unwrap();
        assert_eq!(sessions.take(&[1]), None);
        assert!(sessions.put(b"a".to_vec(), b"secret".to_vec()));
        drop(sessions);
        let sessions = Sessions::open(dir.path(), &KEY).unwrap();
        assert!(sessions.take(b"a").is_some());
    }

    #[test]
    fn a_session_that_is_damaged_is_a_full_handshake() {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path());
        let sessions = Sessions::open(dir.path(), &KEY).unwrap();
        let spoil = |sql| sessions.db.lock().unwrap().execute(sql, []).unwrap();
        spoil("UPDATE sessions SET sealed = zeroblob(200) WHERE id = x'01'");
        spoil("UPDATE sessions SET nonce = x'00' WHERE id = x'02'");
        assert_eq!(sessions.take(&[1]), None);
        assert_eq!(sessions.take(&[2]), None);
        assert!(sessions.take(&[3]).is_some());
    }
}
