//! What flows to clients from the store: pages they asked for, and the event
//! log to those who subscribed.
//!
//! One read at a time for each client, and only while it takes what it gets:
//! what it does not take stays in the store.

use twine_engine::store_ops::EventCursor;
use twine_engine::time::Now;
use twine_engine::{Notice, ReplyTo};
use twine_proto::control::ServerMessage;
use twine_proto::control_pb::ErrorCode;

use super::{Control, Purpose, ReadTicket};
use crate::control::client::{Client, Slow, Subscription};
use crate::control::connection::ClientId;
use crate::control::present;
use crate::limits::EVENTS_PER_READ;
use crate::reads::{Page, Read};

impl Control {
    /// What was read.
    pub fn page(&mut self, now: Now, ticket: ReadTicket, page: &Page) {
        let Some(client) = self.clients.get_mut(&ticket.client) else {
            return;
        };
        client.reading = false;
        match (ticket.purpose, page) {
            (Purpose::Request(request), page) => {
                let kind = client.view().page(page);
                let to = ReplyTo {
                    client: ticket.client,
                    request,
                };
                self.answer(now, to, kind);
            }
            (Purpose::Events { subscription }, Page::Events { .. })
                if client
                    .subscription
                    .is_some_and(|it| it.serial == subscription) =>
            {
                if let Err(slow) = push_events(client, now, page, self.latest) {
                    self.close_slow(ticket.client, slow);
                }
            }
            // For an earlier subscription of this connection.
            (Purpose::Events { .. }, _) => {}
        }
        self.pump(ticket.client);
    }

    /// The store could not read it.
    pub fn read_failed(&mut self, now: Now, ticket: ReadTicket, reason: &str) {
        let Some(client) = self.clients.get_mut(&ticket.client) else {
            return;
        };
        client.reading = false;
        match ticket.purpose {
            Purpose::Request(request) => {
                let to = ReplyTo {
                    client: ticket.client,
                    request,
                };
                let message = format!("the store cannot be read: {reason}");
                self.answer(now, to, present::error(ErrorCode::Storage, message));
                self.pump(ticket.client);
            }
            // A client that waited for events and gets none could not tell this
            // from silence: it has to connect and subscribe again.
            Purpose::Events { .. } => {
                let message = format!("the event log cannot be read: {reason}");
                self.close(ticket.client, ErrorCode::Storage, message);
            }
        }
    }

    /// The event log reaches up to here.
    pub fn events(&mut self, now: Now, latest: EventCursor) {
        self.latest = self.latest.max(latest);
        let subscribers: Vec<_> = self.subscribers().collect();
        for id in subscribers {
            self.pump(id);
            self.check_pace(now, id);
        }
    }

    /// A passing event, for all subscribers.
    pub fn notice(&mut self, now: Now, notice: &Notice) {
        let subscribers: Vec<_> = self.subscribers().collect();
        for id in subscribers {
            let Some(client) = self.clients.get_mut(&id) else {
                continue;
            };
            // Not worth a place behind a backlog: it would be stale.
            if client.is_behind() {
                self.check_pace(now, id);
                continue;
            }
            let event = ServerMessage::Event(client.view().notice(notice, now));
            if let Err(slow) = client.push(now.instant, &event) {
                self.close_slow(id, slow);
            }
        }
    }

    fn subscribers(&self) -> impl Iterator<Item = ClientId> {
        self.clients
            .iter()
            .filter(|(_, client)| client.subscription.is_some())
            .map(|(&id, _)| id)
    }

    pub(super) fn subscribe(
        &mut self,
        now: Now,
        id: ClientId,
        cursor: EventCursor,
        latest: EventCursor,
    ) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        self.last_subscription += 1;
        client.subscription = Some(Subscription {
            sent: cursor,
            exhausted: EventCursor::default(),
            serial: self.last_subscription,
        });
        let name = client.greeted.as_ref().map(|greeted| greeted.name.clone());
        let older = self.clients.iter().find(|&(&other, client)| {
            other != id
                && client.subscription.is_some()
                && client.greeted.as_ref().map(|greeted| &greeted.name) == name.as_ref()
        });
        if let Some((&older, _)) = older {
            let message = "a newer connection of this client subscribed to its events".to_owned();
            self.close(older, ErrorCode::FailedPrecondition, message);
        }
        self.latest = self.latest.max(latest);
        self.pump(id);
        self.check_pace(now, id);
    }

    /// Starts the next read for a client, if it has room for the answer: pages
    /// it asked for first, then events.
    pub(super) fn pump(&mut self, id: ClientId) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        let events = client
            .subscription
            .filter(|it| it.sent.max(it.exhausted) < self.latest);
        if (client.reads.is_empty() && events.is_none()) || !client.may_read() {
            return;
        }
        let (purpose, read) = match (client.reads.pop_front(), events) {
            (Some((request, read)), _) => (Purpose::Request(request), read),
            (None, Some(Subscription { sent, serial, .. })) => (
                Purpose::Events {
                    subscription: serial,
                },
                Read::Events {
                    after: sent,
                    limit: EVENTS_PER_READ,
                },
            ),
            (None, None) => return,
        };
        client.reading = true;
        self.reads.push_back((
            ReadTicket {
                client: id,
                purpose,
            },
            read,
        ));
    }
}

/// Queues events until enough wait; the rest of the page is read again later,
/// with the messages as they are then.
fn push_events(
    client: &mut Client,
    now: Now,
    page: &Page,
    latest: EventCursor,
) -> Result<(), Slow> {
    let view = client.view();
    let Page::Events {
        resync_from,
        events,
    } = page
    else {
        return Ok(());
    };
    let mut sent = None;
    if let Some(EventCursor(from)) = *resync_from {
        client.push(
            now.instant,
            &ServerMessage::Event(present::resync(from, now)),
        )?;
        sent = Some(EventCursor(from));
    }
    for (event, message) in events {
        if client.is_behind() {
            break;
        }
        let pushed = ServerMessage::Event(view.event(event, message.as_ref()));
        client.push(now.instant, &pushed)?;
        sent = Some(event.cursor);
    }
    if let Some(subscription) = &mut client.subscription {
        subscription.sent = sent.unwrap_or(subscription.sent);
        if resync_from.is_none() && events.is_empty() {
            subscription.exhausted = latest;
        }
    }
    Ok(())
}
