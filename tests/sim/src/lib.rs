//! A deterministic world around the real engine and the real gateway core.
//!
//! Handsets, links, stores and apps are simulated; every decision is made by
//! the code that ships. A [`world::World`] lives in virtual time, breaks what it
//! can, and checks after every event what was promised ([`model`]). A seed
//! replays exactly, on any machine.
//!
//! | module | owns |
//! |---|---|
//! | [`world`] | time, the queue of events, the turns of daemons and gateway |
//! | [`handset`] | one phone: engine, flash, links, app |
//! | [`link`] | what a handset's links let through, how soon, and what they lose |
//! | [`net`] | connections as ordered streams over links |
//! | [`sms`] | the operator's SMS centre, Android's telephony, the agent's journal and spool |
//! | [`store`] | the simulated store; passes the suite of `twine-store` |
//! | [`faults`] | what goes wrong, drawn anew by each seed |
//! | [`dials`] | what each dial of it may be set to |
//! | [`rng`] | the dice |
//! | [`panics`] | panics inside worlds, with message and place |
//! | [`poison`] | messages that nobody can read |
//! | [`model`] | what was promised to apps, what takes it back, and the checks |
//! | [`coverage`] | what was reached, and what never was |
//! | [`report`] | what is printed of a world that fails |
//! | [`setup`] | all that makes one run repeatable |
//! | [`progress`] | how far a run is, said while it goes on |
//! | [`minimise`] | the smallest world that still fails |
//! | [`links_eval`], [`heartbeat_eval`] | how well the engine decides, beside others |
//! | [`reconnect_eval`] | how handsets come back to a gateway that was away |
//! | [`evaluation`] | what the programs of these three have in common |
//! | [`page`] | pages with plots |
//!
//! # The rules of delivery, and where each is held to
//!
//! A directed scenario shows one rule at work; an invariant holds in every world.
//! `rules` is `tests/rules` here, `core` is `tools/gateway/core/tests`, `suite` is the
//! suite of `twine-store`, `engine` and `sms` are the tests of those crates; an invariant is
//! quoted as the [`model`] or the world puts it. How many scenarios a beginning stands for is
//! said where it is not one. A test holds this table against the sources.
//!
//! | rule | directed scenario | invariant |
//! |---|---|---|
//! | 1 | rules `rule_1_…` | "a token names one message"; "a reply belongs to a request" |
//! | 2 | rules `rule_2_…` (2) | "order keys sort a lane by its places" |
//! | 3 | core `hello`: `an_epoch_is_never_below_the_days_since_2025`, `a_grant_outlives_the_process`; core `restore`: `no_epoch_of_the_lost_time_…` | "no two messages have one name" |
//! | 4 | rules `rule_4_…` (3); core `submit`: `other_content_under_a_seq_is_a_conflict` | "no two messages have one name"; "nobody breaks the protocol"; "a message reaches the app exactly once", with phones put back; "what was confirmed reaches the receiving app", with phones that live twice |
//! | 5 | rules `rule_5_…` (2); core `submit`: `a_refusal_is_repeated_to_a_resend_and_in_welcome` | "what was taken back is never delivered"; "every confirmed message comes to an end" |
//! | 6 | rules `rule_6_…` (2); core `hello`: `a_newer_session_ends_the_older_one` | "what was taken back is never delivered", with late connections |
//! | 7 | rules `rule_7_…`; core `hello`: `a_gateway_whose_mark_lies_too_low_raises_it`; core `restore` | "what was confirmed reaches the receiving app", with gateways restored |
//! | 8 | rules `rule_8_…` (3), `rule_4_a_conflict_…` | "every confirmed message comes to an end"; "nobody breaks the protocol" |
//! | 9 | rules `rule_9_…`; core `mailbox`: `handed_is_stored_and_an_ack_becomes_delivered`; core `hello`: `a_cursor_…` (5) | "what was confirmed reaches the receiving app"; "a message reaches whom it was sent to" |
//! | 10 | rules `rule_10_…` (2) | "a message reaches the app exactly once"; "what is received was sent" |
//! | 11 | rules `rule_11_…` (2) | "delivered means that the receiver has stored it"; "what was received is never lost (receiver)"; "read means that its receiver read in this conversation"; "what was read is shown as read at last" |
//! | 12 | rules `rule_12_…` (2) | "what cannot be read is not shown as delivered"; "what cannot be read is not shown as a text"; "what can be read is not rejected"; "what can be read is read" |
//! | 13 | rules `rule_13_…`; core `submit`: `a_full_mailbox_refuses_…`; core `mailbox`: `old_mail_expires_…`, `outcomes_outlive_the_mail_…` | "every confirmed message comes to an end", with small mailboxes and short times; "a mailbox is bounded" |
//! | 14 | rules `rule_14_…` (2); core `revoke` | "what was taken back is never delivered"; "only what its user took back is shown as such" |
//! | 15 | rules `rule_15_…` (2); engine `channel`: `what_the_gateway_may_have_is_asked_back_first` | "only what was revoked leaves as a plain SMS"; "a plain SMS is the only copy"; "what leaves by SMS was sent" |
//! | 16 | rules `rule_16_…` (3) | "what arrived by either way is shown as delivered"; "what fails has a cause"; "what left whole reaches a phone" |
//! | 17 | rules `rule_15_and_17_…`, `rule_17_…`; suite `between`: `what_is_given_back_before_its_sms_left_needs_no_mark`; suite `merging`: `a_marked_copy_merges_in_both_orders`, `only_what_fits_is_merged`, `an_ambiguous_mark_merges_nothing`, `a_mark_…` (2) | "only copies are merged"; "what left by SMS before leaves marked"; "only an uncertain copy leaves marked" |
//! | 18 | rules `rule_18_…`; suite `notes`; suite `merging`: `a_note_…` (9); sms `copies` | "copies of a message are merged at last"; "only copies are merged" |
//! | 19 | rules `rule_19_…` | "order keys sort a lane by its places"; "a lane keeps its order" |
//! | 20 | suite `merging`: `a_note_gives_an_sms_its_place`, `an_sms_moves_to_its_place`, `an_sms_that_finds_its_place_late_stays` | "order keys sort a lane by its places"; "a lane keeps its order" |
//! | 21 | rules `rule_21_…` (2); suite `lanes`: `nothing_passes_…` (2), `an_sms_waits_for_what_is_before_it` | "a lane keeps its order"; "the in-flight window is bounded" |
//! | 22 | rules `rule_22_…` (3); engine `pacing` | "equal texts are shown as often as they were sent" |
//! | 23 | rules `rule_23_…` (3) | "no deadline acts in the grace after a reconnect" |
//! | 24 | rules `rule_24_…` | "only what has a validity is given up"; "a validity is never shorter than it was set"; and every one, with wall clocks that jump by years |
//! | 25 | rules `rule_25_…` (2); engine `channel`: `a_recipient_who_was_there_has_it_most_likely`; core `submit`: `away_is_told_until_the_recipient_is_here` | "the gateway says who is away"; "after an hour only the user makes an uncertain copy"; "what waits for its user has a cause" |
//! | 26 | rules `rule_26_…` (3), `rule_18_and_26_…`; [`sms::agent`] `an_attempt_is_sent_once_whoever_asks_again` | "an attempt is handed to the phone's SMS at most once"; "what may have left is not sent again unasked"; "what left by SMS before leaves marked"; "what is shown as sent by SMS left the phone"; "no more than 30 parts leave in a minute"; "every confirmed message comes to an end" |
//! | 27 | rules `rule_27_…` (2); suite `merging`: `what_a_name_says_is_never_merged` | "an SMS belongs to whom its card's home plan makes of its sender"; "nothing is merged across senders, names or own numbers"; "who says the same is not merged"; "equal texts are shown as often as they were sent" |
//! | 28 | rules `rule_28_…`; suite `short_messages`: `an_sms_is_taken_once_for_its_spool_id`, `an_sms_the_network_repeats_is_taken_once` | "what is spooled reaches the app"; "an SMS is shown no more often than it came" |
//! | 29 | rules `rule_29_…`; suite `events`: `behind_retention_is_resync` | "an event refers to history"; "an app is told that there are events"; "the last event of a message tells how it stands"; "an event belongs to a message"; "an event reaches the sender's app" |
//! | 30 | core `submit`: `a_number_moved_meanwhile_…` | "mail goes to the phone that has the number"; "a look-up tells who has a phone". No early data: the daemon sends none, and daemon/src/transport/credentials.rs says why |
//! | law: stored, then told | rules `rule_1_…`, `rule_11_the_acknowledgement_waits_for_the_commit` | "what was confirmed is never lost (sender)"; "one batch is in flight"; "an order is stored before it is given" |
//! | SIM: the right card | rules `rule_27_a_copy_does_not_leave_from_another_number_unasked` | "an SMS leaves by the card of its conversation"; "data are asked for only of the other of two cards"; "one SIM has data at a time" |
//! | all of them | | "nobody panics"; "the world does not spin"; "the world comes to rest"; "a phone at rest still sends and receives by IP" |
//!
//! That these checks find anything is checked as well: `mutants/*.toml` lists deliberate
//! bugs, at least one for each rule, and the program `mutants`
//! (feature `mutants`) shows that each is found, by worlds or by the scenario it names.
//!
//! Every text of a world is another, but for what is said several times: of that they are
//! counted. The home plan is the bridge's, in Java; what the daemon makes of its word is
//! the code that ships.
//!
//! Apps that acknowledge nothing for long are not simulated: 50,000 events are kept,
//! and the suite tests what lies behind them. A gateway that refuses by policy is not
//! either: its core has no policy.
#![forbid(unsafe_code)]

pub mod coverage;
pub mod dials;
pub mod evaluation;
pub mod faults;
pub mod handset;
pub mod heartbeat_eval;
pub mod link;
pub mod links_eval;
pub mod minimise;
pub mod model;
pub mod net;
pub mod page;
pub mod panics;
pub mod poison;
pub mod progress;
pub mod reconnect_eval;
pub mod report;
pub mod rng;
pub mod setup;
pub mod sms;
pub mod store;
#[cfg(test)]
mod table;
pub mod world;
