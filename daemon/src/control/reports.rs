//! From a telephony agent's report to an event for the engine, or what is
//! wrong with which field.
//!
//! An agent is trusted to tell the truth about the phone, and not trusted to
//! tell it in bounds. What the network made is another matter: no SMS and no
//! card is lost for how its operator writes.

mod sms;

use std::net::IpAddr;
use std::sync::Arc;

use thiserror::Error;
use twine_engine::TelephonyEvent;
use twine_engine::limits::{MAX_LINK_NAME_BYTES, MAX_LINKS, MAX_SIMS};
use twine_engine::link::{Binding, Generation, Link, LinkId, LinkKind, Sim, Vpn};
use twine_engine::links::{Allowance, Bundle, Service, SimData};
use twine_proto::Redacted;
use twine_proto::control_pb as pb;
use twine_sms::{Language, TableSet};

use self::sms::{parse_part, parse_received};
use super::requests;
use crate::limits::{MAX_INTERFACE_BYTES, MAX_OPERATOR_BYTES};

/// What a report says.
#[derive(Debug)]
pub(super) struct Told {
    /// Something for the engine; `None`: this version has no use for it.
    pub(super) event: Option<TelephonyEvent>,
    /// What is worth a line in the log, the first time.
    pub(super) odd: Option<&'static str>,
}

impl Told {
    const fn event(event: TelephonyEvent) -> Self {
        Self {
            event: Some(event),
            odd: None,
        }
    }

    const fn unused(odd: &'static str) -> Self {
        Self {
            event: None,
            odd: Some(odd),
        }
    }
}

/// Why a report cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field}: {reason}")]
pub(super) struct ReportError {
    /// With its report, as in `control.proto`.
    pub(super) field: &'static str,
    /// What is wrong and what is allowed.
    pub(super) reason: String,
}

fn wrong(field: &'static str, reason: impl ToString) -> ReportError {
    ReportError {
        field,
        reason: reason.to_string(),
    }
}

/// Checks a report.
pub(super) fn parse(report: pb::Report) -> Result<Told, ReportError> {
    use pb::report::Kind;
    match report.kind {
        Some(Kind::State(state)) => parse_state(state),
        Some(Kind::Link(link)) => Ok(Told::event(TelephonyEvent::Link(parse_link(link)?))),
        Some(Kind::Sim(sim)) => Ok(Told::event(TelephonyEvent::Sim(parse_sim(sim)?))),
        Some(Kind::SmsPart(part)) => parse_part(part).map(Told::event),
        Some(Kind::SmsReceived(received)) => parse_received(received),
        Some(Kind::DataSim(data)) => Ok(Told::event(TelephonyEvent::DataSim {
            slot: slot("data_sim.slot", data.slot)?,
            confirmed: data.confirmed,
        })),
        None => Ok(Told::unused("a report of a kind not known here")),
    }
}

fn parse_state(state: pb::TelephonyState) -> Result<Told, ReportError> {
    if state.sims.len() > MAX_SIMS {
        let count = state.sims.len();
        return Err(wrong(
            "state.sims",
            format!("{count} cards; at most {MAX_SIMS} are allowed"),
        ));
    }
    if state.links.len() > MAX_LINKS {
        let count = state.links.len();
        return Err(wrong(
            "state.links",
            format!("{count} links; at most {MAX_LINKS} are allowed"),
        ));
    }
    let sims: Vec<_> = state
        .sims
        .into_iter()
        .map(parse_sim)
        .collect::<Result<_, _>>()?;
    let links: Vec<_> = state
        .links
        .into_iter()
        .map(parse_link)
        .collect::<Result<_, _>>()?;
    for (index, link) in links.iter().enumerate() {
        if links[..index].iter().any(|other| other.id == link.id) {
            return Err(wrong("link.id", format!("{:?} is there twice", link.id.0)));
        }
    }
    let (tables, all_known) = tables(&state.locking_tables, &state.single_shift_tables);
    Ok(Told {
        event: Some(TelephonyEvent::State {
            sims,
            links,
            tables,
        }),
        odd: (!all_known).then_some("a national language table that is not known here"),
    })
}

/// The tables by identifier, and whether all of them are known. A table that is
/// not known is not used: the text then counts as longer than it is, never as
/// shorter.
fn tables(locking: &[u32], single: &[u32]) -> (TableSet, bool) {
    let language = |&identifier: &u32| {
        u8::try_from(identifier)
            .ok()
            .and_then(Language::from_identifier)
    };
    let mut all_known = true;
    let mut known = |identifiers: &[u32], with: fn(TableSet, Language) -> TableSet, set| {
        identifiers.iter().fold(set, |set, identifier| {
            if let Some(language) = language(identifier) {
                with(set, language)
            } else {
                all_known = false;
                set
            }
        })
    };
    let set = known(locking, TableSet::with_locking, TableSet::NONE);
    let set = known(single, TableSet::with_single, set);
    (set, all_known)
}

/// At most so many bytes, whole characters; whether something was cut off.
fn cut(mut text: String, limit: usize) -> (String, bool) {
    if text.len() <= limit {
        return (text, false);
    }
    text.truncate(text.floor_char_boundary(limit));
    (text, true)
}

