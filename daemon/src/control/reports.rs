//! From a telephony agent's report to an event for the engine, or what is
//! wrong with which field.
//!
//! An agent is trusted to tell the truth about the phone, and not trusted to
//! tell it in bounds. What the network made is another matter: no SMS and no
//! card is lost for how its operator writes.

use std::net::IpAddr;
use std::sync::Arc;

use thiserror::Error;
use twine_engine::limits::{MAX_LINK_NAME_BYTES, MAX_LINKS, MAX_SIMS, MAX_SPOOL_ID_BYTES};
use twine_engine::link::{Binding, Generation, Link, LinkId, LinkKind, Sim};
use twine_engine::parts::{AttemptId, PartState};
use twine_engine::{SmsReceived, TelephonyEvent};
use twine_proto::Redacted;
use twine_proto::control_pb as pb;
use twine_proto::limits::MAX_TEXT_BYTES;
use twine_sms::{Language, TableSet};

use super::originator::originator;
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
        Some(Kind::DataSim(_)) => Ok(Told::unused("a report data_sim, of no use yet")),
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

fn parse_part(result: pb::SmsPartResult) -> Result<TelephonyEvent, ReportError> {
    let state = match result.state() {
        pb::SmsPartState::PartSent => PartState::Sent,
        pb::SmsPartState::PartRefused => PartState::Refused,
        pb::SmsPartState::PartUnknown => PartState::Unknown,
        pb::SmsPartState::PartDelivered => PartState::Delivered,
        pb::SmsPartState::PartUndeliverable => PartState::Undeliverable,
        pb::SmsPartState::Unspecified => {
            return Err(wrong("sms_part.state", "a result has to say which"));
        }
    };
    let part = u8::try_from(result.part).map_err(|_| {
        wrong(
            "sms_part.part",
            format!("{} is over the limit of {}", result.part, u8::MAX),
        )
    })?;
    Ok(TelephonyEvent::SmsPart {
        attempt: AttemptId(result.attempt),
        part,
        state,
        code: (state == PartState::Refused).then_some(result.code),
    })
}

