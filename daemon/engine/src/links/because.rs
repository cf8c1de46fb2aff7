//! Why a link carries the session, or why mobile data should move: every
//! decision of this folder has one of these.

/// The class that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Because {
    /// Nothing is up.
    NoLink,
    /// The user blocks connections without VPN.
    VpnOnly,
    /// There is no choice.
    OnlyLink,
    /// The other has no coverage.
    Coverage,
    /// The internet was reached over it, and not over the other.
    Reach,
    /// Its data are cheaper.
    Price,
    /// Its traffic is answered more reliably.
    Health,
    /// It loses coverage less often.
    Steadiness,
    /// The user made this card the one for data.
    UsersChoice,
    /// Its radio is of a faster generation.
    Speed,
    /// It carried the session already.
    Incumbent,
    /// It would be better, but has not been for long enough.
    Patience,
}

impl Because {
    /// In plain words, of the one that was chosen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoLink => "no link is up",
            Self::VpnOnly => "the user blocks connections without VPN",
            Self::OnlyLink => "it is the only link",
            Self::Coverage => "the other card has no coverage",
            Self::Reach => "it reaches the internet",
            Self::Price => "its data cost less",
            Self::Health => "the other answers unreliably",
            Self::Steadiness => "it loses coverage less often",
            Self::UsersChoice => "the user chose this card for data",
            Self::Speed => "it is of a faster generation",
            Self::Incumbent => "it carried the session already",
            Self::Patience => "what is better has not been so for long enough",
        }
    }
}
