//! Every limit of the gateway's core that is no setting. What happens at each
//! is said beside it. Settings with their defaults are in [`Config`](crate::Config);
//! limits of single frames are in `twine_proto::limits`.

use twine_proto::limits::MAX_SEQS_PER_FRAME;

/// The highest epoch a device may claim to hold or to remember, unless the
/// gateway itself granted a higher one. Days since 2025 reach it in 45,000
/// years; a forged one would use up a number's epochs. Above: protocol error.
pub const MAX_CLAIMED_EPOCH: u32 = 1 << 24;

/// Seqs of one epoch whose record is kept, counted down from the high-water
/// mark. Above what a handset can have unsettled (10,000). Beyond it the oldest
/// are forgotten, whatever their state; revoking them answers `Forgotten`.
/// Their mail stays.
pub const MAX_SENT_KEPT: u64 = 16_384;

/// Epochs of one number whose records are kept, the present one included.
/// Beyond it the oldest is forgotten; its mail stays.
pub const MAX_STREAMS_PER_NUMBER: usize = 16;

/// Read marks of one reader waiting in one mailbox, one for each epoch of the
/// mailbox's owner. Beyond it the mark of the lowest epoch gives way.
pub const MAX_READ_MARKS_PER_READER: usize = 8;

/// Read marks waiting in one mailbox. Beyond it new ones are dropped, counted.
pub const MAX_READ_MARKS_PER_MAILBOX: u32 = 4096;

/// Mailbox entries that expire in one turn; the rest follows in the next.
pub const MAX_EXPIRED_PER_TURN: usize = 256;

/// Silent connections looked at in one turn; the rest follows in the next.
pub const MAX_TIMERS_PER_TURN: usize = 1024;

/// Epochs left free above those that a gateway may have granted since an earlier
/// restore. More grants than that to one number between two restores could be
/// given twice.
pub const RESTORE_EPOCH_GAP: u32 = 64;

/// Records or entries read from the storage at a time.
pub const PAGE: usize = 256;

/// What an entry costs beside its content, in the accounts of mailboxes and
/// connections, bytes.
pub const ENTRY_OVERHEAD_BYTES: u64 = 64;

/// Outcomes in one frame.
pub const MAX_OUTCOMES_PER_FRAME: usize = MAX_SEQS_PER_FRAME;
