//! What control clients ask.

use super::*;
use crate::message::WaitsFor;
use crate::store_ops::Sender;

impl Engine {
    pub(super) fn command(&mut self, now: Now, to: ReplyTo, command: Command) {
        if self.gate.is_congested() {
            self.counters.busy += 1;
            return self.refuse(now, to, CommandError::Busy("the store"));
        }
        let boot = self.stamp(now);
        match command {
            Command::Send {
                client,
                token,
                from,
                to: peer,
                text,
                valid_for,
                by,
            } => {
                let sender = match self.sender(from) {
                    Ok(sender) => sender,
                    Err(error) => return self.refuse(now, to, error),
                };
                if let Err(error) = self.may_go(peer, by) {
                    return self.refuse(now, to, error);
                }
                let new = NewOutgoing {
                    id: self.message_id(),
                    client,
                    token,
                    sender,
                    peer,
                    text,
                    valid_for,
                    boot,
                    wish: by,
                    sms: SmsAttempt::NotUsed,
                    queue_for_ip: true,
                    look: None,
                    because: &[],
                };
                self.send(now, to, new);
            }
            Command::Cancel(id) => self.outbox.cancel(&mut ctx!(self, now), to, id),
            Command::Retry { id, by } => {
                // A device that sends no SMS has nothing to choose.
                let by = if self.session.config().sms {
                    by
                } else {
                    Some(Channel::Ip)
                };
                self.outbox.retry(&mut ctx!(self, now), to, id, by);
            }
            Command::Preview {
                from,
                to: peer,
                text,
                by,
            } => {
                let sender = match self.sender(from) {
                    Ok(sender) => sender,
                    Err(error) => return self.refuse(now, to, error),
                };
                if let Err(error) = self.may_go(peer, by) {
                    return self.refuse(now, to, error);
                }
                ctx!(self, now).op(
                    Op::LoadConversation { sender, peer, boot },
                    deciding::Then::Previewed { to, peer, text, by },
                );
            }
            Command::GetSettings(None) => {
                let reply = Reply::Settings {
                    set: self.settings.clone(),
                    effective: Settings::default().over(&self.settings),
                    reach: None,
                    sim_number: None,
                };
                ctx!(self, now).after_commit(Effect::Reply { to, reply });
            }
            Command::GetSettings(Some((own, _)))
            | Command::Set {
                conversation: Some((own, _)),
                ..
            } if self.registration.get(own).is_none() => {
                let error = CommandError::NoIdentity(
                    "the own number of the conversation is not on this device",
                );
                self.refuse(now, to, error);
            }
            Command::GetSettings(Some((own, peer))) => ctx!(self, now).op(
                Op::LoadConversation {
                    sender: own.into(),
                    peer,
                    boot,
                },
                deciding::Then::Settings { to },
            ),
            Command::Set {
                conversation,
                settings,
            } => {
                if conversation.is_none() {
                    self.settings = settings.clone();
                }
                if settings.iccid.is_some() {
                    self.sms.read_anew();
                }
                ctx!(self, now).op(
                    Op::Set {
                        conversation,
                        settings,
                    },
                    deciding::Then::Set { to },
                );
            }
            Command::MarkRead(id) => self.receipts.mark_read(&mut ctx!(self, now), to, id),
            Command::Typing {
                from,
                to: peer,
                stopped,
            } => {
                let own = match self.own(from) {
                    Ok(own) => own,
                    Err(error) => return self.refuse(now, to, error),
                };
                let route = self.outbox.route(own);
                let mut ctx = ctx!(self, now);
                if let Some(Route { conn, slot }) = route {
                    let typing = Typing {
                        slot,
                        peer,
                        stopped,
                    };
                    ctx.at_once(Fleeting::Typing { conn, typing });
                }
                let reply = Reply::Done;
                ctx.after_commit(Effect::Reply { to, reply });
            }
            Command::Register { number, iccid } => {
                if !self.registration.has_room_for(number) {
                    let error = CommandError::Busy("the number of identities of this device");
                    return self.refuse(now, to, error);
                }
                // The app may not know the card. If only one tells no number of its
                // own, it is this one's.
                let iccid = iccid.or_else(|| self.sims.unnumbered().cloned());
                let is_news = self.registration.registered(number, iccid.clone());
                self.outbox.identity(number, 0);
                let mut ctx = ctx!(self, now);
                if is_news {
                    // There is another way than its user had to decide about.
                    let (waits, own) = (WaitsFor::User, Some(number));
                    ctx.op(Op::Wake { waits, own }, deciding::Then::Looks);
                }
                ctx.op(
                    Op::Register { number, iccid },
                    Then::Registered { to, number },
                );
            }
            Command::Lookup(numbers) => {
                let conn = self.session.live();
                let mut ctx = ctx!(self, now);
                if self.lookups.ask(&mut ctx, to, numbers, conn) {
                    self.session.answer_expected(now.instant);
                }
            }
            Command::OpenClient { client, from_now } => ctx!(self, now).op(
                Op::OpenClient { client, from_now },
                Then::Client { to, what: "client" },
            ),
            Command::AckEvents { client, cursor } => ctx!(self, now).op(
                Op::AckEvents { client, cursor },
                Then::Client {
                    to,
                    what: "client; subscribe first",
                },
            ),
        }
    }

