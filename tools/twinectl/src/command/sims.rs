//! `twinectl sims`.

use twine_control::pb;

use super::{Command, answer};
use crate::cli::Options;
use crate::exit::Failure;
use crate::json::Value;
use crate::redact::Redact;
use crate::sim;

/// The cards in the phone.
pub(crate) struct Sims;

impl Command for Sims {
    fn help(&self) -> &'static str {
        "\
Usage: twinectl sims

The cards that the telephony agent reported, how old each report is, and whether
SMS can leave by them now.
JSON: {agent, sims[{slot, iccid, number, mcc_mnc, operator, ready, radio_off,
in_service, roaming, default_sms, data{here, allowed, in_service, generation,
signal_level, bundle, users_choice}, subscription_id, age_ms}]}; agent says whether
the telephony agent is connected. DATA says whether mobile data go by the card, or
could; \"-\": the agent does not tell.
"
    }

    fn run(&self, options: &Options) -> Result<(), Failure> {
        let (mut client, redact) = options.reader()?;
        let status = client
            .ask(pb::GetStatus {})
            .map_err(|error| Failure::from(error).of_reading())?;
        answer(
            options,
            || {
                Value::object([
                    ("agent", Value::from(status.agent)),
                    ("sims", sim::json(&status.sims, redact)),
                ])
            },
            || text(&status, redact),
        )
    }
}

fn text(status: &pb::Status, redact: Redact) -> String {
    let mut out = if status.sims.is_empty() {
        "no cards reported\n".to_owned()
    } else {
        sim::table(&status.sims, redact, "")
    };
    if !status.agent {
        out.push_str("the telephony agent is not connected: nothing can be sent by SMS\n");
    }
    out
}
