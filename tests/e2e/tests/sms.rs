//! SMS where there is no data, and what the telephony agent keeps.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where it fails"
)]

use std::time::Duration;

use tokio::time::{sleep, timeout};
use twine_control::pb;
use twine_e2e::{
    AMINA, BELLO, CHIDI, CHIDIS_NUMBER, Country, CountryPlan, LINKS, NUMBERS, PATIENCE,
    SECOND_NUMBER, TestApp, patiently,
};
use twine_lab::mobile::{CallId, SentSms, ShortMessage, Told};
use twine_lab::relay::LinkState;
use twine_lab::scenario::Process;

/// Of users without patience.
const IMPATIENT: &str = "[engine]\ntransports = [\"tls\"]\nheartbeat_ms = 1000\n\
    answer_timeout_ms = 500\nbackoff_first_ms = 50\nbackoff_max_ms = 200\n\
    no_link_patience_s = 0\naccept_patience_s = 1\ndelivery_patience_s = 1\ndoubt_patience_s = 1\n";

async fn all_links(country: &Country, handset: usize, state: LinkState) {
    for link in 0..LINKS.len() {
        country.world.handsets()[handset]
            .radio()
            .set_link(link, state)
            .await;
    }
}

/// What phones were asked to send, once it is so many.
async fn sent(country: &Country, count: usize) -> Vec<SentSms> {
    let found = timeout(PATIENCE, async {
        loop {
            let sent = country.world.network().sent();
            if sent.len() >= count {
                return sent;
            }
            sleep(Duration::from_millis(10)).await;
        }
    });
    let sent = found.await.unwrap();
    assert_eq!(sent.len(), count);
    sent
}

/// The next message in chidi's inbox.
async fn in_chidis_inbox(country: &Country) -> ShortMessage {
    let line = country.world.network().line(CHIDI);
    let told = patiently(line.next()).await;
    line.finish();
    match told {
        Told::Message(message) => message,
        other => panic!("no message: {other:?}"),
    }
}

async fn send_to(app: &TestApp, to: &str, text: &str, channel: pb::Channel) -> u64 {
    let request = pb::Send {
        to: to.to_owned(),
        text: text.to_owned(),
        token: text.chars().take(10).collect(),
        channel: channel.into(),
        ..Default::default()
    };
    patiently(app.client.ask(request)).await.unwrap().message_id
}

fn sms_state(message: &pb::Message) -> &str {
    message.sms.as_ref().map_or("", |sms| &sms.state)
}

/// Waits until the story of a message has this step.
async fn until_step(app: &TestApp, message_id: u64, step: &str) -> pb::StoryLine {
    let found = timeout(PATIENCE, async {
        loop {
            let story = app.client.ask(pb::Explain { message_id }).await.unwrap();
            if let Some(line) = story.lines.into_iter().find(|line| line.step == step) {
                return line;
            }
            sleep(Duration::from_millis(10)).await;
        }
    });
    found.await.unwrap()
}

#[tokio::test]
async fn without_data_sms_carries_on_and_with_data_copies_become_one_message() {
    let mut country = Country::start(IMPATIENT).await;
    let amina = country.app(AMINA).await;
    let bello = country.app(BELLO).await;
    let zero = amina.send("zero").await;
    assert_eq!(bello.received().await.text, "zero");
    // Its acknowledgement is not what is to vanish.
    amina
        .until_state(zero.message_id, pb::MessageState::Delivered)
        .await;

    // No data at all.
    all_links(&country, AMINA, LinkState::Down).await;
    let one = amina.send("one").await;
    let copy = bello.received().await;
    assert_eq!(
        (copy.text.as_str(), copy.came_by()),
        ("one", pb::Channel::Sms)
    );
    let why = until_step(&amina, one.message_id, "by_sms").await;
    assert_eq!(why.reasons, ["no link is up"]);
    assert_eq!(
        sent(&country, 1).await[0].text,
        "one",
        "there is no other copy"
    );
    let delivered = |message: &pb::Message| message.state() == pb::MessageState::Delivered;
    amina.until(one.message_id, delivered).await;
    all_links(&country, AMINA, LinkState::Up).await;
    let two = send_to(&amina, NUMBERS[BELLO], "two", pb::Channel::Ip).await;
    assert_eq!(bello.received().await.text, "two");
    amina.until(two, delivered).await;

    // What the gateway hands over now vanishes on its way, and nobody knows.
    all_links(&country, BELLO, LinkState::Cut).await;
    let three = amina.send("three").await;
    let copy = bello.received().await;
    assert_eq!(
        (copy.text.as_str(), copy.came_by()),
        ("three", pb::Channel::Sms)
    );
    let sms = sent(&country, 2).await;
    assert!(
        sms[1].text.starts_with("three "),
        "an uncertain copy is marked"
    );
    assert!(
        sms.iter()
            .all(|sms| sms.from.as_deref() == Some(NUMBERS[AMINA]))
    );

    // Data are back: the other copy comes, and is no other message.
    all_links(&country, BELLO, LinkState::Up).await;
    let merged = bello.event_of(pb::EventKind::Merged).await;
    assert_eq!(merged.message.unwrap().text, "three");
    amina.until(three.message_id, delivered).await;
    assert_eq!(bello.history().await, ["zero", "one", "two", "three"]);
}

