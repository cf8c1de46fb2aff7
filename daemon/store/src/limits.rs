//! Every limit of the store, named once. Those of messages, tokens and events
//! are the engine's (`twine_engine::limits`).

use std::time::Duration;

/// Prepared statements kept, least recently used first out. All of one batch
/// of every kind fit; what only a page of history needs may be prepared again.
pub const MAX_STATEMENTS: usize = 96;
/// SQLite's page cache, KiB. The daemon has 1.5 MiB of anonymous memory; a
/// batch of 64 messages dirties about 60 pages of 4 KiB. What does not fit is
/// spilled to the log file, not an error.
pub const PAGE_CACHE_KIB: i64 = 256;
/// Pages in the log file after which a commit carries them into the database.
/// Hot pages (the right edge of each table) are written to flash once for each
/// checkpoint instead of once for each commit, so larger is kinder to flash;
/// 2 MiB is read back in well under the start-up budget after a crash, and
/// needs one 32 KiB block of index memory.
pub const WAL_CHECKPOINT_PAGES: i64 = 512;
/// The log file is cut back to this after it grew beyond, bytes.
pub const WAL_KEPT_BYTES: i64 = 2 * 1024 * 1024;
/// How long one call waits for another process's lock before the store's
/// thread takes over with its own patience.
pub const LOCK_WAIT: Duration = Duration::from_millis(100);

/// Most messages of one page of history or outbox; more are cut off.
pub const MAX_PAGE_MESSAGES: usize = 200;
/// Text in one [`crate::MessagePage`] beyond which it ends early; one message
/// always fits. Half a control frame, because the rest of a message takes room.
pub const MAX_PAGE_TEXT_BYTES: usize = twine_proto::limits::MAX_CONTROL_FRAME_BYTES / 2;
/// Most events of one page; more are cut off.
pub const MAX_PAGE_EVENTS: usize = 500;
/// Most conversations of one page; more are cut off.
pub const MAX_PAGE_CONVERSATIONS: usize = 200;
/// Accepted messages being taken back that one resume reads, lowest first; the
/// rest comes up at the next contact. As many as one frame may ask for.
pub const MAX_TAKING_BACK: usize = twine_proto::limits::MAX_SEQS_PER_FRAME;
/// Messages that one step of an operation loads, for those that concern any
/// number of them (a mark that moves far); it takes as many steps as needed.
pub const STEP: usize = 128;

/// Reads waiting for the store's thread; more are answered "busy".
pub const MAX_WAITING_READS: usize = 64;
/// First pause before a batch that failed is tried again.
pub const RETRY_FIRST: Duration = Duration::from_millis(50);
/// Longest pause: a phone whose disk was full is back within this.
pub const RETRY_LONGEST: Duration = Duration::from_secs(5);

/// Ids and event cursors a salvaged store leaves out above the highest it could
/// read: what lay on broken pages may have been told to clients.
pub const SALVAGE_GAP: u64 = 1 << 20;
/// Broken ranges of one table that salvage tries to step over; then it goes on
/// with the next table.
pub const MAX_SALVAGE_PROBES: u32 = 4096;
/// Broken files kept aside. Salvage refuses to start when there are as many:
/// it deletes nothing by itself.
pub const MAX_BROKEN_KEPT: u32 = 16;
/// Lines of one message's story that are read.
pub const MAX_STORY_LINES: usize = 200;
