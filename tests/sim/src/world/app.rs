//! What the messaging apps do, and what they are told.

use twine_engine::limits::{MAX_CLIENTS, MAX_OPEN_LOOKUPS, MAX_OPEN_OPS};
use twine_engine::message::{Channel, MessageId, MessageRecord, Shown, WaitsFor};
use twine_engine::store_ops::{ClientName, EventCursor, EventKind, StoreOps};
use twine_engine::{Command, CommandError, Reply};
use twine_proto::limits::MAX_LOOKUP_NUMBERS;
use twine_proto::{E164, Peer, Redacted};

use super::World;
use super::gateway::{nobody, number_of};
use super::transition::Transition;
use crate::coverage::Group;
use crate::handset::{Asked, Outgoing, client};
use crate::model::{Broken, WORDS};
use crate::net::HandsetNo;
use crate::poison::Poison;
use crate::sms::plan::{Country, national};

/// Messages of a burst.
const BURST: u64 = 30;

impl World {
    pub(super) fn app_connects(&mut self, handset: HandsetNo) {
        let h = &mut self.handsets[handset];
        if !h.app.alive || h.engine.is_none() {
            return;
        }
        if !h.app.subscribed {
            h.app.subscribed = true;
            let open = Command::OpenClient {
                client: client(),
                from_now: false,
            };
            h.ask(Asked::Other, open);
        }
        for outgoing in std::mem::take(&mut h.app.unknown) {
            h.send(outgoing);
        }
    }

    pub(super) fn app_sends(&mut self, handset: HandsetNo) -> Result<(), Broken> {
        if self.calm {
            return Ok(());
        }
        self.pause_then(Transition::Send { handset }, self.faults.send_every_ms);
        let h = &self.handsets[handset];
        if !h.app.alive || h.engine.is_none() || h.retired {
            return Ok(());
        }
        self.app_writes(handset);
        if self.rng.one_in(self.faults.small_talk_one_in) {
            self.says_the_same(handset);
        }
        if self.rng.one_in(self.faults.bursts_one_in) {
            self.broke("burst", || format!("h{handset} app sends many at once"));
            for _ in 1..BURST {
                self.app_writes(handset);
            }
        }
        self.turn(handset)
    }

    fn app_writes(&mut self, handset: HandsetNo) {
        let to = self.recipient(handset);
        let valid_for_s = self
            .rng
            .one_in(self.faults.validity_one_in)
            .then(|| self.rng.range(1, 120));
        let h = &mut self.handsets[handset];
        h.app.sent += 1;
        let mut text = format!("h{handset}m{}", h.app.sent);
        if self.faults.content_bytes > 0 && self.rng.one_in(8) {
            let long = usize::try_from(self.faults.content_bytes).unwrap_or(0);
            text.push_str(&"x".repeat(long));
        }
        if self.rng.one_in(self.faults.poison_one_in) {
            let poison = if self.rng.percent(50) {
                Poison::Content
            } else {
                Poison::Envelope
            };
            text.push_str(poison.suffix());
            self.coverage.count(Group::Fault, "poison");
        }
        let (to, from) = self.cards_chosen(handset, to);
        let by = self.wish();
        if self.faults.sms > 0 && self.rng.one_in(self.faults.long_text_one_in) {
            self.lengthen(&mut text);
        }
        let (dialled, to) = self.dialled(handset, (from, to));
        let by_sms_alone = dialled.number().is_none();
        let by = by.filter(|by| *by != Channel::Ip || !by_sms_alone);
        let valid_until_ms = valid_for_s.map(|valid_s| self.now + 1000 * valid_s);
        self.model
            .sending(&text, (handset, to), valid_until_ms, (by_sms_alone, by));
        self.model.writes(&text, self.now);
        self.tell(|| format!("h{handset} app sends {text} to {}", dialled.expose()));
        self.handsets[handset].send(Outgoing {
            from,
            to: dialled,
            token: text.clone(),
            text,
            valid_for_s,
            by,
        });
        if self.rng.one_in(self.faults.chatter_one_in) {
            self.chatter(handset, to);
        }
    }

