//! The evaluation of returns, at a tenth of its size.

use std::process::Command;

#[test]
fn handsets_come_back_spread_and_whoever_writes_comes_first() {
    let output = Command::new(env!("CARGO_BIN_EXE_reconnect-eval"))
        .args(["--handsets", "1000", "--check"])
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}");
}
