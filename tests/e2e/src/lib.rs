//! Tests with the real programs (`twined`, `twine-gateway`, `twinectl`,
//! `twine-lab`) as processes, through loopback. The tests are in `tests/`.
//!
//! Owns what they share: building the programs, a country of two handsets, and
//! waiting for what an app sees. Tests wait for events, never for time; every
//! wait has a limit that only a failure reaches.
//!
//! What cannot do its part panics: it is part of a test.
#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "part of tests: a test stops where it fails"
)]

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::OnceLock;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{sleep, timeout};
use twine_control::{Client, pb};
use twine_lab::binaries::Binaries;
use twine_lab::mobile::plan::{CardPlan, Coverage, SLOTS};
use twine_lab::profile;
use twine_lab::relay::LinkState;
use twine_lab::scenario::{
    HandsetCard, HandsetPlan, LinkPlan, PlainPlan, default_cards, default_operator,
};
use twine_lab::world::{World, WorldPlan};
use twine_proto::E164;

/// The longest wait for anything; only failures take so long.
pub const PATIENCE: Duration = Duration::from_secs(14);
/// Pause between two looks at a state that has no event.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// The first handset.
pub const AMINA: usize = 0;
/// The second handset.
pub const BELLO: usize = 1;
/// Their numbers.
pub const NUMBERS: [&str; 2] = ["+254712345678", "+2348031234567"];
/// A phone without Twine, as a party of the mobile network.
pub const CHIDI: usize = 2;
/// Its number.
pub const CHIDIS_NUMBER: &str = "+254722000333";
/// The number of amina's second card, if she has one.
pub const SECOND_NUMBER: &str = "+254733000111";
/// The links of each, in this order.
pub const LINKS: [&str; 2] = ["wifi", "sim1"];

/// The programs under test.
#[derive(Debug)]
pub struct Programs {
    /// Daemon and gateway.
    pub binaries: Binaries,
    /// The folder with all of them.
    pub directory: PathBuf,
}

/// Builds the programs once for each test process, in the profile and target
/// folder of the test itself, so that what is tested is never stale.
/// `TWINE_BIN_DIR` names a folder with programs built elsewhere instead.
pub fn programs() -> &'static Programs {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let directory = match std::env::var_os("TWINE_BIN_DIR") {
            Some(directory) => directory.into(),
            None => build(),
        };
        Programs {
            binaries: Binaries::in_directory(&directory).unwrap(),
            directory,
        }
    })
}

/// A program by its name.
pub fn program(name: &str) -> PathBuf {
    programs().directory.join(name)
}

fn build() -> PathBuf {
    // TARGET/PROFILE/deps/test-0123
    let test = std::env::current_exe().unwrap();
    let directory = test.parent().and_then(Path::parent).unwrap();
    let profile = match directory.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        other => other,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Cargo's settings are found from the folder it runs in.
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut build = std::process::Command::new(cargo);
    build
        .current_dir(workspace)
        .args(["build", "--quiet", "--profile", profile, "--target-dir"])
        .arg(directory.parent().unwrap());
    for package in ["twined", "twine-gateway", "twinectl", "twine-lab"] {
        build.args(["-p", package]);
    }
    // What cargo sets for this test must not reach the build of others.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            build.env_remove(&name);
        }
    }
    let built = build.output().unwrap();
    assert!(
        built.status.success(),
        "the programs could not be built:\n{}",
        String::from_utf8_lossy(&built.stderr)
    );
    directory.to_owned()
}

/// Two registered handsets, a phone without Twine, a gateway, and everything
/// between them.
#[derive(Debug)]
pub struct Country {
    /// The processes. Before the folder, so that it ends first.
    pub world: World,
    /// Where they live.
    pub directory: TempDir,
}

/// What is not the same in every country.
#[derive(Debug, Clone, Copy)]
pub struct CountryPlan<'a> {
    /// Further configuration of both daemons.
    pub config: &'a str,
    /// How long an SMS part is on the air.
    pub sms_send_time: Duration,
    /// Amina has a second card, in the second slot.
    pub second_card: bool,
}

