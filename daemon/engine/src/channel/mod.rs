//! SMS or IP, and until when: a pure function of what is known, with its
//! reasons (DESIGN §7, DELIVERY 15, 21, 23 to 25).
//!
//! Owns the order of the reasons. Reads nothing, remembers nothing.
//!
//! # The specification
//!
//! 1. SMS is out of the question (this device, the setting, the user's wish, a
//!    text that no SMS can carry): IP alone; to a name, or from a number that is not
//!    registered for IP, the user decides.
//! 2. The user wished for SMS, the setting says SMS only, the peer is a name, the
//!    own number is not registered, or the peer is not on IP: SMS, at once. That a peer
//!    fell silent is a guess: it counts only where falling back is allowed.
//! 3. Otherwise IP. When it does not get on in time, the message *falls back*:
//!
//! | it stands | in time is | then |
//! |---|---|---|
//! | in the queue, no link | [`Patience::no_link`] after it was written | SMS |
//! | in the queue, a link and no session | [`Patience::accept`] after it was written | SMS |
//! | in flight | [`Patience::accept`] after its release | asked back; no session: uncertain SMS |
//! | accepted, recipient away | [`Patience::delivery`] | asked back; no session for as long again: uncertain SMS |
//! | accepted, recipient there | the same | asked back; no session for [`Patience::doubt`]: uncertain SMS |
//! | asked back | [`Patience::answer`] | as long as there is a session it waits on; without one as before |
//! | the gateway cannot tell | [`Patience::doubt`] | uncertain SMS |
//! | expired | | uncertain SMS: it may have been handed over before |
//! | revoked, refused, rejected | | SMS |
//!
//! An uncertain SMS is bought only when the gateway had the time to say that it is not
//! needed. In 100,000 simulated worlds 4.8 % of what fell back was sent twice without this,
//! 1.8 % with it: of what was handed over and not acknowledged, 97 % arrived by itself when
//! the recipient was back, and of what was accepted a lost link hides that it has arrived.
//!
//! 4. Falling back is not allowed by the setting: never; ask; not when roaming. No SMS
//!    leaves unasked, by fallback or at once, when the message is older than
//!    [`ASK_AFTER`] or takes more parts than the user need not be asked for; who
//!    wished for SMS was asked.
//! 5. Nothing changes its channel before all in front of it in its lane are
//!    settled.
//! 6. An SMS waits for its card, its radio and its network; never for another
//!    card. Where the card set for a conversation has another number than it, the user
//!    decides about a copy: it could not merge with the other one (DELIVERY 27).

pub(crate) mod by_ip;
mod patience;

use std::time::Duration;

use crate::message::{Channel, LaneUse, WaitsFor};
use crate::settings::{Fallback, Mode, Reach};
use crate::store_ops::Because;
pub(crate) use patience::Patience;

/// A message this old is not sent by SMS unasked (DELIVERY 25).
pub(crate) const ASK_AFTER: Duration = Duration::from_secs(3600);

/// How a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// On no channel yet.
    Queued,
    /// Released to IP, not accepted.
    InFlight,
    /// The gateway has it.
    Accepted,
    /// The gateway was asked for it back and has not answered.
    AskedBack,
    /// The gateway answered that it cannot tell.
    InDoubt,
    /// It lay at the gateway until its time was over, perhaps after it was handed over.
    Expired,
    /// IP ended negatively.
    Over,
}

/// What the gateway said when it took a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It has not said that it did.
    Unknown,
    /// Its recipient had no live session.
    ForOneAway,
    /// Its recipient had one, or nothing was said.
    ForOneThere,
}

/// The card an SMS would leave by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Card {
    /// Not in the phone, or not ready.
    Absent,
    /// The radio is off.
    RadioOff,
    /// No network carries SMS.
    NoService,
    /// It can send.
    Ready {
        /// In a foreign network.
        roaming: bool,
    },
}

