//! What the simulated store keeps of a message.

use std::time::Duration;

use twine_engine::message::MessageId;
use twine_engine::message::{
    Channel, Direction, IpAttempt, LaneFacts, LaneUse, MessageRecord, OrderKey, SentAs, Shown,
    SmsAttempt, SmsRecord, TakeBack, WaitsFor, lane_use, shown,
};
use twine_engine::notes::{self, Place};
use twine_engine::parts::{AttemptId, PartStates};
use twine_engine::store_ops::{BootStamp, Look};
use twine_engine::time::{BootId, Instant, WallTime};
use twine_proto::frame::RejectReason;
use twine_proto::{
    Digest, E164, Epoch, Filled, LaneSeq, MessageName, NoteEntry, Peer, Redacted, Seq,
};

/// When a message is looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LookAt {
    pub(super) boot: BootId,
    pub(super) at: Instant,
    pub(super) after: Duration,
}

impl LookAt {
    /// Before all others.
    pub(super) const ONCE: Self = Self {
        boot: BootId(0),
        at: Instant(0),
        after: Duration::ZERO,
    };
}

impl From<Look> for LookAt {
    fn from(look: Look) -> Self {
        Self {
            boot: look.boot.boot,
            at: look.boot.at + look.after,
            after: look.after,
        }
    }
}

/// Under which number a place was noted last, and as what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) sent: SentAs,
    pub(super) filled: Filled,
}

/// What was written here, or a note that travels like a message.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    pub(super) own: E164,
    pub(super) peer: Peer,
    /// `None`: a note without a message.
    pub(super) text: Option<Redacted<String>>,
    /// Of the folded text.
    pub(super) hash: u16,
    pub(super) created: WallTime,
    pub(super) changed: WallTime,
    pub(super) shown: Shown,
    pub(super) read: bool,

    pub(super) place: Option<(Epoch, LaneSeq)>,
    pub(super) ip: IpAttempt,
    pub(super) take_back: Option<TakeBack>,
    /// Accepted in an epoch that is closed.
    pub(super) lane_ended: bool,
    pub(super) in_doubt: bool,
    pub(super) away: bool,
    /// The note that travels with it, the same at each submission.
    pub(super) note: Vec<NoteEntry>,
    pub(super) noted: Option<Noted>,
    /// The receiver knows that this filled its place.
    pub(super) closed_as: Option<Filled>,

    pub(super) sms: SmsAttempt,
    pub(super) iccid: Option<Redacted<String>>,
    pub(super) marked: bool,
    pub(super) attempt: Option<AttemptId>,
    pub(super) parts: PartStates,
    pub(super) code: Option<i32>,
    /// An earlier attempt may have left.
    pub(super) left_before: bool,

    pub(super) wish: Option<Channel>,
    pub(super) waits_for: Option<WaitsFor>,
    /// Of a queued message: not in the queue of IP.
    pub(super) undecided: bool,
    pub(super) look: Option<LookAt>,
    pub(super) born: BootStamp,
    pub(super) valid_for: Option<Duration>,
    pub(super) deadline: Option<(BootId, Instant)>,
}

/// What came in.
#[derive(Debug, Clone)]
pub(super) struct Incoming {
    pub(super) own: E164,
    pub(super) peer: Peer,
    pub(super) text: Option<Redacted<String>>,
    pub(super) created: WallTime,
    pub(super) changed: WallTime,
    pub(super) shown: Shown,
    pub(super) read: bool,
    pub(super) order: OrderKey,
    pub(super) age_s: u32,

    pub(super) came_by: Channel,
    /// By IP its name's; of an SMS what a note gave it.
    pub(super) place: Option<(Epoch, LaneSeq)>,
    pub(super) digest: Option<Digest>,
    pub(super) rejected: Option<RejectReason>,
    pub(super) maybe_by_sms: bool,

    pub(super) iccid: Option<Redacted<String>>,
    pub(super) residue: Option<u8>,
    pub(super) hash: u16,
    pub(super) scts_ms: u64,
    pub(super) late: bool,

    pub(super) copy_of: Option<MessageId>,
    pub(super) by_note: bool,
    pub(super) arrived: BootStamp,
}

/// Everything the store finds an outgoing message by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Derived {
    pub(super) shown: Shown,
    pub(super) waits_for: Option<WaitsFor>,
    pub(super) unsettled: Option<SentAs>,
    pub(super) lane_use: LaneUse,
    /// Queued or unsettled.
    pub(super) open: bool,
    /// Waits for a channel.
    pub(super) queued: bool,
    pub(super) for_ip: bool,
    /// May get a look when the lane is free.
    pub(super) next_in_lane: bool,
    pub(super) pacing: bool,
    pub(super) sms_waiting: bool,
    pub(super) handed: bool,
    pub(super) attempt: Option<AttemptId>,
    pub(super) look: Option<Instant>,
    pub(super) deadline: Option<Instant>,
    /// A place that a note may have to name.
    pub(super) open_place: Option<(Epoch, LaneSeq)>,
    /// Such a place, and an SMS with it may have left.
    pub(super) left_ip: bool,
    /// Delivered, and not known to be read.
    pub(super) unread: Option<(Epoch, LaneSeq)>,
}