    /// One word several times to one peer, within seconds.
    fn says_the_same(&mut self, handset: HandsetNo) {
        let to = self.recipient(handset);
        let between = self.cards_chosen(handset, to);
        let word = WORDS[usize::from(self.rng.percent(50))];
        self.broke("small talk", || {
            format!("h{handset} app says {word:?} again and again")
        });
        for no in 0..self.rng.range(2, 4) {
            let at = self.now + no * self.rng.range(0, 1_500);
            let say = Transition::Say {
                handset,
                between,
                word,
            };
            self.at(at, say);
        }
    }

    pub(super) fn app_says(
        &mut self,
        handset: HandsetNo,
        (to, from): (E164, Option<E164>),
        word: &'static str,
    ) -> Result<(), Broken> {
        let h = &self.handsets[handset];
        if self.calm || !h.app.alive || h.engine.is_none() || h.retired {
            return Ok(());
        }
        let by = self.wish();
        let h = &mut self.handsets[handset];
        h.app.sent += 1;
        let token = format!("h{handset}m{}", h.app.sent);
        let own = from.unwrap_or(h.number);
        self.model.saying(&token, (handset, own), to, word);
        self.tell(|| format!("h{handset} app sends {token}, {word:?} to {}", to.expose()));
        self.handsets[handset].send(Outgoing {
            from,
            to: to.into(),
            text: word.to_owned(),
            token,
            valid_for_s: None,
            by,
        });
        self.turn(handset)
    }

    /// To which of the other's numbers, and from which of one's own.
    fn cards_chosen(&mut self, handset: HandsetNo, to: E164) -> (E164, Option<E164>) {
        if self.faults.sms == 0 && self.faults.second_on_ip_one_in == 0 {
            return (to, None);
        }
        let second = self.handsets.iter().find(|h| h.number == to && !h.retired);
        let mut to = to;
        if let Some(second) = second.and_then(|h| h.second)
            && self.rng.percent(25)
        {
            to = second;
        }
        let h = &self.handsets[handset];
        let from = match h.second {
            Some(second) if self.rng.percent(25) => second,
            _ => h.number,
        };
        (to, Some(from))
    }

    /// As the user dials it, and whom that reaches by this card.
    fn dialled(&mut self, handset: HandsetNo, between: (Option<E164>, E164)) -> (Peer, E164) {
        let (from, to) = between;
        if self.faults.sms == 0 || !self.rng.one_in(self.faults.dialled_one_in) {
            return (to.into(), to);
        }
        let from = from.unwrap_or(self.handsets[handset].number);
        let Ok(written) = national(to).parse() else {
            return (to.into(), to);
        };
        self.coverage
            .count(Group::Fault, "dialled in national form");
        (written, Country::of(from).dials(written).unwrap_or(to))
    }

    fn wish(&mut self) -> Option<Channel> {
        if self.faults.sms == 0 || !self.rng.one_in(self.faults.wish_one_in) {
            return None;
        }
        Some(self.channel())
    }

    fn channel(&mut self) -> Channel {
        if self.rng.percent(60) {
            Channel::Sms
        } else {
            Channel::Ip
        }
    }

    /// Two parts, or more; one in four in UCS-2.
    fn lengthen(&mut self, text: &mut String) {
        let (more, letter) = if self.rng.percent(25) {
            (self.rng.range(60, 300), "ж")
        } else if self.rng.one_in(8) {
            (self.rng.range(1_600, 2_400), "y")
        } else {
            (self.rng.range(150, 900), "x")
        };
        // In front of what poison puts at the end.
        let at = text.find('!').unwrap_or(text.len());
        let more = usize::try_from(more).unwrap_or(0);
        text.insert_str(at, &letter.repeat(more));
    }

    pub(super) fn recipient(&mut self, handset: HandsetNo) -> E164 {
        if self.rng.one_in(self.faults.stranger_one_in) {
            return nobody();
        }
        let own = self.handsets[handset].number;
        let others = self.numbers as u64 - 1;
        let to = usize::try_from(self.rng.next() % others).unwrap_or(0);
        let skip = (0..=to).any(|index| number_of(index) == own);
        number_of(to + usize::from(skip))
    }

