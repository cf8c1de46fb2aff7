//! What the core counts. Owns no behaviour.

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Totals since the start. Turns that failed are not counted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct Counters {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counters {
            pub(crate) fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)*
            }

            /// Name and value of each, in a fixed order.
            #[must_use]
            pub fn list(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

counters! {
    /// Turns on disk.
    turns,
    /// Connections that came.
    connected,
    /// `Hello`s served.
    hellos,
    /// Connections that ended because the device has a newer one.
    superseded,
    /// Devices sent away because no number is bound to them.
    unknown_devices,
    /// Connections sent away for lack of room.
    overloaded,
    /// Connections ended for a frame that was not allowed.
    protocol_errors,
    /// Connections ended because a number is bound to another device now.
    rebound,
    /// Connections ended because they said nothing.
    silent,
    /// Epochs granted.
    epochs_granted,
    /// Epochs or marks taken over from a device, because this gateway has lost
    /// history.
    history_lost,
    /// Messages put into a mailbox.
    taken,
    /// Submissions of a seq taken before.
    resent,
    /// Submissions in conflict.
    conflicts,
    /// Submissions refused.
    refused,
    /// Mailbox entries sent to a device, repeats included.
    handed,
    /// Messages acknowledged.
    delivered,
    /// Messages settled by the cursor of a `Hello`.
    settled_by_hello,
    /// Messages a receiver could not take as they are.
    rejected,
    /// Messages taken back.
    revoked,
    /// Answers `InDoubt`.
    in_doubt,
    /// Answers `Forgotten`.
    forgotten,
    /// Mailbox entries whose time was over.
    expired,
    /// Messages stepped over after a restore, because their sender was not seen.
    held,
    /// Messages of those that moved to the end of their mailbox.
    let_go,
    /// Read marks put into a mailbox.
    read_marks,
    /// Read marks dropped at a limit or for a number not bound here.
    read_marks_dropped,
    /// Epochs forgotten at the limit of epochs kept.
    streams_forgotten,
    /// Frames for a connection or slot that is not served, left out.
    ignored,
}
