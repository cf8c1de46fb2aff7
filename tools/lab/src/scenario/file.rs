//! The scenario file as it is written, before it is checked.

use serde::Deserialize;
use toml::Spanned;

type Word = Spanned<String>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) name: String,
    #[serde(default = "one")]
    pub(super) seed: u64,
    pub(super) give_up_s: Spanned<f64>,
    #[serde(default)]
    pub(super) daemon: toml::Table,
    #[serde(rename = "handset", default)]
    pub(super) handsets: Vec<Spanned<Handset>>,
    #[serde(default)]
    pub(super) traffic: Vec<Traffic>,
    #[serde(default)]
    pub(super) at: Vec<Spanned<At>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Handset {
    pub(super) name: Word,
    pub(super) number: Word,
    #[serde(rename = "link", default)]
    pub(super) links: Vec<Link>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    pub(super) id: Word,
    pub(super) kind: Word,
    pub(super) profile: Word,
    pub(super) sim_slot: Option<Spanned<u32>>,
    pub(super) metered: Option<bool>,
    #[serde(default = "yes")]
    pub(super) up: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Traffic {
    pub(super) from: Word,
    pub(super) to: Word,
    #[serde(default)]
    pub(super) both_ways: bool,
    pub(super) count: Spanned<u64>,
    #[serde(default = "one_spanned")]
    pub(super) burst: Spanned<u64>,
    pub(super) start_s: Spanned<f64>,
    pub(super) every_s: Spanned<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct At {
    pub(super) s: Spanned<f64>,
    pub(super) r#do: Word,
    pub(super) handset: Option<Word>,
    pub(super) link: Option<Word>,
    pub(super) profile: Option<Word>,
    pub(super) for_s: Option<Spanned<f64>>,
}

const fn one() -> u64 {
    1
}

fn one_spanned() -> Spanned<u64> {
    Spanned::new(0..0, 1)
}

const fn yes() -> bool {
    true
}
