//! Every limit of the two protocols, named once.

/// The longest message text, in bytes of UTF-8. Holds 39,015 characters of
/// GSM 7-bit (255 SMS parts of 153), each at most two bytes in UTF-8.
pub const MAX_TEXT_BYTES: usize = 80 * 1024;
/// The longest `content`: a text and a full lane note.
pub const MAX_CONTENT_BYTES: usize = MAX_TEXT_BYTES + 1024;
/// The longest frame on the wire, type byte and body.
pub const MAX_FRAME_BYTES: usize = MAX_CONTENT_BYTES + 1024;
/// The longest frame on the control socket, type byte and body: a page of
/// long messages is cut to fit by the daemon.
pub const MAX_CONTROL_FRAME_BYTES: usize = 1024 * 1024;
/// Identities of one device: two SIMs, and numbers of SIMs lately removed.
pub const MAX_SLOTS: usize = 8;
/// Old epochs of one identity with unsettled messages, named in `Hello`.
pub const MAX_OLD_EPOCHS: usize = 4;
/// W: messages of one identity in flight between sender and gateway, and the
/// number of digests the gateway keeps (DELIVERY 4).
pub const WINDOW: u64 = 32;
/// Most seqs in one frame (dispositions, delivered, away, revoke).
pub const MAX_SEQS_PER_FRAME: usize = 1024;
/// Most numbers in one `Lookup`.
pub const MAX_LOOKUP_NUMBERS: usize = 64;
/// Most entries of a lane note (DELIVERY 18).
pub const MAX_NOTE_ENTRIES: usize = 32;
/// Longest redirect or detail text in `Goodbye`, bytes.
pub const MAX_GOODBYE_TEXT_BYTES: usize = 256;
/// Sessions of a device in `Welcome` of which it may not know: what was served and whose
/// answer was lost. The oldest are left out.
pub const MAX_SESSIONS_SINCE: usize = 16;
/// The largest seq, lane_seq, cursor or session_no; what lies above is forged.
pub const MAX_COUNTER: u64 = 1 << 48;
/// The longest body of a frame that carries no content. Holds
/// [`MAX_SEQS_PER_FRAME`] outcomes of twelve bytes; keeps a hostile peer from
/// making 80 KiB of empty list entries into megabytes of structs.
pub const MAX_BODY_WITHOUT_CONTENT_BYTES: usize = 16 * 1024;
/// The most a caller hands to a [`Decoder`](crate::framing::Decoder) at once.
pub const MAX_READ_CHUNK_BYTES: usize = 64 * 1024;
/// Buffer that a [`Decoder`](crate::framing::Decoder) keeps between frames.
pub const IDLE_BUFFER_BYTES: usize = 4 * 1024;
/// Longest name of a client of the control socket, bytes (all ASCII).
pub const MAX_CLIENT_NAME_BYTES: usize = 64;
/// Longest token of a `send`, bytes.
pub const MAX_TOKEN_BYTES: usize = 64;
