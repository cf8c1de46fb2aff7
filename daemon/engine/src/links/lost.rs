//! What is told of a link that was not chosen: no decision, but the other side of one.

use super::because::Because;

impl Because {
    /// In plain words, of a link that was not chosen: the class in which it lost.
    #[must_use]
    pub const fn lost_as_str(self) -> &'static str {
        match self {
            Self::NoLink | Self::VpnOnly => self.as_str(),
            Self::OnlyLink | Self::Incumbent => "it is no better than the one that was chosen",
            Self::Coverage => "it has no coverage",
            Self::Reach => "the internet was not reached over it",
            Self::Price => "its data cost more",
            Self::Health => "it answers unreliably",
            Self::Steadiness => "it loses coverage more often",
            Self::UsersChoice => "the user chose another card for data",
            Self::Speed => "it is of a slower generation",
            Self::Patience => "it is better, but has not been so for long enough",
        }
    }
}
