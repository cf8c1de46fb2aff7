//! How long a reason has to last before data move for it.

use std::time::Duration;

use super::because::Because;
use super::memory::Record;
use super::rank::{CardRank, Price};
use crate::link::Generation;
use crate::time::Instant;

/// What is dead is left at once: the modem has searched for some seconds before it told that
/// coverage is lost, and an answer has been missing for at least 5 s.
const DEAD: Duration = Duration::from_secs(1);
/// Android's own, for a card that is usable where the other is not
/// (`AutoDataSwitchController`, Android 16). Here also for what is no guess: coverage is
/// counted, and abroad is abroad.
const AVAILABILITY: Duration = Duration::from_secs(10);
/// Until data go home to the user's card though its bundle is spent and the configuration
/// says to avoid that. As long as most holes in a city.
const SPENT_HOME: Duration = Duration::from_secs(60);
/// A bundle that flips has to stay as it is for so long.
const PRICE: Duration = Duration::from_secs(60);
const HEALTH: Duration = Duration::from_secs(30);
/// Android's own patience with performance.
const SPEED: Duration = Duration::from_secs(120);
/// No gain but that it is what the user chose.
const USERS_CHOICE: Duration = Duration::from_secs(15 * 60);
/// Doublings, at most.
pub(super) const MAX_DOUBLINGS: u32 = 5;

/// How long `there` has to be better than `here`, for this reason, with this record of the
/// card that is there. `avoided`: its bundle is spent, which is to be avoided.
pub(super) fn patience(
    now: Instant,
    because: Because,
    there: &CardRank,
    here: &CardRank,
    avoided: bool,
    record: &Record,
) -> Duration {
    match because {
        Because::Coverage | Because::Reach if avoided => SPENT_HOME,
        Because::Coverage | Because::Reach if there.price < here.price => AVAILABILITY,
        Because::Coverage | Because::Reach => DEAD,
        Because::Price if here.price == Price::Roaming => AVAILABILITY,
        Because::Price => PRICE,
        Because::Steadiness => AVAILABILITY,
        // GPRS stalls at every change of cell, whatever the other card did.
        Because::UsersChoice if here.speed == Generation::G2 && there.speed > here.speed => {
            AVAILABILITY
        }
        Because::UsersChoice => doubled(USERS_CHOICE, record.strikes(now)),
        Because::Health => doubled(HEALTH, record.strikes(now)),
        // A fast card that failed is no gain.
        Because::Speed if record.strikes(now) > 0 => doubled(SPEED, MAX_DOUBLINGS),
        _ => SPEED,
    }
}

fn doubled(patience: Duration, times: u32) -> Duration {
    patience * (1 << times.min(MAX_DOUBLINGS))
}
