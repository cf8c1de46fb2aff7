//! What may reach an app, and what it was told before.

use twine_engine::message::{Channel, Failure, MessageId, MessageRecord, Shown};
use twine_proto::MessageName;

use super::{Broken, Model, talk, text_of};
use crate::net::HandsetNo;
use crate::poison;

/// A message as one phone shows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Copy {
    pub(super) on: HandsetNo,
    pub(super) name: Option<MessageName>,
    pub(super) id: MessageId,
    pub(super) by_ip: bool,
}

/// When a phone may show a message that it shows already.
#[derive(Debug, Clone, Copy)]
enum MayRepeat {
    Never,
    /// Its sender has a new epoch, because sender or gateway forgot.
    InAnotherEpoch,
    /// Sender and gateway forgot the same time: nobody can know of the first.
    InAnotherPlace,
}

impl Copy {
    /// Whether the app of one phone shows one message twice, and may not.
    fn repeats(&self, known: &Self, may: MayRepeat) -> bool {
        if self.on != known.on || self.id == known.id {
            return false;
        }
        let epoch = |copy: &Self| copy.name.map(|name| name.epoch);
        match may {
            MayRepeat::Never => true,
            MayRepeat::InAnotherEpoch => epoch(self) == epoch(known),
            MayRepeat::InAnotherPlace => self.name == known.name,
        }
    }
}

impl Model {
    /// The receiving app got a message; `state` tells what the sender's store
    /// says of it.
    pub fn received(
        &mut self,
        handset: HandsetNo,
        record: &MessageRecord,
        state: impl Fn(HandsetNo, MessageId) -> Option<Shown>,
    ) -> Result<(), Broken> {
        if record.text.is_none() {
            // A placeholder: judged at the end, when its sender is known.
            return Ok(());
        }
        self.has_sender(record)?;
        if self.is_echo(record) {
            return Ok(());
        }
        let text = text_of(record);
        if talk::word(&text).is_some() {
            // Counted at the end.
            return Ok(());
        }
        let sent = self.messages.get_mut(&text);
        let was_sent = "what is received was sent";
        self.cases.expect(was_sent, sent.is_some(), &text)?;
        let Some(sent) = sent else { return Ok(()) };
        let to_it = sent.to == record.own;
        let promise = "a message reaches whom it was sent to";
        self.cases.expect(promise, to_it, &text)?;
        let by_ip = record.came_by == Channel::Ip;
        if poison::of(&text).is_some() {
            let promise = "what cannot be read is not shown as a text";
            self.cases.expect(promise, !by_ip, &text)?;
        }
        if let Some(before) = self.retired.get(&handset) {
            let promise = "mail goes to the phone that has the number";
            self.cases.expect(promise, sent.no < *before, &text)?;
        }
        let copy = Copy {
            on: handset,
            name: record.name,
            id: record.id,
            by_ip,
        };
        let gateway_forgot = sent.is_older_than(self.restored_at);
        let may = match (sent.doubted, gateway_forgot) {
            (false, false) => MayRepeat::Never,
            (true, true) => MayRepeat::InAnotherPlace,
            _ => MayRepeat::InAnotherEpoch,
        };
        if by_ip {
            // Copies by SMS are judged at the end, when notes have told of them.
            let repeats = |known: &Copy| known.by_ip && copy.repeats(known, may);
            let again = sent.received.iter().any(repeats);
            let promise = "a message reaches the app exactly once";
            self.cases.expect(promise, !again, &text)?;
        }
        if !sent
            .received
            .iter()
            .any(|known| known.id == copy.id && known.on == handset)
        {
            sent.received.push(copy);
        }
        // Of a name that was given twice both are there.
        let conflicts = record.shown == Shown::Conflicting;
        let forgot = sent.doubted || sent.retried || sent.lost || gateway_forgot || conflicts;
        if self.sms.left_plain(&text) && !forgot && !self.expired.has(&text) {
            let promise = "a plain SMS is the only copy";
            self.cases.expect(promise, !by_ip, &text)?;
        }
        let shown = sent.confirmed.and_then(|id| state(sent.from, id));
        let taken_back = shown.is_some_and(|shown| self.is_taken_back(&text, shown));
        if taken_back {
            let promise = "what was taken back is never delivered";
            self.cases.expect(promise, false, &text)?;
        }
        Ok(())
    }

    /// Whether this state promises that the message will not arrive.
    pub(super) fn is_taken_back(&self, text: &str, shown: Shown) -> bool {
        // The gateway asks one of two phones whether it has it.
        let doubted = (self.messages.get(text)).is_none_or(|sent| {
            let gateway_forgot = sent.is_older_than(self.restored_at);
            sent.doubted || gateway_forgot || self.is_for_twins(sent)
        });
        let says_so = match shown {
            Shown::Cancelled => true,
            // It may have been handed over before; or it is there, as a
            // placeholder or beside another.
            Shown::Failed(Failure::ExpiredAtGateway | Failure::Rejected(_)) => false,
            Shown::Failed(_) => true,
            _ => false,
        };
        // What expired may be there, and so may a placeholder; the user may have
        // dismissed or repeated either.
        let may_be_there =
            self.expired.has(text) || poison::of(text).is_some() || self.sms.has_left(text);
        says_so && !doubted && !may_be_there
    }
}
