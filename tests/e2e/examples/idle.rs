//! Two daemons with live sessions and nothing to do, for `tools/check-idle`: an
//! argument for the transport, one for the heartbeat in milliseconds. Each line of
//! standard input is answered with the first one's session state and heartbeats.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a tool of tests: it stops where it fails"
)]

use std::io::BufRead as _;

use twine_control::pb::MessageState;
use twine_e2e::{AMINA, BELLO, Country, session};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (transport, heartbeat_ms) = (arguments.next().unwrap(), arguments.next().unwrap());
    let mut country = Country::start(&format!(
        "[engine]\ntransports = [\"{transport}\"]\nheartbeat_ms = {heartbeat_ms}\n"
    ))
    .await;
    for (from, to) in [(AMINA, BELLO), (BELLO, AMINA)] {
        let (sender, receiver) = (country.app(from).await, country.app(to).await);
        let sent = sender.send("Habari").await;
        receiver.received().await;
        sender
            .until_state(sent.message_id, MessageState::Delivered)
            .await;
    }
    loop {
        let asked = tokio::task::spawn_blocking(|| std::io::stdin().lock().lines().next());
        if asked.await.unwrap().is_none() {
            return;
        }
        let status = country.status(AMINA, |_| true).await;
        let heartbeats = status
            .counters
            .iter()
            .find(|counter| counter.name == "heartbeats");
        println!(
            "{} {}",
            session(&status).state,
            heartbeats.map_or(0, |counter| counter.value)
        );
    }
}
