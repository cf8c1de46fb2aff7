//! The configuration files of daemon and gateway.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use twine_gateway::GatewayConfig;
use twine_gateway::config::ConfigError as GatewayConfigError;
use twined::config::{ConfigError, merge};

/// Layers in one input; what stands between them is no character of TOML.
const MAX_LAYERS: usize = 3;
/// Between two layers of one input.
pub const LAYER_END: char = '\0';

/// Layers of `twined.toml`, later ones winning.
///
/// # Panics
///
/// If a promise is broken.
pub fn daemon(input: &[u8]) {
    let Some(text) = text(input) else {
        return;
    };
    let layers: Vec<(PathBuf, &str)> = text
        .splitn(MAX_LAYERS, LAYER_END)
        .enumerate()
        .map(|(index, text)| (data().join(format!("{index}.toml")), text))
        .collect();
    let layers: Vec<(&Path, &str)> = layers.iter().map(|(file, text)| (&**file, *text)).collect();
    match merge(&layers) {
        Ok(effective) => {
            let described = effective.describe();
            if !is_plain(text) {
                return;
            }
            let file = data().join("described.toml");
            match merge(&[(&file, &described)]) {
                Ok(again) => assert_eq!(
                    format!("{:?}", again.config),
                    format!("{:?}", effective.config)
                ),
                // The host is taken as the server's name where none is set, and
                // is held to less than a name that is set.
                Err(errors) => assert!(
                    errors.0.iter().all(is_about_the_server_name),
                    "does not read back: {errors}\n{described}"
                ),
            }
        }
        Err(errors) => {
            assert!(!errors.0.is_empty(), "an error that says nothing");
            for error in &errors.0 {
                let place = match error {
                    ConfigError::Syntax { place, .. }
                    | ConfigError::UnknownKey { place, .. }
                    | ConfigError::Value { place, .. } => place,
                    // What is nowhere has no line: it names the files.
                    ConfigError::Missing { files, .. } => {
                        assert_eq!(files.len(), layers.len());
                        continue;
                    }
                    ConfigError::Unreadable { .. } => panic!("no file was read: {error}"),
                };
                let Some((_, text)) = layers.iter().find(|(file, _)| *file == place.file) else {
                    panic!("an error in a file that is none: {error}");
                };
                assert_in(text, place.line, place.column, error);
            }
            let lines = errors.to_string().lines().count();
            assert!(
                lines == errors.0.len() || !is_plain(text),
                "one line each: {errors}"
            );
        }
    }
}

/// One `twine-gateway.toml`.
///
/// # Panics
///
/// If a promise is broken.
pub fn gateway(input: &[u8]) {
    let Some(text) = text(input) else {
        return;
    };
    let file = data().join("gateway.toml");
    match GatewayConfig::parse(&file, text) {
        Ok(config) => {
            let described = config.to_toml();
            if !is_plain(text) {
                return;
            }
            let again = GatewayConfig::parse(&file, &described)
                .unwrap_or_else(|error| panic!("does not read back: {error}\n{described}"));
            assert_eq!(again, config);
        }
        Err(GatewayConfigError::Mistakes(mistakes)) => {
            assert!(!mistakes.is_empty(), "an error that says nothing");
            for mistake in &mistakes {
                assert_eq!(mistake.file, file);
                assert_in(text, mistake.line, mistake.column, mistake);
                assert_one_line(text, mistake);
            }
        }
        Err(error) => panic!("no file was read: {error}"),
    }
}

/// Asserts that a place lies in the text, or one character behind its end.
pub(crate) fn assert_in(text: &str, line: usize, column: usize, error: &dyn Display) {
    let Some(found) = line
        .checked_sub(1)
        .and_then(|line| text.split('\n').nth(line))
    else {
        panic!("there is no line {line}: {error}");
    };
    assert!(
        (1..=found.chars().count() + 1).contains(&column),
        "there is no column {column}: {error}"
    );
}

/// Asserts that an error is said on one line, if the text is plain.
pub(crate) fn assert_one_line(text: &str, error: &dyn Display) {
    let lines = error.to_string().lines().count();
    assert!(lines == 1 || !is_plain(text), "one line: {error}");
}

/// Whether every string in a TOML text can be shown between quotes as it is.
/// Errors repeat keys and values as they are, line breaks included, and what is
/// printed as effective escapes like Rust; so only of a plain text it is asked
/// that errors have one line each, and that the effective settings read back.
fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| (b' '..=b'~').contains(&byte) || b"\t\n".contains(&byte);
    let marks = ["\\", "\"\"\"", "'''"];
    text.bytes()
        .all(|byte| plain(byte) || byte == LAYER_END as u8)
        && !marks.iter().any(|mark| text.contains(mark))
}

fn is_about_the_server_name(error: &ConfigError) -> bool {
    matches!(error, ConfigError::Value { key, .. } if *key == "gateway.server_name")
}

/// The input as text, unless it names a device: a root certificate read from
/// one would never end.
fn text(input: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(input).ok()?;
    (!text.contains("/dev")).then_some(text)
}

/// Where the root certificate lies that configurations of the corpus name.
fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data")
}
