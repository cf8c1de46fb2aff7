//! Two SIMs, many networks: how well a policy decides.
//!
//! The policy of the engine ([`twine_engine::links`], the code that ships) and
//! Android's own (AutoDataSwitchController) use the same phone in the same
//! worlds. What a phone does not tell, no policy sees: an [`phone::Observation`]
//! holds service, radio technology and signal level of both cards, links and whether
//! the system validated them, and what became of the session's own traffic.
//! The truth ([`world::Tick`]) stays with the phone.
//!
//! | module | owns |
//! |---|---|
//! | [`world`] | what is true at each moment, in one table per world |
//! | [`worlds`] | the worlds: synthetic, by profile, by recorded trace |
//! | [`radio`] | how coverage, level and load of one card go on |
//! | [`profile`], [`trace`] | figures of networks |
//! | [`phone`] | one modem, one data card at a time, validation, the price of a move |
//! | [`android`], [`policy`] | who decides |
//! | [`run`] | one policy in one world: the session's traffic, and the score |
//! | [`check`] | what has to hold |
//! | [`report`], [`html`] | table, JSON, and a page with plots |
//!
//! # What is measured
//!
//! - *Without data*: time in which the link that the session uses carries
//!   nothing: no coverage, a move under way, a network that is up but dead, or the
//!   stalls of a loaded cell. Twine runs as it is shipped and never moves data to a card
//!   whose bundle is spent; time in which nothing else would have carried is left out, for
//!   all policies alike.
//! - *Ratio*: our time without data to that of the best baseline in the same world. A few
//!   worlds weigh most in the sum; the median of the ratios says how it is in an ordinary one.
//! - *Latency* of a message, from when it is written until it is answered.
//! - *Switches* of the data card, and *ping-pongs*: switches back within five
//!   minutes. Changes between Wi-Fi and mobile data are not switches.
//! - *Cost*: bytes of the session and of the phone's other traffic over mobile
//!   data, at the price of their card.
//!
//! What is assumed about phones, for all policies alike: a modem notices lost
//! coverage after 2 to 6 s; moving data takes 1 to 7 s without any; a move is validated
//! within 5 s, or data go back; the system notices after a minute that a validated
//! network is dead, if its probe does not get through, and looks again every 30 s; asked to
//! look, it takes ten seconds to find that.
//! Android's recovery of data stalls (restarting the radio) is left out. While the gateway is
//! away all else works, so that is no time without data; but nothing should move for it.
//!
//! # Figures
//!
//! 27 worlds of 20 seeds, two hours each, and four of recordings, an hour each: 182,404 s
//! without data against 462,961 s of the best baseline in sum, Android with performance
//! switching (0.39), with 5,545 switches against its 5,553. In the median world it is 0.83: most of
//! the sum is from worlds in which a network is up and dead (a loaded cell, a blocked bundle,
//! captive Wi-Fi), which Android's switching does not see. In those of recordings there is next to
//! nothing to choose: 1.00 in each. Seeds 20 to 99, which no figure was chosen by: the check holds,
//! with 0.39 to 0.40 in sum and 0.82 to 0.83 in the median world.
//!
//! Latency, the 99th percentile, is worse than that of the best baseline in five of 27 worlds.
//! In "bundle spent, dear", 35 s against 14 s: where only the user's card has coverage, whose
//! bundle is spent, data go back to it after a minute, the baseline's after ten seconds. In "both
//! flap", 25 s against 19 s: it moves eight times as often. In "stadium", 130 s against 115 s: both cells
//! let through a few seconds a minute, and a move has to validate its path in one such stretch before
//! the message goes in another. In both worlds without a gateway by less than 0.3 s in 470.

pub mod android;
pub mod check;
pub mod html;
pub mod phone;
pub mod policy;
pub mod profile;
pub mod radio;
pub mod report;
pub mod run;
pub mod trace;
pub mod world;
pub mod worlds;

use check::{Row, Sum};
use policy::Name;
use run::Score;
use world::World;

/// Runs every policy in every world. Returns a row for each kind of world, and
/// the runs of each kind's first seed, for plots.
#[must_use]
pub fn evaluate(worlds: &[World]) -> (Vec<Row>, Vec<Vec<Score>>) {
    let mut rows: Vec<Row> = Vec::new();
    let mut plots = Vec::new();
    for world in worlds {
        let scores: Vec<Score> = Name::ALL
            .iter()
            .map(|name| run::run(*name, world))
            .collect();
        let known = rows.iter().position(|row| row.world == world.name);
        let at = known.unwrap_or_else(|| {
            rows.push(Row {
                world: world.name.clone(),
                about: world.about.clone(),
                seconds: 0.0,
                hopeless_s: 0.0,
                declined_s: 0.0,
                sums: Name::ALL.map(Sum::new).into(),
            });
            plots.push(Vec::new());
            rows.len() - 1
        });
        let row = &mut rows[at];
        row.seconds += world.seconds();
        row.hopeless_s += world.hopeless_s();
        row.declined_s += world.declined_s();
        for (sum, score) in row.sums.iter_mut().zip(&scores) {
            sum.add(score);
        }
        if known.is_none() {
            plots[at] = scores;
        }
    }
    (rows, plots)
}
