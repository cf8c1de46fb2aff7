//! The SMS channel as only a store in a file can show it: stories, and what is
//! left of it after damage.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::path::Path;

use rusqlite::Connection;
use twine_engine::message::{Channel, MessageId, Shown, SmsAttempt, WaitsFor};
use twine_engine::parts::{AfterRefusal, AttemptId, PartState};
use twine_engine::settings::{Mode, Settings};
use twine_engine::store_ops::{IncomingSms, Look, NewOutgoing, Op, Outcome, StoreOps};
use twine_proto::frame::RevokeOutcome;
use twine_proto::{Peer, Redacted, Seq, SmsName};
use twine_store::{SqliteStore, Step, salvage};

use crate::common::{EPOCH, new_message, now, one, own, peer, ready};

fn look() -> Look {
    Look {
        boot: now(),
        after: std::time::Duration::from_secs(60),
    }
}

fn card() -> Redacted<String> {
    Redacted::new("8925402000000000001".to_owned())
}

fn name() -> Peer {
    Peer::Name(SmsName::new("MPESA").unwrap())
}

fn open(id: u64) -> NewOutgoing {
    NewOutgoing {
        sms: SmsAttempt::None,
        ..new_message(id, "a very private text")
    }
}

fn release_sms(store: &mut SqliteStore, id: u64) {
    let record = store.message(MessageId(id)).unwrap().unwrap();
    let released = one(
        store,
        Op::ReleaseSms {
            id: MessageId(id),
            seen: (record.ip, record.sms.state),
            iccid: card(),
            marked: true,
            settings: Settings::default(),
            because: &["no answer in time", "nothing speaks against SMS"],
        },
    );
    assert!(
        matches!(released, Outcome::SmsQueued { .. }),
        "{released:?}"
    );
}

/// A message in flight that is to go by SMS, an SMS of a name, and a setting.
fn store_with_sms(path: &Path) -> SqliteStore {
    let mut store = ready(path);
    one(&mut store, Op::Enqueue(open(1)));
    one(
        &mut store,
        Op::Release {
            id: MessageId(1),
            look: Some(look()),
            boot: now(),
        },
    );
    one(
        &mut store,
        Op::InsertSms(IncomingSms {
            id: MessageId(2),
            spool_id: "spool-2".to_owned(),
            own: own(),
            peer: name(),
            iccid: card(),
            text: Redacted::new("from a name".to_owned()),
            residue: None,
            hash: 7,
            scts_ms: 1_700_000_000_000,
            boot: now(),
        }),
    );
    let settings = Settings {
        mode: Some(Mode::SmsOnly),
        ..Settings::default()
    };
    one(
        &mut store,
        Op::Set {
            conversation: Some((own(), name())),
            settings,
        },
    );
    release_sms(&mut store, 1);
    store
}

#[test]
fn a_story_says_why_and_how_it_went_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store_with_sms(&folder.path().join("store.db"));
    one(&mut store, Op::Enqueue(new_message(9, "by IP alone")));
    let hand = Op::HandSms {
        id: MessageId(1),
        attempt: AttemptId(7),
        parts: 1,
        boot: now(),
        look: look(),
    };
    one(&mut store, hand);
    let part = Op::ApplySmsPart {
        attempt: AttemptId(7),
        part: 0,
        state: PartState::Sent,
        code: None,
        refusal: AfterRefusal::Fail,
        look: None,
        because: &[],
    };
    one(&mut store, part);
    let revoked = Op::ApplyRevoked {
        number: own(),
        epoch: EPOCH,
        results: vec![(Seq(1), RevokeOutcome::Revoked)],
        look: look(),
    };
    one(&mut store, revoked);
    let story = store.story(MessageId(1)).unwrap();
    let found: Vec<_> = story.iter().map(|line| (line.step, line.detail)).collect();
    assert_eq!(
        found,
        [
            (Step::BySms, Some(1)),
            (Step::Handed, Some(1)),
            (Step::PartSent, None),
            (Step::Revoked, None),
        ]
    );
    assert_eq!(
        story[0].because,
        ["no answer in time", "nothing speaks against SMS"]
    );
    assert!(story[1].because.is_empty());
    let shown = format!("{story:?}");
    for secret in ["private", "2547123", "80312345", "8925402"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert_eq!(store.story(MessageId(9)).unwrap(), [], "the plain way");
}

