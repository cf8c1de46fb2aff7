//! One operation after the other.

use twine_engine::store_ops::{Op, Outcome};
use twine_engine::time::WallTime;

use super::MemoryStore;
use super::lanes::Aftermath;

impl MemoryStore {
    pub(super) fn apply_op(&mut self, op: &Op, wall: WallTime) -> Outcome {
        self.after = Aftermath::default();
        match op {
            Op::Register { number, iccid } => self.note_number(*number, iccid.as_ref(), true),
            Op::Remember { memo, bytes } => {
                self.memos.insert(*memo, bytes.clone());
                Outcome::Done
            }
            Op::NoteSim { number, iccid } => self.note_number(*number, Some(iccid), false),
            Op::BeginSession { at_least } => self.begin_session(*at_least),
            Op::CloseEpoch {
                number,
                epoch,
                contested_from,
            } => self.close_epoch(*number, *epoch, *contested_from, wall),
            Op::BindEpoch { number, epoch } => self.bind_epoch(*number, *epoch),
            Op::Set {
                conversation,
                settings,
            } => self.set(*conversation, settings, wall),
            Op::SetReach { peer, reach, boot } => self.set_reach(*peer, *reach, *boot),
            Op::LoadConversation { sender, peer, boot } => {
                let own = self.own(sender, *peer);
                Outcome::Conversation(self.conversation_facts(own, *peer, *boot))
            }
            Op::Enqueue(new) => self.enqueue(new, wall),
            Op::Release { id, look, boot } => self.release(*id, *look, *boot, wall),
            Op::QueueForIp { id, look } => self.queue_for_ip(*id, *look, wall),
            Op::LoadQueued {
                number,
                limit,
                max_bytes,
            } => self.load_queued(*number, *limit, *max_bytes),
            Op::LoadResume {
                number,
                after,
                limit,
            } => self.load_resume(*number, *after, *limit),
            Op::Unaccept {
                number,
                epoch,
                high_water,
            } => self.unaccept(*number, *epoch, *high_water, wall),
            Op::ApplySent {
                number,
                epoch,
                state,
                away,
                looks,
            } => self.apply_sent(*number, *epoch, state, (away, looks), wall),
            Op::ApplyClosed {
                number,
                epoch,
                state,
                look,
            } => self.apply_closed(*number, *epoch, state, *look, wall),
            Op::ApplyRevoked {
                number,
                epoch,
                results,
                look,
            } => self.apply_revoked(*number, *epoch, results, *look, wall),
            Op::Cancel { id } => self.cancel(*id, wall),
            Op::Retry { id, by, boot } => self.retry(*id, *by, *boot, wall),
            Op::RearmDeadlines { boot } => self.rearm(*boot),
            Op::ExpireDue { boot, limit } => self.expire(*boot, *limit, wall),
            Op::LoadDue { .. }
            | Op::Wake { .. }
            | Op::WakeSmsQueue { .. }
            | Op::HoldSms { .. }
            | Op::Wait { .. }
            | Op::RuleOutSms { .. }
            | Op::AskBack { .. }
            | Op::ReleaseSms { .. }
            | Op::LoadSms { .. }
            | Op::HandSms { .. }
            | Op::LoadHanded { .. }
            | Op::ApplySmsPart { .. }
            | Op::SettleUnknown { .. }
            | Op::ReleaseNote { .. } => self.apply_between(op, wall),
            Op::InsertSms(_)
            | Op::InsertIncoming(_)
            | Op::ApplyNote { .. }
            | Op::MarkRead { .. }
            | Op::LoadReadMarks { .. }
            | Op::ReadConfirmed { .. }
            | Op::ApplyReadBy { .. }
            | Op::OpenClient { .. }
            | Op::AckEvents { .. }
            | Op::Prune => self.apply_receiving(op, wall),
        }
    }

    /// Between the channels.
    fn apply_between(&mut self, op: &Op, wall: WallTime) -> Outcome {
        match op {
            Op::LoadDue { boot, limit } => self.load_due(*boot, *limit),
            Op::Wake { waits, own } => self.wake(*waits, *own, wall),
            Op::WakeSmsQueue { own } => self.wake_sms_queue(*own, wall),
            Op::HoldSms { iccid } => self.hold_sms(iccid, wall),
            Op::Wait {
                id,
                seen,
                waits,
                look,
                ..
            } => self.wait(*id, *seen, (*waits, *look), wall),
            Op::RuleOutSms { id, .. } => self.rule_out_sms(*id, wall),
            Op::AskBack { id, look, .. } => self.ask_back(*id, *look, wall),
            Op::ReleaseSms {
                id,
                seen,
                iccid,
                marked,
                settings,
                ..
            } => self.release_sms(*id, *seen, (iccid, *marked), settings, wall),
            Op::LoadSms { after, limit } => self.load_sms(*after, *limit),
            Op::HandSms {
                id,
                attempt,
                parts,
                boot,
                look,
            } => self.hand_sms(*id, (*attempt, *parts), *boot, *look, wall),
            Op::LoadHanded { after, limit } => self.load_handed(*after, *limit),
            Op::ApplySmsPart {
                attempt,
                part,
                state,
                code,
                refusal,
                look,
                ..
            } => self.apply_part(*attempt, (*part, *state), *code, (*refusal, *look), wall),
            Op::SettleUnknown { id } => self.settle_unknown(*id, wall),
            Op::ReleaseNote { number, id } => self.release_note(*number, *id, wall),
            _ => Outcome::Done,
        }
    }

    /// Receiving, receipts, clients, upkeep.
    fn apply_receiving(&mut self, op: &Op, wall: WallTime) -> Outcome {
        match op {
            Op::InsertSms(sms) => self.insert_sms(sms, wall),
            Op::InsertIncoming(delivery) => self.insert_incoming(delivery, wall),
            Op::ApplyNote {
                number,
                from,
                epoch,
                note,
                cursor,
                check,
                boot,
            } => {
                self.pass_cursor(*number, *cursor, *check);
                self.is_alive(*from);
                self.read_note((*number, *from, *epoch), note, *boot, wall);
                Outcome::Done
            }
            Op::MarkRead { id } => self.mark_read(*id),
            Op::LoadReadMarks { number, limit } => self.load_read_marks(*number, *limit),
            Op::ReadConfirmed { number, mark } => self.read_confirmed(*number, mark),
            Op::ApplyReadBy {
                number,
                mark,
                cursor,
                check,
            } => {
                self.apply_read_by(*number, *mark, wall);
                self.pass_cursor(*number, *cursor, *check);
                Outcome::Done
            }
            Op::OpenClient { client, from_now } => self.open_client(client, *from_now),
            Op::AckEvents { client, cursor } => self.ack_events(client, *cursor),
            Op::Prune => self.prune(),
            _ => Outcome::Done,
        }
    }
}
