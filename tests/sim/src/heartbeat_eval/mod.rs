//! How well an idle session is kept behind NATs that forget.
//!
//! The engine that ships, with its own store and its whole session code, uses the
//! same phone in the same worlds as two others: a fixed heartbeat of 60 s (the
//! same engine, by configuration), and the algorithm of Tencent's Mars, the strongest
//! open peer, which always goes by TCP.
//!
//! | module | owns |
//! |---|---|
//! | [`world`] | what is true: the NAT's limits by time, coverage holes, what people write |
//! | [`path`] | connections through that NAT; when the gateway could have reached the phone |
//! | [`client`] | what a phone's session sees and does |
//! | [`twine`], [`mars`] | who decides |
//! | [`run`] | one client in one world, and the score |
//! | [`check`] | what has to hold |
//! | [`report`], [`html`] | table, JSON, and a page with plots |
//!
//! # What is measured
//!
//! - *Unreachable*: time in which a message that the gateway sends would not arrive,
//!   seen from the gateway: the NAT has forgotten the connection, or there is none. Time
//!   in a coverage hole is not counted: nobody could.
//! - *Heartbeats*: times that a client acts because nothing happened. A `Ping` that
//!   follows a move or a connect is none, for any of them.
//! - *Bytes* on the network: exchanges, handshakes and validated paths, as
//!   measured on loopback (`daemon/src/transport`); messages are not counted.
//!
//! # Why more bytes than Mars
//!
//! In sum over all NATs 305 kB a day against Mars' 204; behind all but two of them 48 against
//! 117. The two keep neither UDP nor TCP for more than 30 or 60 s, and there Twine polls, every
//! two minutes and by UDP: each poll gets a new mapping, which the gateway validates, 3,956
//! bytes in all, nearly all of it three datagrams that RFC 9000 (section 8.2.1) wants padded; a
//! heartbeat has 187. Mars connects anew, some 400 times a day, for 2,361 bytes each.
//!
//! Twine could poll by new TLS sessions, 1,864 bytes each when resumed. It stays with QUIC: a
//! connection that may be gone would have to be given up first, and what waits would be heard
//! two round trips later each time. To poll more rarely saves more, and hears still later.
//!
//! # What is assumed
//!
//! A NAT forgets a connection when nothing passed it, in either direction, for its
//! limit. What the handset then sends by UDP gets a new mapping, which the gateway
//! validates; by TCP it is reset or vanishes, as the world's NAT does. A lost packet is
//! sent again after 1, 3, 7, 15, 31 and 63 s. The system notices half of all holes (after
//! 3 s, and their end after 1 s), and tells all clients alike. A round trip takes 150 ms.
//! Mars is taken as generous as its description allows: it connects again at once after a
//! session that lasted and after a change of network, and its `noop` right after each
//! connect is not counted.

pub mod check;
pub mod client;
pub mod html;
pub mod mars;
pub mod path;
pub mod report;
pub mod run;
pub mod twine;
pub mod world;

use check::{Row, Sum};
use client::Name;
use world::World;

/// Runs every client in every world. Returns a row for each kind of world.
#[must_use]
pub fn evaluate(worlds: &[World]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for world in worlds {
        let known = rows.iter().position(|row| row.world == world.name);
        let at = known.unwrap_or_else(|| {
            rows.push(Row {
                world: world.name.clone(),
                days: 0,
                hole_s: 0.0,
                sums: Name::ALL.map(Sum::new).into(),
                intervals: Vec::new(),
            });
            rows.len() - 1
        });
        let row = &mut rows[at];
        row.days += world.days;
        row.hole_s += world.hole_s();
        for (sum, name) in row.sums.iter_mut().zip(Name::ALL) {
            let score = run::run(name, world);
            sum.add(&score);
            if known.is_none() {
                row.intervals.push(score.idle);
            }
        }
    }
    rows
}
