//! What users choose about SMS and IP, and what technicians are told of it, with the real
//! programs.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where it fails"
)]

use tokio::time::{sleep, timeout};
use twine_control::{Client, ClientError, pb};
use twine_e2e::{
    AMINA, BELLO, CHIDIS_NUMBER, Country, CountryPlan, LINKS, NUMBERS, PATIENCE, SECOND_NUMBER,
    TestApp, patiently, program, run,
};
use twine_lab::relay::LinkState;

/// Of users without patience.
const IMPATIENT: &str = "[engine]\ntransports = [\"tls\"]\nheartbeat_ms = 1000\n\
    answer_timeout_ms = 500\nbackoff_first_ms = 50\nbackoff_max_ms = 200\n\
    no_link_patience_s = 0\naccept_patience_s = 1\ndelivery_patience_s = 1\ndoubt_patience_s = 1\n";

/// As many characters as an SMS of 255 parts has.
const LONGEST: usize = 255 * 153;

async fn all_links(country: &Country, handset: usize, state: LinkState) {
    for link in 0..LINKS.len() {
        let radio = country.world.handsets()[handset].radio();
        radio.set_link(link, state).await;
    }
}

fn settings(peer: &str, mode: pb::Mode, fallback: pb::Fallback) -> pb::SetSettings {
    pb::SetSettings {
        own: NUMBERS[AMINA].to_owned(),
        peer: peer.to_owned(),
        mode: mode.into(),
        fallback: fallback.into(),
        ..Default::default()
    }
}

async fn choose(app: &TestApp, mode: pb::Mode, fallback: pb::Fallback) {
    let set = settings(NUMBERS[BELLO], mode, fallback);
    patiently(app.client.ask(set)).await.unwrap();
}

