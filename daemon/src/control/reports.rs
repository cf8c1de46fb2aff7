//! From a telephony agent's report to an event for the engine, or what is
//! wrong with which field.
//!
//! An agent is trusted to tell the truth about the phone, and not trusted to
//! tell it in bounds.

use std::net::IpAddr;
use std::sync::Arc;

use thiserror::Error;
use twine_engine::TelephonyEvent;
use twine_engine::limits::{MAX_LINK_NAME_BYTES, MAX_LINKS};
use twine_engine::link::{Binding, Generation, Link, LinkId, LinkKind, Sim, Vpn};
use twine_proto::Redacted;
use twine_proto::control_pb as pb;

use super::requests;
use crate::limits::{MAX_INTERFACE_BYTES, MAX_SIMS};

/// What a report says.
#[derive(Debug)]
pub(super) enum Told {
    /// Something for the engine.
    Event(TelephonyEvent),
    /// Something this version has no use for yet; the name of the report.
    Unused(&'static str),
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
        Some(Kind::State(state)) => parse_state(state).map(Told::Event),
        Some(Kind::Link(link)) => Ok(Told::Event(TelephonyEvent::Link(parse_link(link)?))),
        Some(Kind::SmsReceived(_)) => Ok(Told::Unused("sms_received")),
        Some(Kind::DataSim(_)) => Ok(Told::Unused("data_sim")),
        Some(Kind::Sim(_)) => Ok(Told::Unused("sim")),
        Some(Kind::SmsPart(_)) => Ok(Told::Unused("sms_part")),
        None => Ok(Told::Unused("a kind that this version does not know")),
    }
}

fn parse_state(state: pb::TelephonyState) -> Result<TelephonyEvent, ReportError> {
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
    Ok(TelephonyEvent::State { sims, links })
}

fn parse_sim(sim: pb::Sim) -> Result<Sim, ReportError> {
    let iccid = requests::iccid("sim.iccid", sim.iccid)
        .map_err(|error| wrong("sim.iccid", error))?
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
        slot: slot("sim.slot", sim.slot)?,
        iccid: Redacted::new(iccid.into_exposed()),
        number,
        mcc_mnc: sim.mcc_mnc.into(),
        ready: sim.ready,
    })
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
    let generation = match link.generation() {
        pb::Generation::Unknown => Generation::Unknown,
        pb::Generation::G2 => Generation::G2,
        pb::Generation::G25 => Generation::G2_5,
        pb::Generation::G3 => Generation::G3,
        pb::Generation::G4 => Generation::G4,
        pb::Generation::G5 => Generation::G5,
    };
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
mod tests {
    use super::*;

    fn link() -> pb::Link {
        pb::Link {
            id: "wifi".into(),
            kind: pb::LinkKind::Wifi.into(),
            up: true,
            validated: true,
            source_address: "127.0.0.2".into(),
            ..Default::default()
        }
    }

    fn refused(kind: pb::report::Kind) -> String {
        parse(pb::Report { kind: Some(kind) })
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn the_full_state_becomes_an_event() {
        let cellular = pb::Link {
            id: "sim1".into(),
            kind: pb::LinkKind::Cellular.into(),
            sim_slot: 1,
            generation: pb::Generation::G25.into(),
            interface: "rmnet0".into(),
            signal_dbm: -97,
            vpn: pb::Vpn::LockedOut.into(),
            network_handle: 7,
            ..Default::default()
        };
        let sim = pb::Sim {
            slot: 1,
            iccid: "8925402".into(),
            number: "+254712345678".into(),
            mcc_mnc: "63902".into(),
            ready: true,
            ..Default::default()
        };
        let state = pb::TelephonyState {
            sims: vec![sim],
            links: vec![link(), cellular],
            ..Default::default()
        };
        let report = pb::Report {
            kind: Some(pb::report::Kind::State(state)),
        };
        let Told::Event(TelephonyEvent::State { sims, links }) = parse(report).unwrap() else {
            panic!("expected the state");
        };
        assert_eq!(sims[0].slot, 1);
        assert_eq!(
            links[0].binding.source_address,
            Some("127.0.0.2".parse().unwrap())
        );
        assert_eq!(links[0].signal_dbm, None);
        assert_eq!(links[1].kind, LinkKind::Cellular { sim_slot: 1 });
        assert_eq!(links[1].generation, Generation::G2_5);
        assert_eq!(links[1].binding.interface.as_deref(), Some("rmnet0"));
        assert_eq!(links[1].binding.network_handle, Some(7));
        assert_eq!(links[1].signal_dbm, Some(-97));
        assert_eq!((links[0].vpn, links[1].vpn), (Vpn::None, Vpn::LockedOut));
    }

    #[test]
    fn every_field_is_checked_and_named() {
        use pb::report::Kind;
        let cases = [
            (
                pb::Link {
                    id: String::new(),
                    ..link()
                },
                "link.id: a link needs a name",
            ),
            (
                pb::Link {
                    id: "x".repeat(65),
                    ..link()
                },
                "link.id: 65 bytes are over the limit of 64",
            ),
            (
                pb::Link { kind: 9, ..link() },
                "link.kind: wifi, cellular and ethernet are allowed",
            ),
            (
                pb::Link {
                    kind: pb::LinkKind::Cellular.into(),
                    sim_slot: 2,
                    ..link()
                },
                "link.sim_slot: 2; 0 and 1 are allowed",
            ),
            (
                pb::Link {
                    source_address: "::x".into(),
                    ..link()
                },
                "link.source_address: an IPv4 or IPv6 address is allowed, or nothing",
            ),
            (
                pb::Link {
                    interface: "../../x".into(),
                    ..link()
                },
                "link.interface: at most 15 visible ASCII characters without '/' are allowed",
            ),
        ];
        for (link, expected) in cases {
            assert_eq!(refused(Kind::Link(link)), expected);
        }
        let links = |links| {
            Kind::State(pb::TelephonyState {
                sims: Vec::new(),
                links,
                ..Default::default()
            })
        };
        assert_eq!(
            refused(links(vec![link(), link()])),
            "link.id: \"wifi\" is there twice"
        );
        assert_eq!(
            refused(links(vec![link(); 17])),
            "state.links: 17 links; at most 16 are allowed"
        );
        let sims = vec![pb::Sim::default(); 9];
        assert_eq!(
            refused(Kind::State(pb::TelephonyState {
                sims,
                links: Vec::new(),
                ..Default::default()
            })),
            "state.sims: 9 cards; at most 8 are allowed"
        );
    }

    #[test]
    fn what_is_not_used_yet_is_no_error() {
        let sms = pb::report::Kind::SmsReceived(pb::SmsReceived::default());
        let told = parse(pb::Report { kind: Some(sms) }).unwrap();
        assert!(matches!(told, Told::Unused("sms_received")));
        assert!(matches!(
            parse(pb::Report { kind: None }).unwrap(),
            Told::Unused(_)
        ));
    }
}