/// What the text takes by SMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// Nothing but spaces.
    Empty,
    /// So many parts.
    Parts(u8),
    /// More than an SMS can have.
    TooLong,
}

/// Everything that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) stage: Stage,
    pub(crate) taken: Taken,
    /// The user's wish for this message.
    pub(crate) wish: Option<Channel>,
    pub(crate) mode: Mode,
    pub(crate) fallback: Fallback,
    /// The peer is a number, not a name.
    pub(crate) numbered: bool,
    /// The user agreed to use IP with the own number.
    pub(crate) consented: bool,
    pub(crate) reach: Reach,
    /// The worst of what is before it in its lane.
    pub(crate) before: LaneUse,
    /// Since it was written, or the phone started.
    pub(crate) age: Duration,
    pub(crate) link_up: bool,
    /// There is a session in which the own number is ready.
    pub(crate) session: bool,
    /// So long without one.
    pub(crate) offline_for: Duration,
    pub(crate) patience: Patience,
    /// This device sends SMS at all.
    pub(crate) sms: bool,
    pub(crate) card: Card,
    pub(crate) length: Length,
    pub(crate) max_parts_unasked: u8,
    /// An SMS with it may have left before.
    pub(crate) left_before: bool,
    /// The card is another number's than the conversation.
    pub(crate) of_another_number: bool,
}

/// What to do with it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// It belongs into the queue of IP; look again after this.
    Ip(Duration),
    /// It goes on as it is.
    Wait {
        /// What it waits for, if that is neither time nor the gateway.
        waits: Option<WaitsFor>,
        /// Look again after this; `None`: when something changes.
        look: Option<Duration>,
    },
    /// Ask the gateway for it back.
    AskBack,
    /// By SMS.
    Sms {
        /// Another copy may exist.
        marked: bool,
    },
    /// Not by SMS.
    NoSms,
}

const fn wait(waits: WaitsFor) -> Choice {
    Choice::Wait {
        waits: Some(waits),
        look: None,
    }
}

const fn wait_a_while(look: Duration) -> Choice {
    Choice::Wait {
        waits: None,
        look: Some(look),
    }
}

/// Why a message that its user gave to IP does not leave.
pub(crate) const WISHED_AND_UNREGISTERED: Because = &[
    "the user wished for IP",
    "the own number is not registered for IP",
];

/// The same, of one to a name.
pub(crate) const WISHED_AND_A_NAME: Because = &[
    "the user wished for IP",
    "only SMS reaches a name or a short code",
];

/// The store looks at it when what is before it is out of the way.
const BEHIND: (Choice, Because) = (
    Choice::Wait {
        waits: None,
        look: None,
    },
    &["a message before it in its conversation is not settled"],
);

