//! How a card is shown.

use twine_control::pb;

use crate::clock::duration;
use crate::json::Value;
use crate::redact::Redact;
use crate::table::{Table, one_line, or_dash};
use crate::words;

/// All cards as a value.
pub(crate) fn json(sims: &[pb::SimStatus], redact: Redact) -> Value {
    Value::list(sims, |status| {
        let sim = status.sim.clone().unwrap_or_default();
        Value::object([
            ("slot", Value::from(sim.slot)),
            ("iccid", Value::given(redact.hidden(&sim.iccid))),
            ("number", Value::given(redact.number(&sim.number))),
            ("mcc_mnc", Value::given(&sim.mcc_mnc)),
            ("operator", Value::given(&sim.operator)),
            ("ready", Value::from(sim.ready)),
            ("radio_off", Value::from(sim.radio_off)),
            ("in_service", Value::from(sim.in_service)),
            ("roaming", Value::from(sim.roaming)),
            ("default_sms", Value::from(sim.default_sms)),
            ("data", Value::object(data_json(&sim))),
            ("subscription_id", Value::Signed(sim.subscription_id.into())),
            ("age_ms", Value::from(status.age_ms)),
        ])
    })
}

/// All cards as a table; each says how old its report is.
pub(crate) fn table(sims: &[pb::SimStatus], redact: Redact, indent: &str) -> String {
    let mut table = Table::new(&[
        "SLOT", "OPERATOR", "HOME", "NUMBER", "CARD", "SMS", "DATA", "FLAGS", "REPORTED",
    ]);
    for status in sims {
        let sim = status.sim.clone().unwrap_or_default();
        let flags = [("roaming", sim.roaming), ("default", sim.default_sms)];
        let flags: Vec<_> = flags
            .iter()
            .filter_map(|(name, set)| set.then_some(*name))
            .collect();
        table.row([
            sim.slot.to_string(),
            or_dash(one_line(&sim.operator)),
            or_dash(one_line(&sim.mcc_mnc)),
            or_dash(one_line(&redact.number(&sim.number))),
            or_dash(one_line(&redact.hidden(&sim.iccid))),
            can_send(&sim).to_owned(),
            data(&sim),
            or_dash(flags.join(",")),
            format!("{} ago", duration(status.age_ms)),
        ]);
    }
    table.render(indent)
}

/// Whether SMS can leave by this card now.
const fn can_send(sim: &pb::Sim) -> &'static str {
    if sim.radio_off {
        "no: the radio is off"
    } else if !sim.ready {
        "no: the card is not ready"
    } else if !sim.in_service {
        "no: no network"
    } else {
        "yes"
    }
}

/// What is known of a card's mobile data.
fn data_json(sim: &pb::Sim) -> [(&'static str, Value); 7] {
    let allowed = match sim.data_allowance() {
        pb::DataAllowance::Unspecified => "unknown",
        pb::DataAllowance::DataOff => "no",
        pb::DataAllowance::DataAtHome => "at_home",
        pb::DataAllowance::DataRoamingToo => "roaming_too",
    };
    let bundle = match sim.data_bundle() {
        pb::DataBundle::Unspecified => "unknown",
        pb::DataBundle::DataLeft => "left",
        pb::DataBundle::DataSpent => "spent",
    };
    [
        ("here", Value::from(sim.carries_data)),
        ("allowed", Value::text(allowed)),
        ("in_service", Value::from(sim.data_in_service)),
        ("generation", Value::text(words::generation(sim.generation))),
        // As Android's: 0 to 4.
        (
            "signal_level",
            sim.signal_level
                .checked_sub(1)
                .map_or(Value::Null, Value::from),
        ),
        ("bundle", Value::text(bundle)),
        ("users_choice", Value::from(sim.default_data)),
    ]
}

/// Whether the phone's data go by this card, or could.
fn data(sim: &pb::Sim) -> String {
    let could = match sim.data_allowance() {
        pb::DataAllowance::Unspecified => return "-".to_owned(),
        pb::DataAllowance::DataOff => "not allowed".to_owned(),
        _ if !sim.data_in_service => "no network".to_owned(),
        pb::DataAllowance::DataAtHome if sim.roaming => "not allowed abroad".to_owned(),
        _ if sim.data_bundle() == pb::DataBundle::DataSpent => "used up".to_owned(),
        _ => words::generation(sim.generation),
    };
    if sim.carries_data {
        format!("here, {could}")
    } else {
        could
    }
}
