//! The PDUs of TS 23.040 that carry messages, both ways.
//!
//! | type | from | MTI | module |
//! |---|---|---|---|
//! | SMS-DELIVER | service centre to phone | 00 | [`deliver`] |
//! | SMS-SUBMIT | phone to service centre | 01 | [`submit`] |
//! | SMS-STATUS-REPORT | service centre to phone | 10 | [`status_report`] |
//!
//! The same MTI means something else in the other direction, so decoding takes a
//! [`Direction`]; [`detect`] finds out what can be found out.
//!
//! # What decoding promises
//!
//! Any octets give a PDU or an error that names field and octet; nothing panics.
//! What a field holds is kept even where it means nothing (reserved codings, times
//! that are none); what the standard tells a receiver to ignore (spare bits of the
//! first octet, reserved parameter indicators) is dropped. So what was decoded,
//! encoded and decoded again is the same.

pub mod address;
pub mod causes;
pub mod coding;
pub mod deliver;
pub mod error;
pub mod header;
pub mod protocol;
pub mod status;
pub mod status_report;
pub mod submit;
pub mod timestamp;
pub mod user_data;
pub mod validity;

mod reader;

use std::fmt;

pub use address::Address;
pub use causes::FailureCause;
pub use coding::{DataAlphabet, DataCoding};
pub use deliver::Deliver;
pub use error::{DecodeError, DetectError, Misread, Problem};
pub use header::{InformationElement, UserDataHeader};
pub use protocol::ProtocolId;
pub use status::Status;
pub use status_report::StatusReport;
pub use submit::Submit;
pub use timestamp::Timestamp;
pub use user_data::{Payload, UserData};
pub use validity::ValidityPeriod;

use reader::Reader;

/// The way a PDU goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Service centre to phone.
    ToPhone,
    /// Phone to service centre.
    FromPhone,
}

/// One PDU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pdu {
    /// A message for the phone.
    Deliver(Deliver),
    /// A message of the phone.
    Submit(Submit),
    /// What became of a message of the phone.
    StatusReport(StatusReport),
}

/// A PDU behind the address of its service centre, as modems and radio logs have
/// it. The address is not part of the PDU; `None`: the phone's own setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framed {
    /// The service centre.
    pub smsc: Option<Address>,
    /// The PDU.
    pub pdu: Pdu,
}

impl Pdu {
    /// Reads a PDU. Octets behind its end are an error, unless all are FF, the
    /// padding of records on a SIM.
    ///
    /// # Errors
    ///
    /// If it is none, or one that this crate does not read.
    pub fn decode(octets: &[u8], direction: Direction) -> Result<Self, DecodeError> {
        Self::read(Reader::new(octets), direction)
    }

    fn read(mut reader: Reader<'_>, direction: Direction) -> Result<Self, DecodeError> {
        let offset = reader.offset();
        let first = reader.octet("TP-Message-Type-Indicator")?;
        let pdu = match (first & 0b11, direction) {
            (0b00, Direction::ToPhone) => Self::Deliver(Deliver::read(first, &mut reader)?),
            (0b01, Direction::FromPhone) => Self::Submit(Submit::read(first, &mut reader)?),
            (0b10, Direction::ToPhone) => {
                Self::StatusReport(StatusReport::read(first, &mut reader)?)
            }
            (mti, _) => {
                return Err(DecodeError {
                    field: "TP-Message-Type-Indicator",
                    offset,
                    problem: Problem::MessageType { mti, direction },
                });
            }
        };
        reader.end()?;
        Ok(pdu)
    }

    /// The octets of the PDU.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(176);
        self.write(&mut octets);
        octets
    }

    fn write(&self, octets: &mut Vec<u8>) {
        match self {
            Self::Deliver(deliver) => deliver.write(octets),
            Self::Submit(submit) => submit.write(octets),
            Self::StatusReport(report) => report.write(octets),
        }
    }

    /// The way that it goes.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        match self {
            Self::Deliver(_) | Self::StatusReport(_) => Direction::ToPhone,
            Self::Submit(_) => Direction::FromPhone,
        }
    }

    /// Its name in the standard.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Deliver(_) => "SMS-DELIVER",
            Self::Submit(_) => "SMS-SUBMIT",
            Self::StatusReport(_) => "SMS-STATUS-REPORT",
        }
    }
}

impl Framed {
    /// Reads the address of a service centre and the PDU behind it.
    ///
    /// # Errors
    ///
    /// As [`Pdu::decode`]; offsets count from the address.
    pub fn decode(octets: &[u8], direction: Direction) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(octets);
        Ok(Self {
            smsc: Address::read_smsc(&mut reader)?,
            pdu: Pdu::read(reader, direction)?,
        })
    }

    /// The octets: address, then PDU.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(188);
        match &self.smsc {
            Some(smsc) => smsc.write_smsc(&mut octets),
            None => octets.push(0),
        }
        self.pdu.write(&mut octets);
        octets
    }
}

/// A PDU of which it was not known how it is framed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detected {
    /// The PDU.
    pub pdu: Pdu,
    /// The service centre, if octets for it came first.
    pub smsc: Smsc,
    /// The octets could be read without the address of a service centre, too.
    pub ambiguous: bool,
}

/// Whether the address of a service centre came before the PDU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Smsc {
    /// No octets for it.
    Absent,
    /// Its length, 0: the phone's own setting.
    Unset,
    /// Its address.
    Address(Address),
}

/// Reads octets of which direction or framing may be unknown.
///
/// With an address of the service centre in front, as radio logs have it, is
/// tried first; without is tried second; the one that fits to the last octet
/// holds. Without a direction the MTI is taken for what this crate reads: 00
/// SMS-DELIVER and 10 SMS-STATUS-REPORT to the phone, 01 SMS-SUBMIT from it.
///
/// # Errors
///
/// If neither fits: what is wrong in each; if there is no address of a service centre
/// in front, only without.
pub fn detect(octets: &[u8], direction: Option<Direction>) -> Result<Detected, DetectError> {
    if octets.is_empty() {
        return Err(DetectError::Empty);
    }
    let read = |reader: Reader<'_>| {
        let guessed = match reader.peek().map(|first| first & 0b11) {
            Some(0b01) => Direction::FromPhone,
            _ => Direction::ToPhone,
        };
        let direction = direction.unwrap_or(guessed);
        let mti = reader.peek().map(|first| first & 0b11);
        Pdu::read(reader, direction).map_err(|error| Box::new(Misread::new(error, mti, direction)))
    };
    let bare = read(Reader::new(octets));
    let mut reader = Reader::new(octets);
    let smsc = Address::read_smsc(&mut reader);
    let alone = smsc.is_ok() && reader.left() == 0;
    match (smsc.map(|smsc| (smsc, read(reader))), bare) {
        (Ok((smsc, Ok(pdu))), bare) => Ok(Detected {
            pdu,
            smsc: smsc.map_or(Smsc::Unset, Smsc::Address),
            ambiguous: bare.is_ok(),
        }),
        (_, Ok(pdu)) => Ok(Detected {
            pdu,
            smsc: Smsc::Absent,
            ambiguous: false,
        }),
        (Ok(_), Err(_)) if alone => Err(DetectError::SmscAlone),
        (Ok((_, Err(framed))), Err(bare)) => Err(DetectError::Neither { framed, bare }),
        // These are no address: nothing that it says would help.
        (Err(_), Err(bare)) => Err(DetectError::Bare(bare)),
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ToPhone => "to the phone",
            Self::FromPhone => "from the phone",
        })
    }
}
