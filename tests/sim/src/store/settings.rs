//! What the user chose for conversations, and who is believed to be on IP.

use twine_engine::limits::MAX_CONVERSATION_SETTINGS;
use twine_engine::message::{Channel, IpAttempt, MessageId, SmsAttempt, WaitsFor};
use twine_engine::settings::{Fallback, Mode, Reach, Settings};
use twine_engine::store_ops::{BootStamp, ConversationFacts, Outcome, Sender};
use twine_engine::time::WallTime;
use twine_proto::{E164, Peer};

use super::MemoryStore;
use super::records::Outgoing;

impl MemoryStore {
    pub(super) fn set(
        &mut self,
        conversation: Option<(E164, Peer)>,
        settings: &Settings,
        wall: WallTime,
    ) -> Outcome {
        let concerned: Vec<MessageId> = match conversation {
            None => {
                self.global = settings.clone();
                self.found.open.iter().copied().collect()
            }
            Some(key) => {
                let room = (self.settings.len() as u64) < MAX_CONVERSATION_SETTINGS;
                if *settings == Settings::default() {
                    self.settings.remove(&key);
                } else if room || self.settings.contains_key(&key) {
                    self.settings.insert(key, settings.clone());
                } else {
                    return Outcome::TooManySettings;
                }
                let (own, peer) = key;
                self.found
                    .open_in
                    .range((own, peer, MessageId(0))..=(own, peer, MessageId(u64::MAX)))
                    .map(|(.., id)| *id)
                    .collect()
            }
        };
        for id in concerned {
            let Some(message) = self.outgoing.get(&id) else {
                continue;
            };
            let pinned = conversation.and(settings.iccid.as_ref());
            if let Some(card) = pinned
                && message.sms == SmsAttempt::Waiting
                && message.iccid.as_ref() != Some(card)
            {
                self.change(id, wall, |m| {
                    m.iccid = Some(card.clone());
                    m.waits_for = Some(WaitsFor::Sim);
                    m.look_at_once();
                });
                continue;
            }
            let queued = message.is_queued_for_ip();
            if queued && message.sms == SmsAttempt::NotUsed && message.wish != Some(Channel::Ip) {
                // What an earlier setting ruled out is decided anew.
                self.change(id, wall, |m| {
                    m.sms = SmsAttempt::None;
                    m.look_at_once();
                });
                continue;
            }
            let stays = queued && !self.excludes_ip(message) || self.keeps_its_deadline(message);
            if !stays && message.sms != SmsAttempt::Handed {
                self.change(id, wall, Outgoing::look_at_once);
            }
        }
        self.looks()
    }

    pub(super) fn set_for(&self, own: E164, peer: Peer) -> Settings {
        let set = self.settings.get(&(own, peer));
        set.cloned().unwrap_or_default()
    }

    /// Its user wants it by SMS, by this message's wish or by what is set.
    pub(super) fn is_to_go_by_sms(&self, message: &Outgoing) -> bool {
        let set = self.set_for(message.own, message.peer).over(&self.global);
        message.wish == Some(Channel::Sms) || set.mode == Mode::SmsOnly
    }

    pub(super) fn set_reach(&mut self, peer: E164, reach: Reach, boot: BootStamp) -> Outcome {
        if reach != Reach::Unknown {
            self.reach.insert(peer, (reach, Some(boot)));
        } else if matches!(self.reach.get(&peer), Some((Reach::Refused, _))) {
            self.reach.remove(&peer);
        }
        Outcome::Done
    }

    /// Of a number that is believed to be something; what is too old is not
    /// believed any more.
    fn reach_of(&self, peer: Peer, boot: BootStamp) -> Reach {
        let known = peer.number().and_then(|number| self.reach.get(&number));
        match known {
            None => Reach::Unknown,
            Some((reach, since)) => {
                let over = since.zip(reach.believed_for()).is_some_and(|(since, ttl)| {
                    since.boot == boot.boot && boot.at.since(since.at) > ttl
                });
                if over { Reach::Unknown } else { *reach }
            }
        }
    }

    /// Whose message it is.
    pub(super) fn own(&self, sender: &Sender, peer: Peer) -> E164 {
        let newest = |own: &E164| {
            let conversation = self.conversations.get(&(*own, peer))?;
            conversation.last().map(|(order, _)| order.position)
        };
        std::iter::once(&sender.own)
            .chain(&sender.others)
            .filter_map(|own| Some((newest(own)?, *own)))
            .max()
            .map_or(sender.own, |(_, own)| own)
    }

    pub(super) fn conversation_facts(
        &self,
        own: E164,
        peer: Peer,
        boot: BootStamp,
    ) -> ConversationFacts {
        let identity = self.identity(own);
        ConversationFacts {
            own,
            settings: self.settings_of(own, peer),
            reach: self.reach_of(peer, boot),
            bound: identity.is_some_and(|identity| identity.epoch.is_some()),
            consented: identity.is_some_and(|identity| identity.consented),
            before: self.before(own, peer, MessageId(u64::MAX)),
        }
    }

    fn settings_of(&self, own: E164, peer: Peer) -> Settings {
        self.settings.get(&(own, peer)).cloned().unwrap_or_default()
    }

    /// By wish or setting, a message is not to go by IP.
    fn excludes_ip(&self, message: &Outgoing) -> bool {
        let mode = self
            .settings_of(message.own, message.peer)
            .over(&self.global)
            .mode;
        match message.wish {
            Some(Channel::Ip) => false,
            Some(Channel::Sms) => true,
            None => mode == Mode::SmsOnly,
        }
    }

    /// It is on its way by IP, and is decided about later, by the settings of then.
    fn keeps_its_deadline(&self, message: &Outgoing) -> bool {
        let settings = self.settings_of(message.own, message.peer);
        let by_sms_alone =
            settings.over(&self.global).mode == Mode::SmsOnly && message.wish != Some(Channel::Ip);
        matches!(message.ip, IpAttempt::InFlight(_) | IpAttempt::Accepted(_))
            && message.sms != SmsAttempt::Waiting
            && message.waits_for.is_none()
            && !by_sms_alone
    }

    /// It is not to be released to IP as things stand. Where SMS is out of the
    /// question nothing counts: IP is the only way there is.
    pub(super) fn speaks_against_ip(&self, message: &Outgoing, boot: BootStamp) -> bool {
        let not_reached = match self.reach_of(message.peer, boot) {
            Reach::Refused => true,
            Reach::Silent => {
                let settings = self.settings_of(message.own, message.peer);
                settings.over(&self.global).fallback == Fallback::Always
            }
            Reach::Unknown | Reach::OnIp => false,
        };
        message.sms == SmsAttempt::None
            && (self.excludes_ip(message) || not_reached && message.wish.is_none())
    }
}