/// Chooses, and says why.
pub(crate) fn choose(facts: &Facts) -> (Choice, Because) {
    if let Some(because) = facts.no_sms() {
        return match facts.stage {
            _ if !facts.numbered => (wait(WaitsFor::User), because),
            Stage::Queued if !facts.consented => (wait(WaitsFor::User), facts.neither_sms_nor_ip()),
            Stage::Queued => (Choice::Ip(facts.patience.accept), because),
            _ => (Choice::NoSms, because),
        };
    }
    if let Some(because) = facts.sms_at_once() {
        return facts.by_sms_unasked(because);
    }
    match facts.stage {
        // Not even IP passes it: nothing changes before the lane does.
        Stage::Queued if facts.before == LaneUse::Blocks => BEHIND,
        Stage::Queued if facts.session && facts.link_up => (
            Choice::Ip(facts.patience.accept),
            &["the gateway is reachable"],
        ),
        Stage::Queued => {
            let (patience, because): (_, Because) = if facts.link_up {
                (
                    facts.patience.accept,
                    &["there is a link, and no session on it"],
                )
            } else {
                (facts.patience.no_link, &["no link is up"])
            };
            match patience.checked_sub(facts.age) {
                Some(left) if !left.is_zero() => (wait_a_while(left), because),
                _ => facts.fall_back(because),
            }
        }
        Stage::InFlight => facts.fall_back(&["the gateway did not accept it in time"]),
        Stage::Accepted if facts.taken == Taken::ForOneAway => {
            facts.fall_back(&["the recipient is away", "it was not delivered in time"])
        }
        Stage::Accepted => facts.fall_back(&["it was not delivered in time"]),
        Stage::AskedBack if facts.session => {
            facts.fall_back(&["it was asked back", "the gateway did not answer in time"])
        }
        Stage::AskedBack => facts.fall_back(&[
            "it was asked back",
            "the gateway is out of reach",
            "another copy may exist",
        ]),
        Stage::InDoubt => facts.fall_back(&[
            "the gateway handed it over and cannot tell whether it arrived",
            "another copy may exist",
        ]),
        Stage::Expired => facts.fall_back(&[
            "it lay at the gateway until its time was over",
            "another copy may exist",
        ]),
        Stage::Over => facts.fall_back(&["IP cannot deliver it any more"]),
    }
}

impl Facts {
    /// Why SMS is out of the question.
    pub(crate) fn no_sms(&self) -> Option<Because> {
        match (self.wish, self.mode) {
            (Some(Channel::Ip), _) => Some(&["the user wished for IP"]),
            _ if !self.sms => Some(&["this device sends no SMS"]),
            (None, Mode::IpOnly) => Some(&["the setting is IP only"]),
            _ => None,
        }
    }

    /// The same, and why IP is, too: only its user can help.
    fn neither_sms_nor_ip(&self) -> Because {
        match self.wish {
            Some(Channel::Ip) => WISHED_AND_UNREGISTERED,
            _ if !self.sms => &[
                "this device sends no SMS",
                "the own number is not registered for IP",
            ],
            _ => &[
                "the setting is IP only",
                "the own number is not registered for IP",
            ],
        }
    }

    /// Why it goes by SMS without trying IP, or without waiting any longer.
    fn sms_at_once(&self) -> Option<Because> {
        Some(match (self.wish, self.mode, self.reach) {
            (Some(Channel::Sms), ..) => &["the user wished for SMS"],
            (_, Mode::SmsOnly, _) => &["the setting is SMS only"],
            _ if !self.numbered => &["only SMS reaches a name or a short code"],
            _ if !self.consented => &["the own number is not registered for IP"],
            // Beliefs are for what has not left yet.
            _ if self.stage != Stage::Queued => return None,
            (.., Reach::Refused) => &["the peer is not on IP"],
            // A guess, which counts only where the setting lets it.
            (.., Reach::Silent) if self.may_fall_back() => {
                &["the peer has given no sign of life by IP"]
            }
            (.., Reach::Silent | Reach::Unknown | Reach::OnIp) => return None,
        })
    }

    /// The setting lets it fall back unasked, as things stand.
    fn may_fall_back(&self) -> bool {
        match self.fallback {
            Fallback::Always => true,
            Fallback::NotWhenRoaming => !matches!(self.card, Card::Ready { roaming: true }),
            Fallback::Ask | Fallback::Never => false,
        }
    }

    /// IP was meant, and does not get on.
    fn fall_back(&self, because: Because) -> (Choice, Because) {
        match self.fallback {
            _ if self.length == Length::TooLong => {
                return (Choice::NoSms, &["the text is too long for an SMS"]);
            }
            Fallback::Never => return (Choice::NoSms, &["the setting is never to fall back"]),
            Fallback::Ask => {
                return (wait(WaitsFor::User), &["the setting is to ask the user"]);
            }
            Fallback::NotWhenRoaming if matches!(self.card, Card::Ready { roaming: true }) => {
                return (
                    wait(WaitsFor::Home),
                    &[
                        "the setting is not to fall back when roaming",
                        "the card roams",
                    ],
                );
            }
            Fallback::NotWhenRoaming | Fallback::Always => {}
        }
        self.by_sms_unasked(because)
    }

