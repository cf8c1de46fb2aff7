//! The telephony agent: which connection is it, and what it reports.

use twine_engine::TelephonyEvent;
use twine_proto::control_pb::{self as pb, ErrorCode};

use super::{Control, Wish};
use crate::control::client::Greeted;
use crate::control::connection::ClientId;
use crate::control::reports::{self, Told};
use crate::control::roles::Roles;

impl Control {
    pub(super) fn report(&mut self, id: ClientId, greeted: &Greeted, report: pb::Report) {
        if !greeted.roles.any_of(Roles::TELEPHONY) {
            let message = format!(
                "reports need the role telephony; this connection has {}",
                greeted.roles
            );
            return self.close(id, ErrorCode::PermissionDenied, message);
        }
        let told = match reports::parse(report) {
            Ok(told) => told,
            Err(error) => {
                log::warn!("closed the telephony agent because of its report: {error}");
                self.counters.broken += 1;
                return self.close(id, ErrorCode::InvalidArgument, error.to_string());
            }
        };
        match told {
            Told::Unused(what) => self.unused_report(what),
            Told::Event(event) => {
                if self.agent != Some(id) && !self.new_agent(id, &event) {
                    return;
                }
                self.wishes.push_back(Wish::Telephony(event));
            }
        }
    }

    /// Whether this connection is the agent from now on: the newest one wins,
    /// because the old one may be a ghost of a process that was killed.
    fn new_agent(&mut self, id: ClientId, first: &TelephonyEvent) -> bool {
        if !matches!(first, TelephonyEvent::State { .. }) {
            let message = "an agent's first report has to be its full state".to_owned();
            self.close(id, ErrorCode::FailedPrecondition, message);
            return false;
        }
        // Without "agent gone": the state of the new one replaces everything.
        if let Some(old) = self.agent.replace(id) {
            let message = "another telephony agent has taken over".to_owned();
            self.close(old, ErrorCode::FailedPrecondition, message);
        }
        true
    }

    pub(super) fn unused_report(&mut self, what: &str) {
        if !std::mem::replace(&mut self.unused_report_logged, true) {
            log::warn!("ignored from the telephony agent, this once logged: {what}");
        }
    }
}