fn parse_received(received: pb::SmsReceived) -> Result<Told, ReportError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let spool_id = received.spool_id;
    // Without it nothing could be acknowledged.
    if !(1..=MAX_SPOOL_ID_BYTES).contains(&spool_id.len()) || !spool_id.bytes().all(allowed) {
        return Err(wrong(
            "sms_received.spool_id",
            format!(
                "1 to {MAX_SPOOL_ID_BYTES} ASCII letters, digits, '.', '_' and '-' are allowed"
            ),
        ));
    }
    // A card that is not known receives all the same.
    let iccid = requests::iccid("sms_received.iccid", received.iccid)
        .map_err(|error| wrong("sms_received.iccid", error.reason()))?
        .unwrap_or_else(|| Redacted::new(String::new()));
    let from = originator(&received.from, &received.from_e164);
    let (text, cut) = cut(received.text, MAX_TEXT_BYTES);
    let odd = if cut {
        Some("an SMS longer than any SMS: its end is cut off")
    } else if from.changed {
        Some("the originator of an SMS, shown in another way than it came")
    } else {
        None
    };
    Ok(Told {
        event: Some(TelephonyEvent::SmsReceived(SmsReceived {
            spool_id,
            iccid,
            from: from.peer,
            text: Redacted::new(text),
            scts_ms: received.scts_ms,
        })),
        odd,
    })
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
        slot: slot("sim.slot", sim.slot)?,
        iccid: Redacted::new(iccid.into_exposed()),
        number,
        mcc_mnc: sim.mcc_mnc.into(),
        ready: sim.ready,
        in_service: sim.in_service,
        roaming: sim.roaming,
        default_sms: sim.default_sms,
        radio_off: sim.radio_off,
        subscription_id: sim.subscription_id,
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
            network_handle: 7,
            ..Default::default()
        };
        let sim = pb::Sim {
            slot: 1,
            iccid: "8925402".into(),
            number: "+254712345678".into(),
            mcc_mnc: "63902".into(),
            ready: true,
            in_service: true,
            default_sms: true,
            subscription_id: 3,
            operator: "Safari\u{7}com".into(),
            ..Default::default()
        };
        let state = pb::TelephonyState {
            sims: vec![sim],
            links: vec![link(), cellular],
            locking_tables: vec![1],
            single_shift_tables: vec![1, 2],
        };
        let report = pb::Report {
            kind: Some(pb::report::Kind::State(state)),
        };
        let told = parse(report).unwrap();
        assert_eq!(told.odd, None);
        let Some(TelephonyEvent::State {
            sims,
            links,
            tables,
        }) = told.event
        else {
            panic!("expected the state");
        };
        assert_eq!(tables, "tr,es-single".parse().unwrap());
        assert_eq!(sims[0].slot, 1);
        assert!(sims[0].in_service && sims[0].default_sms && !sims[0].radio_off);
        assert_eq!(
            (sims[0].subscription_id, &*sims[0].operator),
            (3, "Safaricom")
        );
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
        let sims = vec![pb::Sim::default(); 5];
        assert_eq!(
            refused(Kind::State(pb::TelephonyState {
                sims,
                links: Vec::new(),
                ..Default::default()
            })),
            "state.sims: 5 cards; at most 4 are allowed"
        );
        let part = |part, state: pb::SmsPartState| {
            Kind::SmsPart(pb::SmsPartResult {
                attempt: 7,
                part,
                state: state.into(),
                code: 4,
            })
        };
        assert_eq!(
            refused(part(256, pb::SmsPartState::PartSent)),
            "sms_part.part: 256 is over the limit of 255"
        );
        assert_eq!(
            refused(part(0, pb::SmsPartState::Unspecified)),
            "sms_part.state: a result has to say which"
        );
        for spool_id in ["", "../x", &*"x".repeat(65)] {
            assert_eq!(
                refused(Kind::SmsReceived(pb::SmsReceived {
                    spool_id: spool_id.to_owned(),
                    ..received()
                })),
                "sms_received.spool_id: 1 to 64 ASCII letters, digits, '.', '_' and '-' are allowed"
            );
        }
        assert_eq!(
            refused(Kind::SmsReceived(pb::SmsReceived {
                iccid: "89 254".to_owned(),
                ..received()
            })),
            "sms_received.iccid: 1 to 32 ASCII letters and digits are allowed"
        );
    }

    fn received() -> pb::SmsReceived {
        pb::SmsReceived {
            spool_id: "1700000000-1".into(),
            sim_slot: 0,
            from: "0712345678".into(),
            text: "habari".into(),
            scts_ms: 1_700_000_000_000,
            iccid: "8925402".into(),
            from_e164: "+254712345678".into(),
        }
    }

    fn told(kind: pb::report::Kind) -> Told {
        parse(pb::Report { kind: Some(kind) }).unwrap()
    }

    fn taken(received: pb::SmsReceived) -> (SmsReceived, bool) {
        let told = told(pb::report::Kind::SmsReceived(received));
        match told.event {
            Some(TelephonyEvent::SmsReceived(received)) => (received, told.odd.is_some()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn no_sms_is_lost_for_what_the_network_made_of_it() {
        let (sms, odd) = taken(received());
        assert_eq!(
            (sms.from.expose(), odd),
            ("+254712345678".to_owned(), false)
        );
        assert_eq!(
            (sms.spool_id.as_str(), sms.text.expose().as_str()),
            ("1700000000-1", "habari")
        );

        let (sms, odd) = taken(pb::SmsReceived {
            from: "\u{1}".repeat(100),
            from_e164: String::new(),
            ..received()
        });
        assert!(odd && sms.from.number().is_none());

        let (sms, odd) = taken(pb::SmsReceived {
            text: "ዛ".repeat(MAX_TEXT_BYTES),
            ..received()
        });
        assert!(odd && sms.text.expose().len() > MAX_TEXT_BYTES - 3);

        let (sms, odd) = taken(pb::SmsReceived {
            text: String::new(),
            iccid: String::new(),
            ..received()
        });
        assert!(!odd && sms.text.expose().is_empty() && sms.iccid.expose().is_empty());
    }

    #[test]
    fn the_code_of_a_part_is_that_of_its_refusal() {
        let part = |state: pb::SmsPartState| {
            told(pb::report::Kind::SmsPart(pb::SmsPartResult {
                attempt: u64::MAX,
                part: 255,
                state: state.into(),
                code: 4,
            }))
        };
        for (state, expected) in [
            (pb::SmsPartState::PartRefused, Some(4)),
            (pb::SmsPartState::PartSent, None),
        ] {
            let Some(TelephonyEvent::SmsPart {
                attempt,
                part,
                code,
                ..
            }) = part(state).event
            else {
                panic!("expected a part");
            };
            assert_eq!((attempt, part, code), (AttemptId(u64::MAX), 255, expected));
        }
    }

    #[test]
    fn tables_not_known_are_left_out_and_told() {
        let state = pb::TelephonyState {
            locking_tables: vec![6, 14, u32::MAX],
            single_shift_tables: vec![6, 0],
            ..Default::default()
        };
        let told = told(pb::report::Kind::State(state));
        assert!(told.odd.is_some());
        let Some(TelephonyEvent::State { tables, .. }) = told.event else {
            panic!("expected the state");
        };
        assert_eq!(tables, "hi".parse().unwrap());
    }

    #[test]
    fn what_is_not_used_yet_is_no_error() {
        let data_sim = told(pb::report::Kind::DataSim(pb::DataSim::default()));
        assert!(data_sim.event.is_none() && data_sim.odd.is_some());
        let unknown = parse(pb::Report { kind: None }).unwrap();
        assert!(unknown.event.is_none() && unknown.odd.is_some());
    }
}
