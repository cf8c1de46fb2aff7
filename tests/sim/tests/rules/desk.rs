//! One engine on a desk: the test is its gateway, its app and its clock.

use std::time::Duration;

use twine_engine::link::{Binding, Generation, Link, LinkId, LinkKind, Vpn};
use twine_engine::message::{MessageId, MessageRecord};
use twine_engine::output::Output;
use twine_engine::store_ops::{Batch, ClientName, Op, StoreOps, Token};
use twine_engine::time::{BootId, Instant, Now, WallTime};
use twine_engine::trace::Decision;
use twine_engine::{
    ChannelEvent, Command, Config, ConnId, Engine, Input, Order, Reply, ReplyTo, TelephonyEvent,
    TransportKind,
};
use twine_proto::frame::{Deliver, SentState, SlotStatus, Submit, Welcome, WelcomeSlot};
use twine_proto::{Content, Cursor, E164, Epoch, Frame, LaneSeq, Redacted, Seq, SessionNo, Slot};
use twine_sim::handset::iccid_of;
use twine_sim::sms::phone::sim;
use twine_sim::store::MemoryStore;
use twine_sms::TableSet;

pub(crate) const EPOCH: Epoch = Epoch(690);

/// See the module.
pub(crate) struct Desk {
    pub(crate) engine: Engine,
    pub(crate) store: MemoryStore,
    pub(crate) now_ms: u64,
    pub(crate) boot: BootId,
    /// The batch the store has not answered, while `hold` is set.
    pub(crate) held: Option<Batch>,
    pub(crate) hold: bool,
    pub(crate) conn: Option<ConnId>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) replies: Vec<Reply>,
    pub(crate) connects: Vec<(ConnId, TransportKind)>,
    /// Of each connect: another gateway than the configured one.
    pub(crate) targets: Vec<Option<String>>,
    pub(crate) moves: usize,
    pub(crate) closed: Vec<ConnId>,
    pub(crate) decisions: Vec<Decision>,
    pub(crate) orders: Vec<Order>,
    requests: u64,
}

pub(crate) fn own() -> E164 {
    E164::new(254_712_345_678).unwrap()
}

pub(crate) fn peer() -> E164 {
    E164::new(2_348_031_234_567).unwrap()
}

impl Desk {
    /// A fresh phone with a link, no number.
    pub(crate) fn new() -> Self {
        let mut desk = Self::on(MemoryStore::new(), BootId(1), 10_000);
        desk.link("lte", true);
        desk
    }

    /// The same with a card, an agent, and the default of everything else.
    pub(crate) fn with_sms() -> Self {
        let mut desk = Self::with_sms_unregistered();
        desk.bind(Some(Self::card()));
        desk.pass(10_000);
        desk
    }

    /// The same, whose number is of its card alone.
    pub(crate) fn with_sms_unregistered() -> Self {
        let config = Config {
            sms: true,
            ..config()
        };
        let mut desk = Self::of(config, MemoryStore::new(), BootId(1), 10_000);
        desk.input(Input::Telephony(TelephonyEvent::State {
            sims: vec![sim(0, Self::card(), Some(own()))],
            links: vec![link("lte", true)],
            tables: TableSet::default(),
        }));
        desk.pass(10_000);
        desk
    }

    /// Of its only number.
    pub(crate) fn card() -> Redacted<String> {
        iccid_of(own())
    }

    fn on(store: MemoryStore, boot: BootId, now_ms: u64) -> Self {
        Self::of(config(), store, boot, now_ms)
    }

    fn of(config: Config, store: MemoryStore, boot: BootId, now_ms: u64) -> Self {
        let snapshot = store.snapshot().unwrap();
        let now = Now {
            instant: Instant(now_ms),
            wall: WallTime(now_ms),
        };
        let mut desk = Self {
            engine: Engine::new(config, 7, boot, now, snapshot),
            store,
            now_ms,
            boot,
            held: None,
            hold: false,
            conn: None,
            frames: Vec::new(),
            replies: Vec::new(),
            connects: Vec::new(),
            targets: Vec::new(),
            moves: 0,
            closed: Vec::new(),
            decisions: Vec::new(),
            orders: Vec::new(),
            requests: 0,
        };
        desk.drain();
        desk
    }

