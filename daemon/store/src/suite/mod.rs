//! The behaviour every store has to show, whatever it is made of.
//!
//! Each case is a function that takes a [`Backend`] and panics where a promise is
//! broken. It knows only `twine_engine::store_ops`. [`crate::behaves_like_a_store`]
//! makes one test of each:
//!
//! ```text
//! twine_store::behaves_like_a_store!(MyBackend::new());
//! ```

pub mod deadlines;
pub mod events;
pub mod identities;
pub mod incoming;
pub mod outcomes;
pub mod reads;
pub mod receipts;
pub mod sending;
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
                too_late_or_unknown,
                a_failed_message_can_be_called_off,
                a_retry_keeps_its_place_and_takes_a_new_seq,
                a_retry_in_a_new_epoch_takes_a_new_place,
                only_what_failed_is_tried_again,
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
