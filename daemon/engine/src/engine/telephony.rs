//! What the telephony agent tells: cards, links, results of SMS, incoming SMS.

use super::*;
use crate::link::LinkKind;
use crate::links::{CardId, DataMove};

impl Engine {
    pub(super) fn telephony(&mut self, now: Now, event: TelephonyEvent) {
        self.told(now, event);
        // Also what is the same link may be in another network now.
        self.session.network_is(self.network());
    }

    /// The network behind the chosen link.
    fn network(&self) -> Option<Network> {
        let link = self.links.chosen()?;
        let iccid = match link.kind {
            LinkKind::Cellular { sim_slot } => self
                .sims
                .iter()
                .find(|sim| sim.slot == sim_slot)
                .map(|sim| sim.iccid.expose().as_str()),
            LinkKind::Wifi | LinkKind::Ethernet => None,
        };
        Some(Network::of(link, iccid))
    }

    fn told(&mut self, now: Now, event: TelephonyEvent) {
        match event {
            TelephonyEvent::State {
                sims,
                links,
                tables,
            } => {
                let gained = self.sims.replace(sims, tables, now.instant);
                self.cards_changed(now, &gained);
                self.data_cards_changed(now);
                self.sms.agent_is_here(&mut ctx!(self, now));
                let event = self.links.replace(links, now.instant);
                self.links_changed(now, event);
            }
            TelephonyEvent::Link(link) => {
                let event = self.links.report(link, now.instant);
                self.links_changed(now, event);
            }
            TelephonyEvent::Sim(sim) => {
                let gained = self.sims.report(sim, now.instant);
                self.cards_changed(now, &gained);
                self.data_cards_changed(now);
            }
            TelephonyEvent::SmsPart {
                attempt,
                part,
                state,
                code,
            } => self
                .sms
                .part(&mut ctx!(self, now), attempt, part, state, code),
            TelephonyEvent::SmsReceived(received) => self.sms_received(now, received),
            TelephonyEvent::DataSim { slot, confirmed } => {
                let event = self.links.data_sim(slot, confirmed, now.instant);
                self.links_changed(now, event);
            }
            TelephonyEvent::AgentGone => {
                self.sms.agent_is_gone();
                self.links.agent_gone();
            }
        }
    }

    fn data_cards_changed(&mut self, now: Now) {
        let cards = self
            .sims
            .iter()
            .filter(|sim| sim.ready)
            .filter_map(|sim| Some((CardId::new(sim.iccid.expose()), sim.data?)))
            .collect();
        let event = self.links.replace_cards(cards, now.instant);
        self.links_changed(now, event);
    }

    /// What the session found out about its link.
    pub(super) fn links_told(&mut self, now: Now) {
        if let Some((link, traffic)) = self.session.take_traffic() {
            let event = self.links.traffic(&link, traffic, now.instant);
            self.links_changed(now, event);
        }
    }

    /// All input of the turn has been handled: what the links' policy asks of the agent.
    pub(super) fn ask_for_data(&mut self, now: Now) {
        if let Some(link) = self.links.poll_doubted() {
            let mut ctx = ctx!(self, now);
            let decision = Decision::LookAgain { link: link.clone() };
            ctx.trace(decision, &["an answer is missing over it"]);
            ctx.at_once(Fleeting::LookAgain { link });
        }
        if let Some(DataMove { slot, because }) = self.links.poll_request(now.instant) {
            self.counters.data_moves += 1;
            let mut ctx = ctx!(self, now);
            ctx.trace(Decision::MoveData { slot }, &[because.as_str()]);
            ctx.at_once(Fleeting::PreferDataSim { slot, because });
        }
    }

    pub(super) fn links_changed(&mut self, now: Now, event: Option<LinksEvent>) {
        let link = match event {
            None => return,
            Some(LinksEvent::Chosen(link)) => {
                let because = self.links.because().as_str();
                let decision = Decision::UseLink { link: link.clone() };
                ctx!(self, now).trace(decision, &[because]);
                link
            }
            Some(LinksEvent::Renewed(link)) => Some(link),
        };
        self.outbox.link_up(link.is_some());
        self.session.network_is(self.network());
        let has_identity = self.registration.consented().next().is_some();
        let mut ctx = ctx!(self, now);
        let event = self.session.use_link(&mut ctx, link, has_identity);
        self.grace(now);
        self.session_event(now, event);
    }

    /// After a resume or reconnect no deadline acts for a while (DELIVERY 23).
    pub(super) fn grace(&mut self, now: Now) {
        let until = now.instant + outbox::grace_after(self.session.rto());
        self.outbox.grace(until);
        self.deciding.grace(until);
    }

    /// Cards came or changed: their numbers are ours, and what waited for them
    /// may go on.
    fn cards_changed(&mut self, now: Now, gained: &Gained) {
        let ready: Vec<_> = self
            .sims
            .iter()
            .filter(|sim| sim.ready)
            .map(|sim| (self.own_number(&sim.iccid, sim.number), sim.iccid.clone()))
            .collect();
        for (number, iccid) in ready {
            let Some(number) = number else {
                continue;
            };
            if self.registration.noted(number, &iccid) {
                self.outbox.identity(number, 0);
                ctx!(self, now).op(Op::NoteSim { number, iccid }, Then::Nothing);
            }
        }
        if !self.session.config().sms {
            return;
        }
        let mut ctx = ctx!(self, now);
        for waits in gained.iter() {
            ctx.op(Op::Wake { waits, own: None }, deciding::Then::Looks);
        }
        for iccid in gained.roaming() {
            self.sms.hold(&mut ctx, iccid.clone());
        }
    }

    /// The own number of a card: what was registered for it, what it tells, or
    /// one that stands for it.
    fn own_number(&self, iccid: &Redacted<String>, told: Option<E164>) -> Option<E164> {
        told.or_else(|| self.registration.number_of(iccid))
            .or_else(|| sims::placeholder(iccid.expose()))
    }

    fn sms_received(&mut self, now: Now, received: SmsReceived) {
        let told = received.own.or_else(|| {
            let sim = self.sims.get(received.iccid.expose())?;
            sim.number
        });
        let Some(own) = self.own_number(&received.iccid, told) else {
            return;
        };
        let id = self.message_id();
        self.sms.received(&mut ctx!(self, now), own, id, received);
    }
}