    /// A phone with a number, a session and an epoch.
    pub(crate) fn live() -> Self {
        let mut desk = Self::new();
        desk.bind(None);
        desk
    }

    /// Registers its number, and the gateway binds it.
    pub(crate) fn bind(&mut self, iccid: Option<Redacted<String>>) {
        let number = own();
        self.command(Command::Register { number, iccid });
        self.up();
        self.welcome(SlotStatus::Granted(EPOCH), SentState::default());
        self.frames.clear();
        self.replies.clear();
    }

    /// The process dies; the batch that was held is lost. Same boot.
    pub(crate) fn crash(self) -> Self {
        let mut desk = Self::on(self.store, self.boot, self.now_ms + 1_000);
        desk.link("lte", true);
        desk
    }

    /// The battery dies.
    pub(crate) fn reboot(self) -> Self {
        let mut desk = Self::on(self.store, BootId(self.boot.0 + 1), 5_000);
        desk.link("lte", true);
        desk
    }

    pub(crate) fn now(&self) -> Now {
        Now {
            instant: Instant(self.now_ms),
            wall: WallTime(self.now_ms),
        }
    }

    /// Hands in without ending the turn.
    pub(crate) fn hand_in(&mut self, input: Input) {
        self.engine.handle(self.now(), input);
    }

    /// Hands in and ends the turn.
    pub(crate) fn input(&mut self, input: Input) {
        self.hand_in(input);
        self.drain();
    }

