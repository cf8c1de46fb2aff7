//! `twinectl links`.

use twine_control::pb;

use super::{Command, answer};
use crate::cli::Options;
use crate::exit::Failure;
use crate::link;

/// The links of the phone.
pub(crate) struct Links;

impl Command for Links {
    fn help(&self) -> &'static str {
        "\
Usage: twinectl links

The links that the telephony agent reported, how old each report is, which one
carries the session, and why.
JSON: {links[{id, kind, sim_slot, up, validated, metered, roaming, generation,
network, source_address, interface, signal_dbm, vpn, carries_session, reason,
age_ms}]}.
"
    }

    fn run(&self, options: &Options) -> Result<(), Failure> {
        let (mut client, redact) = options.reader()?;
        let links = client
            .ask(pb::GetLinks {})
            .map_err(|error| Failure::from(error).of_reading())?;
        answer(
            options,
            || link::json(&links, redact),
            || link::text(&links),
        )
    }
}
