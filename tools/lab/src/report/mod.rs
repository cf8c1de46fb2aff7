//! What a run leaves behind: a scoreboard for the terminal, JSON for programs,
//! and a page with plots for people.

mod chart;
mod html;
mod json;
mod score;

pub use html::html;
pub use json::json;
pub use score::scoreboard;

/// What the relay does not do; every report says it.
pub const NOT_SHAPED: &str = "TCP ends at the relay: its bytes are delayed and queued like \
    datagrams, but connecting takes no time and no TCP segment is lost, so TLS looks better \
    here than on the air.";
