//! How a link is shown.

use twine_control::pb;

use crate::clock::duration;
use crate::json::Value;
use crate::redact::Redact;
use crate::table::{Table, one_line, or_dash};
use crate::words;

/// All links as one value. A network's name may be a person's Wi-Fi.
pub(crate) fn json(links: &pb::Links, redact: Redact) -> Value {
    let links = Value::list(&links.links, |status| {
        let link = status.link.clone().unwrap_or_default();
        Value::object([
            ("id", Value::given(&link.id)),
            ("kind", Value::text(words::link_kind(link.kind))),
            ("sim_slot", sim_slot(&link)),
            ("up", Value::from(link.up)),
            ("validated", Value::from(link.validated)),
            ("metered", Value::from(link.metered)),
            ("roaming", Value::from(link.roaming)),
            (
                "generation",
                Value::text(words::generation(link.generation)),
            ),
            ("network", Value::given(redact.hidden(&link.network))),
            (
                "source_address",
                Value::given(redact.hidden(&link.source_address)),
            ),
            ("interface", Value::given(&link.interface)),
            (
                "signal_dbm",
                match link.signal_dbm {
                    0 => Value::Null,
                    dbm => Value::Signed(dbm.into()),
                },
            ),
            ("vpn", Value::text(words::vpn(link.vpn))),
            ("carries_session", Value::from(status.carries_session)),
            ("reason", Value::given(&status.reason)),
            ("age_ms", Value::from(status.age_ms)),
        ])
    });
    Value::object([("links", links)])
}

fn sim_slot(link: &pb::Link) -> Value {
    if link.kind == pb::LinkKind::Cellular as i32 {
        Value::from(link.sim_slot)
    } else {
        Value::Null
    }
}

/// All links as a table; each says how old it is.
pub(crate) fn text(links: &pb::Links) -> String {
    if links.links.is_empty() {
        return "no links: the telephony agent is not connected, or reported none\n".to_owned();
    }
    let mut table = Table::new(&[
        "LINK", "KIND", "STATE", "GEN", "SIGNAL", "FLAGS", "REPORTED", "USED", "WHY",
    ]);
    for status in &links.links {
        let link = status.link.clone().unwrap_or_default();
        let kind = words::link_kind(link.kind);
        let kind = match sim_slot(&link) {
            Value::Null => kind,
            slot => format!("{kind} sim {slot}"),
        };
        let state = match (link.up, link.validated) {
            (true, true) => "up",
            (true, false) => "up, no internet seen",
            (false, _) => "down",
        };
        let flags = [
            ("metered", link.metered),
            ("roaming", link.roaming),
            ("vpn", link.vpn == pb::Vpn::Tunnel as i32),
            ("locked out by vpn", link.vpn == pb::Vpn::LockedOut as i32),
        ];
        let flags: Vec<_> = flags
            .iter()
            .filter_map(|(name, set)| set.then_some(*name))
            .collect();
        table.row([
            or_dash(one_line(&link.id)),
            kind,
            state.to_owned(),
            words::generation(link.generation),
            match link.signal_dbm {
                0 => "-".to_owned(),
                dbm => format!("{dbm} dBm"),
            },
            or_dash(flags.join(",")),
            format!("{} ago", duration(status.age_ms)),
            if status.carries_session { "yes" } else { "no" }.to_owned(),
            or_dash(one_line(&status.reason)),
        ]);
    }
    table.render("")
}
