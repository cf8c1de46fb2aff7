//! Who may ask for what: UIDs to roles, and roles to requests, each in one
//! place.

use std::fmt;

use twine_proto::control_pb::{Role, request};

use crate::config::RoleUids;

/// A set of roles.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Roles(u8);

const ALL: [(Role, &str); 3] = [
    (Role::App, "app"),
    (Role::Telephony, "telephony"),
    (Role::Diagnostics, "diagnostics"),
];

impl Roles {
    /// No role.
    pub(super) const NONE: Self = Self(0);
    /// May send, receive and read messages.
    pub(super) const APP: Self = Self::of(Role::App);
    /// May report as telephony agent.
    pub(super) const TELEPHONY: Self = Self::of(Role::Telephony);
    /// May look at the daemon's state, without numbers and texts.
    pub(super) const DIAGNOSTICS: Self = Self::of(Role::Diagnostics);

    /// The set of one role.
    #[must_use]
    pub(super) const fn of(role: Role) -> Self {
        Self(match role {
            Role::Unspecified => 0,
            Role::App => 1,
            Role::Telephony => 2,
            Role::Diagnostics => 4,
        })
    }

    /// Both sets together.
    #[must_use]
    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the sets have a role in common.
    #[must_use]
    pub(super) const fn any_of(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The roles that this UID may ask for.
    #[must_use]
    pub(super) fn of_uid(uid: u32, config: &RoleUids) -> Self {
        let lists = [
            (Self::APP, &config.app),
            (Self::TELEPHONY, &config.telephony),
            (Self::DIAGNOSTICS, &config.diagnostics),
        ];
        lists
            .into_iter()
            .filter(|(_, uids)| uids.contains(&uid))
            .fold(Self::NONE, |roles, (role, _)| roles.with(role))
    }

    /// Each of them.
    pub(super) fn iter(self) -> impl Iterator<Item = Role> {
        ALL.into_iter()
            .map(|(role, _)| role)
            .filter(move |&role| self.any_of(Self::of(role)))
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = ALL
            .into_iter()
            .filter(|&(role, _)| self.any_of(Self::of(role)))
            .map(|(_, name)| name)
            .collect();
        if names.is_empty() {
            f.write_str("none")
        } else {
            f.write_str(&names.join(", "))
        }
    }
}

impl fmt::Debug for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Roles({self})")
    }
}

/// Which roles may make this request: any one of them will do. Whoever has
/// only `diagnostics` sees no texts and only masked numbers, because on
/// production images that is whoever plugs in a cable.
#[must_use]
pub(super) const fn may_ask(kind: &request::Kind) -> Roles {
    use request::Kind;
    match kind {
        Kind::Send(_)
        | Kind::Cancel(_)
        | Kind::Retry(_)
        | Kind::MarkRead(_)
        | Kind::Typing(_)
        | Kind::History(_)
        | Kind::Conversations(_)
        | Kind::Subscribe(_)
        | Kind::AckEvents(_)
        | Kind::Register(_)
        | Kind::Lookup(_)
        | Kind::Preview(_)
        | Kind::GetSettings(_)
        | Kind::SetSettings(_) => Roles::APP,
        Kind::Explain(_) | Kind::Show(_) | Kind::Outbox(_) | Kind::Status(_) | Kind::Links(_) => {
            Roles::APP.with(Roles::DIAGNOSTICS)
        }
    }
}

/// The request's name in `control.proto`.
#[must_use]
pub(super) const fn request_name(kind: &request::Kind) -> &'static str {
    use request::Kind;
    match kind {
        Kind::Send(_) => "send",
        Kind::Cancel(_) => "cancel",
        Kind::Retry(_) => "retry",
        Kind::MarkRead(_) => "mark_read",
        Kind::Typing(_) => "typing",
        Kind::History(_) => "history",
        Kind::Show(_) => "show",
        Kind::Outbox(_) => "outbox",
        Kind::Status(_) => "status",
        Kind::Links(_) => "links",
        Kind::Subscribe(_) => "subscribe",
        Kind::AckEvents(_) => "ack_events",
        Kind::Register(_) => "register",
        Kind::Lookup(_) => "lookup",
        Kind::Conversations(_) => "conversations",
        Kind::Preview(_) => "preview",
        Kind::GetSettings(_) => "get_settings",
        Kind::SetSettings(_) => "set_settings",
        Kind::Explain(_) => "explain",
    }
}

#[cfg(test)]
mod tests {
    use twine_proto::control_pb as pb;

    use super::*;

    #[test]
    fn every_request_is_allowed_to_exactly_its_roles() {
        use request::Kind;
        let app = ["app"].as_slice();
        let app_or_diagnostics = ["app", "diagnostics"].as_slice();
        let table = [
            (Kind::Send(pb::Send::default()), app),
            (Kind::Cancel(pb::Cancel::default()), app),
            (Kind::Retry(pb::Retry::default()), app),
            (Kind::MarkRead(pb::MarkRead::default()), app),
            (Kind::Typing(pb::SetTyping::default()), app),
            (Kind::History(pb::GetHistory::default()), app),
            (Kind::Show(pb::GetMessage::default()), app_or_diagnostics),
            (Kind::Outbox(pb::GetOutbox::default()), app_or_diagnostics),
            (Kind::Status(pb::GetStatus::default()), app_or_diagnostics),
            (Kind::Links(pb::GetLinks::default()), app_or_diagnostics),
            (Kind::Subscribe(pb::Subscribe::default()), app),
            (Kind::AckEvents(pb::AckEvents::default()), app),
            (Kind::Register(pb::Register::default()), app),
            (Kind::Lookup(pb::LookupPeers::default()), app),
            (Kind::Conversations(pb::GetConversations::default()), app),
            (Kind::Preview(pb::Preview::default()), app),
            (Kind::GetSettings(pb::GetSettings::default()), app),
            (Kind::SetSettings(pb::SetSettings::default()), app),
            (Kind::Explain(pb::Explain::default()), app_or_diagnostics),
        ];
        for (kind, allowed) in &table {
            for (role, name) in ALL {
                assert_eq!(
                    may_ask(kind).any_of(Roles::of(role)),
                    allowed.contains(&name),
                    "{} as {name}",
                    request_name(kind)
                );
            }
            assert!(!may_ask(kind).any_of(Roles::NONE));
        }
        // Oneof tags 2 to 20: a request added later has to be added here.
        let mut names: Vec<_> = table.iter().map(|(kind, _)| request_name(kind)).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 19);
    }

    #[test]
    fn a_uid_has_the_roles_that_list_it() {
        let config = RoleUids {
            app: vec![10, 11],
            telephony: vec![11],
            diagnostics: vec![0],
        };
        assert_eq!(Roles::of_uid(10, &config), Roles::APP);
        assert_eq!(
            Roles::of_uid(11, &config),
            Roles::APP.with(Roles::TELEPHONY)
        );
        assert_eq!(Roles::of_uid(0, &config), Roles::DIAGNOSTICS);
        assert_eq!(Roles::of_uid(12, &config), Roles::NONE);
        assert_eq!(Roles::of_uid(11, &config).to_string(), "app, telephony");
        assert_eq!(Roles::of_uid(12, &config).to_string(), "none");
    }
}
