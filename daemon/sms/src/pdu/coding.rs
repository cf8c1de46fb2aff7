//! TP-Data-Coding-Scheme (TS 23.038, 4).

/// The octet that says how user data is coded. Kept as it is, reserved codings
/// included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct DataCoding(pub u8);

/// What the user data consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataAlphabet {
    /// Septets.
    Gsm7,
    /// Octets that are no text.
    Octets,
    /// 16-bit units, high octet first.
    Ucs2,
}

/// The coding group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodingGroup {
    /// 00xx: general.
    General,
    /// 01xx: general, to be deleted after reading.
    AutomaticDeletion,
    /// 1000 to 1011: reserved; read as the default alphabet.
    Reserved,
    /// 1100: message waiting; the text may be discarded.
    WaitingDiscard,
    /// 1101 and 1110: message waiting; the text is stored.
    WaitingStore,
    /// 1111: coding and class.
    CodingAndClass,
}

/// Where the phone puts a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageClass {
    /// Shown at once, not stored.
    Flash,
    /// For the phone.
    MobileEquipment,
    /// For the SIM.
    Sim,
    /// For an attached terminal.
    TerminalEquipment,
}

/// An indication that something waits at the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Set, or cleared.
    pub active: bool,
    /// What waits.
    pub kind: WaitingKind,
}

/// What waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitingKind {
    /// Voice mail.
    Voicemail,
    /// Fax.
    Fax,
    /// Electronic mail.
    Email,
    /// Something else.
    Other,
}

impl DataCoding {
    /// Text in the default alphabet, or with the shift tables that the header
    /// names.
    pub const GSM7: Self = Self(0x00);
    /// Octets.
    pub const OCTETS: Self = Self(0x04);
    /// Text in UCS-2.
    pub const UCS2: Self = Self(0x08);

    /// Its group.
    #[must_use]
    pub const fn group(self) -> CodingGroup {
        match self.0 >> 4 {
            0b0000..=0b0011 => CodingGroup::General,
            0b0100..=0b0111 => CodingGroup::AutomaticDeletion,
            0b1000..=0b1011 => CodingGroup::Reserved,
            0b1100 => CodingGroup::WaitingDiscard,
            0b1101 | 0b1110 => CodingGroup::WaitingStore,
            _ => CodingGroup::CodingAndClass,
        }
    }

    /// What the user data consists of, before compression. Reserved codings are
    /// read as the default alphabet, as the standard tells receivers.
    #[must_use]
    pub const fn alphabet(self) -> DataAlphabet {
        match self.group() {
            CodingGroup::General | CodingGroup::AutomaticDeletion => match self.0 >> 2 & 0b11 {
                0b01 => DataAlphabet::Octets,
                0b10 => DataAlphabet::Ucs2,
                _ => DataAlphabet::Gsm7,
            },
            CodingGroup::WaitingStore if self.0 >> 4 == 0b1110 => DataAlphabet::Ucs2,
            CodingGroup::CodingAndClass if self.0 & 0b100 != 0 => DataAlphabet::Octets,
            _ => DataAlphabet::Gsm7,
        }
    }

    /// Whether the group, or the alphabet within it, is reserved.
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        match self.group() {
            CodingGroup::Reserved => true,
            CodingGroup::General | CodingGroup::AutomaticDeletion => self.0 >> 2 & 0b11 == 0b11,
            _ => false,
        }
    }

    /// Whether the user data is compressed (TS 23.042). Compressed data is kept
    /// as octets.
    #[must_use]
    pub const fn compressed(self) -> bool {
        self.0 >> 7 == 0 && self.0 & 0x20 != 0
    }

    /// Whether the user data is counted and packed as septets.
    #[must_use]
    pub const fn is_septets(self) -> bool {
        matches!(self.alphabet(), DataAlphabet::Gsm7) && !self.compressed()
    }

    /// The message class, if one is given.
    #[must_use]
    pub const fn class(self) -> Option<MessageClass> {
        let given = match self.group() {
            CodingGroup::General | CodingGroup::AutomaticDeletion => self.0 & 0x10 != 0,
            CodingGroup::CodingAndClass => true,
            _ => false,
        };
        if !given {
            return None;
        }
        Some(match self.0 & 0b11 {
            0 => MessageClass::Flash,
            1 => MessageClass::MobileEquipment,
            2 => MessageClass::Sim,
            _ => MessageClass::TerminalEquipment,
        })
    }

    /// The waiting indication, if it is one.
    #[must_use]
    pub const fn waiting(self) -> Option<Waiting> {
        match self.group() {
            CodingGroup::WaitingDiscard | CodingGroup::WaitingStore => Some(Waiting {
                active: self.0 & 0b1000 != 0,
                kind: match self.0 & 0b11 {
                    0 => WaitingKind::Voicemail,
                    1 => WaitingKind::Fax,
                    2 => WaitingKind::Email,
                    _ => WaitingKind::Other,
                },
            }),
            _ => None,
        }
    }
}

impl DataAlphabet {
    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gsm7 => "GSM 7-bit",
            Self::Octets => "8-bit data",
            Self::Ucs2 => "UCS-2",
        }
    }
}

impl CodingGroup {
    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::AutomaticDeletion => "automatic deletion",
            Self::Reserved => "reserved",
            Self::WaitingDiscard => "message waiting, discard",
            Self::WaitingStore => "message waiting, store",
            Self::CodingAndClass => "data coding and class",
        }
    }
}

impl MessageClass {
    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flash => "0 (flash)",
            Self::MobileEquipment => "1 (phone)",
            Self::Sim => "2 (SIM)",
            Self::TerminalEquipment => "3 (terminal)",
        }
    }
}

impl WaitingKind {
    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Voicemail => "voice mail",
            Self::Fax => "fax",
            Self::Email => "email",
            Self::Other => "other",
        }
    }
}
