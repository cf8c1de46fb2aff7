//! What a phone knows of a card's mobile data, whether or not the card carries
//! data now.

use crate::link::Generation;

/// One card, as to its data. Android tells all of it for both cards at any
/// time: `ServiceState`, `SignalStrength`, `TelephonyManager.isDataEnabled`,
/// `SubscriptionPlan`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimData {
    /// Slot, 0 or 1.
    pub slot: u8,
    /// Where its radio is registered.
    pub service: Service,
    /// Of the cell it camps on.
    pub generation: Generation,
    /// Android's signal level, 0 to 4, if known.
    pub signal_level: Option<u8>,
    /// What the user allows.
    pub allowance: Allowance,
    /// Whether its data are paid for.
    pub bundle: Bundle,
    /// The user's own choice for data.
    pub default_data: bool,
    /// The phone's data go by this card, though it may have no link.
    pub carries_data: bool,
}

/// Where a card's radio is registered for data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Service {
    /// Nowhere.
    #[default]
    None,
    /// In a foreign network.
    Roaming,
    /// In its own.
    Home,
}

/// What the user allows a card's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Allowance {
    /// The agent does not know: data are never asked for there.
    #[default]
    Unknown,
    /// Switched off.
    Off,
    /// At home only.
    AtHome,
    /// Abroad, too.
    RoamingToo,
}

/// Whether a card's data are paid for in advance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Bundle {
    /// The bundle is used up: data cost the dear rate, or are blocked.
    Spent,
    /// The agent does not know.
    #[default]
    Unknown,
    /// Data are left.
    Within,
}

impl SimData {
    /// Whether the user lets this card carry data where it is now.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        match self.allowance {
            Allowance::Unknown | Allowance::Off => false,
            Allowance::AtHome => self.service != Service::Roaming,
            Allowance::RoamingToo => true,
        }
    }
}
