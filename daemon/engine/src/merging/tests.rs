//! A store in miniature, and conversations in which everything arrives in any
//! order.

use twine_proto::Filled;

use super::*;
use crate::rng::Rng;
use crate::time::{BootId, Instant};

const EPOCH: Epoch = Epoch(690);

fn at(ms: u64) -> BootStamp {
    BootStamp {
        boot: BootId(1),
        at: Instant(ms),
    }
}

/// What a store does with the rules of this module.
#[derive(Debug, Default)]
struct Shelf {
    copies: Vec<(Copy, &'static str)>,
    pending: Vec<NoteEntry>,
    now_ms: u64,
}

/// "ok" and "ko" have one hash.
fn digest(text: &str) -> u64 {
    let mut letters: Vec<u8> = text.bytes().collect();
    let whole = letters.iter().fold(7u64, |digest, byte| {
        digest.wrapping_mul(31).wrapping_add(u64::from(*byte))
    });
    letters.sort_unstable();
    let sorted = letters.iter().fold(7u16, |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(u16::from(*byte))
    });
    whole << 16 | u64::from(sorted)
}

fn hash(text: &str) -> u16 {
    fold::hash_of(digest(text))
}

impl Shelf {
    fn new_copy(&mut self, came_by: Channel, text: &'static str) -> Copy {
        self.now_ms += 1_000;
        Copy {
            id: MessageId(self.copies.len() as u64 + 1),
            came_by,
            place: None,
            residue: None,
            digest: digest(text),
            maybe_by_sms: false,
            readable: true,
            copy_of: None,
            by_note: false,
            arrived: at(self.now_ms),
        }
    }

    fn by_ip(&mut self, lane_seq: u64, text: &'static str, note: &[NoteEntry]) {
        let place = Some((EPOCH, LaneSeq(lane_seq)));
        let copy = Copy {
            place,
            ..self.new_copy(Channel::Ip, text)
        };
        let in_place = self
            .copies
            .iter()
            .find(|(other, _)| other.place == place)
            .map(|(other, _)| *other);
        self.copies.push((copy, text));
        match in_place {
            Some(sms) if sms.digest == copy.digest => self.apply(&[Change::Link {
                copy: copy.id,
                root: sms.copy_of.unwrap_or(sms.id),
                by_note: true,
            }]),
            Some(sms) => {
                let mut entries = self.awaited(sms.hash());
                entries.retain(|entry| entry.lane_seq != LaneSeq(lane_seq));
                entries.push(entry(lane_seq, Filled::Both(sms.hash())));
                self.note(&entries);
            }
            None => self.pair(copy, text),
        }
        self.note(note);
    }

    fn by_sms(&mut self, text: &'static str, residue: Option<u8>) {
        let copy = Copy {
            residue,
            ..self.new_copy(Channel::Sms, text)
        };
        self.copies.push((copy, text));
        let awaited = self.awaited(copy.hash());
        self.note(&awaited);
        let found = self.copies.last().unwrap().0;
        if found.place.is_none() && found.copy_of.is_none() {
            self.pair(copy, text);
        }
    }

    fn awaited(&self, hash: u16) -> Vec<NoteEntry> {
        let waiting = self.pending.iter();
        waiting
            .filter(|entry| entry.filled.hash() == Some(hash))
            .copied()
            .collect()
    }

    fn pair(&mut self, copy: Copy, text: &str) {
        let recent: Vec<_> = self
            .copies
            .iter()
            .rev()
            .filter(|(other, _)| other.id != copy.id && other.copy_of.is_none())
            .map(|(other, of)| {
                let has_copy = self
                    .copies
                    .iter()
                    .any(|(third, _)| third.copy_of == Some(other.id));
                (*other, SameText(*of == text), HasCopy(has_copy))
            })
            .collect();
        if let Some(root) = pair_on_mark(&copy, HeardByIp(true), recent) {
            self.apply(&[Change::Link {
                copy: copy.id,
                root,
                by_note: false,
            }]);
        }
    }

    fn note(&mut self, entries: &[NoteEntry]) {
        let copies = self.copies.iter().map(|(copy, _)| *copy).collect();
        let reading = read_note(entries, EPOCH, copies, at(self.now_ms));
        self.apply(&reading.changes);
        let told: Vec<_> = entries.iter().map(|entry| entry.lane_seq).collect();
        self.pending.retain(|entry| !told.contains(&entry.lane_seq));
        self.pending.extend(reading.pending);
    }

    fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            for (copy, _) in &mut self.copies {
                match *change {
                    Change::Link {
                        copy: linked,
                        root,
                        by_note,
                    } if copy.id == linked || copy.copy_of == Some(linked) => {
                        assert_ne!(copy.id, root, "linked with itself");
                        copy.copy_of = Some(root);
                        copy.by_note = by_note;
                    }
                    Change::Unlink { copy: unlinked, .. } if copy.id == unlinked => {
                        copy.copy_of = None;
                        copy.by_note = false;
                    }
                    Change::Place { sms, place, .. } if copy.id == sms => copy.place = place,
                    _ => {}
                }
            }
        }
        for (copy, _) in &self.copies {
            if let Some(root) = copy.copy_of {
                let (root, _) = self.copies.iter().find(|(c, _)| c.id == root).unwrap();
                assert_eq!(root.copy_of, None, "a copy of a copy");
            }
        }
    }

    fn roots(&self) -> Vec<(Option<u64>, &'static str)> {
        let mut roots: Vec<_> = self
            .copies
            .iter()
            .filter(|(copy, _)| copy.copy_of.is_none())
            .map(|(copy, text)| (copy.place.map(|(_, place)| place.get()), *text))
            .collect();
        roots.sort_unstable();
        roots
    }
}

fn entry(lane_seq: u64, filled: Filled) -> NoteEntry {
    NoteEntry {
        lane_seq: LaneSeq(lane_seq),
        filled,
    }
}

#[test]
fn copies_merge_on_the_mark_in_either_order() {
    for sms_first in [true, false] {
        let mut shelf = Shelf::default();
        if sms_first {
            shelf.by_sms("yes", Some(1));
            shelf.by_ip(5, "yes", &[]);
        } else {
            shelf.by_ip(5, "yes", &[]);
            shelf.by_sms("yes", Some(1));
        }
        assert_eq!(shelf.roots().len(), 1, "{sms_first}");
    }
}

#[test]
fn what_is_not_certain_is_shown_twice() {
    let mut shelf = Shelf::default();
    shelf.by_ip(1, "yes", &[]);
    shelf.by_ip(5, "yes", &[]);
    shelf.by_sms("yes", Some(1));
    assert_eq!(shelf.roots().len(), 3, "two candidates");

    let mut shelf = Shelf::default();
    shelf.by_ip(1, "yes", &[]);
    shelf.by_sms("yes", Some(2));
    shelf.by_sms("no", Some(1));
    shelf.by_sms("yes", None);
    assert_eq!(shelf.roots().len(), 4, "other residue, other text, no mark");
}

#[test]
fn a_day_is_too_long_for_a_mark() {
    let mut shelf = Shelf::default();
    shelf.by_ip(1, "yes", &[]);
    shelf.now_ms += 25 * 3_600_000;
    shelf.by_sms("yes", Some(1));
    assert_eq!(shelf.roots().len(), 2);
}

#[test]
fn a_flag_of_a_restored_gateway_counts_like_a_mark() {
    let mut shelf = Shelf::default();
    shelf.by_sms("yes", None);
    let copy = Copy {
        place: Some((EPOCH, LaneSeq(1))),
        maybe_by_sms: true,
        ..shelf.new_copy(Channel::Ip, "yes")
    };
    shelf.copies.push((copy, "yes"));
    shelf.pair(copy, "yes");
    assert_eq!(shelf.roots().len(), 1);
}

#[test]
fn a_note_gives_an_sms_its_place_and_undoes_a_wrong_merge() {
    let mut shelf = Shelf::default();
    shelf.by_ip(1, "yes", &[]);
    // In truth the SMS is place 5, and was lost by IP.
    shelf.by_sms("yes", Some(1));
    assert_eq!(shelf.roots().len(), 1, "merged on the mark");
    let note = [entry(1, Filled::Ip), entry(5, Filled::Sms(hash("yes")))];
    shelf.by_ip(6, "then", &note);
    assert_eq!(
        shelf.roots(),
        [(Some(1), "yes"), (Some(5), "yes"), (Some(6), "then")]
    );
}

/// Both were asked back after an uncertain SMS had left: nothing comes by IP.
#[test]
fn a_note_undoes_a_wrong_merge_of_two_sms() {
    for late in [false, true] {
        let mut shelf = Shelf::default();
        let note = [
            entry(1, Filled::Sms(hash("ok"))),
            entry(5, Filled::Sms(hash("ok"))),
        ];
        shelf.by_sms("ok", Some(1));
        if !late {
            shelf.by_sms("ok", Some(1));
            assert_eq!(shelf.roots().len(), 1, "merged on the mark");
        }
        shelf.note(&note);
        if late {
            shelf.by_sms("ok", Some(1));
        }
        assert_eq!(shelf.roots(), [(Some(1), "ok"), (Some(5), "ok")], "{late}");
        assert!(shelf.pending.is_empty());
    }
}

