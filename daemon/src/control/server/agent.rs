//! The telephony agent: which connection is it, what it reports, and what it is
//! asked to do.

use twine_engine::time::Now;
use twine_engine::{Order, TelephonyEvent};
use twine_proto::control::ServerMessage;
use twine_proto::control_pb::{self as pb, ErrorCode};

use super::{Control, Wish};
use crate::control::client::Greeted;
use crate::control::connection::ClientId;
use crate::control::present;
use crate::control::reports;
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
        if let Some(what) = told.odd {
            self.odd_report(what);
        }
        if let Some(event) = told.event {
            if self.agent != Some(id) && !self.new_agent(id, &event) {
                return;
            }
            self.wishes.push_back(Wish::Telephony(event));
        }
    }

    /// Asks the agent for something.
    pub fn order(&mut self, now: Now, order: Order) {
        let Some((id, client)) = self
            .agent
            .and_then(|id| Some((id, self.clients.get_mut(&id)?)))
        else {
            self.counters.orders_dropped += 1;
            return;
        };
        self.last_order += 1;
        if let Order::PreferDataSim { slot, .. } = order {
            self.data_order = Some((self.last_order, slot));
        }
        let order = ServerMessage::Order(present::order(self.last_order, order));
        match client.push(now.instant, &order) {
            Ok(()) => self.counters.orders += 1,
            Err(slow) => {
                self.counters.orders_dropped += 1;
                self.close_slow(id, slow);
            }
        }
    }

    /// The agent says what became of an order. Only a move of data can fail in a
    /// way that matters: an SMS has its own results, the rest cannot fail.
    pub(super) fn order_result(&mut self, id: ClientId, result: &pb::OrderResult) {
        if self.agent != Some(id) {
            return self.odd_report("an order's result from who is not the agent");
        }
        if let Some((order, slot)) = self.data_order
            && order == result.id
        {
            self.data_order = None;
            if result.code != 0 {
                let code = result.code;
                log::info!("mobile data do not move to the card in slot {slot}: code {code}");
                let confirmed = false;
                let event = TelephonyEvent::DataSim { slot, confirmed };
                self.wishes.push_back(Wish::Telephony(event));
            }
        } else if result.code != 0 {
            log::debug!("order {} ended with code {}", result.id, result.code);
            self.odd_report("an order that could not be carried out");
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
        // "Gone" first: the new one is to hear what the old one was asked to do.
        if let Some(old) = self.agent.take() {
            self.wishes
                .push_back(Wish::Telephony(TelephonyEvent::AgentGone));
            let message = "another telephony agent has taken over".to_owned();
            self.close(old, ErrorCode::FailedPrecondition, message);
        }
        self.agent = Some(id);
        true
    }

    /// Logs each oddity once in the daemon's life, without what was in it.
    fn odd_report(&mut self, what: &'static str) {
        if self.oddities.insert(what) {
            log::warn!("from the telephony agent, this once logged: {what}");
        }
    }
}
