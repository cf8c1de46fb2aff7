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
    #[serde(rename = "operator", default)]
    pub(super) operators: Vec<Spanned<Operator>>,
    #[serde(rename = "handset", default)]
    pub(super) handsets: Vec<Spanned<Handset>>,
    #[serde(rename = "plain", default)]
    pub(super) plain: Vec<Plain>,
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
    /// By slot.
    #[serde(default)]
    pub(super) coverage: Vec<Word>,
    pub(super) data_card: Option<Word>,
    pub(super) data_move_s: Option<Spanned<f64>>,
    #[serde(rename = "card", default)]
    pub(super) cards: Vec<Card>,
    #[serde(rename = "link", default)]
    pub(super) links: Vec<Link>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Operator {
    pub(super) name: Word,
    pub(super) mcc_mnc: Word,
    pub(super) on_net_micros: Option<u64>,
    pub(super) off_net_micros: Option<u64>,
    #[serde(default)]
    pub(super) sms_centre: Centre,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Centre {
    pub(super) delay_s: Option<Spanned<f64>>,
    pub(super) delay_mean_s: Option<Spanned<f64>>,
    pub(super) delay_most_s: Option<Spanned<f64>>,
    pub(super) loss: Option<Spanned<f64>>,
    pub(super) double: Option<Spanned<f64>>,
    pub(super) hold: Option<Spanned<f64>>,
    pub(super) hold_s: Option<Spanned<f64>>,
    pub(super) withhold_reports: Option<Spanned<f64>>,
    pub(super) retry_s: Option<Spanned<f64>>,
    pub(super) reject: Option<Spanned<f64>>,
    pub(super) radio_retry: Option<Spanned<f64>>,
    pub(super) send_s: Option<Spanned<f64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Card {
    pub(super) id: Word,
    pub(super) slot: Option<Spanned<u32>>,
    pub(super) number: Option<Word>,
    pub(super) operator: Option<Word>,
    pub(super) iccid: Option<Word>,
    pub(super) balance_micros: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plain {
    pub(super) name: Word,
    pub(super) number: Word,
    pub(super) operator: Option<Word>,
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
    pub(super) slot: Option<Spanned<u32>>,
    pub(super) coverage: Option<Word>,
    pub(super) card: Option<Word>,
    pub(super) to: Option<Word>,
    pub(super) channel: Option<Word>,
    pub(super) balance_micros: Option<Spanned<u64>>,
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
