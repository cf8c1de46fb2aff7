//! TP-Protocol-Identifier (TS 23.040 9.2.3.9).

/// The octet; 0 for ordinary messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ProtocolId(pub u8);

impl ProtocolId {
    /// An ordinary message.
    pub const DEFAULT: Self = Self(0);

    /// What it asks of the receiver, as the standard names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            0x00 => "short message",
            0x01..=0x1f => "short message, other protocol",
            0x20 => "telematic, implicit",
            0x21 => "telex",
            0x22 => "group 3 telefax",
            0x23 => "group 4 telefax",
            0x24 => "voice telephone",
            0x25 => "ERMES",
            0x26 => "national paging",
            0x27 => "videotex",
            0x28..=0x2c => "teletex",
            0x2d => "UCI",
            0x30 => "message handling facility",
            0x31 => "X.400",
            0x32 => "internet electronic mail",
            0x38..=0x3e => "telematic, service centre specific",
            0x3f => "GSM/UMTS mobile station",
            0x2e | 0x2f | 0x33..=0x37 => "telematic, reserved",
            0x40 => "short message type 0",
            0x41..=0x47 => "replace short message",
            0x48 => "device triggering",
            0x5e => "enhanced message service",
            0x5f => "return call message",
            0x7c => "ANSI-136 R-DATA",
            0x7d => "ME data download",
            0x7e => "ME de-personalization",
            0x7f => "(U)SIM data download",
            0xc0..=0xff => "service centre specific",
            _ => "reserved",
        }
    }

    /// The number of a replace short message type, 1 to 7: it replaces an
    /// earlier one with the same number and originator.
    #[must_use]
    pub const fn replaces(self) -> Option<u8> {
        match self.0 {
            0x41..=0x47 => Some(self.0 & 0b111),
            _ => None,
        }
    }
}
