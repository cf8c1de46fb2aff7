//! The event log's readers.

use twine_engine::limits::{EVENTS_KEPT, MAX_CLIENTS};
use twine_engine::store_ops::{ClientName, EventCursor, Outcome};

use super::MemoryStore;

impl MemoryStore {
    pub(super) fn open_client(&mut self, client: &ClientName, from_now: bool) -> Outcome {
        if !self.clients.contains_key(client) {
            if self.clients.len() as u64 >= MAX_CLIENTS {
                return Outcome::TooManyClients;
            }
            let start = if from_now {
                self.latest_event
            } else {
                EventCursor(0)
            };
            self.clients.insert(client.clone(), start);
        }
        Outcome::ClientOpen {
            cursor: self.clients[client],
            latest: self.latest_event,
        }
    }

    pub(super) fn ack_events(&mut self, client: &ClientName, cursor: EventCursor) -> Outcome {
        let latest = self.latest_event;
        match self.clients.get_mut(client) {
            None => Outcome::NotFound,
            Some(_) if cursor > latest => Outcome::TooLate { shown: None },
            Some(known) => {
                *known = (*known).max(cursor);
                Outcome::Done
            }
        }
    }

    pub(super) fn prune(&mut self) -> Outcome {
        while self.events.len() as u64 > EVENTS_KEPT {
            self.events.pop_front();
        }
        Outcome::Done
    }
}