/// A retry after an unknown result: by IP, by SMS, and by SMS once more.
#[test]
fn every_copy_of_what_left_more_than_once_is_one_message() {
    #[derive(Clone, Copy)]
    enum Comes {
        Ip,
        First(Option<u8>),
        Second,
        Note,
    }
    let first = [Comes::First(None), Comes::First(Some(1))];
    for (ip, first) in [true, false]
        .into_iter()
        .flat_map(|ip| first.map(|f| (ip, f)))
    {
        let filled = match ip {
            true => Filled::BothAgain(hash("ok")),
            false => Filled::SmsAgain(hash("ok")),
        };
        let mut all = vec![first, Comes::Second, Comes::Note];
        all.extend(ip.then_some(Comes::Ip));
        for order in orders(all.len()) {
            let mut shelf = Shelf::default();
            for &at in &order {
                match all[at] {
                    Comes::Ip => shelf.by_ip(5, "ok", &[]),
                    Comes::First(mark) => shelf.by_sms("ok", mark),
                    Comes::Second => shelf.by_sms("ok", Some(1)),
                    Comes::Note => shelf.note(&[entry(5, filled)]),
                }
            }
            assert_eq!(shelf.roots(), [(Some(5), "ok")], "{order:?} {shelf:#?}");
            assert!(shelf.pending.is_empty(), "{order:?}");
        }
    }
}

/// All orders of so many.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else {
        return vec![Vec::new()];
    };
    let with_last = |order: &Vec<usize>| {
        let at = |at: usize| {
            let mut order = order.clone();
            order.insert(at, last);
            order
        };
        (0..count).map(at).collect::<Vec<_>>()
    };
    orders(last).iter().flat_map(with_last).collect()
}

/// What joined the copies of a place is another's, says that one's note.
#[test]
fn a_place_of_its_own_takes_back_what_was_gathered() {
    let mut shelf = Shelf::default();
    shelf.by_ip(1, "ok", &[]);
    shelf.by_sms("ok", Some(1));
    shelf.by_sms("ok", Some(1));
    shelf.note(&[entry(1, Filled::BothAgain(hash("ok")))]);
    assert_eq!(shelf.roots(), [(Some(1), "ok")]);
    shelf.note(&[entry(5, Filled::Sms(hash("ok")))]);
    assert_eq!(shelf.roots(), [(Some(1), "ok"), (Some(5), "ok")]);
}

#[test]
fn an_sms_that_comes_after_its_note_finds_its_place() {
    let mut shelf = Shelf::default();
    let note = [entry(1, Filled::Sms(hash("late")))];
    shelf.by_ip(2, "next", &note);
    assert_eq!(shelf.pending.len(), 1);
    shelf.by_sms("late", None);
    assert_eq!(shelf.roots(), [(Some(1), "late"), (Some(2), "next")]);
    assert!(shelf.pending.is_empty());
}

#[test]
fn positions_follow_places() {
    assert_eq!(position(9, None, None), 9);
    assert_eq!(position(9, Some(4), Some(12)), 9);
    assert_eq!(
        position(9, Some(11), Some(12)),
        11,
        "behind what is before it"
    );
    assert_eq!(position(9, None, Some(3)), 3, "before what is behind it");
}

/// How a message went, in truth.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Went {
    text: &'static str,
    ip: bool,
    /// Its SMS: marked or not.
    sms: Option<bool>,
    /// Its SMS left once more.
    again: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Try {
    First,
    Second,
}