#[tokio::test]
async fn a_message_waits_for_its_pinned_card_and_says_so_until_the_user_decides() {
    let mut country = Country::start_as(CountryPlan {
        config: IMPATIENT,
        second_card: true,
        ..CountryPlan::default()
    })
    .await;
    let amina = country.app(AMINA).await;
    let bello = country.app(BELLO).await;
    let second = country.world.handsets()[AMINA].plan().cards[1].clone();
    assert_eq!(second.plan.number, Some(SECOND_NUMBER.parse().unwrap()));
    let pin = pb::SetSettings {
        own: NUMBERS[AMINA].to_owned(),
        peer: NUMBERS[BELLO].to_owned(),
        iccid: second.plan.iccid.clone(),
        ..Default::default()
    };
    patiently(amina.client.ask(pin)).await.unwrap();
    country.world.move_card(AMINA, 1, None).await;
    let without = |status: &pb::Status| status.sims.len() == 1;
    country.status(AMINA, without).await;

    let waits = send_to(&amina, NUMBERS[BELLO], "one", pb::Channel::Sms).await;
    amina
        .until(waits, |message| message.waits_for == "sim")
        .await;
    let story = until_step(&amina, waits, "waits").await;
    assert!(story.text.contains("card"), "{story:?}");

    // By another channel, as the user decides.
    let by_ip = pb::Retry {
        message_id: waits,
        channel: pb::Channel::Ip.into(),
    };
    patiently(amina.client.ask(by_ip)).await.unwrap();
    let received = bello.received().await;
    assert_eq!(
        (received.text.as_str(), received.came_by()),
        ("one", pb::Channel::Ip)
    );
    sent(&country, 0).await;

    // The next one goes when the card is there again, and by no other.
    let waits = send_to(&amina, NUMBERS[BELLO], "two", pb::Channel::Sms).await;
    amina
        .until(waits, |message| message.waits_for == "sim")
        .await;
    country.world.move_card(AMINA, 1, Some(1)).await;
    assert_eq!(bello.received().await.text, "two");
    let sms = sent(&country, 1).await;
    assert_eq!(sms[0].iccid, second.plan.iccid);
}

#[tokio::test]
async fn what_waits_for_its_card_goes_by_ip_when_data_are_back() {
    let mut country = Country::start(IMPATIENT).await;
    let amina = country.app(AMINA).await;
    let bello = country.app(BELLO).await;
    all_links(&country, AMINA, LinkState::Down).await;
    country.world.move_card(AMINA, 0, None).await;
    let waits = send_to(&amina, NUMBERS[BELLO], "one", pb::Channel::Unspecified).await;
    amina
        .until(waits, |message| message.waits_for == "sim")
        .await;
    all_links(&country, AMINA, LinkState::Up).await;
    let received = bello.received().await;
    assert_eq!(
        (received.text.as_str(), received.came_by()),
        ("one", pb::Channel::Ip)
    );
    sent(&country, 0).await;
}

