//! Errors are compared word by word: they are what a maker's engineer sees.

use std::fs;
use std::path::Path;
use std::time::Duration;

use twine_engine::TransportKind;
use twine_engine::links::SpentBundle;

use super::*;

/// A root that is good enough, in a folder of its own.
fn folder_with_root() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    fs::write(
        dir.path().join("root.pem"),
        params.self_signed(&key).unwrap().pem(),
    )
    .unwrap();
    dir
}

/// What is wrong with one file, the folder's name taken out.
fn errors(text: &str) -> String {
    let dir = folder_with_root();
    let file = dir.path().join("twined.toml");
    let error = merge(&[(&file, text)]).unwrap_err().to_string();
    error.replace(&format!("{}/", dir.path().display()), "")
}

fn required(file: impl Into<PathBuf>) -> Source {
    Source {
        file: file.into(),
        optional: false,
    }
}

const GATEWAY: &str = "[gateway]\nhost = \"gw.example\"\nroots = [\"root.pem\"]\n";

#[test]
fn later_files_win_key_by_key_and_each_value_names_its_origin() {
    let dir = folder_with_root();
    let maker = dir.path().join("maker.toml");
    let carrier = dir.path().join("carrier.toml");
    fs::write(
        &maker,
        format!(
            "{GATEWAY}port_tls = 443\n[engine]\nheartbeat_ms = 0x7530\ntransports = [\"tls\"]\n"
        ),
    )
    .unwrap();
    fs::write(
        &carrier,
        "engine.heartbeat_ms = 120_000\nroles.app = [1001, 10_077]\n",
    )
    .unwrap();

    let effective = load(&[required(maker), required(carrier)]).unwrap();
    let config = &effective.config;
    assert_eq!(config.gateway.host, "gw.example");
    assert_eq!(config.gateway.server_name, "gw.example");
    assert_eq!(config.gateway.port_tls, 443);
    assert_eq!(config.gateway.port_quic, 4433);
    assert_eq!(config.gateway.roots.len(), 1);
    assert_eq!(config.engine.heartbeat, Duration::from_secs(120));
    assert_eq!(config.engine.transports, [TransportKind::Tls]);
    assert_eq!(config.roles.app, [1001, 10077]);

    let described = effective
        .describe()
        .replace(&dir.path().display().to_string(), "DIR");
    // One space where the columns are aligned.
    let described: Vec<_> = described
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for line in [
        r#"host = "gw.example" # DIR/maker.toml:2"#,
        r#"server_name = "gw.example" # from gateway.host"#,
        r#"heartbeat_ms = 120000 # DIR/carrier.toml:1"#,
        r#"app = [1001, 10077] # DIR/carrier.toml:2"#,
        r#"port_quic = 4433 # built in"#,
        r#"transports = ["tls"] # DIR/maker.toml:7"#,
    ] {
        assert!(
            described.iter().any(|found| found == line),
            "{line} is not in {described:#?}"
        );
    }
    // What is printed is itself a configuration, and the same one.
    let again = dir.path().join("again.toml");
    let described = effective.describe();
    let reread = merge(&[(&again, &described)]).unwrap();
    let values = |text: &str| {
        let lines: Vec<_> = text
            .lines()
            .map(|line| line.split("  # ").next().unwrap_or("").to_owned())
            .collect();
        lines
    };
    assert_eq!(values(&reread.describe()), values(&described));
}

#[test]
fn the_way_of_sms_is_a_makers_choice() {
    let dir = folder_with_root();
    let file = dir.path().join("twined.toml");
    let text = format!(
        "{GATEWAY}[engine]\nsms = false\nno_link_patience_s = 0\naccept_patience_s = 20\n\
         delivery_patience_s = 600\ndoubt_patience_s = 900\nmax_parts_unasked = 3\n"
    );
    let engine = merge(&[(&file, &text)]).unwrap().config.engine;
    assert!(!engine.sms);
    assert_eq!(engine.no_link_patience, Duration::ZERO);
    assert_eq!(engine.accept_patience, Duration::from_secs(20));
    assert_eq!(engine.delivery_patience, Duration::from_secs(600));
    assert_eq!(engine.doubt_patience, Duration::from_secs(900));
    assert_eq!(engine.max_parts_unasked, 3);
    assert_eq!(
        errors(&format!(
            "{GATEWAY}[engine]\nsms = 1\naccept_patience_s = 0\nmax_parts_unasked = 256\n"
        )),
        "twined.toml:6:21: engine.accept_patience_s: found 0; allowed: 1 to 3600 (seconds)\n\
         twined.toml:7:21: engine.max_parts_unasked: found 256; allowed: 0 to 255\n\
         twined.toml:5:7: engine.sms: found 1; allowed: true or false"
    );
}