/// Everything arrives in any order, with notes at any time; in the end, when a
/// complete note was read, every message is shown once, and none is hidden behind one
/// of another text.
#[test]
fn in_the_end_every_message_is_shown_once_whatever_the_order() {
    for seed in 0..60_000 {
        let mut rng = Rng::new(seed);
        let mut draw = |below: u64| rng.next() % below;
        let texts = ["yes", "ok", "ko"];
        let messages: Vec<Went> = (0..1 + draw(7))
            .map(|_| {
                let text = texts[draw(3) as usize];
                let (ip, sms) = match draw(5) {
                    0 => (true, None),
                    // By IP it was lost after the SMS had left, marked.
                    4 => (false, Some(true)),
                    1 => (false, Some(false)),
                    _ => (true, Some(true)),
                };
                let again = sms.is_some() && draw(4) == 0;
                Went {
                    text,
                    ip,
                    sms,
                    again,
                }
            })
            .collect();
        let note: Vec<NoteEntry> = messages
            .iter()
            .zip(1..)
            .map(|(went, lane_seq)| {
                entry(
                    lane_seq,
                    match (went.ip, went.sms, went.again) {
                        (true, Some(_), false) => Filled::Both(hash(went.text)),
                        (false, Some(_), false) => Filled::Sms(hash(went.text)),
                        (true, Some(_), true) => Filled::BothAgain(hash(went.text)),
                        (false, Some(_), true) => Filled::SmsAgain(hash(went.text)),
                        _ => Filled::Ip,
                    },
                )
            })
            .collect();
        // Arrivals: (lane_seq, which SMS). Some SMS are lost.
        let mut arrivals: Vec<(u64, Option<Try>)> = Vec::new();
        for (went, lane_seq) in messages.iter().zip(1..) {
            if went.ip {
                arrivals.push((lane_seq, None));
            }
            if went.sms.is_some() && draw(5) > 0 {
                arrivals.push((lane_seq, Some(Try::First)));
            }
            if went.again && draw(5) > 0 {
                arrivals.push((lane_seq, Some(Try::Second)));
            }
        }
        for at in (1..arrivals.len()).rev() {
            arrivals.swap(at, draw(at as u64 + 1) as usize);
        }
        let mut arrived: Vec<u64> = arrivals.iter().map(|(lane_seq, _)| *lane_seq).collect();
        arrived.sort_unstable();
        arrived.dedup();
        let mut shelf = Shelf::default();
        for (lane_seq, by_sms) in arrivals {
            let went = &messages[lane_seq as usize - 1];
            if let Some(of) = by_sms {
                // Some operators trim the mark. Of a text that left more than once, what
                // bears none could be any.
                let resent = messages.iter().any(|it| it.again && it.text == went.text);
                let trimmed = draw(6) == 0 && !resent;
                let marked = of == Try::Second || went.sms == Some(true) && !trimmed;
                shelf.by_sms(went.text, marked.then(|| residue(LaneSeq(lane_seq))));
            } else {
                // A message may carry the part of the note before it.
                let part = &note[..if draw(2) == 0 {
                    0
                } else {
                    lane_seq as usize - 1
                }];
                shelf.by_ip(lane_seq, went.text, part);
            }
        }
        shelf.note(&note);
        for text in texts {
            let (mut reached, mut lost) = (0, 0);
            for (went, lane_seq) in messages.iter().zip(1..) {
                if hash(went.text) == hash(text) {
                    let came = arrived.contains(&lane_seq);
                    reached += usize::from(came);
                    lost += usize::from(!came && !went.ip);
                }
            }
            let roots = shelf.roots();
            let of_hash = |of: &str| hash(of) == hash(text);
            let shown = roots.iter().filter(|(_, of)| of_hash(of)).count();
            // For a message that was lost, the second copy of an equal one may stand
            // in: nobody can tell them apart. Where two texts have one hash, an SMS in
            // the place of another may keep its message from it.
            let two_texts = messages
                .iter()
                .any(|went| of_hash(went.text) && went.text != text);
            // Among several equal ones the copy of another attempt may hold the place of
            // one for good, and is shown: nothing is hidden.
            let equal = messages.iter().filter(|it| it.text == text);
            let resent = equal.clone().filter(|it| it.again).count();
            let doubled = if equal.count() > 1 { resent } else { 0 };
            assert!(
                reached <= shown && (two_texts || shown <= reached + lost + doubled),
                "seed {seed}: {text:?} shown {shown}, came {reached}: {messages:?} {shelf:#?}"
            );
            let came = |lane_seq: &u64| messages[*lane_seq as usize - 1].text == text;
            assert_eq!(
                arrived.iter().any(came),
                roots.iter().any(|(_, of)| *of == text),
                "seed {seed}: {text:?} is hidden: {messages:?} {shelf:#?}"
            );
        }
    }
}

/// A name given twice: what a note says of the second is no proof about the first.
#[test]
fn a_note_about_another_message_of_the_name_merges_nothing() {
    let mut shelf = Shelf::default();
    shelf.by_ip(1, "the first", &[]);
    shelf.by_sms("the second", None);
    shelf.note(&[entry(1, Filled::Sms(hash("the second")))]);
    assert_eq!(
        shelf.roots(),
        [(None, "the second"), (Some(1), "the first")]
    );
}
