//! The behaviour every store has to show, whatever it is made of.
//!
//! Each case is a function that takes a [`Backend`] and panics where a promise is
//! broken. It knows only `twine_engine::store_ops`. [`crate::behaves_like_a_store`]
//! makes one test of each:
//!
//! ```text
//! twine_store::behaves_like_a_store!(MyBackend::new());
//! ```

pub mod attempts;
pub mod between;
pub mod deadlines;
pub mod events;
pub mod identities;
pub mod incoming;
pub mod lanes;
pub mod looks;
pub mod merging;
pub mod notes;
pub mod outcomes;
pub mod reads;
pub mod receipts;
pub mod sending;
pub mod settings;
mod short_message;
pub mod short_messages;
pub mod sms_queue;
pub mod taking_back;
mod world;

use twine_engine::store_ops::StoreOps;

/// Makes stores for the suite.
pub trait Backend {
    /// What is tested.
    type Store: StoreOps;

    /// An empty store. Called once.
    fn open(&mut self) -> Self::Store;

    /// What the next run of the daemon finds when this one ends now without
    /// another word: every batch that was answered, and nothing else.
    fn crash_and_reopen(&mut self, store: Self::Store) -> Self::Store;
}

/// Makes a test of every case of the suite; takes an expression that makes a new
/// [`suite::Backend`](crate::suite::Backend).
#[macro_export]
macro_rules! behaves_like_a_store {
    ($backend:expr) => {
        $crate::behaves_like_a_store! { @cases $backend;
            identities {
                session_numbers_grow_over_crashes,
                a_gateway_that_knows_a_higher_session_is_overtaken,
                identities_keep_their_order_and_their_sim,
                an_epoch_is_taken_once_and_only_upwards,
                a_closed_epoch_stays_closed,
                old_epochs_are_named_while_something_is_open,
                the_lowest_old_epochs_are_named_first,
                what_was_learned_is_kept,
            }
            sending {
                a_repeated_token_returns_the_first_message,
                a_token_belongs_to_one_client,
                tokens_outlive_a_wall_clock_that_jumps,
                seqs_are_given_at_release_without_gap,
                a_cancelled_message_takes_no_seq,
                places_count_each_lane,
                nothing_is_released_without_an_epoch,
                a_message_is_released_once,
                a_new_epoch_starts_counting_again,
                queued_messages_come_oldest_first_and_bounded,
                contents_are_the_same_each_time,
            }
            outcomes {
                accepted_up_to_the_mark,
                each_outcome_shows_as_itself,
                reports_are_idempotent,
                reports_may_come_in_any_order,
                what_was_delivered_is_no_failure,
                a_rejection_is_not_called_delivered,
                what_is_settled_stays_settled,
                unknown_seqs_change_nothing,
                the_lowest_unsettled_seq_is_told,
                a_closed_epoch_gives_back_what_was_not_taken,
                what_went_back_gets_a_new_place,
                outcomes_of_a_closed_epoch_still_count,
                resume_fills_in_the_window,
                resume_comes_in_pages,
                a_gateway_that_lost_history_gets_it_again,
            }
            taking_back {
                a_queued_message_is_taken_back_at_once,
                a_message_on_its_way_has_to_be_revoked,
                each_answer_to_a_revoke,
                a_dismissed_rejection_stays_dismissed,
                in_doubt_is_asked_again,
                what_is_taken_back_in_a_closed_epoch_is_revoked,
                what_was_taken_back_has_no_part_in_the_fate_of_another,
                too_late_or_unknown,
                a_failed_message_can_be_called_off,
                a_retry_keeps_its_place_and_takes_a_new_seq,
                a_retry_in_a_new_epoch_takes_a_new_place,
                only_what_failed_is_tried_again,
                what_waits_for_a_condition_is_tried_at_once,
                the_users_wish_stands_above_expiry,
            }
            deadlines {
                nothing_is_due_before_its_time,
                what_is_due_is_given_up_or_asked_back,
                at_most_so_many_at_once,
                another_boot_starts_validity_again,
                what_is_settled_does_not_expire,
                a_retry_is_valid_anew,
                what_went_back_to_the_queue_still_expires,
            }
            incoming {
                a_message_is_taken_once,
                gaps_are_filled_once,
                forgotten_gaps_are_looked_up,
                lanes_do_not_meet,
                a_conflict_is_shown_beside_the_other,
                an_unreadable_message_leaves_a_placeholder,
                an_unnamed_one_is_known_by_its_cursor,
                the_cursor_moves_forward_with_every_entry,
                an_entry_without_a_check_leaves_the_cursor,
                a_late_message_goes_before_the_next_of_its_lane,
                an_older_epoch_goes_before_a_newer_one,
                order_keys_are_unique,
            }
            receipts {
                reading_is_cumulative,
                a_mark_is_told_until_confirmed,
                only_the_newest_version_is_confirmed,
                a_late_message_below_the_mark_is_told,
                marks_are_kept_for_each_lane,
                marks_come_in_pages,
                what_cannot_be_read,
                the_peer_has_read_what_it_has,
                read_stays_read,
                what_was_read_and_comes_again_is_told_again,
            }
            events {
                the_log_has_no_holes,
                only_what_the_user_sees_makes_an_event,
                a_client_starts_at_the_oldest_or_now,
                acknowledgements_only_move_forward,
                the_number_of_clients_is_limited,
                behind_retention_is_resync,
                acknowledging_deletes_nothing,
            }
            reads {
                an_outgoing_message_reads_back,
                an_incoming_message_reads_back,
                history_comes_newest_first_in_pages,
                the_outbox_comes_oldest_first_in_pages,
                a_snapshot_says_where_to_start,
                ids_are_never_given_twice,
            }
            lanes {
                nothing_passes_an_undecided_message,
                nothing_passes_what_is_in_the_queue,
                a_message_that_waits_for_a_free_lane_is_looked_at,
                messages_on_ip_follow_each_other,
                an_sms_on_its_way_blocks_its_lane_alone,
                an_sms_waits_for_what_is_before_it,
                the_first_undecided_message_gets_the_look,
                only_later_undecided_messages_get_the_look,
                a_message_on_ip_that_wants_to_leave_gets_the_look,
                a_message_on_ip_that_waits_without_a_look_gets_one,
                a_queued_message_that_waits_without_a_look_gets_one,
                what_waits_for_the_user_is_in_nobodys_way,
                a_queued_message_that_waits_for_the_user_stays_in_the_queue,
                what_stands_before_a_message_is_told,
                a_failed_message_frees_its_lane,
                what_nobody_wants_any_more_frees_its_lane,
                what_stays_in_a_closed_epoch_frees_its_lane,
                places_count_both_channels,
                an_sms_of_an_unbound_number_has_no_place,
                a_name_is_reached_by_sms_alone,
                what_is_left_to_ip_in_vain_is_not_loaded,
                what_speaks_against_ip_is_found_at_release,
                what_is_asked_back_blocks_only_when_it_is_revoked,
            }
            looks {
                each_batch_tells_what_is_due_next,
                a_look_is_due_at_its_time,
                looks_come_in_order_and_bounded,
                operations_replace_or_remove_the_look,
                what_waits_in_the_pacing_queue_may_go_by_ip,
                an_sms_has_no_look_until_it_is_handed_over,
                an_accepted_message_gets_the_look_of_its_recipient,
                what_is_settled_is_not_looked_at,
                another_boot_starts_looks_again,
                another_boot_starts_ages_again,
                what_was_waited_for_brings_a_look,
                a_decision_about_other_attempts_is_ignored,
                a_new_reason_to_wait_is_an_event,
                a_decision_gets_all_that_counts,
            }
            between {
                acceptance_recalls_an_sms_that_waits,
                delivery_recalls_an_sms_that_waits,
                an_sms_at_the_agent_is_not_recalled,
                what_is_asked_back_and_revoked_may_go_by_sms,
                what_is_given_back_before_its_sms_left_needs_no_mark,
                a_revoke_that_crosses_the_acceptance_is_no_cancel,
                what_is_in_doubt_may_go_as_an_uncertain_copy,
                a_refusal_leaves_it_undecided_while_sms_is_open,
                what_was_asked_back_goes_by_ip_where_sms_is_ruled_out,
                a_delivery_deadline_marks_the_peer_as_silent,
                what_is_taken_back_otherwise_stays_so,
                cancelling_a_message_by_sms,
                validity_ends_an_sms_that_waits,
                what_waited_for_sms_and_was_accepted_in_a_closed_epoch,
                what_was_asked_back_in_a_closed_epoch,
                a_retry_takes_the_wish_of_the_user,
                the_user_may_prefer_sms_while_it_is_on_its_way,
                the_user_answers_a_message_that_waits,
            }
            sms_queue {
                what_waits_for_its_turn_is_held_when_its_card_roams,
                what_waits_for_its_turn_leaves_by_the_card_that_is_pinned,
                what_was_decided_by_other_settings_is_decided_again,
                what_waits_for_its_turn_is_looked_at_when_ip_is_back,
                the_pacing_queue_comes_in_pages,
                a_snapshot_says_what_was_handed_over_lately,
            }
            attempts {
                an_attempt_carries_what_the_agent_needs,
                a_message_is_handed_over_once,
                parts_are_counted_one_by_one,
                an_undeliverable_sms_failed,
                a_refusal_for_now_goes_back_to_the_queue,
                of_several_refusals_the_strictest_decides,
                a_partial_result_fails_and_is_remembered,
                a_refused_attempt_leaves_no_copy,
                an_unknown_result_settles_as_unconfirmed,
                an_unconfirmed_sms_may_turn_out_to_have_failed,
                an_unknown_result_may_have_left,
                what_is_unconfirmed_can_be_sent_again,
                a_refusal_beside_an_unknown_result_is_never_tried_again,
                what_was_tried_in_vain_may_have_left,
                what_the_gateway_took_does_not_wait_again,
                what_expired_after_it_was_handed_over_may_be_there,
                what_has_no_result_is_ordered_again,
            }
            notes {
                a_lane_that_never_left_ip_carries_no_note,
                a_note_rides_along_until_it_is_acknowledged,
                what_was_not_acknowledged_is_noted_again,
                a_note_is_the_same_at_each_resubmission,
                what_changed_after_it_was_noted_is_noted_again,
                a_resolved_copy_makes_a_note_due,
                a_note_that_rides_along_is_not_due_any_more,
                a_note_that_did_not_arrive_is_due_again,
                a_note_that_expired_is_due_again,
                a_note_that_found_a_mailbox_full_is_due_in_the_next_session,
                what_a_full_note_left_out_is_due,
                what_left_ip_is_noted_behind_many_that_did_not,
                a_note_without_a_message_is_seen_by_nobody,
                a_note_that_was_refused_leaves_its_places_open,
                places_that_stayed_empty_are_noted_with_the_others,
                what_leaves_by_sms_once_more_is_noted_though_it_was_told,
                an_earlier_attempt_by_sms_is_noted,
                a_note_has_a_bounded_number_of_entries,
                a_note_is_about_its_own_lane,
                what_is_sent_again_in_its_place_carries_no_note,
            }
            short_messages {
                an_incoming_sms_reads_back,
                an_sms_is_taken_once_for_its_spool_id,
                an_sms_the_network_repeats_is_taken_once,
                equal_sms_without_a_time_are_two_messages,
                an_sms_takes_no_place_from_a_message_by_ip,
                names_are_peers_of_their_own,
            }
            merging {
                a_marked_copy_merges_in_both_orders,
                only_what_fits_is_merged,
                what_a_name_says_is_never_merged,
                an_sms_of_the_same_hash_is_no_copy,
                an_ambiguous_mark_merges_nothing,
                two_marked_sms_are_one_message,
                what_a_stranger_says_twice_is_two_messages,
                every_copy_of_what_was_resent_is_one_message,
                a_note_undoes_a_merge_of_two_sms,
                a_mark_is_believed_for_a_day,
                a_mark_looks_back_over_a_few_messages,
                what_may_have_come_by_sms_needs_no_mark,
                a_note_gives_an_sms_its_place,
                a_note_names_an_sms_however_many_came_since,
                an_sms_moves_to_its_place,
                a_note_may_come_before_its_sms,
                a_note_merges_what_went_both_ways,
                a_note_about_another_message_of_the_name_merges_nothing,
                a_note_confirms_a_mark,
                a_contradicting_note_undoes_a_merge,
                a_note_takes_an_sms_from_the_wrong_message,
                an_sms_that_finds_its_place_late_stays,
                a_note_without_a_message_moves_the_cursor,
                a_placed_sms_is_no_conflict,
                a_placeholder_in_the_place_of_an_sms_is_its_copy,
                all_copies_refer_to_one_root,
                reading_a_root_reads_its_copies,
                reading_an_sms_of_a_new_lane_is_told,
                pending_notes_are_bounded,
                pages_step_over_copies,
            }
            settings {
                settings_are_kept_as_set,
                open_messages_are_looked_at_when_settings_change,
                what_is_on_its_way_keeps_its_deadline,
                what_a_setting_ruled_out_is_open_again,
                settings_disturb_nothing_that_is_settled,
                that_a_peer_is_off_ip_is_believed_for_a_while,
                signs_of_life_say_that_a_peer_is_on_ip,
                an_unknown_recipient_is_not_on_ip,
                a_card_brings_its_number_for_sms_alone,
                the_number_of_settings_is_limited,
                a_conversation_keeps_its_own_number,
            }
        }
    };
    (@cases $backend:expr; $($module:ident { $($case:ident,)* })*) => {
        $(
            mod $module {
                use super::*;
                $(
                    #[test]
                    fn $case() {
                        $crate::suite::$module::$case($backend);
                    }
                )*
            }
        )*
    };
}