    pub(crate) fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output(self.now()) {
            match output {
                // No agent of this desk carries them out.
                Output::Order(order) => self.orders.push(order.into_inner()),
                Output::Commit(batch) => {
                    assert!(self.held.is_none(), "one batch in flight");
                    self.held = Some(batch);
                    if !self.hold {
                        self.store_answers_now();
                    }
                }
                Output::Send { conn, frame } => {
                    assert_eq!(Some(conn), self.conn, "a frame for the present connection");
                    self.frames.push(frame.into_inner());
                }
                Output::Reply { reply, .. } => self.replies.push(reply.into_inner()),
                Output::Connect {
                    conn,
                    transport,
                    target,
                    ..
                } => {
                    self.conn = Some(conn);
                    self.connects.push((conn, transport));
                    self.targets.push(target);
                }
                Output::Move { .. } => self.moves += 1,
                Output::Close { conn } => self.closed.push(conn),
                Output::Trace(record) => self.decisions.push(record.decision),
                Output::Events(_) | Output::Notice(_) => {}
            }
        }
    }

    fn store_answers_now(&mut self) {
        if let Some(batch) = self.held.take() {
            let stored = self.store.apply(&batch).unwrap();
            self.hand_in(Input::Stored(stored));
        }
    }

    /// The store answers what was held, and all that follows from it.
    pub(crate) fn release(&mut self) {
        self.hold = false;
        self.store_answers_now();
        self.drain();
    }

    /// The store answers what was held, and holds what follows.
    pub(crate) fn answer_and_hold(&mut self) {
        self.store_answers_now();
        self.drain();
    }

    /// An SMS is being stored as handed over.
    pub(crate) fn is_handing_over(&self) -> bool {
        let hands_over = |op: &Op| matches!(op, Op::HandSms { .. });
        self.held
            .as_ref()
            .is_some_and(|batch| batch.ops.iter().any(hands_over))
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.requests += 1;
        let to = ReplyTo {
            client: 1,
            request: self.requests,
        };
        self.input(Input::Command { to, command });
    }

    /// The app sends; returns the message.
    pub(crate) fn send(&mut self, text: &str) -> MessageId {
        self.send_for(text, None)
    }

    pub(crate) fn send_for(&mut self, text: &str, valid_s: Option<u64>) -> MessageId {
        self.command(send(text, valid_s));
        self.last_sent()
    }

    /// The message that the app was told of last.
    pub(crate) fn last_sent(&self) -> MessageId {
        match self.replies.last() {
            Some(Reply::Sent { id, .. }) => *id,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn link(&mut self, name: &str, up: bool) {
        self.input(Input::Telephony(TelephonyEvent::Link(link(name, up))));
    }

    pub(crate) fn channel(&mut self, event: ChannelEvent) {
        let conn = self.conn.unwrap();
        self.input(Input::Channel { conn, event });
    }

    pub(crate) fn up(&mut self) {
        self.channel(ChannelEvent::Up {
            rtt: Some(Duration::from_millis(100)),
        });
    }

    pub(crate) fn frame(&mut self, frame: Frame) {
        self.channel(ChannelEvent::Frame(frame));
    }

    pub(crate) fn welcome(&mut self, status: SlotStatus, state: SentState) {
        self.welcome_since(status, state, Vec::new());
    }

    /// The gateway served these sessions since the last one.
    pub(crate) fn welcome_since(
        &mut self,
        status: SlotStatus,
        state: SentState,
        since: Vec<SessionNo>,
    ) {
        self.frame(Frame::Welcome(Welcome {
            time_s: 0,
            slots: vec![WelcomeSlot {
                status,
                state,
                old: Vec::new(),
            }],
            idle_limit_s: 0,
            since,
        }));
    }

    /// Time passes; a deadline that was due is handed in at its end.
    pub(crate) fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        if self
            .engine
            .poll_timeout()
            .is_some_and(|(at, _)| at.0 <= self.now_ms)
        {
            self.input(Input::Timeout);
        }
    }

    pub(crate) fn message(&self, id: MessageId) -> MessageRecord {
        self.store.message(id).unwrap().unwrap()
    }

    pub(crate) fn submits(&self) -> Vec<(u64, u64)> {
        self.frames
            .iter()
            .filter_map(|frame| match frame {
                Frame::Submit(Submit { seq, lane_seq, .. }) => Some((seq.0, lane_seq.0)),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.frames.iter().map(Frame::name).collect()
    }
}

/// A phone without SMS: what IP promises, by itself.
fn config() -> Config {
    Config {
        sms: false,
        // No test has to wait for long until it is back.
        backoff_max: Duration::from_secs(1),
        ..Config::default()
    }
}

pub(crate) fn send(text: &str, valid_s: Option<u64>) -> Command {
    Command::Send {
        client: ClientName("app".into()),
        token: Token(text.as_bytes().to_vec()),
        from: None,
        to: peer().into(),
        text: Redacted::new(text.to_owned()),
        valid_for: valid_s.map(Duration::from_secs),
        by: None,
    }
}

pub(crate) fn link(name: &str, up: bool) -> Link {
    Link {
        id: LinkId(name.into()),
        kind: if name == "wifi" {
            LinkKind::Wifi
        } else {
            LinkKind::Cellular { sim_slot: 0 }
        },
        up,
        validated: true,
        metered: name != "wifi",
        roaming: false,
        generation: Generation::G4,
        network: name.into(),
        binding: Binding::default(),
        signal_dbm: None,
        vpn: Vpn::None,
    }
}

pub(crate) fn delivery(cursor: u64, lane_seq: u64, text: &str) -> Deliver {
    Deliver {
        slot: Slot(0),
        cursor: Cursor(cursor),
        from: peer(),
        epoch: Epoch(500),
        lane_seq: LaneSeq(lane_seq),
        age_s: 0,
        content: Content::text(text.to_owned()).unwrap().encode(),
        maybe_by_sms: false,
    }
}

pub(crate) fn high_water(seq: u64) -> SentState {
    SentState {
        high_water: Seq(seq),
        ..SentState::default()
    }
}