impl Default for CountryPlan<'_> {
    fn default() -> Self {
        Self {
            config: "",
            sms_send_time: Duration::from_millis(5),
            second_card: false,
        }
    }
}

impl Country {
    /// With quick links; `config` is further configuration of both daemons.
    pub async fn start(config: &str) -> Self {
        let plan = CountryPlan {
            config,
            ..CountryPlan::default()
        };
        Self::start_as(plan).await
    }

    /// With quick links and an SMS centre that makes no mistakes.
    pub async fn start_as(plan: CountryPlan<'_>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut handsets = [
            handset("amina", NUMBERS[AMINA]),
            handset("bello", NUMBERS[BELLO]),
        ];
        if plan.second_card {
            handsets[AMINA].cards.push(HandsetCard {
                id: "second".to_owned(),
                plan: card(SECOND_NUMBER, 1),
            });
        }
        let chidi = PlainPlan {
            name: "chidi".to_owned(),
            number: CHIDIS_NUMBER.parse().unwrap(),
            card: card(CHIDIS_NUMBER, 0),
        };
        let mut operator = default_operator();
        operator.centre.delay = Duration::from_millis(5);
        operator.centre.delay_mean = Duration::from_millis(5);
        operator.centre.send_time = plan.sms_send_time;
        let daemon_config = plan.config.parse().unwrap();
        let (operators, plain) = ([operator], [chidi]);
        let world = World::start(WorldPlan {
            binaries: &programs().binaries,
            directory: directory.path(),
            operators: &operators,
            handsets: &handsets,
            plain: &plain,
            daemon_config: &daemon_config,
            seed: 1,
        });
        let mut world = patiently(world).await.unwrap();
        patiently(world.register_all()).await.unwrap();
        Self { world, directory }
    }

    /// The messaging app of a handset, subscribed to its events.
    pub async fn app(&mut self, handset: usize) -> TestApp {
        let connected = self.world.handset(handset).connect("app", &[pb::Role::App]);
        let client = patiently(connected).await.unwrap();
        let subscribe = pb::Subscribe { from_now: false };
        patiently(client.ask(subscribe)).await.unwrap();
        TestApp { client, handset }
    }

    /// Waits until the daemon's status is as wanted, and returns it.
    pub async fn status(
        &mut self,
        handset: usize,
        wanted: impl Fn(&pb::Status) -> bool,
    ) -> pb::Status {
        let connected = self
            .world
            .handset(handset)
            .connect("status", &[pb::Role::App, pb::Role::Diagnostics]);
        let client = patiently(connected).await.unwrap();
        let mut last = None;
        let found = timeout(PATIENCE, async {
            loop {
                let status = client.ask(pb::GetStatus {}).await.unwrap();
                if wanted(&status) {
                    return status;
                }
                last = Some(status);
                sleep(LOOK_AGAIN).await;
            }
        });
        match found.await {
            Ok(status) => status,
            Err(_) => panic!("the status never was as wanted: {last:?}"),
        }
    }

    /// Everything that daemons and gateway logged.
    pub fn logs(&self) -> String {
        [
            "amina/twined.log",
            "bello/twined.log",
            "gateway/gateway.log",
        ]
        .iter()
        .map(|log| std::fs::read_to_string(self.directory.path().join(log)).unwrap())
        .collect()
    }
}

/// The session of a status.
pub fn session(status: &pb::Status) -> pb::SessionStatus {
    status.session.clone().unwrap_or_default()
}

/// A card of the first operator; its ICCID ends in the digits of its number.
fn card(number: &str, slot: usize) -> CardPlan {
    let number: E164 = number.parse().unwrap();
    CardPlan {
        iccid: format!("8999{:015}", number.get()),
        number: Some(number),
        operator: 0,
        slot: Some(slot),
        balance_micros: None,
    }
}

