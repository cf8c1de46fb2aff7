//! TP-Status (TS 23.040 9.2.3.15).

/// What became of a message: the octet as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub u8);

/// What a status means for whoever waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The transaction is completed.
    Completed,
    /// A passing error; the service centre still tries.
    StillTrying,
    /// A permanent error; the service centre does not try any more.
    Failed,
    /// A passing error; the service centre does not try any more.
    GivenUp,
}

impl Status {
    /// Delivered.
    pub const RECEIVED: Self = Self(0x00);

    /// What it means. Reserved values of the upper half are read as "service
    /// rejected", as the standard tells receivers.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self.0 {
            0x00..=0x1f => Outcome::Completed,
            0x20..=0x3f => Outcome::StillTrying,
            0x40..=0x5f => Outcome::Failed,
            0x60..=0xff => Outcome::GivenUp,
        }
    }

    /// Whether the message reached the recipient. "Forwarded, but delivery
    /// cannot be confirmed" (01) and "replaced" (02) did not say so.
    #[must_use]
    pub const fn is_received(self) -> bool {
        self.0 == Self::RECEIVED.0
    }

    /// Its name in the standard.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            0x00 => "received by the SME",
            0x01 => "forwarded by the SC to the SME, delivery cannot be confirmed",
            0x02 => "replaced by the SC",
            0x20 | 0x60 => "congestion",
            0x21 | 0x61 => "SME busy",
            0x22 | 0x62 => "no response from SME",
            0x23 | 0x63 => "service rejected",
            0x24 | 0x44 | 0x64 => "quality of service not available",
            0x25 | 0x65 => "error in SME",
            0x40 => "remote procedure error",
            0x41 => "incompatible destination",
            0x42 => "connection rejected by SME",
            0x43 => "not obtainable",
            0x45 => "no interworking available",
            0x46 => "validity period expired",
            0x47 => "deleted by originating SME",
            0x48 => "deleted by SC administration",
            0x49 => "message does not exist",
            0x10..=0x1f | 0x30..=0x3f | 0x50..=0x5f | 0x70..=0x7f => "specific to the SC",
            _ => "reserved",
        }
    }
}

impl Outcome {
    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::StillTrying => "temporary error, still trying",
            Self::Failed => "permanent error",
            Self::GivenUp => "temporary error, no longer trying",
        }
    }
}
