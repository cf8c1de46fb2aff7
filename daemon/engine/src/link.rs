//! A way to the internet, as the telephony agent reports it.

use std::sync::Arc;

/// Name of a link, chosen by the agent, stable while it is up; at most
/// [`crate::limits::MAX_LINK_NAME_BYTES`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(pub Arc<str>);

/// One link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Which.
    pub id: LinkId,
    /// What it is.
    pub kind: LinkKind,
    /// It has an address.
    pub up: bool,
    /// The system has reached the internet over it.
    pub validated: bool,
    /// Data cost money.
    pub metered: bool,
    /// In a foreign network.
    pub roaming: bool,
    /// Of the radio, with cellular.
    pub generation: Generation,
    /// Stable name of the network, for what is learned about it.
    pub network: Arc<str>,
    /// How sockets are bound to it.
    pub binding: Binding,
    /// Received signal in dBm, if known.
    pub signal_dbm: Option<i32>,
    /// What the user's VPN has to do with it.
    pub vpn: Vpn,
}

/// What the user's VPN has to do with a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Vpn {
    /// Nothing.
    #[default]
    None,
    /// The link is the VPN.
    Tunnel,
    /// The user blocks connections without VPN, and this is not the VPN.
    LockedOut,
}

/// What a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkKind {
    /// Wireless LAN.
    Wifi,
    /// Wired.
    Ethernet,
    /// Mobile data of the SIM in this slot (0 or 1).
    Cellular {
        /// Which slot.
        sim_slot: u8,
    },
}

/// Radio generation, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Generation {
    /// Not known, or not a radio.
    Unknown,
    /// GPRS.
    G2,
    /// EDGE.
    G2_5,
    /// UMTS, HSPA.
    G3,
    /// LTE.
    G4,
    /// NR.
    G5,
}

/// How a socket is tied to a link.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Binding {
    /// Android: `Network.getNetworkHandle()`.
    pub network_handle: Option<u64>,
    /// Linux: local address.
    pub source_address: Option<std::net::IpAddr>,
    /// Linux: interface (`SO_BINDTODEVICE`).
    pub interface: Option<Arc<str>>,
}

/// A SIM card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sim {
    /// Slot, 0 or 1.
    pub slot: u8,
    /// Card number.
    pub iccid: twine_proto::Redacted<String>,
    /// MSISDN, if the card or the network told it.
    pub number: Option<twine_proto::E164>,
    /// Home network, five or six digits.
    pub mcc_mnc: Arc<str>,
    /// Usable.
    pub ready: bool,
    /// Registered in a network that carries SMS.
    pub in_service: bool,
    /// In a foreign network.
    pub roaming: bool,
    /// The user's default for SMS.
    pub default_sms: bool,
    /// The radio is off.
    pub radio_off: bool,
    /// Android's subscription id; 0: not known.
    pub subscription_id: i32,
    /// The operator's name.
    pub operator: Arc<str>,
    /// As to its mobile data; `None`: the agent does not know.
    pub data: Option<crate::links::SimData>,
}
