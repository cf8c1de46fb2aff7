//! Why a message went the way it went: the lines that operations left behind.
//!
//! A line holds a step, a figure and reasons; never a number or a text.

use twine_engine::message::{Channel, MessageId, WaitsFor};
use twine_engine::time::WallTime;

use crate::codes;
use crate::error::StoreError;
use crate::limits::MAX_STORY_LINES;
use crate::rows::{self, Columns};
use crate::sql;
use crate::store::SqliteStore;

macro_rules! steps {
    ($($(#[$doc:meta])* $name:ident = $code:literal $word:literal,)*) => {
        /// What happened. The codes are stored; they keep their meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Step {
            $($(#[$doc])* $name = $code,)*
        }

        impl Step {
            /// From its code.
            pub const fn from_code(code: i64) -> Option<Self> {
                Some(match code {
                    $($code => Self::$name,)*
                    _ => return None,
                })
            }

            /// A stable word for programs.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

steps! {
    /// It was stored, and did not leave at once.
    Stored = 0 "stored",
    /// It waits; the figure is what for, as in `message.waits`.
    Waits = 1 "waits",
    /// Something speaks against IP.
    NotByIp = 2 "not_by_ip",
    /// It went to IP.
    ByIp = 3 "by_ip",
    /// The gateway was asked for it back.
    AskedBack = 4 "asked_back",
    /// The gateway gave it back.
    Revoked = 5 "revoked",
    /// The gateway cannot tell.
    InDoubt = 6 "in_doubt",
    /// The gateway says that it was delivered already.
    DeliveredAlready = 7 "delivered_already",
    /// The gateway took it, late.
    Accepted = 8 "accepted",
    /// IP delivered it, late.
    Delivered = 9 "delivered",
    /// IP cannot deliver it.
    IpFailed = 10 "ip_failed",
    /// It went into the queue for SMS; the figure is 1 if it is marked.
    BySms = 11 "by_sms",
    /// It was taken out of that queue again.
    Recalled = 12 "recalled",
    /// It was handed to the telephony agent in so many parts.
    Handed = 13 "handed",
    /// A part left the phone.
    PartSent = 14 "part_sent",
    /// A part was refused; the figure is the code.
    PartRefused = 15 "part_refused",
    /// What became of a part is not known.
    PartUnknown = 16 "part_unknown",
    /// The operator delivered a part.
    PartDelivered = 17 "part_delivered",
    /// The operator gave a part up.
    PartUndeliverable = 18 "part_undeliverable",
    /// The time of an unknown result was over.
    Unconfirmed = 19 "unconfirmed",
    /// It will not go by SMS.
    NoSms = 20 "no_sms",
    /// The user took it back.
    Cancelled = 21 "cancelled",
    /// The user sent it again, or decided; the figure is the wish.
    Retried = 22 "retried",
    /// Its validity is over.
    ValidityOver = 23 "validity_over",
    /// It is a copy; the figure is the message that is shown.
    Merged = 24 "merged",
    /// It has a copy, the figure's message, which is not shown.
    HasCopy = 25 "has_copy",
    /// It is not the same as the figure's message after all.
    Unmerged = 26 "unmerged",
    /// It was moved to its place in its conversation.
    Moved = 27 "moved",
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoryLine {
    /// When; display only.
    pub wall: WallTime,
    /// What.
    pub step: Step,
    /// With which figure.
    pub detail: Option<i64>,
    /// Why, in plain words.
    pub because: Vec<String>,
}

impl StoryLine {
    /// With [`Step::Waits`]: what for.
    pub fn waits(&self) -> Option<WaitsFor> {
        let code = self.detail.filter(|_| self.step == Step::Waits)?;
        codes::waits_from(code)
    }

    /// With [`Step::Retried`]: the user's wish.
    pub fn wish(&self) -> Option<Channel> {
        let code = self.detail.filter(|_| self.step == Step::Retried)?;
        codes::channel_from(code)
    }
}

impl SqliteStore {
    /// The story of an outgoing message, oldest first, of a long one the last
    /// [`MAX_STORY_LINES`].
    pub fn story(&self, id: MessageId) -> Result<Vec<StoryLine>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql::STORY)?;
        let lines = statement.query_map((rows::int(id.0), rows::size(MAX_STORY_LINES)), |row| {
            Ok(StoryLine {
                wall: WallTime(row.unsigned(0)?),
                step: row.code(1, Step::from_code)?,
                detail: row.get(2)?,
                because: row
                    .get::<_, Option<String>>(3)?
                    .map(|because| because.split('\n').map(str::to_owned).collect())
                    .unwrap_or_default(),
            })
        })?;
        let mut lines: Vec<_> = lines.collect::<rusqlite::Result<_>>()?;
        lines.reverse();
        Ok(lines)
    }
}