impl Outgoing {
    pub(super) fn is_note(&self) -> bool {
        self.text.is_none()
    }

    /// Neither the user nor the validity takes it back.
    pub(super) fn is_wanted(&self) -> bool {
        !matches!(
            self.take_back,
            Some(TakeBack::Cancelled | TakeBack::Expired)
        ) && !matches!(
            self.ip,
            IpAttempt::Revoked(TakeBack::Cancelled | TakeBack::Expired)
        )
    }

    /// Not settled on both channels.
    pub(super) fn is_open(&self) -> bool {
        if self.is_note() {
            return false;
        }
        match self.sms {
            SmsAttempt::Waiting | SmsAttempt::Handed => true,
            SmsAttempt::Sent
            | SmsAttempt::Delivered
            | SmsAttempt::Unconfirmed
            | SmsAttempt::Failed => self.ip.unsettled().is_some(),
            SmsAttempt::None | SmsAttempt::NotUsed => match self.ip {
                IpAttempt::None | IpAttempt::InFlight(_) | IpAttempt::Accepted(_) => true,
                IpAttempt::Delivered(_) => false,
                _ => self.sms == SmsAttempt::None && self.is_wanted(),
            },
        }
    }

    /// There may be something to decide about it.
    pub(super) fn may_be_looked_at(&self) -> bool {
        match self.sms {
            SmsAttempt::Handed => true,
            SmsAttempt::None | SmsAttempt::NotUsed | SmsAttempt::Waiting => {
                self.is_open() && self.is_wanted()
            }
            SmsAttempt::Sent
            | SmsAttempt::Delivered
            | SmsAttempt::Unconfirmed
            | SmsAttempt::Failed => false,
        }
    }

    /// An SMS with it left the phone, or may have.
    pub(super) fn sms_left(&self) -> bool {
        self.left_before
            || self.parts.may_have_left()
            || matches!(
                self.sms,
                SmsAttempt::Handed
                    | SmsAttempt::Sent
                    | SmsAttempt::Delivered
                    | SmsAttempt::Unconfirmed
            )
    }

    /// The gateway gave it back before its SMS left: nobody else has it, and it needs no
    /// mark (DELIVERY 17).
    pub(super) fn is_the_only_copy(&self) -> bool {
        matches!(self.ip, IpAttempt::Revoked(_))
            && self.sms == SmsAttempt::Waiting
            && !self.sms_left()
    }

    /// As a note sees it.
    pub(super) fn as_place(&self, lane_seq: LaneSeq) -> Place {
        Place {
            lane_seq,
            ip: self.ip,
            sms: self.sms,
            left_before: self.left_before,
            left_now: self.parts.may_have_left(),
            hash: self.hash,
        }
    }

    pub(super) fn filled(&self) -> Option<Filled> {
        notes::filled(&self.as_place(self.place?.1))
    }

    pub(super) fn look_at_once(&mut self) {
        self.look = Some(LookAt::ONCE);
    }

    /// Brings what follows from the attempts in line with them.
    pub(super) fn settle_what_follows(&mut self) {
        if self.is_note() {
            return;
        }
        self.shown = shown(self.ip, self.sms, self.read);
        // Without SMS there is nothing to decide.
        self.undecided &= self.ip == IpAttempt::None && self.sms == SmsAttempt::None;
        if !self.may_be_looked_at() {
            self.look = None;
            self.waits_for = None;
        }
        if let Some((_, lane_seq)) = self.place {
            let place = self.as_place(lane_seq);
            if notes::is_closed(&place) {
                self.closed_as = Some(Filled::Ip);
            } else if self.closed_as != notes::filled(&place) {
                self.closed_as = None;
            }
        } else {
            self.closed_as = None;
        }
    }

    /// Its validity may still take it back.
    fn may_expire(&self) -> bool {
        self.is_open()
            && self.is_wanted()
            && match self.sms {
                SmsAttempt::None | SmsAttempt::NotUsed | SmsAttempt::Waiting => true,
                // Asked back already, if it is open on IP.
                _ => self.ip.unsettled().is_some() && self.take_back.is_none(),
            }
    }

    /// See [`lane_use`].
    fn lane_use(&self) -> LaneUse {
        lane_use(LaneFacts {
            ip: self.ip,
            sms: self.sms,
            waits: self.waits_for,
            undecided: self.undecided,
            take_back: self.take_back,
            lane_ended: self.lane_ended,
        })
    }

