//! Why a message waits for its user (DELIVERY 25): whoever asks a user has a reason that
//! holds, and the reasons are those of the engine's `channel`.

use std::collections::BTreeSet;

use twine_engine::Config;
use twine_engine::message::{Channel, MessageRecord};
use twine_engine::settings::{Fallback, Mode, Settings};
use twine_proto::{E164, Peer};
use twine_sms::TableSet;
use twine_sms::mark;
use twine_sms::segment::segments;

use super::time::ASK_AFTER_MS;
use super::{Broken, Model, Sent, text_of};

/// What was set: for everything, or for one conversation.
type Place = Option<(E164, Peer)>;

/// What users chose, by the number of their phone: its twin and its successor may have it
/// as well.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    modes: BTreeSet<(E164, Place, u8)>,
    fallbacks: BTreeSet<(E164, Place, u8)>,
}

/// A place in an order, as the engine's enums have none.
const fn mode(mode: Mode) -> u8 {
    mode as u8
}

const fn fallback(fallback: Fallback) -> u8 {
    fallback as u8
}

impl Chosen {
    fn has_mode(&self, phone: E164, place: (E164, Peer), wanted: Mode) -> bool {
        let has = |place| self.modes.contains(&(phone, place, mode(wanted)));
        has(None) || has(Some(place))
    }

    fn has_fallback(&self, phone: E164, place: (E164, Peer), wanted: Fallback) -> bool {
        let has = |place| self.fallbacks.contains(&(phone, place, fallback(wanted)));
        has(None) || has(Some(place))
    }
}

/// By SMS: in how many parts; `None`: it does not fit.
fn parts(text: &str) -> Option<u8> {
    let segments = segments(mark::plain(text), &TableSet::default()).ok()?;
    Some(segments.count)
}

impl Model {
    /// The user of the phone with this number sets something.
    pub fn chooses(&mut self, phone: E164, place: Place, settings: &Settings) {
        let chosen = &mut self.chosen;
        let modes = settings.mode.map(|set| (phone, place, mode(set)));
        chosen.modes.extend(modes);
        let fallbacks = settings.fallback.map(|set| (phone, place, fallback(set)));
        chosen.fallbacks.extend(fallbacks);
    }

    /// A daemon leaves a message to its user, for these reasons; `is_on_ip`: its own number
    /// is.
    pub fn asks_its_user(
        &self,
        (phone, is_on_ip): (E164, bool),
        record: &MessageRecord,
        because: &[&str],
        (config, now_ms): (&Config, u64),
    ) -> Result<(), Broken> {
        let text = text_of(record);
        let Some(sent) = self.messages.get(&text) else {
            return Ok(());
        };
        let place = (record.own, record.peer);
        let holds = |why: &&str| match *why {
            "the setting is to ask the user" => {
                self.chosen.has_fallback(phone, place, Fallback::Ask)
            }
            "the setting is never to fall back" => {
                self.chosen.has_fallback(phone, place, Fallback::Never)
            }
            "the setting is IP only" => self.chosen.has_mode(phone, place, Mode::IpOnly),
            "the user wished for IP" => self.was_given_to_ip(sent),
            "it is older than an hour: the user decides"
            | "it has waited for more than an hour: the user decides" => {
                let asked_ms = self.timing.asked_ms(&text);
                asked_ms.is_some_and(|asked_ms| now_ms >= asked_ms + ASK_AFTER_MS)
            }
            "it takes more parts than are sent unasked" => {
                parts(&text).is_some_and(|parts| parts > config.max_parts_unasked)
            }
            "the text is too long for an SMS" => parts(&text).is_none(),
            "the own number is not registered for IP" => !is_on_ip || sent.doubted,
            "only SMS reaches a name or a short code" => record.peer.number().is_none(),
            // What it waited for stays as it was.
            "no agent is there to tell what became of the SMS" => true,
            _ => false,
        };
        let promise = "what waits for its user has a cause";
        let all_hold = because.iter().all(holds);
        let of = format_args!("{text}: {}", because.join("; "));
        self.cases.expect(promise, all_hold, of)
    }

    fn was_given_to_ip(&self, sent: &Sent) -> bool {
        sent.wished == Some(Channel::Ip) || sent.asked_again > 0 || sent.doubted
    }
}
