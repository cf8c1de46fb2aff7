//! What a scenario says of operators, cards and phones.

use std::time::Duration;

use twine_proto::E164;

/// Slots for cards in a phone.
pub const SLOTS: usize = 2;

/// A mobile operator with its SMS centre.
#[derive(Debug, Clone, PartialEq)]
pub struct OperatorPlan {
    /// Unique in its scenario.
    pub name: String,
    /// Mobile country code and network code, five or six digits.
    pub mcc_mnc: String,
    /// An SMS part to a card of the same operator, millionths of the currency.
    pub on_net_micros: u64,
    /// An SMS part to any other number, millionths of the currency.
    pub off_net_micros: u64,
    /// Its SMS centre.
    pub centre: CentrePlan,
}

/// How an SMS centre, and the radio in front of it, behave. Probabilities are
/// from 0 to 1 and count for each part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CentrePlan {
    /// What every part takes.
    pub delay: Duration,
    /// Further delay, exponentially distributed, has this mean.
    pub delay_mean: Duration,
    /// Nothing takes longer than this, [`hold`](Self::hold_for) apart.
    pub delay_most: Duration,
    /// Taken, and never delivered.
    pub loss: f64,
    /// Delivered twice.
    pub double: f64,
    /// Held back for [`hold_for`](Self::hold_for), so that others overtake it.
    pub hold: f64,
    /// See [`hold`](Self::hold).
    pub hold_for: Duration,
    /// No status report, though one was asked for.
    pub withhold_reports: f64,
    /// Between attempts at a phone that cannot be reached.
    pub retry_after: Duration,
    /// The network rejects it (result code 10).
    pub reject: f64,
    /// The radio layer asks the framework to try again (RIL code 101).
    pub radio_retry: f64,
    /// A part on the air, with 4G; 3G takes twice, 2G three times as long.
    pub send_time: Duration,
}

impl Default for CentrePlan {
    fn default() -> Self {
        Self {
            delay: Duration::from_millis(300),
            delay_mean: Duration::from_millis(300),
            delay_most: Duration::from_secs(5),
            loss: 0.0,
            double: 0.0,
            hold: 0.0,
            hold_for: Duration::from_secs(3),
            withhold_reports: 0.0,
            retry_after: Duration::from_secs(5),
            reject: 0.0,
            radio_retry: 0.0,
            send_time: Duration::from_millis(250),
        }
    }
}

/// A SIM card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardPlan {
    /// 19 or 20 digits, unique in its scenario.
    pub iccid: String,
    /// `None`: a card for data alone.
    pub number: Option<E164>,
    /// Index of its operator.
    pub operator: usize,
    /// Where it is at the start; `None`: beside the phone.
    pub slot: Option<usize>,
    /// Millionths of the currency; `None`: it never runs out.
    pub balance_micros: Option<u64>,
}

/// What of a network reaches a slot of a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Coverage {
    /// Nothing.
    None,
    /// GSM.
    G2,
    /// UMTS.
    G3,
    /// LTE.
    G4,
}

impl Coverage {
    /// The word in scenarios and on the timeline.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::G2 => "2g",
            Self::G3 => "3g",
            Self::G4 => "4g",
        }
    }

    /// How much longer a part is on the air than with 4G.
    pub(super) const fn slowness(self) -> u32 {
        match self {
            Self::None | Self::G4 => 1,
            Self::G3 => 2,
            Self::G2 => 3,
        }
    }
}

/// A phone in the mobile network, with Twine or without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhonePlan {
    /// Unique in its scenario.
    pub name: String,
    /// Its cards.
    pub cards: Vec<CardPlan>,
    /// By slot, at the start.
    pub coverage: [Coverage; SLOTS],
}
