//! Messages between two handsets, whatever is killed on the way.

use twine_control::pb::{Channel, ErrorCode, MessageState};
use twine_e2e::{AMINA, BELLO, CHIDIS_NUMBER, Country, NUMBERS, patiently, session};
use twine_lab::scenario::Process;

async fn one_text_each_way(transport: &str) {
    let config = format!("[engine]\ntransports = [\"{transport}\"]\n");
    let mut country = Country::start(&config).await;
    let amina = country.app(AMINA).await;
    let bello = country.app(BELLO).await;

    let sent = amina.send("Habari ya asubuhi!").await;
    assert!(!sent.repeated);
    let received = bello.received().await;
    assert_eq!(received.text, "Habari ya asubuhi!");
    assert_eq!(received.own, NUMBERS[BELLO]);
    assert_eq!(received.peer, NUMBERS[AMINA]);
    amina
        .until_state(sent.message_id, MessageState::Delivered)
        .await;

    let sent = bello.send("Na gode 😀 ሰላም").await;
    assert_eq!(amina.received().await.text, "Na gode 😀 ሰላም");
    bello
        .until_state(sent.message_id, MessageState::Delivered)
        .await;

    for handset in [AMINA, BELLO] {
        let status = country.status(handset, |_| true).await;
        let session = session(&status);
        assert_eq!((&*session.state, &*session.transport), ("live", transport));
    }
}

#[tokio::test]
async fn one_text_each_way_over_quic() {
    one_text_each_way("quic").await;
}

#[tokio::test]
async fn one_text_each_way_over_tls() {
    one_text_each_way("tls").await;
}

#[tokio::test]
async fn a_request_that_the_killed_daemon_never_read_is_carried_out_once() {
    let mut country = Country::start("").await;
    let amina = country.app(AMINA).await;
    let bello = country.app(BELLO).await;

    // Frozen, it takes the request into its socket and no further.
    country.world.pause(Process::Daemon(AMINA)).unwrap();
    let request = amina.send_request("once", "token");
    let asked = tokio::spawn({
        let client = amina.client.clone();
        let request = request.clone();
        async move { client.ask(request).await }
    });
    tokio::task::yield_now().await;
    country.world.kill(Process::Daemon(AMINA)).await.unwrap();
    let error = patiently(asked).await.unwrap().unwrap_err();
    assert!(error.result_unknown(), "{error}");

    country
        .world
        .start_again(Process::Daemon(AMINA))
        .await
        .unwrap();
    let amina = country.app(AMINA).await;
    let sent = patiently(amina.client.ask(request.clone())).await.unwrap();
    assert!(!sent.repeated);
    let again = patiently(amina.client.ask(request)).await.unwrap();
    assert_eq!((again.message_id, again.repeated), (sent.message_id, true));

    amina.send("the end").await;
    assert_eq!(bello.received_until("the end").await, ["once", "the end"]);
}

#[tokio::test]
async fn a_request_carried_out_before_the_kill_is_not_carried_out_again() {
    let mut country = Country::start("").await;
    let amina = country.app(AMINA).await;
    let bello = country.app(BELLO).await;

    // The reply came, so it is stored; the app dies before it writes that down.
    let sent = amina.send("once").await;
    country.world.kill(Process::Daemon(AMINA)).await.unwrap();
    country
        .world
        .start_again(Process::Daemon(AMINA))
        .await
        .unwrap();

    let amina = country.app(AMINA).await;
    let again = amina.send("once").await;
    assert_eq!((again.message_id, again.repeated), (sent.message_id, true));
    amina.send("the end").await;
    assert_eq!(bello.received_until("the end").await, ["once", "the end"]);
    assert_eq!(amina.history().await, ["once", "the end"]);
}