    /// What apps do beside messages.
    fn chatter(&mut self, handset: HandsetNo, to: E164) {
        let stopped = self.rng.percent(50);
        let h = &mut self.handsets[handset];
        let typing = Command::Typing {
            from: None,
            to,
            stopped,
        };
        h.ask(Asked::Other, typing);
        let numbers = vec![h.number, nobody()];
        h.ask(Asked::Lookup(numbers.clone()), Command::Lookup(numbers));
        let acked = Command::AckEvents {
            client: client(),
            cursor: h.app.cursor,
        };
        h.ask(Asked::Other, acked);
        self.preview(handset, to);
    }

    /// What would become of a message, and what is set: a text of each kind in turn.
    fn preview(&mut self, handset: HandsetNo, to: E164) {
        let h = &mut self.handsets[handset];
        let turn = usize::try_from(h.app.sent).unwrap_or(0);
        let text = ["hello".to_owned(), "   ".to_owned(), "x".repeat(50_000)];
        let by = [None, Some(Channel::Ip), Some(Channel::Sms), None, None];
        let peer = match "MPESA".parse() {
            Ok(name) if turn.is_multiple_of(5) => name,
            _ => to.into(),
        };
        let preview = Command::Preview {
            from: Some(h.number),
            to: peer,
            text: Redacted::new(text[turn % text.len()].clone()),
            by: by[turn % by.len()],
        };
        h.ask(Asked::Other, preview);
        let settings = Command::GetSettings(Some((h.number, to.into())));
        h.ask(Asked::Other, settings);
    }

    /// Requests that make no sense: each has its answer, and none does harm.
    pub(super) fn clumsy_request(&mut self, handset: HandsetNo) -> Result<(), Broken> {
        let (kind, some_id) = (self.rng.range(0, 9), MessageId(self.rng.range(1, 200)));
        let h = &mut self.handsets[handset];
        if !h.app.alive || h.engine.is_none() {
            return Ok(());
        }
        let (number, huge) = (h.number, u64::MAX >> 16);
        match kind {
            0 => h.ask(Asked::Other, Command::Cancel(MessageId(huge))),
            1 => {
                h.ask(Asked::Other, Command::MarkRead(some_id));
                self.reads(handset, some_id);
            }
            2 => {
                self.model.retried(handset, some_id);
                h.ask(Asked::Retry(some_id), retry(some_id));
            }
            3 => {
                self.model.taken_back(handset, some_id);
                h.ask(Asked::Cancel(some_id), Command::Cancel(some_id));
            }
            4 => {
                let cursor = EventCursor(huge);
                let client = client();
                h.ask(Asked::Other, Command::AckEvents { client, cursor });
            }
            5 => {
                let (client, cursor) = (ClientName("nobody".into()), EventCursor(0));
                h.ask(Asked::Other, Command::AckEvents { client, cursor });
            }
            6 => {
                let typing = Command::Typing {
                    from: Some(nobody()),
                    to: number,
                    stopped: false,
                };
                h.ask(Asked::Other, typing);
            }
            7 => {
                for n in 0..=MAX_CLIENTS {
                    let open = Command::OpenClient {
                        client: ClientName(format!("app{n}")),
                        from_now: true,
                    };
                    h.ask(Asked::Other, open);
                }
            }
            8 => {
                let many = vec![number; MAX_LOOKUP_NUMBERS + 1];
                h.ask(Asked::Other, Command::Lookup(many));
                for _ in 0..=MAX_OPEN_LOOKUPS {
                    h.ask(Asked::Other, Command::Lookup(vec![number]));
                }
            }
            _ => {
                for _ in 0..=MAX_OPEN_OPS {
                    h.ask(Asked::Other, Command::MarkRead(MessageId(huge)));
                }
            }
        }
        self.broke("clumsy request", || {
            format!("h{handset} app makes a clumsy request, {kind}")
        });
        self.turn(handset)
    }

    /// Asked is enough for its sender to be told: the reply may be lost in a crash.
    fn reads(&mut self, handset: HandsetNo, id: MessageId) {
        let h = &self.handsets[handset];
        let Ok(record) = h.store.message(id);
        match record {
            Some(record) => self.model.reads(&record),
            // It may be there by then: of a phone that was put back, another message.
            None => self.model.may_read(&h.numbers()),
        }
    }