    /// Unless the user has to be asked: who wished for SMS was.
    fn by_sms_unasked(&self, because: Because) -> (Choice, Because) {
        let parts = match self.length {
            Length::Parts(parts) if self.wish != Some(Channel::Sms) => parts,
            _ => return self.by_sms(because),
        };
        if self.age > ASK_AFTER {
            return (
                wait(WaitsFor::User),
                &["it is older than an hour: the user decides"],
            );
        }
        if parts > self.max_parts_unasked {
            return (
                wait(WaitsFor::User),
                &["it takes more parts than are sent unasked"],
            );
        }
        self.by_sms(because)
    }

    /// IP is left; to a name there is no other way, and only the user can help.
    const fn never_by_sms(&self) -> Choice {
        if self.numbered {
            Choice::NoSms
        } else {
            wait(WaitsFor::User)
        }
    }

    fn by_sms(&self, because: Because) -> (Choice, Because) {
        match self.length {
            Length::Empty => {
                return (
                    self.never_by_sms(),
                    &["by SMS nothing would be left of it: it is only spaces"],
                );
            }
            Length::TooLong => {
                return (self.never_by_sms(), &["the text is too long for an SMS"]);
            }
            Length::Parts(_) => {}
        }
        if self.before != LaneUse::Free {
            return BEHIND;
        }
        match self.card {
            Card::Absent => {
                return (
                    wait(WaitsFor::Sim),
                    &["the card of the conversation is not in the phone"],
                );
            }
            Card::RadioOff => return (wait(WaitsFor::Radio), &["the radio is off"]),
            Card::NoService => {
                return (wait(WaitsFor::Service), &["no network carries SMS now"]);
            }
            Card::Ready { .. } => {}
        }
        let marked = match self.stage {
            Stage::Queued | Stage::Over => self.left_before,
            Stage::InFlight | Stage::Accepted if self.session => {
                return (Choice::AskBack, because);
            }
            _ if self.wish == Some(Channel::Sms) => true,
            // A gateway that does not answer is given up by the session.
            Stage::AskedBack if self.session => {
                return (wait_a_while(self.patience.answer), because);
            }
            Stage::InFlight | Stage::Accepted | Stage::AskedBack | Stage::InDoubt => {
                if let Some(waits) = self.for_the_gateways_word() {
                    return waits;
                }
                true
            }
            Stage::Expired => true,
        };
        if marked && self.of_another_number && self.wish != Some(Channel::Sms) {
            return (
                wait(WaitsFor::User),
                &[
                    "another copy may exist",
                    "the card set for the conversation has another number",
                ],
            );
        }
        (Choice::Sms { marked }, because)
    }

    /// Without a session: how much longer the gateway gets to say that no SMS is needed.
    fn for_the_gateways_word(&self) -> Option<(Choice, Because)> {
        let (patience, because): (_, Because) = match (self.stage, self.taken) {
            _ if self.session => return None,
            (_, Taken::Unknown) if self.link_up => (
                self.patience.accept,
                &["the gateway may have it", "a session is on its way"],
            ),
            (Stage::InDoubt, _) | (_, Taken::Unknown) => return None,
            (_, Taken::ForOneAway) => (
                self.patience.delivery,
                &["the gateway has it", "the lost link may hide the receipt"],
            ),
            (_, Taken::ForOneThere) => (
                self.patience.doubt,
                &[
                    "the recipient was there when the gateway took it",
                    "the lost link may hide the receipt",
                ],
            ),
        };
        let left = patience.checked_sub(self.offline_for)?;
        (!left.is_zero()).then(|| (wait_a_while(left), because))
    }
}

#[cfg(test)]
mod tests;
