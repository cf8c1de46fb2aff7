//! SMS as it is in the field, without Twine in it: an operator's SMS centre,
//! Android's telephony on a phone, and the telephony agent with its journal and
//! spool.
//!
//! Plain and deterministic: each part is handed the time and the dice, and says
//! what follows and when ([`Later`]). Never decides what is sent, or what copies are
//! one message: that is the engine's.
//!
//! ```text
//!  engine ── Order ──▶ Agent ── Call ──▶ Framework ── Part ──▶ Centre ── Arrival ──▶ Framework
//!    ▲                 journal,          rate limit,            loss, delay,            duplicates,
//!    └─ TelephonyEvent ─ spool ◀─ result ─ radio, card          copies, changes         parts ─▶ Agent
//! ```

pub mod agent;
pub mod centre;
pub mod framework;
pub mod phone;
pub mod plan;

use twine_engine::parts::AttemptId;
use twine_proto::E164;

/// Something that follows, at its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Later<T> {
    /// World time, milliseconds.
    pub at_ms: u64,
    /// What.
    pub what: T,
}

/// What goes wrong with SMS in one world; 0: never.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SmsFaults {
    /// One part in so many is lost on its way.
    pub lost_one_in: u64,
    /// One part in so many comes twice, with one SCTS.
    pub twice_one_in: u64,
    /// One part in so many comes twice, the second with an SCTS of its own.
    pub twice_later_one_in: u64,
    /// Longest time a part takes, milliseconds: more than the pause between two
    /// messages turns them round.
    pub delay_max_ms: u64,
    /// One delivery report in so many is missing.
    pub no_report_one_in: u64,
    /// One part in so many loses its trailing spaces.
    pub trimmed_one_in: u64,
    /// One part in so many has no-break spaces for spaces.
    pub no_break_one_in: u64,
    /// One part in so many has a line of the operator's behind it.
    pub advert_one_in: u64,
    /// One part in so many is refused with any code, though all is well.
    pub part_refused_one_in: u64,
    /// One result in so many never comes to the agent; the part leaves.
    pub no_result_one_in: u64,
    /// Longest time the radio takes for a part, milliseconds.
    pub radio_max_ms: u64,
    /// One message in so many comes with its sender in national form.
    pub national_one_in: u64,
}

/// One part of a message on its way to the centre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The sending card's number.
    pub from: E164,
    /// As the recipient's phone is told it (TP-OA).
    pub originator: String,
    /// To.
    pub to: E164,
    /// What the phone knows it by.
    pub sent_as: (AttemptId, u8),
    /// Of the parts of one message (TS 23.040, 9.2.3.24.1).
    pub reference: u16,
    /// How many there are.
    pub count: u8,
    /// Its text.
    pub text: String,
}

/// One part on its way to a phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// As it was submitted, perhaps with another text.
    pub part: Part,
    /// When the centre took it, seconds since 1970: SCTS has no more.
    pub scts_s: u64,
    /// When the centre gives up, milliseconds.
    pub until_ms: u64,
}