    /// Fills in which way the message starts, and stores it.
    fn send(&mut self, now: Now, to: ReplyTo, new: NewOutgoing) {
        let config = self.session.config();
        let (mode, wish) = (self.settings.mode.unwrap_or_default(), new.wish);
        // Whose it is the store finds: then all is decided when that is known.
        let own_open = !new.sender.others.is_empty();
        let consented = self.registration.has_consented(new.sender.own);
        // With neither channel, it is looked at, so that its user is told.
        let sms_open = config.sms && (wish != Some(Channel::Ip) || own_open || !consented);
        let queue_for_ip = !own_open
            && new.peer.number().is_some()
            && (consented || !config.sms)
            && wish != Some(Channel::Sms)
            && (mode != Mode::SmsOnly || wish == Some(Channel::Ip));
        // A conversation may have other settings: the store knows, and says so
        // when the message is released, or when it is looked at.
        let patience = self.patience();
        let after = match (queue_for_ip, self.outbox.is_link_up()) {
            (false, _) => Duration::ZERO,
            (true, true) => patience.accept,
            (true, false) => patience.no_link,
        };
        let mut ctx = ctx!(self, now);
        let look = sms_open.then(|| ctx.look(after));
        let outgoing = NewOutgoing {
            sms: if sms_open {
                SmsAttempt::None
            } else {
                SmsAttempt::NotUsed
            },
            queue_for_ip,
            look,
            ..new
        };
        self.outbox.send(&mut ctx, NewMessage { to, outgoing });
    }

    /// Whether there is any way to this peer.
    fn may_go(&self, peer: Peer, by: Option<Channel>) -> Result<(), CommandError> {
        let config = self.session.config();
        match (peer.number(), by) {
            (None, Some(Channel::Ip)) => Err(CommandError::Invalid(
                "only SMS reaches a name or a short code",
            )),
            (None, _) if !config.sms => Err(CommandError::Invalid(
                "only SMS reaches a name or a short code, and this device sends none",
            )),
            (_, Some(Channel::Sms)) if !config.sms => {
                Err(CommandError::Invalid("this device sends no SMS"))
            }
            _ => Ok(()),
        }
    }

    /// The sending identity: the one named, the only one there is, or that of
    /// the card the user made the default for SMS.
    pub(super) fn own(&self, from: Option<E164>) -> Result<E164, CommandError> {
        match from {
            Some(own) if self.registration.get(own).is_some() => Ok(own),
            Some(_) => Err(CommandError::NoIdentity(
                "the sending number is not registered on this device",
            )),
            None => self
                .registration
                .only()
                .or_else(|| {
                    let card = self.sims.default_sms()?;
                    self.registration.number_of(&card.iccid)
                })
                .ok_or(if self.registration.is_empty() {
                    CommandError::NoIdentity("no number is registered on this device")
                } else if self.sims.is_unknown() {
                    // After a start, until the agent is there.
                    CommandError::NotYet(
                        "several numbers are registered, none is named, and no telephony agent \
                         has told yet which card is the default",
                    )
                } else {
                    CommandError::NoIdentity("several numbers are registered: name the sending one")
                }),
        }
    }

    /// Whose message it is. Without a name, and with several numbers, it goes on with
    /// the conversation there is with the peer: a card that was taken out, or is no
    /// default any more, is not silently replaced by another. A device that sends no
    /// SMS has no cards to keep to.
    fn sender(&self, from: Option<E164>) -> Result<Sender, CommandError> {
        let own = self.own(from)?;
        if !self.session.config().sms && !self.registration.has_consented(own) {
            return Err(CommandError::NoIdentity(
                "the sending number is not registered for IP, and this device sends no SMS",
            ));
        }
        let others = if from.is_none() && self.session.config().sms {
            self.registration
                .numbers()
                .filter(|other| *other != own)
                .collect()
        } else {
            Vec::new()
        };
        Ok(Sender { own, others })
    }

    pub(super) fn refuse(&mut self, now: Now, to: ReplyTo, error: CommandError) {
        let reply = Reply::Error(error);
        ctx!(self, now).after_commit(Effect::Reply { to, reply });
    }
}