fn handset(name: &str, number: &str) -> HandsetPlan {
    let profile = profile::load("wifi", Path::new(".")).unwrap();
    let link = |id: &str, kind| LinkPlan {
        id: id.to_owned(),
        kind,
        sim_slot: 0,
        metered: false,
        profile: profile.clone(),
        state: LinkState::Up,
    };
    let number = number.parse().unwrap();
    let links = vec![
        link(LINKS[0], pb::LinkKind::Wifi),
        link(LINKS[1], pb::LinkKind::Cellular),
    ];
    HandsetPlan {
        name: name.to_owned(),
        number,
        cards: default_cards(number, &links),
        coverage: [Coverage::G4; SLOTS],
        data_card: None,
        data_move: Duration::ZERO,
        links,
    }
}

/// An app under a test's control.
#[derive(Clone)]
pub struct TestApp {
    /// Its connection.
    pub client: Client,
    handset: usize,
}

impl TestApp {
    /// A request to send this to the other handset.
    pub fn send_request(&self, text: &str, token: &str) -> pb::Send {
        pb::Send {
            to: NUMBERS[1 - self.handset].to_owned(),
            text: text.to_owned(),
            token: token.to_owned(),
            ..Default::default()
        }
    }

    /// Sends to the other handset; the text is the token.
    pub async fn send(&self, text: &str) -> pb::Sent {
        let request = self.send_request(text, text);
        patiently(self.client.ask(request)).await.unwrap()
    }

    /// The next event, acknowledged.
    pub async fn event(&self) -> pb::Event {
        let event = patiently(self.client.next_event()).await.unwrap();
        if event.cursor > 0 {
            let ack = pb::AckEvents {
                cursor: event.cursor,
            };
            patiently(self.client.ask(ack)).await.unwrap();
        }
        event
    }

    /// The next message that comes in.
    pub async fn received(&self) -> pb::Message {
        loop {
            let event = self.event().await;
            if event.kind() == pb::EventKind::MessageReceived {
                return event.message.unwrap();
            }
        }
    }

    /// Texts of messages that come in, up to and with `last`.
    pub async fn received_until(&self, last: &str) -> Vec<String> {
        let mut texts = Vec::new();
        while texts.last().is_none_or(|text| text != last) {
            texts.push(self.received().await.text);
        }
        texts
    }

    /// Waits until a message of this app has this state.
    pub async fn until_state(&self, message_id: u64, state: pb::MessageState) {
        loop {
            let event = self.event().await;
            let message = event.message.as_ref();
            let same = message.is_some_and(|message| message.message_id == message_id);
            if same && event.state() == state {
                return;
            }
        }
    }

    /// The next event of a kind, acknowledged.
    pub async fn event_of(&self, kind: pb::EventKind) -> pb::Event {
        loop {
            let event = self.event().await;
            if event.kind() == kind {
                return event;
            }
        }
    }

    /// Waits until a message of this app is as wanted, and returns it.
    pub async fn until(
        &self,
        message_id: u64,
        wanted: impl Fn(&pb::Message) -> bool,
    ) -> pb::Message {
        let found = timeout(PATIENCE, async {
            loop {
                let message = self
                    .client
                    .ask(pb::GetMessage { message_id })
                    .await
                    .unwrap();
                if wanted(&message) {
                    return message;
                }
                sleep(LOOK_AGAIN).await;
            }
        });
        match found.await {
            Ok(message) => message,
            Err(_) => panic!("the message never was as wanted"),
        }
    }

    /// The texts of the whole conversation with the other handset, in the order
    /// in which an app shows them.
    pub async fn history(&self) -> Vec<String> {
        let request = pb::GetHistory {
            own: NUMBERS[self.handset].to_owned(),
            peer: NUMBERS[1 - self.handset].to_owned(),
            before: None,
            limit: 200,
        };
        let page = patiently(self.client.ask(request)).await.unwrap();
        assert!(!page.more, "longer than one page");
        let texts = page.messages.into_iter().rev();
        texts.map(|message| message.text).collect()
    }
}

/// Waits, but not for ever.
pub async fn patiently<F: Future>(future: F) -> F::Output {
    match timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("nothing came in {PATIENCE:?}"),
    }
}

/// Runs a program to its end.
pub async fn run(program: &Path, arguments: &[&str]) -> Output {
    let run = tokio::process::Command::new(program)
        .args(arguments)
        .kill_on_drop(true)
        .output();
    patiently(run).await.unwrap()
}
