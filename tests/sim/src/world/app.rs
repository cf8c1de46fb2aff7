//! What the messaging apps do, and what they are told.

use twine_engine::message::{MessageRecord, Shown};
use twine_engine::store_ops::{EventKind, StoreOps};
use twine_engine::{Command, Reply};

use super::{Event, World};
use crate::handset::{Asked, Outgoing, client};
use crate::model::Broken;
use crate::net::HandsetNo;

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
        self.pause_then(Event::Send { handset }, self.faults.send_every_ms);
        let h = &self.handsets[handset];
        if !h.app.alive || h.engine.is_none() {
            return Ok(());
        }
        let others = self.handsets.len() as u64 - 1;
        let mut to = usize::try_from(self.rng.next() % others).unwrap_or(0);
        if to >= handset {
            to += 1;
        }
        let valid_for_s = self
            .rng
            .one_in(self.faults.validity_one_in)
            .then(|| self.rng.range(1, 120));
        let number = self.handsets[to].number;
        let h = &mut self.handsets[handset];
        h.app.sent += 1;
        let text = format!("h{handset}m{}", h.app.sent);
        self.model.sending(&text, handset, to);
        self.tell(|| format!("h{handset} app sends {text} to h{to}"));
        self.handsets[handset].send(Outgoing {
            to: number,
            text,
            valid_for_s,
        });
        self.turn(handset)
    }

    pub(super) fn app_asks(&mut self, handset: HandsetNo, asked: Asked) -> Result<(), Broken> {
        let h = &mut self.handsets[handset];
        if h.engine.is_none() {
            return Ok(());
        }
        let command = match &asked {
            Asked::Cancel(id) => Command::Cancel(*id),
            Asked::Retry(id) => {
                // Asked is enough: the reply may be lost in a crash.
                self.model.retried(handset, *id);
                Command::Retry(*id)
            }
            Asked::Read(id) => Command::MarkRead(*id),
            Asked::Send(_) | Asked::Other => return Ok(()),
        };
        h.ask(asked.clone(), command);
        self.tell(|| format!("h{handset} app asks {asked:?}"));
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
        match (asked, reply) {
            (Asked::Send(outgoing), Reply::Sent { id, .. }) => {
                self.model.confirmed(&outgoing.text, id)?;
                if self.rng.one_in(self.faults.cancel_one_in) && !self.calm {
                    let at = self.now + self.rng.range(0, 5_000);
                    let asked = Asked::Cancel(id);
                    self.at(at, Event::Ask { handset, asked });
                }
            }
            (Asked::Send(outgoing), Reply::Error(_)) => {
                // Refused for now: an app asks again later, same token.
                self.handsets[handset].app.unknown.push(outgoing);
                let at = self.now + 1_000;
                self.at(at, Event::AppStart { handset });
            }
            (Asked::Read(id), Reply::Done) => {
                let store = &self.handsets[handset].store;
                let Ok(record) = store.message(id);
                if let Some(record) = record {
                    self.model.read(handset, store, &record);
                }
            }
            _ => {}
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
                let Ok(Some(record)) = self.handsets[handset].store.message(event.message) else {
                    return Err(Broken {
                        promise: "an event refers to history",
                        text: format!("{:?}", event.message),
                    });
                };
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
        self.tell(|| format!("h{handset} app sees {kind:?} {shown:?} {text:?}"));
        if kind == EventKind::Received {
            let handsets = &self.handsets;
            self.model.received(handset, record, |from, id| {
                let Ok(record) = handsets[from].store.message(id);
                record.map(|record| record.shown)
            })?;
            if self.rng.one_in(self.faults.read_one_in) {
                let at = self.now + self.rng.range(0, 10_000);
                let asked = Asked::Read(record.id);
                self.at(at, Event::Ask { handset, asked });
            }
            return Ok(());
        }
        let handsets = &self.handsets;
        self.model.told(handset, record, shown, |to, record| {
            record
                .name
                .is_some_and(|name| handsets[to].store.at_place(&name).is_some())
        })?;
        let retry = matches!(shown, Shown::Failed(_)) && record.shown == shown;
        if retry && self.rng.one_in(self.faults.retry_one_in) && !self.calm {
            let at = self.now + self.rng.range(100, 20_000);
            let asked = Asked::Retry(record.id);
            self.at(at, Event::Ask { handset, asked });
        }
        Ok(())
    }
}