#[test]
fn every_default_lies_in_its_own_range() {
    let dir = folder_with_root();
    let file = dir.path().join("all.toml");
    let all = merge(&[(&file, GATEWAY)]).unwrap().describe();
    merge(&[(&file, &all)]).unwrap();
}

#[test]
fn an_error_names_place_key_found_and_allowed() {
    assert_eq!(
        errors(&format!(
            "{GATEWAY}port_tls = 0\n[engine]\nheartbeat_ms = \"60 s\"\n"
        )),
        "twined.toml:6:16: engine.heartbeat_ms: found \"60 s\"; \
         allowed: 0 to 86400000 (milliseconds)\n\
         twined.toml:4:12: gateway.port_tls: found 0; allowed: a port from 1 to 65535"
    );
    assert_eq!(
        errors(&format!(
            "log.level = \"loud\"\nroles.app = [1001, -1]\n{GATEWAY}"
        )),
        "twined.toml:1:13: log.level: found \"loud\"; \
         allowed: one of \"off\", \"error\", \"warn\", \"info\", \"debug\", \"trace\"\n\
         twined.toml:2:13: roles.app: found -1 in the list; \
         allowed: a list of at most 64 numeric user ids"
    );
    assert_eq!(
        errors(&format!(
            "{GATEWAY}[engine]\ntransports = [\"tls\", \"tls\"]\n"
        )),
        "twined.toml:5:14: engine.transports: found [\"tls\", \"tls\"]; allowed: a list of \
         \"quic\" and \"tls\" in the order of preference, each at most once"
    );
    assert_eq!(
        errors(&format!("network.vpn_lockdown = \"ignore\"\n{GATEWAY}")),
        "twined.toml:1:24: network.vpn_lockdown: found \"ignore\"; \
         allowed: \"respect\" or \"bypass\""
    );
    assert_eq!(
        errors(&format!("network.spent_bundle = true\n{GATEWAY}")),
        "twined.toml:1:24: network.spent_bundle: found true; \
         allowed: \"avoid\" or \"allow\""
    );
    assert_eq!(
        errors(&format!("{GATEWAY}server_name = \"-not a name\"\n")),
        "twined.toml:4:15: gateway.server_name: found \"-not a name\"; \
         allowed: a DNS name or an IP address"
    );
    assert_eq!(
        errors(&format!(
            "{GATEWAY}[engine]\nbackoff_first_ms = 9000\nbackoff_max_ms = 8000\n"
        )),
        "twined.toml:5:20: engine.backoff_first_ms: found 9000; \
         allowed: at most engine.backoff_max_ms, which is 8000"
    );
}

#[test]
fn unknown_keys_are_errors_that_show_the_known_ones() {
    assert_eq!(
        errors(&format!("  dir = \"/data\"\n{GATEWAY}prot_tls = 443\n")),
        "twined.toml:1:3: dir: unknown key; allowed here: data_dir, socket, [log], [roles], \
         [network], [gateway], [engine], [transport], [limits]\n\
         twined.toml:5:1: gateway.prot_tls: unknown key; \
         allowed here: host, port_quic, port_tls, server_name, roots"
    );
    // A table where a value belongs, and the other way round.
    assert_eq!(
        errors(&format!("limits = 7\n[socket]\npath = \"x\"\n{GATEWAY}")),
        "twined.toml:1:1: limits: unknown key; allowed here: data_dir, socket, [log], [roles], \
         [network], [gateway], [engine], [transport], [limits]\n\
         twined.toml:2:1: socket: found a table; allowed: a path of 1 to 4096 bytes"
    );
}

#[test]
fn what_must_be_set_is_asked_for() {
    assert_eq!(
        errors("log.level = \"warn\"\n"),
        "twined.toml: gateway.host: not set; allowed: a text of 1 to 4096 bytes\n\
         twined.toml: gateway.roots: not set; allowed: a list of 1 to 16 paths"
    );
    // Set, but wrong: said once.
    assert_eq!(
        errors("gateway.host = \"\"\ngateway.roots = [\"root.pem\"]\n"),
        "twined.toml:1:16: gateway.host: found an empty text; allowed: a text of 1 to 4096 bytes"
    );
}

#[test]
fn broken_toml_is_an_error_at_its_place() {
    assert_eq!(
        errors("# café\nlog.level = \"warn\nx = 1\n"),
        "twined.toml:2:18: this is no TOML: invalid basic string, expected `\"`"
    );
    assert_eq!(
        errors(&format!(
            "log.level = \"warn\"\nlog.level = \"warn\"\n{GATEWAY}"
        )),
        "twined.toml:2:5: this is no TOML: duplicate key"
    );
}

