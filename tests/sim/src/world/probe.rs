//! When the world is at rest, everybody writes once more by IP: a phone that is deaf has
//! nothing open either.
//!
//! Last of all, so that the dice of the world itself are what they were.

use twine_engine::message::{Channel, MessageId, Shown};
use twine_engine::store_ops::StoreOps;

use super::World;
use crate::handset::Outgoing;
use crate::model::Broken;
use crate::net::HandsetNo;

/// Who is behind a NAT that has forgotten it finds out at its next heartbeat, which is
/// 1,700 s away at most (the engine's ladder); then it connects again.
const PROBE_MS: u64 = 40 * 60 * 1000;

/// A message from one phone to the next.
struct Probe {
    from: HandsetNo,
    to: HandsetNo,
    text: String,
}

impl World {
    /// Each phone sends to the next, and hears from the one before.
    pub(super) fn probe(&mut self) -> Result<(), Broken> {
        // Nobody is put back any more: the copies are thrown away.
        for h in &mut self.handsets {
            h.copy = None;
        }
        let phones: Vec<HandsetNo> = (0..self.handsets.len())
            .filter(|handset| !self.handsets[*handset].retired)
            .collect();
        let next = phones.iter().cycle().skip(1);
        let probes: Vec<Probe> = (phones.iter().zip(next))
            .filter(|(from, to)| from != to)
            .map(|(&from, &to)| {
                let app = &mut self.handsets[from].app;
                app.sent += 1;
                let text = format!("h{from}m{}", app.sent);
                Probe { from, to, text }
            })
            .collect();
        for probe in &probes {
            self.send_probe(probe)?;
        }
        let end = self.now + PROBE_MS;
        while !probes.iter().all(|probe| self.has_arrived(probe)) {
            let Some((at, transition)) = self.queue.pop() else {
                break;
            };
            if at > end {
                break;
            }
            self.now = at;
            self.step(transition)?;
        }
        for probe in &probes {
            let promise = "a phone at rest still sends and receives by IP";
            // A name that is given twice is in the way once.
            if !self.model.names_may_repeat(probe.from) && !self.is_behind_others(probe) {
                let arrived = self.has_arrived(probe);
                self.model.cases.expect(promise, arrived, &probe.text)?;
            }
        }
        Ok(())
    }

    fn send_probe(&mut self, probe: &Probe) -> Result<(), Broken> {
        let Probe { from, to, text } = probe;
        let (own, peer) = (self.handsets[*from].number, self.handsets[*to].number);
        let by = Some(Channel::Ip);
        self.model.sending(text, (*from, peer), None, (false, by));
        self.tell(|| {
            format!(
                "h{from} at rest: its app writes {text} to {}",
                peer.expose()
            )
        });
        self.handsets[*from].send(Outgoing {
            from: Some(own),
            to: peer.into(),
            text: text.clone(),
            token: text.clone(),
            valid_for_s: None,
            by,
        });
        self.turn(*from)
    }

    /// What is before it in its conversation is not settled: messages in doubt leave by SMS
    /// one after the other, ten minutes apart (DELIVERY 15, 21).
    fn is_behind_others(&self, probe: &Probe) -> bool {
        let (own, peer) = (
            self.handsets[probe.from].number,
            self.handsets[probe.to].number,
        );
        let Some(id) = self.model.confirmed_as(&probe.text) else {
            return false;
        };
        let Ok(open) = self.handsets[probe.from]
            .store
            .outbox(MessageId(0), usize::MAX);
        open.iter()
            .any(|other| other.id < id && other.own == own && other.peer == peer.into())
    }

    /// Its recipient's app has it, and its sender's knows it.
    fn has_arrived(&self, probe: &Probe) -> bool {
        let sent = self.model.confirmed_as(&probe.text);
        let delivered = sent.is_some_and(|id| {
            let Ok(record) = self.handsets[probe.from].store.message(id);
            record.is_some_and(|record| matches!(record.shown, Shown::Delivered | Shown::Read))
        });
        delivered && self.model.is_received_by(probe.to, &probe.text)
    }
}