    /// What the app shows up to this message when its user reads it.
    fn shown_above(&self, handset: HandsetNo, id: MessageId) -> Vec<String> {
        let Ok(record) = self.handsets[handset].store.message(id);
        record.map_or_else(Vec::new, |record| self.model.shown_above(handset, &record))
    }

    pub(super) fn app_asks(&mut self, handset: HandsetNo, mut asked: Asked) -> Result<(), Broken> {
        if let Asked::Read(id, above) = &mut asked {
            *above = self.shown_above(handset, *id);
            self.reads(handset, *id);
        }
        let h = &mut self.handsets[handset];
        if h.engine.is_none() {
            return Ok(());
        }
        let command = match &asked {
            Asked::Cancel(id) => {
                self.model.taken_back(handset, *id);
                Command::Cancel(*id)
            }
            Asked::Retry(id) => {
                // Asked is enough: the reply may be lost in a crash.
                self.model.retried(handset, *id);
                retry(*id)
            }
            Asked::Decide(id, by) => {
                self.model.retried(handset, *id);
                Command::Retry {
                    id: *id,
                    by: Some(*by),
                }
            }
            Asked::Read(id, _) => Command::MarkRead(*id),
            Asked::Repeat(outgoing) if !h.retired && h.app.alive => outgoing.command(),
            Asked::Send(_) | Asked::Repeat(_) | Asked::Lookup(_) | Asked::Other => return Ok(()),
        };
        h.ask(asked.clone(), command);
        self.tell(|| format!("h{handset} app {asked}"));
        self.turn(handset)
    }

    pub(super) fn replied(
        &mut self,
        handset: HandsetNo,
        request: u64,
        reply: Reply,
    ) -> Result<(), Broken> {
        let Some(asked) = self.handsets[handset].app.open.remove(&request) else {
            return Ok(());
        };
        if let Reply::Error(error) = &reply {
            self.coverage.error(error);
        }
        match (asked, reply) {
            (Asked::Send(outgoing), Reply::Sent { id, .. }) => {
                self.model.confirmed(&outgoing.token, id)?;
                if self.rng.one_in(self.faults.cancel_one_in) && !self.calm {
                    let at = self.now + self.rng.range(0, 5_000);
                    let asked = Asked::Cancel(id);
                    self.at(at, Transition::Ask { handset, asked });
                }
                if self.rng.one_in(self.faults.repeat_one_in) && !self.calm {
                    let at = self.now + self.lasts(0, 60_000);
                    let asked = Asked::Repeat(outgoing);
                    self.at(at, Transition::Ask { handset, asked });
                }
            }
            (Asked::Repeat(outgoing), Reply::Sent { id, .. }) => {
                self.coverage.count(Group::Fault, "request repeated");
                self.model.confirmed(&outgoing.token, id)?;
            }
            (_, Reply::Previewed(preview)) => {
                for reason in preview.reasons {
                    self.coverage.count(Group::Reason, reason);
                }
            }
            // A card that left the phone before the daemon ever heard of it: its user
            // writes with another.
            (Asked::Send(outgoing), Reply::Error(CommandError::NoIdentity(_)))
                if self.calm && !self.handsets[handset].has_card_of(outgoing.from) => {}
            (Asked::Send(outgoing), Reply::Error(_)) => {
                // Refused for now: an app asks again later, same token.
                let unknown = &mut self.handsets[handset].app.unknown;
                unknown.push(outgoing);
                // The first brings all others with it.
                if unknown.len() == 1 {
                    let at = self.now + 1_000;
                    self.at(at, Transition::AppStart { handset });
                }
            }
            (Asked::Read(_, above), Reply::Done) => self.model.read(handset, &above),
            (Asked::Lookup(_), Reply::Peers(entries)) => {
                let answers: Vec<bool> = entries.iter().map(|entry| entry.reachable).collect();
                self.model.cases.expect(
                    "a look-up tells who has a phone",
                    answers == [true, false],
                    format_args!("h{handset}: {answers:?}"),
                )?;
            }
            _ => {}
        }
        Ok(())
    }