fn parse_sim(sim: pb::Sim) -> Result<Sim, ReportError> {
    let slot = slot("sim.slot", sim.slot)?;
    let data = data(&sim, slot);
    let iccid = requests::iccid("sim.iccid", sim.iccid)
        .map_err(|error| wrong("sim.iccid", error.reason()))?
        .ok_or_else(|| wrong("sim.iccid", "a card needs its number"))?;
    let number = match &*sim.number {
        "" => None,
        number => Some(number.parse().map_err(|error| wrong("sim.number", error))?),
    };
    let digits = sim.mcc_mnc.bytes().all(|byte| byte.is_ascii_digit());
    // Empty while the card is not read yet.
    if !digits || !matches!(sim.mcc_mnc.len(), 0 | 5 | 6) {
        return Err(wrong(
            "sim.mcc_mnc",
            "five or six digits are allowed, or nothing",
        ));
    }
    Ok(Sim {
        slot,
        iccid: Redacted::new(iccid.into_exposed()),
        number,
        mcc_mnc: sim.mcc_mnc.into(),
        ready: sim.ready,
        in_service: sim.in_service,
        roaming: sim.roaming,
        default_sms: sim.default_sms,
        radio_off: sim.radio_off,
        subscription_id: sim.subscription_id,
        data,
        operator: operator(sim.operator),
    })
}

/// A name that the card or the network gave: for a person to read.
fn operator(name: String) -> Arc<str> {
    let (name, _) = cut(name, MAX_OPERATOR_BYTES);
    name.chars()
        .filter(|character| !character.is_control())
        .collect::<String>()
        .into()
}

/// What is told of a card's mobile data; `None`: nothing.
fn data(sim: &pb::Sim, slot: u8) -> Option<SimData> {
    let allowance = match sim.data_allowance() {
        // Or a value of a newer agent.
        pb::DataAllowance::Unspecified => return None,
        pb::DataAllowance::DataOff => Allowance::Off,
        pb::DataAllowance::DataAtHome => Allowance::AtHome,
        pb::DataAllowance::DataRoamingToo => Allowance::RoamingToo,
    };
    Some(SimData {
        slot,
        service: match (sim.data_in_service, sim.roaming) {
            (false, _) => Service::None,
            (true, true) => Service::Roaming,
            (true, false) => Service::Home,
        },
        generation: generation(sim.generation()),
        signal_level: u8::try_from(sim.signal_level)
            .ok()
            .and_then(|level| level.checked_sub(1))
            .filter(|level| *level <= 4),
        allowance,
        bundle: match sim.data_bundle() {
            pb::DataBundle::Unspecified => Bundle::Unknown,
            pb::DataBundle::DataLeft => Bundle::Within,
            pb::DataBundle::DataSpent => Bundle::Spent,
        },
        default_data: sim.default_data,
        carries_data: sim.carries_data,
    })
}

const fn generation(told: pb::Generation) -> Generation {
    match told {
        pb::Generation::Unknown => Generation::Unknown,
        pb::Generation::G2 => Generation::G2,
        pb::Generation::G25 => Generation::G2_5,
        pb::Generation::G3 => Generation::G3,
        pb::Generation::G4 => Generation::G4,
        pb::Generation::G5 => Generation::G5,
    }
}

fn parse_link(link: pb::Link) -> Result<Link, ReportError> {
    let kind = match link.kind() {
        pb::LinkKind::Wifi => LinkKind::Wifi,
        pb::LinkKind::Ethernet => LinkKind::Ethernet,
        pb::LinkKind::Cellular => LinkKind::Cellular {
            sim_slot: slot("link.sim_slot", link.sim_slot)?,
        },
        pb::LinkKind::Unspecified => {
            return Err(wrong(
                "link.kind",
                "wifi, cellular and ethernet are allowed",
            ));
        }
    };
    let generation = generation(link.generation());
    // A value of a newer agent reads as `None`.
    let vpn = match link.vpn() {
        pb::Vpn::None => Vpn::None,
        pb::Vpn::Tunnel => Vpn::Tunnel,
        pb::Vpn::LockedOut => Vpn::LockedOut,
    };
    if link.id.is_empty() {
        return Err(wrong("link.id", "a link needs a name"));
    }
    Ok(Link {
        id: LinkId(link_name("link.id", &link.id)?),
        kind,
        up: link.up,
        validated: link.validated,
        metered: link.metered,
        roaming: link.roaming,
        generation,
        network: link_name("link.network", &link.network)?,
        binding: Binding {
            network_handle: (link.network_handle != 0).then_some(link.network_handle),
            source_address: address(&link.source_address)?,
            interface: interface(&link.interface)?,
        },
        // No radio reports a positive or an absurd strength.
        signal_dbm: Some(link.signal_dbm).filter(|dbm| (-200..0).contains(dbm)),
        vpn,
    })
}

fn slot(field: &'static str, slot: u32) -> Result<u8, ReportError> {
    match slot {
        0 => Ok(0),
        1 => Ok(1),
        _ => Err(wrong(field, format!("{slot}; 0 and 1 are allowed"))),
    }
}

fn link_name(field: &'static str, name: &str) -> Result<Arc<str>, ReportError> {
    if name.len() > MAX_LINK_NAME_BYTES {
        let bytes = name.len();
        return Err(wrong(
            field,
            format!("{bytes} bytes are over the limit of {MAX_LINK_NAME_BYTES}"),
        ));
    }
    Ok(name.into())
}

fn address(text: &str) -> Result<Option<IpAddr>, ReportError> {
    if text.is_empty() {
        return Ok(None);
    }
    let address = text.parse().map_err(|_| {
        wrong(
            "link.source_address",
            "an IPv4 or IPv6 address is allowed, or nothing",
        )
    })?;
    Ok(Some(address))
}

fn interface(name: &str) -> Result<Option<Arc<str>>, ReportError> {
    if name.is_empty() {
        return Ok(None);
    }
    let allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'/';
    if name.len() > MAX_INTERFACE_BYTES || !name.bytes().all(allowed) {
        return Err(wrong(
            "link.interface",
            format!(
                "at most {MAX_INTERFACE_BYTES} visible ASCII characters without '/' are allowed"
            ),
        ));
    }
    Ok(Some(name.into()))
}

#[cfg(test)]
mod tests;