#[tokio::test]
async fn a_phone_without_twine_gets_and_sends_plain_sms() {
    let mut country = Country::start(IMPATIENT).await;
    let amina = country.app(AMINA).await;
    let long = "Niko njiani, nitafika baada ya nusu saa. ".repeat(6) + "Ngoja! 🎉";
    for text in ["Habari ya asubuhi!  ", &long] {
        let message_id = send_to(&amina, CHIDIS_NUMBER, text, pb::Channel::Unspecified).await;
        let shown = in_chidis_inbox(&country).await;
        assert_eq!(shown.text, text.trim_end(), "no mark, for there is no copy");
        assert_eq!(shown.from, NUMBERS[AMINA]);
        amina
            .until(message_id, |message| {
                message.state() == pb::MessageState::Delivered
            })
            .await;
    }
    let parts: Vec<_> = sent(&country, 2)
        .await
        .iter()
        .map(|sms| sms.parts)
        .collect();
    assert_eq!(parts[0], 1);
    assert!(parts[1] > 1);

    let line = country.world.network().line(CHIDI);
    let card = country.world.network().look(|mobile| {
        let card = mobile.slot(CHIDI, 0).card;
        card.map(|card| card.iccid.clone()).unwrap()
    });
    line.send(CallId(1), &card, NUMBERS[AMINA], &["Sawa ".to_owned()]);
    let received = amina.received().await;
    assert_eq!(
        (
            received.text.trim_end(),
            received.peer.as_str(),
            received.came_by()
        ),
        ("Sawa", CHIDIS_NUMBER, pb::Channel::Sms)
    );
}

#[tokio::test]
async fn an_agent_killed_between_call_and_result_leaves_it_unknown_and_sends_nothing_twice() {
    let mut country = Country::start_as(CountryPlan {
        config: IMPATIENT,
        sms_send_time: Duration::from_millis(500),
        ..CountryPlan::default()
    })
    .await;
    let amina = country.app(AMINA).await;
    let first = send_to(&amina, CHIDIS_NUMBER, "first", pb::Channel::Sms).await;
    sent(&country, 1).await;
    country.world.kill(Process::Agent(AMINA)).await.unwrap();
    assert_eq!(in_chidis_inbox(&country).await.text, "first");

    country.world.kill(Process::Daemon(AMINA)).await.unwrap();
    for process in [Process::Agent(AMINA), Process::Daemon(AMINA)] {
        country.world.start_again(process).await.unwrap();
    }
    let amina = country.app(AMINA).await;
    until_step(&amina, first, "part_unknown").await;
    // Another lane is free, and what it sends comes behind all that the agent was
    // asked for before.
    let second = send_to(&amina, NUMBERS[BELLO], "second", pb::Channel::Sms).await;
    amina
        .until(second, |message| sms_state(message) == "delivered")
        .await;
    let texts: Vec<_> = sent(&country, 2)
        .await
        .into_iter()
        .map(|sms| sms.text)
        .collect();
    assert_eq!(texts, ["first", "second"]);
    assert!(
        country.world.network().line(CHIDI).next_now().is_none(),
        "the first came once"
    );
}

#[tokio::test]
async fn what_comes_while_agent_and_daemon_are_dead_comes_once() {
    let mut country = Country::start(IMPATIENT).await;
    let amina = country.app(AMINA).await;
    // The agent spools it, and there is no daemon to take it; then the agent dies,
    // too, and the next one is kept by Android.
    country.world.kill(Process::Daemon(BELLO)).await.unwrap();
    let first = send_to(&amina, NUMBERS[BELLO], "first", pb::Channel::Sms).await;
    let delivered = |message: &pb::Message| sms_state(message) == "delivered";
    amina.until(first, delivered).await;
    country.world.kill(Process::Agent(BELLO)).await.unwrap();
    let second = send_to(&amina, NUMBERS[BELLO], "second", pb::Channel::Sms).await;
    amina.until(second, delivered).await;
    for process in [Process::Agent(BELLO), Process::Daemon(BELLO)] {
        country.world.start_again(process).await.unwrap();
    }
    let bello = country.app(BELLO).await;
    assert_eq!(bello.received_until("second").await, ["first", "second"]);

    // Told again, they are recognised.
    country.world.kill(Process::Agent(BELLO)).await.unwrap();
    country
        .world
        .start_again(Process::Agent(BELLO))
        .await
        .unwrap();
    send_to(&amina, NUMBERS[BELLO], "third", pb::Channel::Sms).await;
    assert_eq!(bello.received().await.text, "third");
    assert_eq!(bello.history().await, ["first", "second", "third"]);
}