    /// On no channel yet.
    pub(super) fn is_on_no_channel(&self) -> bool {
        self.sms == SmsAttempt::None && self.lane_use() >= LaneUse::QueuedForIp
    }

    /// Where Twine has to decide: nothing passes it.
    pub(super) fn is_undecided(&self) -> bool {
        self.sms == SmsAttempt::None && self.lane_use() == LaneUse::Blocks
    }

    /// On IP or in its queue, and nothing but its lane brings it before the engine
    /// again.
    fn stays_without_look(&self, lane_use: LaneUse) -> bool {
        matches!(lane_use, LaneUse::OnIp | LaneUse::QueuedForIp)
            && self.sms == SmsAttempt::None
            && self.look.is_none()
            && self.is_wanted()
    }

    /// In the queue of IP, also while the user is asked about it.
    pub(super) fn is_queued_for_ip(&self) -> bool {
        self.is_queued() && !self.undecided
    }

    pub(super) fn derived(&self) -> Derived {
        let none = Derived {
            shown: self.shown,
            waits_for: self.waits_for,
            unsettled: self.ip.unsettled(),
            lane_use: LaneUse::Free,
            open: false,
            queued: false,
            for_ip: false,
            next_in_lane: false,
            pacing: false,
            sms_waiting: false,
            handed: false,
            attempt: None,
            look: None,
            deadline: None,
            open_place: None,
            left_ip: false,
            unread: None,
        };
        if self.is_note() {
            return none;
        }
        let lane_use = self.lane_use();
        let open_place = self.place.filter(|_| self.closed_as.is_none());
        Derived {
            lane_use,
            open: self.is_open(),
            queued: self.is_queued(),
            for_ip: self.is_queued_for_ip(),
            next_in_lane: self.is_undecided() || self.stays_without_look(lane_use),
            pacing: self.sms == SmsAttempt::Waiting && self.waits_for.is_none(),
            sms_waiting: self.sms == SmsAttempt::Waiting,
            handed: self.sms == SmsAttempt::Handed,
            attempt: self.attempt,
            look: self.look.map(|look| look.at),
            deadline: self
                .deadline
                .filter(|_| self.may_expire())
                .map(|(_, at)| at),
            open_place,
            left_ip: open_place.is_some()
                && self.filled().is_some_and(|filled| filled.hash().is_some()),
            unread: self
                .place
                .filter(|_| !self.read && matches!(self.ip, IpAttempt::Delivered(_))),
            ..none
        }
    }

    pub(super) fn record(&self, id: MessageId) -> MessageRecord {
        MessageRecord {
            id,
            direction: Direction::Outgoing,
            own: self.own,
            peer: self.peer,
            text: self.text.clone(),
            name: self
                .place
                .zip(self.peer.number())
                .map(|((epoch, lane_seq), to)| MessageName {
                    from: self.own,
                    epoch,
                    to,
                    lane_seq,
                }),
            ip: self.ip,
            sms: SmsRecord {
                state: self.sms,
                iccid: self.iccid.clone(),
                marked: self.marked,
                parts: self.parts.clone(),
                code: self.code,
                scts_ms: 0,
            },
            waits_for: self.waits_for,
            came_by: Channel::Ip,
            copy_of: None,
            late: false,
            take_back: self.take_back,
            shown: self.shown,
            order: order_of_outgoing(id),
            created: self.created,
            changed: self.changed,
            age_s: 0,
        }
    }
}

impl Incoming {
    pub(super) fn record(&self, id: MessageId) -> MessageRecord {
        MessageRecord {
            id,
            direction: Direction::Incoming,
            own: self.own,
            peer: self.peer,
            text: self.text.clone(),
            name: self
                .place
                .zip(self.peer.number())
                .map(|((epoch, lane_seq), from)| MessageName {
                    from,
                    epoch,
                    to: self.own,
                    lane_seq,
                }),
            ip: IpAttempt::None,
            sms: SmsRecord {
                iccid: self.iccid.clone(),
                scts_ms: self.scts_ms,
                ..SmsRecord::default()
            },
            waits_for: None,
            came_by: self.came_by,
            copy_of: self.copy_of,
            late: self.late,
            take_back: None,
            shown: self.shown,
            order: self.order,
            created: self.created,
            changed: self.changed,
            age_s: self.age_s,
        }
    }
}

pub(super) fn order_of_outgoing(id: MessageId) -> OrderKey {
    OrderKey {
        position: id.0,
        epoch: Epoch(0),
        lane_seq: LaneSeq(0),
    }
}

/// Above every seq.
pub(super) const END: Seq = Seq(u64::MAX);
