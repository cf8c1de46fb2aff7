//! The lab itself, as a program.
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::time::sleep;
use twine_e2e::{patiently, program, run};

const SCENARIO: &str = r#"
name = "short"
give_up_s = 12.0
daemon.engine.answer_timeout_ms = 500
daemon.engine.heartbeat_ms = 1000
daemon.engine.backoff_first_ms = 50
daemon.engine.backoff_max_ms = 500
daemon.engine.transports = ["tls"]
[[handset]]
name = "amina"
number = "+254712345678"
[[handset.link]]
id = "sim1"
kind = "cellular"
profile = "lte"
[[handset]]
name = "bello"
number = "+2348031234567"
[[handset.link]]
id = "home"
kind = "wifi"
profile = "wifi"
[[traffic]]
from = "amina"
to = "bello"
both_ways = true
count = 20
start_s = 0.1
every_s = 0.05
[[at]]
s = 0.4
do = "kill_daemon"
handset = "amina"
for_s = 0.1
[[at]]
s = 0.8
do = "kill_gateway"
for_s = 0.1
"#;

fn scenario(directory: &Path) -> PathBuf {
    let path = directory.join("short.toml");
    std::fs::write(&path, SCENARIO).unwrap();
    path
}

#[tokio::test]
async fn a_short_run_with_kills_is_good_and_leaves_its_reports() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).display().to_string();
    let scenario = scenario(directory.path()).display().to_string();
    let (json, html) = (at("verdict.json"), at("report.html"));
    let output = run(
        &program("twine-lab"),
        &["run", &scenario, "--json", &json, "--html", &html],
    )
    .await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{output:?}");
    assert!(said.contains("GOOD: everything arrived"), "{said}");
    assert!(!said.contains('\x1b'), "no colours but on a terminal");

    let json: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    assert_eq!(json["sent"], 40);
    assert_eq!(json["delivered"], 40);
    assert_eq!(json["log_errors"], serde_json::json!([]));
    assert!(json["bytes_on_wire"].as_u64().unwrap() > 0);
    assert!(std::fs::read_to_string(html).unwrap().contains("<svg"));
}

#[tokio::test]
async fn a_killed_lab_takes_its_children_along() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    let mut lab = tokio::process::Command::new(program("twine-lab"))
        .args(["run", "--quiet", "--keep"])
        .args([&home, &scenario(directory.path())])
        .stdout(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let pid = lab.id().unwrap();
    // A gateway, two daemons.
    let children = patiently(async {
        loop {
            let children = children_of(pid);
            if children.len() >= 3 {
                return children;
            }
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    kill(Pid::from_raw(pid as i32), Signal::SIGKILL).unwrap();
    patiently(lab.wait()).await.unwrap();
    patiently(async {
        while children.iter().any(|child| is_alive(*child)) {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn mistakes_are_told_before_anything_runs() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("wrong.toml");
    std::fs::write(
        &path,
        SCENARIO.replace("profile = \"lte\"", "profile = \"x\""),
    )
    .unwrap();
    let path = path.display().to_string();
    for command in ["check", "run"] {
        let output = run(&program("twine-lab"), &[command, &path]).await;
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.contains(&format!(
                "{path}:15:11: there is no profile \"x\"; allowed are"
            )),
            "{said}"
        );
    }
}

fn children_of(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

/// Running, and not only waiting to be reaped.
fn is_alive(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    match status.rsplit_once(") ") {
        Some((_, rest)) => !rest.starts_with('Z'),
        None => false,
    }
}
