//! SMS as bytes: alphabets, segmentation, PDUs, reassembly, and Twine's mark.
//!
//! Pure: no I/O, no clock, no randomness; references, times and the set of
//! enabled tables are arguments. It decides nothing about when, whether or on
//! which SIM an SMS leaves: that is the engine's.
//!
//! | module | owns |
//! |---|---|
//! | [`language`] | the national languages of TS 23.038, and which of their tables a phone uses |
//! | [`segment`] | the cheapest encoding of a text, how many parts it takes, and where they begin |
//! | [`alphabet`] | GSM 7-bit characters to septets and back, and packing of septets |
//! | [`utf16`] | text that came as UTF-16, from Java or JSON |
//! | [`pdu`] | the PDUs of TS 23.040, both ways |
//! | [`reassembly`] | the parts of a long message, put together |
//! | [`mark`] | trailing spaces that mark an uncertain copy (DELIVERY 17) |
//! | [`fold`] | the hash by which a lane note names a text (DELIVERY 18) |
//!
//! Sources: 3GPP TS 23.038 (alphabets and data coding) and TS 23.040 (PDUs and
//! concatenation), both Release 18.
#![forbid(unsafe_code)]

pub mod alphabet;
pub mod fold;
pub mod language;
pub mod limits;
pub mod mark;
pub mod pdu;
pub mod reassembly;
pub mod segment;
pub mod utf16;

mod tables;

pub use language::{Language, TableSet};
pub use segment::{Encoding, ReferenceSize, Segments, Split, TooManyParts, segments, split};