#[test]
fn conversations_with_names_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_with_sms(&folder.path().join("store.db"));
    let found: Vec<_> = store
        .conversations(0, 10)
        .unwrap()
        .iter()
        .map(|it| (it.peer, it.last.id.0, it.count))
        .collect();
    assert_eq!(found, [(name(), 2, 1), (peer().into(), 1, 1)]);
}

#[test]
fn salvage_keeps_what_belongs_to_sms() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(store_with_sms(&path));
    let report = salvage(&path).unwrap();
    assert_eq!((report.messages, report.unreadable), (2, 0));
    let mut store = SqliteStore::open(&path).unwrap();
    let sent = store.message(MessageId(1)).unwrap().unwrap();
    assert_eq!(sent.sms.state, SmsAttempt::Waiting);
    assert_eq!((sent.shown, sent.sms.marked), (Shown::Sending, true));
    let received = store.message(MessageId(2)).unwrap().unwrap();
    assert_eq!((received.peer, received.came_by), (name(), Channel::Sms));
    assert_eq!(store.snapshot().unwrap().sms_waiting, 1);
    assert_eq!(store.story(MessageId(1)).unwrap().len(), 1);
    let Outcome::Conversation(facts) = one(
        &mut store,
        Op::LoadConversation {
            sender: own().into(),
            peer: name(),
            boot: now(),
        },
    ) else {
        panic!("no conversation");
    };
    assert_eq!(facts.settings.mode, Some(Mode::SmsOnly));
}

#[test]
fn a_name_that_is_lost_takes_no_message_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(store_with_sms(&path));
    let db = Connection::open(&path).unwrap();
    db.execute_batch("DELETE FROM peer_name").unwrap();
    db.close().unwrap();
    let report = salvage(&path).unwrap();
    assert_eq!(report.messages, 2);
    let store = SqliteStore::open(&path).unwrap();
    let received = store.message(MessageId(2)).unwrap().unwrap();
    assert!(matches!(received.peer, Peer::Name(_)));
    assert_eq!(received.text, Some(Redacted::new("from a name".to_owned())));
}

#[test]
fn a_story_says_why_the_phone_refused_and_what_it_waits_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store_with_sms(&folder.path().join("store.db"));
    one(
        &mut store,
        Op::HandSms {
            id: MessageId(1),
            attempt: AttemptId(7),
            parts: 1,
            boot: now(),
            look: look(),
        },
    );
    one(
        &mut store,
        Op::ApplySmsPart {
            attempt: AttemptId(7),
            part: 0,
            state: PartState::Refused,
            code: Some(2),
            refusal: AfterRefusal::Wait(WaitsFor::Radio),
            look: Some(look()),
            because: &["the radio is off"],
        },
    );
    let story = store.story(MessageId(1)).unwrap();
    let [.., refused, waits] = story.as_slice() else {
        panic!("{story:?}");
    };
    assert_eq!((refused.step, refused.detail), (Step::PartRefused, Some(2)));
    assert_eq!(refused.because, ["the radio is off"]);
    assert_eq!(waits.waits(), Some(WaitsFor::Radio));
}

/// Once, however often it is looked at.
#[test]
fn a_story_says_that_a_message_waits_for_its_turn() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store_with_sms(&folder.path().join("store.db"));
    one(&mut store, Op::Enqueue(open(5)));
    for _ in 0..2 {
        let record = store.message(MessageId(5)).unwrap().unwrap();
        one(
            &mut store,
            Op::Wait {
                id: MessageId(5),
                seen: (record.ip, record.sms.state),
                waits: None,
                look: None,
                because: &["a message before it is not settled"],
            },
        );
    }
    let story = store.story(MessageId(5)).unwrap();
    let [waits] = story.as_slice() else {
        panic!("{story:?}");
    };
    assert_eq!((waits.step, waits.detail), (Step::Waits, None));
    assert_eq!(waits.because, ["a message before it is not settled"]);
}
