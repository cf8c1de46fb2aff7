//! The session across links.
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use twine_control::pb::MessageState;
use twine_e2e::{AMINA, BELLO, Country, LINKS, session};
use twine_lab::relay::LinkState;

fn other(link: &str) -> &'static str {
    if link == LINKS[0] { LINKS[1] } else { LINKS[0] }
}

fn index(link: &str) -> usize {
    LINKS.iter().position(|name| *name == link).unwrap()
}

#[tokio::test]
async fn a_quic_session_moves_to_another_link_without_a_new_one() {
    let mut country = Country::start("[engine]\ntransports = [\"quic\"]\n").await;
    let amina = country.app(AMINA).await;
    let bello = country.app(BELLO).await;
    let before = country
        .status(AMINA, |status| session(status).state == "live")
        .await;
    let before = session(&before);

    let carrying = index(&before.link);
    country.world.handsets()[AMINA]
        .radio()
        .set_link(carrying, LinkState::Down)
        .await;
    let moved_to = other(&before.link);
    let after = country
        .status(AMINA, |status| {
            let session = session(status);
            session.state == "live" && session.link == moved_to
        })
        .await;
    let after = session(&after);
    assert_eq!(after.session_no, before.session_no);
    assert_eq!(after.transport, "quic");

    // And it carries both ways there.
    let sent = amina.send("from the other link").await;
    assert_eq!(bello.received().await.text, "from the other link");
    amina
        .until_state(sent.message_id, MessageState::Delivered)
        .await;
    bello.send("heard").await;
    assert_eq!(amina.received().await.text, "heard");
}

#[tokio::test]
async fn a_tls_session_starts_anew_on_another_link() {
    let mut country = Country::start(
        "[engine]\ntransports = [\"tls\"]\nbackoff_first_ms = 50\nbackoff_max_ms = 200\n",
    )
    .await;
    let amina = country.app(AMINA).await;
    let bello = country.app(BELLO).await;
    let before = country
        .status(AMINA, |status| session(status).state == "live")
        .await;
    let before = session(&before);
    country.world.handsets()[AMINA]
        .radio()
        .set_link(index(&before.link), LinkState::Down)
        .await;
    amina.send("while it changes").await;
    assert_eq!(bello.received().await.text, "while it changes");
    let moved_to = other(&before.link);
    let after = country
        .status(AMINA, |status| session(status).link == moved_to)
        .await;
    assert!(session(&after).session_no > before.session_no);
}

#[tokio::test]
async fn without_any_link_messages_wait() {
    let mut country = Country::start("").await;
    let amina = country.app(AMINA).await;
    let bello = country.app(BELLO).await;
    for link in 0..LINKS.len() {
        country.world.handsets()[AMINA]
            .radio()
            .set_link(link, LinkState::Down)
            .await;
    }
    // A session by QUIC lives on and waits for a link.
    country
        .status(AMINA, |status| session(status).link.is_empty())
        .await;
    amina.send("later").await;
    let waiting = country.status(AMINA, |_| true).await;
    assert_eq!(waiting.undelivered, 1, "{waiting:?}");

    country.world.handsets()[AMINA]
        .radio()
        .set_link(1, LinkState::Up)
        .await;
    assert_eq!(bello.received().await.text, "later");
}