    /// There are events: the app reads them, at once if it is not a slow one.
    pub(super) fn app_hears(&mut self, handset: HandsetNo) -> Result<(), Broken> {
        let slow = self.faults.app_slow_ms;
        if self.calm || slow == 0 {
            return self.read_events(handset);
        }
        if !std::mem::replace(&mut self.handsets[handset].app.reads_soon, true) {
            let at = self.now + self.rng.range(0, slow);
            self.at(at, Transition::AppReads { handset });
        }
        Ok(())
    }

    /// The app reads the event log from its cursor on.
    pub(super) fn read_events(&mut self, handset: HandsetNo) -> Result<(), Broken> {
        loop {
            let h = &self.handsets[handset];
            if !h.app.alive || h.engine.is_none() {
                return Ok(());
            }
            let Ok(page) = h.store.events(h.app.cursor, 64);
            if page.events.is_empty() {
                return Ok(());
            }
            for event in page.events {
                self.handsets[handset].app.cursor = event.cursor;
                let Ok(record) = self.handsets[handset].store.message(event.message);
                let of = format_args!("h{handset}: {:?}", event.message);
                let promise = "an event refers to history";
                self.model.cases.expect(promise, record.is_some(), of)?;
                let Some(record) = record else { continue };
                self.handsets[handset]
                    .app
                    .seen
                    .insert(event.message, event.shown);
                self.app_event(handset, event.kind, event.shown, &record)?;
            }
        }
    }

    pub(super) fn app_event(
        &mut self,
        handset: HandsetNo,
        kind: EventKind,
        shown: Shown,
        record: &MessageRecord,
    ) -> Result<(), Broken> {
        let text = record.text.as_ref().map(|t| t.expose().clone());
        self.coverage.event(kind, shown);
        self.tell_of(handset, record, || {
            let what =
                text.map_or_else(|| "what it cannot read".into(), |text| format!("{text:?}"));
            match kind {
                EventKind::Received if shown == Shown::Received => {
                    format!("h{handset} app receives {what}")
                }
                EventKind::Received => format!("h{handset} app receives {what}: {shown:?}"),
                EventKind::StateChanged => format!("h{handset} app sees {what}: {shown:?}"),
                EventKind::Merged => {
                    format!("h{handset} app sees that {what} is a copy of what it has")
                }
                EventKind::Unmerged => {
                    format!("h{handset} app sees that {what} is a message of its own")
                }
                EventKind::Reordered => format!("h{handset} app sees {what} move to its place"),
            }
        });
        match kind {
            EventKind::Merged => self.summary.merged += 1,
            EventKind::Unmerged => self.summary.unmerged += 1,
            EventKind::Reordered => self.summary.reordered += 1,
            EventKind::Received | EventKind::StateChanged => {}
        }
        if kind == EventKind::Received {
            let handsets = &self.handsets;
            self.model.received(handset, record, |from, id| {
                let Ok(record) = handsets[from].store.message(id);
                record.map(|record| record.shown)
            })?;
            if self.rng.one_in(self.faults.read_one_in) {
                let at = self.now + self.rng.range(0, 10_000);
                let asked = Asked::Read(record.id, Vec::new());
                self.at(at, Transition::Ask { handset, asked });
            }
            return Ok(());
        }
        // The model is lent out, so that it can ask the world.
        let mut model = std::mem::take(&mut self.model);
        let told = model.told(handset, record, shown, self.now, |name| {
            self.is_stored(name)
        });
        self.model = model;
        told?;
        if record.waits_for == Some(WaitsFor::User)
            && self.rng.one_in(self.faults.answer_one_in)
            && !self.calm
        {
            let at = self.now + self.rng.range(100, 20_000);
            let by = self.channel();
            let asked = Asked::Decide(record.id, by);
            self.at(at, Transition::Ask { handset, asked });
        }
        let retry = matches!(shown, Shown::Failed(_)) && record.shown == shown;
        if retry && self.rng.one_in(self.faults.retry_one_in) && !self.calm {
            let at = self.now + self.rng.range(100, 20_000);
            let asked = Asked::Retry(record.id);
            self.at(at, Transition::Ask { handset, asked });
        }
        Ok(())
    }
}

/// Another try, by whatever goes.
const fn retry(id: MessageId) -> Command {
    Command::Retry { id, by: None }
}
