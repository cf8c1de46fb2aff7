//! Configurations and scenarios: good ones, and mistakes that people make.

use super::Seed;
use crate::config::LAYER_END;

const DAEMON: &str = "\
data_dir = \"data\"
socket = \"/run/twined.sock\"

[log]
level = \"debug\"

[roles]
app = [1001, 10_077]
telephony = [1001]
diagnostics = []

[gateway]
host = \"gw.example\"
port_quic = 443
port_tls = 0x1bb
server_name = \"gw.example\"
roots = [\"root.pem\"]

[engine]
transports = [\"tls\", \"quic\"]
heartbeat_ms = 120_000
sms = false
accept_patience_s = 20
max_parts_unasked = 3
backoff_first_ms = 500
backoff_max_ms = 60_000

[transport]
idle_timeout_ms = 0

[limits]
control_clients = 8
flight_recorder_records = 0
";

const DAEMON_LEAST: &str = "gateway = { host = \"gw.example\", roots = [\"root.pem\"] }\n";

const GATEWAY: &str = "\
data_dir = \"data\"
listen_quic = \"127.0.0.1:0\"
listen_tls = \"[::]:4433\"
cert = \"server.pem\"
key = \"server.key\"
log = \"debug\"

[limits]
idle_limit_s = 0x3c
mailbox_messages = 5
handshake_timeout_s = 7
";

const SCENARIO: &str = "\
name = \"two\"
seed = 7
give_up_s = 60.0
[daemon.engine]
heartbeat_ms = 5000
[[handset]]
name = \"amina\"
number = \"+254712345678\"
[[handset.link]]
id = \"sim1\"
kind = \"cellular\"
profile = \"lte\"
sim_slot = 1
metered = false
[[handset]]
name = \"bello\"
number = \"+2348031234567\"
[[handset.link]]
id = \"wifi\"
kind = \"wifi\"
profile = \"2g-rural\"
up = false
[[traffic]]
from = \"amina\"
to = \"bello\"
both_ways = true
count = 10
burst = 2
start_s = 1.0
every_s = 0.5
[[at]]
s = 5.0
do = \"cut\"
handset = \"amina\"
link = \"sim1\"
for_s = 2.0
[[at]]
s = 6.0
do = \"profile\"
handset = \"bello\"
link = \"wifi\"
profile = \"edge-lossy\"
[[at]]
s = 4.0
do = \"kill_gateway\"
[[at]]
s = 8.5
do = \"pause_daemon\"
handset = \"bello\"
";

const SCENARIO_SMS: &str = "\
name = \"sms\"
give_up_s = 60.0
[[operator]]
name = \"savanna\"
mcc_mnc = \"63902\"
on_net_micros = 10000
off_net_micros = 30000
[operator.sms_centre]
delay_s = 0.3
delay_mean_s = 0.4
delay_most_s = 4.0
loss = 0.1
double = 0.2
hold = 0.3
hold_s = 3.0
withhold_reports = 0.4
retry_s = 5.0
reject = 0.0
radio_retry = 0.05
send_s = 0.25
[[operator]]
name = \"delta\"
mcc_mnc = \"62130\"
[[handset]]
name = \"amina\"
number = \"+254712345678\"
coverage = [\"4g\", \"3g\"]
[[handset.card]]
id = \"one\"
slot = 0
number = \"+254712345678\"
[[handset.card]]
id = \"two\"
slot = 1
number = \"+254733000111\"
operator = \"delta\"
iccid = \"8900000000000000001\"
balance_micros = 500000
[[handset.card]]
id = \"spare\"
iccid = \"8900000000000000002\"
[[handset.link]]
id = \"sim1\"
kind = \"cellular\"
profile = \"lte\"
[[plain]]
name = \"chidi\"
number = \"+254722000333\"
[[plain]]
name = \"dalia\"
number = \"+254722000444\"
operator = \"delta\"
[[traffic]]
from = \"amina\"
to = \"chidi\"
both_ways = true
count = 3
start_s = 1.0
every_s = 0.5
[[at]]
s = 1.0
do = \"coverage\"
handset = \"amina\"
slot = 1
coverage = \"none\"
for_s = 2.0
[[at]]
s = 2.0
do = \"flight_mode\"
handset = \"chidi\"
for_s = 2.0
[[at]]
s = 5.0
do = \"remove_card\"
handset = \"amina\"
card = \"two\"
for_s = 2.0
[[at]]
s = 8.0
do = \"insert_card\"
handset = \"amina\"
card = \"spare\"
slot = 1
[[at]]
s = 9.0
do = \"swap_cards\"
handset = \"amina\"
[[at]]
s = 10.0
do = \"pin_card\"
handset = \"amina\"
to = \"chidi\"
card = \"two\"
[[at]]
s = 11.0
do = \"balance\"
handset = \"amina\"
card = \"one\"
balance_micros = 0
for_s = 1.0
[[at]]
s = 13.0
do = \"retry\"
handset = \"amina\"
to = \"chidi\"
channel = \"sms\"
[[at]]
s = 14.0
do = \"kill_agent\"
handset = \"amina\"
";

/// For [`crate::config::daemon`].
#[must_use]
pub fn daemon_config() -> Vec<Seed> {
    let mut seeds = toml_trouble();
    let swap = |from, to| swapped(DAEMON, from, to);
    seeds.extend([
        ("good", text(DAEMON)),
        ("least", text(DAEMON_LEAST)),
        (
            "layers",
            text(&format!(
                "{DAEMON}{LAYER_END}engine.heartbeat_ms = 30000\n{LAYER_END}log.level = \"off\"\n"
            )),
        ),
        (
            "layer-broken",
            text(&format!("{DAEMON}{LAYER_END}[engine\n{LAYER_END}[what]\n")),
        ),
        ("unknown-key", swap("heartbeat_ms", "hartbeat_ms")),
        ("unknown-table", swap("[engine]", "[motor]")),
        ("flag-number", swap("sms = false", "sms = 0")),
        ("seconds-too-few", swap("patience_s = 20", "patience_s = 0")),
        ("byte-too-large", swap("unasked = 3", "unasked = 256")),
        (
            "table-for-a-value",
            swap("level = \"debug\"", "level.of = \"debug\""),
        ),
        ("value-for-a-table", text("gateway = 5\n")),
        (
            "list-for-a-text",
            swap("host = \"gw.example\"", "host = [[[\"gw.example\"]]]"),
        ),
        ("port-zero", swap("443", "0")),
        ("port-huge", swap("443", "99999999999999999999999")),
        ("port-negative", swap("443", "-443")),
        ("uid-float", swap("10_077", "1e3")),
        ("uid-date", swap("10_077", "1979-05-27T07:32:00Z")),
        ("transport-twice", swap("\"quic\"]", "\"tls\"]")),
        ("backoff-upside-down", swap("= 500", "= 3_600_000")),
        ("root-missing", swap("root.pem", "none.pem")),
        ("root-no-certificate", swap("root.pem", "../Cargo.toml")),
        ("root-folder", swap("root.pem", ".")),
        (
            "name-no-name",
            swap(
                "server_name = \"gw.example\"",
                "server_name = \"gw example\"",
            ),
        ),
        ("text-empty", swap("\"data\"", "\"\"")),
        ("text-long", swap("data", &"d".repeat(1500))),
    ]);
    seeds
}

/// For [`crate::config::gateway`].
#[must_use]
pub fn gateway_config() -> Vec<Seed> {
    let mut seeds = toml_trouble();
    let swap = |from, to| swapped(GATEWAY, from, to);
    seeds.extend([
        ("good", text(GATEWAY)),
        (
            "least",
            text("data_dir = 'd'\ncert = 'c'\nkey = 'k'\nlisten_tls = '0.0.0.0:0'\n"),
        ),
        ("unknown-key", swap("log", "logs")),
        ("unknown-limit", swap("idle_limit_s", "idle")),
        ("limits-no-table", swap("[limits]", "limits = 3 #")),
        ("limit-out-of-range", swap("= 5", "= 0")),
        ("limit-negative", swap("= 5", "= -5")),
        ("limit-huge", swap("= 5", "= 0xffff_ffff_ffff_ffff_f")),
        ("address-no-port", swap("127.0.0.1:0", "127.0.0.1")),
        ("address-name", swap("127.0.0.1:0", "localhost:4433")),
        (
            "address-list",
            swap("\"127.0.0.1:0\"", "[\n\"127.0.0.1:0\",\n]"),
        ),
        ("level-unknown", swap("debug", "trace")),
        ("path-number", swap("\"data\"", "0.5")),
        ("path-empty", swap("\"data\"", "''")),
        (
            "nothing-to-listen-on",
            text("data_dir = 'd'\ncert = 'c'\nkey = 'k'\n"),
        ),
    ]);
    seeds
}

/// For [`crate::scenario::lab`].
#[must_use]
pub fn lab_scenario() -> Vec<Seed> {
    let mut seeds = toml_trouble();
    let swap = |from, to| swapped(SCENARIO, from, to);
    seeds.extend([
        ("good", text(SCENARIO)),
        ("handsets-none", text("name = \"n\"\ngive_up_s = 1.0\n")),
        (
            "handset-twice",
            swap("\"bello\"\nnumber", "\"amina\"\nnumber"),
        ),
        ("number-twice", swap("2348031234567", "254712345678")),
        ("number-national", swap("+254712345678", "0712345678")),
        (
            "number-no-digits",
            swap("+254712345678", "+25471234567\u{0661}"),
        ),
        ("name-a-path", swap("id = \"wifi\"", "id = \"../x\"")),
        ("profile-unknown", swap("\"lte\"", "\"5g\"")),
        ("profile-missing", swap("\"lte\"", "\"none.toml\"")),
        ("profile-is-this", swap("\"lte\"", "\"scenario.toml\"")),
        ("slot-of-wifi", swap("up = false", "sim_slot = 0")),
        ("slot-out-of-range", swap("sim_slot = 1", "sim_slot = 2")),
        (
            "count-huge",
            swap("count = 10", "count = 9223372036854775807"),
        ),
        ("burst-above-count", swap("burst = 2", "burst = 11")),
        ("burst-zero", swap("burst = 2", "burst = 0")),
        ("to-itself", swap("to = \"bello\"", "to = \"amina\"")),
        ("to-nobody", swap("to = \"bello\"", "to = \"chidi\"")),
        ("time-negative", swap("s = 5.0", "s = -1.0")),
        ("time-nan", swap("s = 5.0", "s = nan")),
        ("time-infinite", swap("s = 5.0", "s = inf")),
        ("time-tiny", swap("s = 5.0", "s = 1e-300")),
        ("gives-up-early", swap("60.0", "5.0")),
        ("verb-unknown", swap("\"cut\"", "\"explode\"")),
        ("verb-without-link", swap("link = \"sim1\"\n", "")),
        (
            "verb-with-too-much",
            swap("\"kill_gateway\"", "\"kill_gateway\"\nlink = \"sim1\""),
        ),
        ("unknown-field", swap("both_ways", "both")),
    ]);
    let swap = |from, to| swapped(SCENARIO_SMS, from, to);
    seeds.extend([
        ("sms-good", text(SCENARIO_SMS)),
        ("sms-operator-twice", swap("\"delta\"", "\"savanna\"")),
        (
            "sms-operator-nobody",
            swap("operator = \"delta\"", "operator = \"x\""),
        ),
        ("sms-network-code", swap("\"62130\"", "\"6213x\"")),
        ("sms-chance-above-one", swap("loss = 0.1", "loss = 1.1")),
        ("sms-chance-nan", swap("loss = 0.1", "loss = nan")),
        ("sms-retry-at-once", swap("retry_s = 5.0", "retry_s = 0.0")),
        (
            "sms-delay-negative",
            swap("delay_s = 0.3", "delay_s = -0.3"),
        ),
        ("sms-card-twice", swap("id = \"two\"", "id = \"one\"")),
        ("sms-slot-taken", swap("slot = 1", "slot = 0")),
        ("sms-slot-out-of-range", swap("slot = 1", "slot = 2")),
        (
            "sms-number-of-nobody",
            swap(
                "\"+254712345678\"\n[[handset.card]]",
                "\"+254712345679\"\n[[handset.card]]",
            ),
        ),
        ("sms-number-twice", swap("+254733000111", "+254722000333")),
        (
            "sms-iccid-letters",
            swap("8900000000000000001", "89000000000000000x1"),
        ),
        (
            "sms-iccid-twice",
            swap("8900000000000000002", "8900000000000000001"),
        ),
        ("sms-coverage-unknown", swap("\"3g\"", "\"6g\"")),
        (
            "sms-coverage-of-three",
            swap("[\"4g\", \"3g\"]", "[\"4g\", \"3g\", \"2g\"]"),
        ),
        (
            "sms-plain-to-plain",
            swap("from = \"amina\"", "from = \"dalia\""),
        ),
        (
            "sms-plain-named-as-handset",
            swap("name = \"chidi\"", "name = \"amina\""),
        ),
        (
            "sms-card-unknown",
            swap("card = \"two\"\nfor_s", "card = \"three\"\nfor_s"),
        ),
        ("sms-card-missing", swap("card = \"two\"\nfor_s", "for_s")),
        ("sms-pin-without-peer", swap("to = \"chidi\"\ncard", "card")),
        (
            "sms-pin-to-itself",
            swap("to = \"chidi\"\ncard", "to = \"amina\"\ncard"),
        ),
        (
            "sms-channel-unknown",
            swap("channel = \"sms\"", "channel = \"pigeon\""),
        ),
        (
            "sms-balance-negative",
            swap("balance_micros = 0", "balance_micros = -1"),
        ),
        (
            "sms-flight-with-link",
            swap(
                "do = \"flight_mode\"",
                "do = \"flight_mode\"\nlink = \"sim1\"",
            ),
        ),
    ]);
    seeds
}

/// Trouble that any reader of TOML has to face.
fn toml_trouble() -> Vec<Seed> {
    vec![
        ("toml-empty", Vec::new()),
        ("toml-comment", text("# nothing")),
        ("toml-byte-order-mark", text("\u{feff}a = 1\n")),
        ("toml-carriage-returns", text("a = 1\r\nb = \r\n")),
        ("toml-no-utf8", vec![b'a', b'=', 0xff]),
        ("toml-open-string", text("a = \"")),
        ("toml-open-lines", text("a = '''\n\n\n")),
        ("toml-key-twice", text("a = 1\na = 2\n")),
        ("toml-table-twice", text("[a]\n[a]\n")),
        ("toml-deep-list", text(&format!("a = {}", "[".repeat(1000)))),
        (
            "toml-deep-table",
            text(&format!("a = {}", "{a=".repeat(500))),
        ),
        ("toml-deep-key", text(&format!("{}a = 1", "a.".repeat(900)))),
        (
            "toml-wide-characters",
            text("\"ключ\" = \"👋🏾\"\n\"ẹ\" = = 5\n"),
        ),
    ]
}

fn text(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// The text with one thing else.
fn swapped(good: &str, from: &str, to: &str) -> Vec<u8> {
    assert!(good.contains(from), "{from} is not in it");
    text(&good.replacen(from, to, 1))
}