#[test]
fn roots_have_to_be_certificates_of_authorities() {
    let dir = folder_with_root();
    let file = dir.path().join("twined.toml");
    fs::write(dir.path().join("empty.pem"), "nothing here\n").unwrap();
    let text =
        "gateway.host = \"gw\"\ngateway.roots = [\"none.pem\", \"empty.pem\", \"root.pem\"]\n";
    let found = merge(&[(&file, text)]).unwrap_err().to_string();
    let found = found.replace(&format!("{}/", dir.path().display()), "");
    let lines: Vec<_> = found.lines().collect();
    assert_eq!(lines.len(), 2, "{found}");
    assert!(
        lines[0].starts_with("twined.toml:2:17: gateway.roots: found none.pem: "),
        "{found}"
    );
    assert_eq!(
        lines[1],
        "twined.toml:2:17: gateway.roots: found empty.pem: it holds no certificate; \
         allowed: readable PEM files with certificates of authorities"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let found = load(&[required("/nonexistent/twined.toml")])
        .unwrap_err()
        .to_string();
    // And nothing of what it may set.
    assert_eq!(
        found,
        "/nonexistent/twined.toml: cannot be read: No such file or directory (os error 2); \
         allowed: a readable TOML file in UTF-8"
    );
}

#[test]
fn an_overlay_may_be_missing_but_not_wrong() {
    let dir = folder_with_root();
    let file = dir.path().join("twined.toml");
    let overlay = dir.path().join("overlay.toml");
    fs::write(&file, GATEWAY).unwrap();
    let sources = [
        required(&file),
        Source {
            file: overlay.clone(),
            optional: true,
        },
    ];
    assert_eq!(load(&sources).unwrap().config.gateway.host, "gw.example");
    fs::write(&overlay, "gateway.host = \"maker.example\"\n").unwrap();
    assert_eq!(load(&sources).unwrap().config.gateway.host, "maker.example");
    fs::write(&overlay, "gateway.hots = \"maker.example\"\n").unwrap();
    load(&sources).unwrap_err();
}

#[test]
fn paths_start_at_the_file_that_names_them() {
    let dir = folder_with_root();
    let file = dir.path().join("twined.toml");
    let text = format!("data_dir = \"data\"\nsocket = \"/run/twined\"\n{GATEWAY}");
    let config = merge(&[(&file, &text)]).unwrap().config;
    assert_eq!(config.data_dir, dir.path().join("data"));
    assert_eq!(config.socket, Path::new("/run/twined"));
}

/// The folder of the image's files.
const AOSP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../aosp/config");

/// What the image's file shows as built in, as if it were set.
fn uncommented(text: &str) -> String {
    let setting = |line: &str| {
        let key = line.strip_prefix("# ")?.split_once(" = ")?.0;
        let is_key = key
            .bytes()
            .all(|byte| byte == b'_' || byte.is_ascii_lowercase());
        is_key.then(|| line[2..].to_owned())
    };
    let lines: Vec<_> = text
        .lines()
        .map(|line| setting(line).unwrap_or_else(|| line.to_owned()))
        .collect();
    lines.join("\n")
}

#[test]
fn a_spent_bundle_is_avoided_unless_the_maker_allows_it() {
    let dir = folder_with_root();
    let file = dir.path().join("twined.toml");
    let of = |text: &str| {
        let text = format!("{text}{GATEWAY}");
        merge(&[(&file, &text)]).unwrap().config.engine.spent_bundle
    };
    assert_eq!(of(""), SpentBundle::Avoid);
    assert_eq!(of("network.spent_bundle = \"avoid\"\n"), SpentBundle::Avoid);
    assert_eq!(of("network.spent_bundle = \"allow\"\n"), SpentBundle::Allow);
}

#[test]
fn the_image_s_file_shows_every_key_with_its_default() {
    let dir = folder_with_root();
    let read = |name: &str| fs::read_to_string(Path::new(AOSP).join(name)).unwrap();
    let image = uncommented(&read("twined.toml"));
    let overlay = read("overlay.example.toml").replace("roots.pem", "root.pem");
    let file = dir.path().join("twined.toml");
    let effective = merge(&[(&file, &image), (&file, &overlay)]).unwrap();
    let default = merge(&[(&file, &overlay)]).unwrap();
    let values = |effective: &Effective| -> Vec<_> {
        KEYS.iter()
            .map(|key| (key.name, key.field.show(&effective.config)))
            .collect()
    };
    assert_eq!(values(&effective), values(&default));
    for (key, origin) in KEYS.iter().zip(&effective.origins) {
        assert!(
            matches!(origin, Origin::File(..)) || key.name == "gateway.server_name",
            "aosp/config/twined.toml does not show {}",
            key.name
        );
    }
}