#[tokio::test]
async fn killed_at_any_moment_between_request_and_reply_it_is_one_message() {
    let mut country = Country::start("").await;
    let bello = country.app(BELLO).await;
    let mut expected = Vec::new();
    for round in 0..8u32 {
        let amina = country.app(AMINA).await;
        let text = format!("round {round}");
        let request = amina.send_request(&text, &text);
        let asked = tokio::spawn({
            let client = amina.client.clone();
            let request = request.clone();
            async move { client.ask(request).await }
        });
        // A little further each round; where it strikes makes no difference.
        for _ in 0..1 << round {
            tokio::task::yield_now().await;
        }
        country.world.kill(Process::Daemon(AMINA)).await.unwrap();
        let first = patiently(asked).await.unwrap().ok();

        country
            .world
            .start_again(Process::Daemon(AMINA))
            .await
            .unwrap();
        let amina = country.app(AMINA).await;
        let sent = patiently(amina.client.ask(request)).await.unwrap();
        if let Some(first) = first {
            assert_eq!((sent.message_id, sent.repeated), (first.message_id, true));
        }
        expected.push(text);
    }
    let amina = country.app(AMINA).await;
    amina.send("the end").await;
    expected.push("the end".to_owned());
    assert_eq!(bello.received_until("the end").await, expected);
    assert_eq!(bello.history().await, expected);
}

#[tokio::test]
async fn a_gateway_killed_under_traffic_loses_repeats_and_reorders_nothing() {
    // Over TLS the break is seen at once.
    let mut country = Country::start(
        "[engine]\ntransports = [\"tls\"]\nbackoff_first_ms = 50\nbackoff_max_ms = 200\n",
    )
    .await;
    let amina = country.app(AMINA).await;
    let bello = country.app(BELLO).await;
    let texts: Vec<_> = (1..=60).map(|number| format!("text {number}")).collect();
    let mut last = 0;
    for (index, text) in texts.iter().enumerate() {
        last = amina.send(text).await.message_id;
        match index {
            // What was sent before and between is at any stage of its way.
            19 | 39 => country.world.kill(Process::Gateway).await.unwrap(),
            24 | 44 => country.world.start_again(Process::Gateway).await.unwrap(),
            _ => {}
        }
    }
    assert_eq!(bello.received_until("text 60").await, texts);
    assert_eq!(bello.history().await, texts);
    amina.until_state(last, MessageState::Delivered).await;
}

#[tokio::test]
async fn a_text_for_a_number_that_nobody_has_is_told_as_failed() {
    let mut country = Country::start("").await;
    let amina = country.app(AMINA).await;
    let mut request = amina.send_request("hello?", "1");
    request.to = "+255755000111".to_owned();
    // Any other would go by SMS.
    request.set_channel(Channel::Ip);
    let sent = patiently(amina.client.ask(request)).await.unwrap();
    amina
        .until_state(sent.message_id, MessageState::Failed)
        .await;

    let mut nonsense = amina.send_request("hello?", "2");
    nonsense.to = "+0712345".to_owned();
    let error = patiently(amina.client.ask(nonsense)).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::InvalidArgument), "{error}");
}

#[tokio::test]
async fn no_log_shows_a_number_or_a_text() {
    let mut country = Country::start("[log]\nlevel = \"debug\"\n").await;
    let amina = country.app(AMINA).await;
    let bello = country.app(BELLO).await;
    let sent = amina.send("a very private text").await;
    bello.received().await;
    amina
        .until_state(sent.message_id, MessageState::Delivered)
        .await;
    // By SMS, because this one has no Twine.
    let mut request = amina.send_request("a secret by SMS", "2");
    request.to = CHIDIS_NUMBER.to_owned();
    let sent = patiently(amina.client.ask(request)).await.unwrap();
    amina
        .until_state(sent.message_id, MessageState::Delivered)
        .await;
    // A restart says more than quiet days do.
    country.world.kill(Process::Daemon(AMINA)).await.unwrap();
    country
        .world
        .start_again(Process::Daemon(AMINA))
        .await
        .unwrap();
    country
        .status(AMINA, |status| session(status).state == "live")
        .await;

    let logs = country.logs();
    assert!(logs.lines().count() > 4, "{logs}");
    let private = [
        "a very private text",
        "a secret by SMS",
        "712345678",
        "8031234567",
        "722000333",
    ];
    for private in private {
        assert!(!logs.contains(private), "{private} in\n{logs}");
    }
}