/// What `twinectl` says, on whichever of its outputs.
async fn twinectl(country: &Country, handset: usize, arguments: &[&str]) -> String {
    let socket = country.world.handsets()[handset].socket();
    let mut all = vec!["--socket", socket.to_str().unwrap()];
    all.extend(arguments);
    let output = patiently(run(&program("twinectl"), &all)).await;
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

/// Until `twinectl explain` says all of these, in this order.
async fn explained(country: &Country, handset: usize, id: u64, wanted: &[&str]) -> String {
    let id = id.to_string();
    let mut last = String::new();
    let found = timeout(PATIENCE, async {
        loop {
            last = twinectl(country, handset, &["explain", &id]).await;
            let mut rest = last.as_str();
            let all = wanted.iter().all(|words| match rest.split_once(words) {
                Some((_, behind)) => {
                    rest = behind;
                    true
                }
                None => false,
            });
            if all {
                return;
            }
            sleep(std::time::Duration::from_millis(50)).await;
        }
    });
    let found = found.await.is_ok();
    assert!(found, "never {wanted:?}:\n{last}");
    last
}

async fn refused(client: &Client, request: impl twine_control::Ask) -> String {
    match patiently(client.ask(request)).await {
        Err(ClientError::Refused(refusal)) => refusal.message,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was not refused"),
    }
}

#[tokio::test]
async fn each_setting_of_a_conversation_decides_and_explain_says_so() {
    let mut country = Country::start(IMPATIENT).await;
    let amina = country.app(AMINA).await;
    let bello = country.app(BELLO).await;
    all_links(&country, AMINA, LinkState::Down).await;

    choose(&amina, pb::Mode::IpOnly, pb::Fallback::Unspecified).await;
    let said = twinectl(&country, AMINA, &["preview", NUMBERS[BELLO], "one"]).await;
    let expected = "now         it would not go yet\n\
                    because     the setting is IP only\n            no link is up\n";
    assert!(said.starts_with(expected), "{said}");
    let one = amina.send("one").await.message_id;
    let never = [
        "does not go by SMS",
        "the setting is IP only",
        "now: queued",
    ];
    explained(&country, AMINA, one, &never).await;

    choose(&amina, pb::Mode::Unspecified, pb::Fallback::Never).await;
    let two = amina.send("two").await.message_id;
    let never = ["does not go by SMS", "the setting is never to fall back"];
    explained(&country, AMINA, two, &never).await;

    // Cancelled before it left: by no channel.
    let id = two.to_string();
    twinectl(&country, AMINA, &["cancel", &id]).await;
    let cancelled = [
        "#2 -> +2348031234567 -  two",
        "taken back by the user",
        "now: cancelled",
    ];
    explained(&country, AMINA, two, &cancelled).await;

    // By the other channel, as its user decides.
    let id = one.to_string();
    twinectl(&country, AMINA, &["retry", &id, "--by", "sms"]).await;
    assert_eq!(bello.received().await.text, "one");
    let resent = [
        "the user had it sent by SMS",
        "goes by SMS",
        "the user wished for SMS",
    ];
    explained(&country, AMINA, one, &resent).await;

    choose(&amina, pb::Mode::Unspecified, pb::Fallback::Ask).await;
    let three = amina.send("three").await.message_id;
    let asked = [
        "waits for the user to decide",
        "the setting is to ask the user",
    ];
    explained(&country, AMINA, three, &asked).await;
    let id = three.to_string();
    twinectl(&country, AMINA, &["retry", &id, "--by", "sms"]).await;
    assert_eq!(bello.received().await.text, "three");

    // The card does not roam.
    choose(&amina, pb::Mode::Unspecified, pb::Fallback::NotWhenRoaming).await;
    let four = amina.send("four").await.message_id;
    assert_eq!(bello.received().await.text, "four");
    explained(&country, AMINA, four, &["goes by SMS", "no link is up"]).await;

    all_links(&country, AMINA, LinkState::Up).await;
    choose(&amina, pb::Mode::SmsOnly, pb::Fallback::Unspecified).await;
    let five = amina.send("five").await.message_id;
    let copy = bello.received().await;
    assert_eq!(
        (copy.text.as_str(), copy.came_by()),
        ("five", pb::Channel::Sms)
    );
    let why = ["goes by SMS", "the setting is SMS only", "delivered, since"];
    explained(&country, AMINA, five, &why).await;
}

#[tokio::test]
async fn both_sides_explain_copies_that_became_one() {
    let mut country = Country::start(IMPATIENT).await;
    let amina = country.app(AMINA).await;
    let bello = country.app(BELLO).await;
    let zero = amina.send("zero").await;
    amina
        .until_state(zero.message_id, pb::MessageState::Delivered)
        .await;
    bello.received().await;
    all_links(&country, BELLO, LinkState::Cut).await;
    let sent = amina.send("one").await.message_id;
    let by_sms = bello.received().await;
    assert_eq!(by_sms.came_by(), pb::Channel::Sms);
    all_links(&country, BELLO, LinkState::Up).await;
    let merged = bello.event_of(pb::EventKind::Merged).await.message.unwrap();

    let fell_back = [
        "goes by IP",
        "the gateway is asked to give it back",
        "goes by SMS, marked",
        "the operator delivered a part",
        "the gateway says that it was delivered before it was asked back",
        "by ip+sms",
        "card of its SMS: 8900002547123456780",
    ];
    explained(&country, AMINA, sent, &fell_back).await;
    let copy = format!("#{} is a copy of it: shown once", merged.message_id);
    explained(
        &country,
        BELLO,
        by_sms.message_id,
        &["received by SMS", &copy],
    )
    .await;
    let root = format!("is a copy of #{}, which is shown", by_sms.message_id);
    explained(
        &country,
        BELLO,
        merged.message_id,
        &["received by IP", &root],
    )
    .await;
}

#[tokio::test]
async fn an_empty_balance_is_told_and_tried_again_when_there_is_one() {
    let country = Country::start(IMPATIENT).await;
    let card = country.world.handsets()[AMINA].plan().cards[0].clone();
    country
        .world
        .network()
        .set_balance(&card.plan.iccid, Some(0));
    let said = twinectl(&country, AMINA, &["send", CHIDIS_NUMBER, "no money"]).await;
    let id: u64 = said
        .trim_start_matches('#')
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let failed = ["could not send a part, code 1", "no balance", "now: failed"];
    explained(&country, AMINA, id, &failed).await;
    country.world.network().set_balance(&card.plan.iccid, None);
    twinectl(&country, AMINA, &["retry", &id.to_string()]).await;
    let again = [
        "could not send a part",
        "had it sent again",
        "left the phone",
        "now: delivered",
    ];
    explained(&country, AMINA, id, &again).await;
}

#[tokio::test]
async fn a_card_of_another_number_is_said_to_be_one() {
    let country = Country::start_as(CountryPlan {
        config: IMPATIENT,
        second_card: true,
        ..CountryPlan::default()
    })
    .await;
    let iccid = country.world.handsets()[AMINA].plan().cards[1]
        .plan
        .iccid
        .clone();
    let of = ["--own", NUMBERS[AMINA], "--peer", CHIDIS_NUMBER];
    let said = twinectl(
        &country,
        AMINA,
        &[&["settings", "--sim", &iccid], &of[..]].concat(),
    )
    .await;
    assert!(
        said.contains(&format!("its number is {SECOND_NUMBER}")),
        "{said}"
    );
    let preview = [
        "preview",
        CHIDIS_NUMBER,
        "hi",
        "--from",
        NUMBERS[AMINA],
        "--by",
        "sms",
    ];
    let said = twinectl(&country, AMINA, &preview).await;
    let number = format!("its number is {SECOND_NUMBER}: the recipient sees that one");
    assert!(said.contains(&number), "{said}");
}

#[tokio::test]
async fn absurd_input_is_answered_clearly() {
    let mut country = Country::start(IMPATIENT).await;
    let amina = country.app(AMINA).await;
    let longest = "a".repeat(LONGEST);
    let longer = format!("{longest}a");
    let cases: [(&[&str], &str); 9] = [
        (
            &["send", CHIDIS_NUMBER, ""],
            "twinectl: send.text: the text is empty: a message has at least one character\n",
        ),
        (
            &["preview", CHIDIS_NUMBER, "", "--by", "sms"],
            "now         it would go by SMS\n",
        ),
        // SMS would lose all of it: IP is left.
        (
            &["preview", NUMBERS[BELLO], "   ", "--by", "sms"],
            "now         it would go by IP\n\
             because     by SMS nothing would be left of it: it is only spaces\n",
        ),
        (
            &["preview", CHIDIS_NUMBER, &longest, "--by", "sms"],
            "now         it would go by SMS\n",
        ),
        (
            &["preview", CHIDIS_NUMBER, &longest, "--by", "ip"],
            "now         it would go by IP\n",
        ),
        (
            &["preview", CHIDIS_NUMBER, &longer, "--by", "sms"],
            "now         it would go by IP\nbecause     the text is too long for an SMS\n",
        ),
        (
            &["send", "MPESA", "hi", "--by", "ip"],
            "twinectl: only SMS reaches a name",
        ),
        (
            &[
                "settings",
                "--own",
                "+254700999999",
                "--peer",
                CHIDIS_NUMBER,
                "--mode",
                "ip_only",
            ],
            "twinectl: the own number of the conversation is not on this device\n",
        ),
        (
            &[
                "settings",
                "--own",
                NUMBERS[AMINA],
                "--peer",
                CHIDIS_NUMBER,
                "--sim",
                "12",
            ],
            "twinectl: set_settings.iccid: a card's number (ICCID) has 18 to 20 digits",
        ),
    ];
    for (arguments, expected) in cases {
        let said = twinectl(&country, AMINA, arguments).await;
        assert!(said.starts_with(expected), "{expected}: {said}");
    }
    let unknown = pb::SetSettings {
        mode: 99,
        ..settings(NUMBERS[BELLO], pb::Mode::Auto, pb::Fallback::Always)
    };
    let refusal = refused(&amina.client, unknown).await;
    assert!(refusal.contains("set_settings.mode"), "{refusal}");
}
