//! What goes wrong in one world: each seed draws its own mix and intensity, so
//! that some worlds are calm in most respects and wild in one (swarm testing).

use crate::rng::Rng;

macro_rules! dials {
    ($($(#[doc = $doc:literal])* $name:ident,)*) => {
        /// The mix of one seed. Every dial can be turned to 0, which is: never,
        /// or as it is by default. Names end in their unit.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Faults {
            $($(#[doc = $doc])* pub $name: u64,)*
        }

        impl Faults {
            /// Each dial's name and the lines that say what it does, in the same order.
            pub const DIALS: &[(&str, &[&str])] = &[$((stringify!($name), &[$($doc),*]),)*];

            /// Each dial with its name, in a fixed order.
            pub fn dials(&mut self) -> Vec<(&'static str, &mut u64)> {
                vec![$((stringify!($name), &mut self.$name),)*]
            }
        }
    };
}

dials! {
    /// Handsets in this world.
    handsets,
    /// Mean pause between messages of one handset.
    send_every_ms,
    /// One in so many sends gets a validity, of 1 to 120 s.
    validity_one_in,
    /// One in so many sends is cancelled soon after.
    cancel_one_in,
    /// One in so many received messages is marked as read.
    read_one_in,
    /// One in so many failures is retried by the user.
    retry_one_in,
    /// Mean time between changes of one link.
    link_flap_ms,
    /// Longest hole without a link.
    link_down_max_ms,
    /// One link in so many eats UDP.
    udp_blocked_one_in,
    /// Mean time between resets of a live connection.
    reset_ms,
    /// Mean time between kills of a daemon.
    kill_ms,
    /// One in so many outputs is the last one before a crash.
    crash_at_output_one_in,
    /// One in so many kills is a dead battery: a new boot.
    reboot_one_in,
    /// Mean time between kills of the gateway.
    gateway_kill_ms,
    /// One in so many commits of the gateway fails.
    gateway_commit_one_in,
    /// Mean time between restores of the gateway from a backup, at most a minute
    /// old.
    gateway_restore_ms,
    /// Mean time between pauses of a handset's process (suspend).
    suspend_ms,
    /// Longest commit of a handset's store.
    slow_store_ms,
    /// Mean time between deaths of the app.
    app_death_ms,
    /// 1: links are as slow as 2G.
    slow_links,
    /// One in so many frames is lost and repeated by the transport.
    loss_one_in,
    /// One in so many sends goes to a number nobody is bound to.
    stranger_one_in,
    /// Messages a mailbox of the gateway holds.
    mailbox_entries,
    /// The longest content the gateway takes; one send in eight is longer. A lane note
    /// of all its entries has room: a gateway that refuses notes breaks the protocol.
    content_bytes,
    /// How long the gateway keeps mail, seconds.
    mail_ttl_s,
    /// Connections the gateway serves for each handset, in tenths.
    connections_tenths,
    /// Mean time between planned restarts of the gateway (`Draining`).
    drain_ms,
    /// The gateway's disk: longest time in which inputs gather for one turn.
    gateway_slow_ms,
    /// A silent UDP connection is forgotten by the network after this.
    nat_udp_ms,
    /// A silent TCP connection is forgotten by the network after this.
    nat_tcp_ms,
    /// Mean time between captive portals on the first link.
    captive_ms,
    /// Mean time between flights: all links go at once.
    flight_ms,
    /// Mean time between jumps of a handset's wall clock, by years.
    clock_jump_ms,
    /// Mean time between replacements of a phone by a new one of its number.
    replace_ms,
    /// Mean time between restores of a phone from a copy, at most a minute old.
    put_back_ms,
    /// One in so many sends comes from a future version that nobody can read.
    poison_one_in,
    /// One in so many sends comes with typing, a look-up and an `AckEvents`.
    chatter_one_in,
    /// Mean time between requests of a clumsy app that make no sense.
    clumsy_ms,
    /// One in so many batches finds the disk full, for up to 20 s.
    disk_full_one_in,
    /// 1: whoever restores the gateway from a backup says so.
    restore_is_told,
    /// Mean time between moves of a phone's data from one SIM to the other; 0: it
    /// has one SIM.
    move_data_ms,
    /// One in so many phones that would be put back has its store salvaged
    /// instead: the newest rows are lost, and it takes a new epoch.
    salvage_one_in,
    /// 1: a gateway that restarts as planned names another address.
    redirect,
    /// Mean time between changes of a cellular link's radio: another generation,
    /// another signal, and what goes with them in delay and rate.
    radio_ms,

    /// The world is slow: it lives so many times as long as was asked for, with pauses
    /// and holes as many times as long, so that hours pass; 0: it is not.
    stretch,
    /// One in so many sends is the first of thirty at once.
    bursts_one_in,
    /// One in so many messages that the app was told are stored is sent again with the
    /// same token.
    repeat_one_in,
    /// The longest time an app takes to read its events.
    app_slow_ms,
    /// Mean time between stalls of a link: nothing passes, and nobody is told.
    stall_ms,
    /// The longest queue of a link, in time: what finds it full is dropped and repeated.
    /// 0: nothing waits for what is on the same link.
    queue_ms,
    /// One link in so many loses frames; 0: all do.
    lossy_links_one_in,
    /// One link in so many has a NAT; 0: all do.
    nat_links_one_in,
    /// One Wi-Fi in so many is another phone's hotspot: metered.
    hotspot_one_in,
    /// One in so many batches is written and cannot be synced: it is tried again, and
    /// one in two phones loses its power meanwhile.
    sync_failed_one_in,
    /// How old the gateway's backup is at most when it is restored; 0: a minute.
    backup_age_ms,
    /// How old a phone's copy is at most when it is put back; 0: a minute.
    copy_age_ms,
    /// One in so many copies is kept, and put back once more later.
    copy_again_one_in,
    /// Mean time between copies of a phone to a second one, which lives beside it for
    /// some time, with the same number and the same key.
    twin_ms,

    /// 1: phones with two cards tell of their data, and the engine asks to move them; 2:
    /// and nobody else moves them. Needs `move_data_ms`.
    data_policy,
    /// One in so many requests for the other card's data is refused.
    data_refused_one_in,
    /// One in so many is never answered.
    data_unanswered_one_in,
    /// Mean time between changes of what is paid for on a card.
    bundle_ms,

    // -- SMS; without the first, none of the others counts
    /// 1: phones have cards and an agent that sends SMS.
    sms,
    /// One in so many phones has a second card, whose number is not used for IP.
    second_card_one_in,
    /// One phone in so many has a second number that is on IP as well: both share its
    /// connection. In worlds with SMS, of those that have a second card.
    second_on_ip_one_in,
    /// The engine's patience with IP, in percent of what it is by default.
    patience_percent,
    /// One in so many sends comes with a wish for a channel.
    wish_one_in,
    /// One in so many texts takes more than one part.
    long_text_one_in,
    /// One in so many messages that wait for the user is decided about.
    answer_one_in,
    /// Mean time between changes of what a user has set.
    settings_ms,
    /// One part in so many is lost by the operator.
    sms_lost_one_in,
    /// One part in so many comes twice with one SCTS.
    sms_twice_one_in,
    /// One part in so many comes twice with two SCTS.
    sms_twice_later_one_in,
    /// Longest time a part is on its way.
    sms_delay_max_ms,
    /// Longest time the radio takes for a part.
    sms_radio_max_ms,
    /// One delivery report in so many is missing.
    no_report_one_in,
    /// One part in so many loses its trailing spaces.
    trimmed_one_in,
    /// One part in so many has no-break spaces for spaces.
    no_break_one_in,
    /// One part in so many has a line of the operator's behind it.
    advert_one_in,
    /// One part in so many is refused, with any of Android's result codes.
    part_refused_one_in,
    /// One result in so many never comes, though the part leaves.
    no_result_one_in,
    /// Mean time between deaths of a telephony agent.
    agent_death_ms,
    /// One in so many orders kills the agent: before it is journalled, before
    /// SmsManager is called, or after.
    agent_dies_at_order_one_in,
    /// One in so many incoming messages kills the agent behind the spool.
    agent_dies_at_receipt_one_in,
    /// Mean time between holes of the network of a card; one in two switches the
    /// radio off, and one in four cards roams behind it.
    service_ms,
    /// Mean time between moves of a card: out of the phone, to the other slot, to
    /// another phone.
    cards_ms,
    /// Parts that each card has paid for; the user pays again now and then.
    balance_parts,
    /// One SMS in so many comes with its sender in national form.
    national_one_in,
    /// One of these in so many comes while the phone does not know the home of its card.
    home_unknown_one_in,
    /// One in so many sends goes to a number as people of its country dial it.
    dialled_one_in,
    /// One second card in so many is of another country, where numbers are written alike.
    card_abroad_one_in,
    /// One SMS in so many is followed by others with the same text, mark included: two
    /// from a bulk sender with a name, one from its sender to the phone's other number.
    echo_one_in,

    /// One jump of a wall clock in so many is by minutes, hours or days, to or fro.
    clock_step_one_in,
    /// One turn in so many handles a time-out among what is readable, not behind it.
    early_timeout_one_in,
    /// One in so many sends comes with one word that is said two to four times to one peer.
    small_talk_one_in,
}

/// In `percent` of worlds a value of this range, else never.
fn often(rng: &mut Rng, percent: u64, low: u64, high: u64) -> u64 {
    if rng.percent(percent) {
        rng.range(low, high)
    } else {
        0
    }
}

impl Faults {
    /// The mix that is drawn now, see [`Faults::draw_by`].
    pub const MIX: u8 = 8;

    /// Draws a mix as it was drawn when there were as many dials as then: seeds that
    /// found something then still have the mix that did.
    pub fn draw_by(mix: u8, rng: &mut Rng) -> Self {
        match mix {
            1 => Self::draw_first(rng),
            2 => Self::draw_second(rng),
            3 => Self::draw_third(rng),
            4 => Self::draw_fourth(rng),
            5 => Self::draw_fifth(rng),
            6 => Self::draw_sixth(rng),
            7 => Self::draw_seventh(rng),
            _ => Self::draw(rng),
        }
    }

    /// Draws a mix.
    pub fn draw(rng: &mut Rng) -> Self {
        let seventh = Self::draw_seventh(rng);
        Self {
            clock_step_one_in: often(rng, 60, 1, 3),
            early_timeout_one_in: often(rng, 40, 1, 4),
            // Set, not drawn, as long as seed 31948 of one minute is not read.
            small_talk_one_in: 0,
            ..seventh
        }
    }

    /// The mix before clocks that jump by less than years, and time-outs in any place.
    fn draw_seventh(rng: &mut Rng) -> Self {
        let sixth = Self::draw_sixth(rng);
        let crowd = often(rng, 2, 5, 40);
        Self {
            second_on_ip_one_in: often(rng, 25, 1, 2),
            // Not for hours: one such world would take minutes.
            handsets: if crowd > 0 && sixth.stretch == 0 {
                crowd
            } else {
                sixth.handsets
            },
            ..sixth
        }
    }

    /// The mix before phones with two numbers on IP, and crowds.
    fn draw_sixth(rng: &mut Rng) -> Self {
        let fifth = Self::draw_fifth(rng);
        let mix = Self {
            national_one_in: often(rng, 40, 1, 6),
            home_unknown_one_in: often(rng, 25, 2, 10),
            dialled_one_in: often(rng, 15, 3, 30),
            card_abroad_one_in: often(rng, 25, 1, 2),
            echo_one_in: often(rng, 20, 2, 20),
            ..fifth.clone()
        };
        if fifth.sms == 0 { fifth } else { mix }
    }

    /// The mix before numbers in national form.
    fn draw_fifth(rng: &mut Rng) -> Self {
        let fourth = Self::draw_fourth(rng);
        let mut mix = Self {
            twin_ms: often(rng, 4, 20_000, 200_000),
            ..fourth
        };
        mix.avoid_known_faults();
        mix
    }

    /// The mix before phones had twins. The dice are thrown in the same order: worlds
    /// without a twin are what they were.
    fn draw_fourth(rng: &mut Rng) -> Self {
        let third = Self::draw_third(rng);
        let mix = Self {
            data_policy: often(rng, 70, 1, 2),
            data_refused_one_in: often(rng, 40, 1, 8),
            data_unanswered_one_in: often(rng, 30, 1, 8),
            bundle_ms: often(rng, 30, 5_000, 60_000),
            ..third
        };
        if mix.data_policy == 0 || mix.move_data_ms == 0 {
            return Self {
                data_policy: 0,
                bundle_ms: 0,
                ..mix
            };
        }
        mix
    }

    /// The mix before the dials from `data_policy` to `bundle_ms`.
    fn draw_third(rng: &mut Rng) -> Self {
        let second = Self::draw_second(rng);
        Self {
            stretch: often(rng, 5, 20, 80),
            bursts_one_in: often(rng, 8, 10, 100),
            repeat_one_in: often(rng, 25, 2, 30),
            app_slow_ms: often(rng, 20, 100, 20_000),
            stall_ms: often(rng, 15, 10_000, 200_000),
            queue_ms: often(rng, 20, 200, 3_000),
            lossy_links_one_in: often(rng, 50, 2, 3),
            nat_links_one_in: often(rng, 50, 2, 3),
            hotspot_one_in: often(rng, 10, 1, 2),
            sync_failed_one_in: often(rng, 10, 20, 300),
            backup_age_ms: often(rng, 40, 120_000, 480_000),
            copy_age_ms: often(rng, 40, 120_000, 480_000),
            copy_again_one_in: often(rng, 50, 1, 3),
            ..second
        }
    }

    /// The mix before the dials from `stretch` to `copy_again_one_in`.
    fn draw_second(rng: &mut Rng) -> Self {
        let first = Self::draw_first(rng);
        let mut mix = Self {
            stranger_one_in: often(rng, 15, 3, 30),
            mailbox_entries: often(rng, 8, 1, 20),
            content_bytes: often(rng, 8, 400, 800),
            mail_ttl_s: often(rng, 10, 5, 120),
            connections_tenths: often(rng, 8, 5, 15),
            drain_ms: often(rng, 12, 20_000, 200_000),
            gateway_slow_ms: often(rng, 15, 20, 3_000),
            nat_udp_ms: often(rng, 15, 10_000, 120_000),
            nat_tcp_ms: often(rng, 10, 20_000, 200_000),
            captive_ms: often(rng, 12, 10_000, 120_000),
            flight_ms: often(rng, 12, 20_000, 200_000),
            clock_jump_ms: often(rng, 15, 5_000, 120_000),
            replace_ms: often(rng, 8, 60_000, 400_000),
            put_back_ms: often(rng, 8, 30_000, 300_000),
            poison_one_in: often(rng, 10, 3, 40),
            chatter_one_in: often(rng, 20, 1, 10),
            clumsy_ms: often(rng, 15, 2_000, 60_000),
            disk_full_one_in: often(rng, 12, 10, 200),
            restore_is_told: often(rng, 50, 1, 1),
            move_data_ms: often(rng, 25, 5_000, 90_000),
            salvage_one_in: often(rng, 50, 1, 2),
            redirect: often(rng, 50, 1, 1),
            radio_ms: often(rng, 25, 3_000, 120_000),
            ..first
        };
        mix.avoid_known_faults();
        if rng.percent(70) {
            mix.draw_sms(rng);
        }
        mix
    }

    /// Draws what goes wrong with SMS.
    fn draw_sms(&mut self, rng: &mut Rng) {
        *self = Self {
            sms: 1,
            second_card_one_in: often(rng, 50, 1, 3),
            patience_percent: if rng.percent(50) {
                rng.range(5, 60)
            } else {
                100
            },
            wish_one_in: often(rng, 30, 3, 30),
            long_text_one_in: often(rng, 40, 2, 20),
            answer_one_in: {
                let answer = often(rng, 60, 1, 3);
                // A dial that is gone: those behind it stay as they were drawn.
                often(rng, 8, 10, 60);
                answer
            },
            settings_ms: often(rng, 30, 5_000, 90_000),
            sms_lost_one_in: often(rng, 30, 3, 60),
            sms_twice_one_in: often(rng, 30, 2, 40),
            sms_twice_later_one_in: often(rng, 15, 3, 40),
            sms_delay_max_ms: if rng.percent(40) {
                rng.range(10_000, 300_000)
            } else {
                rng.range(1_000, 10_000)
            },
            sms_radio_max_ms: if rng.percent(30) {
                rng.range(5_000, 60_000)
            } else {
                rng.range(300, 5_000)
            },
            no_report_one_in: often(rng, 50, 1, 10),
            trimmed_one_in: often(rng, 25, 1, 20),
            no_break_one_in: often(rng, 15, 1, 20),
            advert_one_in: often(rng, 10, 2, 20),
            part_refused_one_in: often(rng, 30, 2, 40),
            no_result_one_in: often(rng, 30, 2, 30),
            agent_death_ms: often(rng, 40, 5_000, 120_000),
            agent_dies_at_order_one_in: often(rng, 40, 2, 40),
            agent_dies_at_receipt_one_in: often(rng, 30, 2, 40),
            service_ms: often(rng, 40, 5_000, 120_000),
            cards_ms: often(rng, 25, 10_000, 120_000),
            balance_parts: often(rng, 15, 1, 30),
            ..self.clone()
        };
    }

    /// Combinations that break a promise for a known reason are left out until
    /// that is mended. `--set` turns them on all the same.
    fn avoid_known_faults(&mut self) {
        // A restored gateway that was not told so grants an epoch for the second
        // time to a phone that remembers none (DELIVERY 3), or to the second of two:
        // names clash.
        if self.gateway_restore_ms > 0 && self.restore_is_told == 0 {
            self.replace_ms = 0;
            self.twin_ms = 0;
        }
    }

    /// The mix of the first dials.
    fn draw_first(rng: &mut Rng) -> Self {
        Self {
            handsets: if rng.percent(80) { 2 } else { rng.range(3, 4) },
            send_every_ms: rng.range(500, 8_000),
            validity_one_in: often(rng, 40, 2, 20),
            cancel_one_in: often(rng, 40, 3, 20),
            read_one_in: often(rng, 60, 1, 10),
            retry_one_in: often(rng, 60, 1, 3),
            link_flap_ms: often(rng, 70, 3_000, 120_000),
            link_down_max_ms: rng.range(500, 90_000),
            udp_blocked_one_in: often(rng, 20, 1, 4),
            reset_ms: often(rng, 40, 2_000, 60_000),
            kill_ms: often(rng, 50, 5_000, 120_000),
            crash_at_output_one_in: often(rng, 40, 20, 800),
            reboot_one_in: often(rng, 50, 1, 6),
            gateway_kill_ms: often(rng, 40, 10_000, 200_000),
            gateway_commit_one_in: often(rng, 20, 20, 400),
            gateway_restore_ms: often(rng, 20, 30_000, 300_000),
            suspend_ms: often(rng, 40, 10_000, 120_000),
            slow_store_ms: if rng.percent(30) {
                rng.range(100, 5_000)
            } else {
                rng.range(1, 30)
            },
            app_death_ms: often(rng, 30, 20_000, 120_000),
            slow_links: u64::from(rng.percent(30)),
            loss_one_in: often(rng, 50, 5, 100),
            ..Self::default()
        }
    }

    /// The mix of a slow world: pauses between its faults and messages, and its holes,
    /// are as many times as long as it is. What belongs to phone, network or gateway
    /// keeps its pace.
    pub fn stretched(&self) -> Self {
        let mut slow = self.clone();
        for pause in [
            &mut slow.send_every_ms,
            &mut slow.link_flap_ms,
            &mut slow.link_down_max_ms,
            &mut slow.reset_ms,
            &mut slow.kill_ms,
            &mut slow.gateway_kill_ms,
            &mut slow.gateway_restore_ms,
            &mut slow.suspend_ms,
            &mut slow.app_death_ms,
            &mut slow.drain_ms,
            &mut slow.captive_ms,
            &mut slow.flight_ms,
            &mut slow.clock_jump_ms,
            &mut slow.replace_ms,
            &mut slow.put_back_ms,
            &mut slow.twin_ms,
            &mut slow.clumsy_ms,
            &mut slow.move_data_ms,
            &mut slow.bundle_ms,
            &mut slow.radio_ms,
            &mut slow.stall_ms,
            &mut slow.settings_ms,
            &mut slow.agent_death_ms,
            &mut slow.service_ms,
            &mut slow.cards_ms,
        ] {
            *pause *= self.stretch.max(1);
        }
        slow
    }

    /// A world in which nothing goes wrong, one message per `send_every_ms`.
    pub fn none(handsets: u64, send_every_ms: u64) -> Self {
        Self {
            handsets,
            send_every_ms,
            slow_store_ms: 5,
            ..Self::default()
        }
    }

    /// Turns a dial by its name; `false`: there is no such dial.
    pub fn set(&mut self, name: &str, value: u64) -> bool {
        for (dial, place) in self.dials() {
            if dial == name {
                *place = value;
                return true;
            }
        }
        false
    }
}
