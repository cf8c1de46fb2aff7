//! SMS-SUBMIT (TS 23.040 9.2.2.2).

use super::deliver::{HEADER, REPLY_PATH, STATUS_REPORT};
use super::reader::Reader;
use super::{Address, DataCoding, DecodeError, ProtocolId, UserData, ValidityPeriod};

const TYPE: u8 = 0b01;
/// TP-RD.
const REJECT_DUPLICATES: u8 = 1 << 2;

/// A message of the phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submit {
    /// TP-Reject-Duplicates.
    pub reject_duplicates: bool,
    /// TP-Status-Report-Request.
    pub status_report: bool,
    /// TP-Reply-Path.
    pub reply_path: bool,
    /// TP-Message-Reference.
    pub message_reference: u8,
    /// TP-Destination-Address.
    pub destination: Address,
    /// TP-Protocol-Identifier.
    pub protocol: ProtocolId,
    /// TP-Validity-Period; its format follows from it.
    pub validity: Option<ValidityPeriod>,
    /// TP-User-Data, with coding, length and header.
    pub user_data: UserData,
}

impl Submit {
    pub(super) fn read(first: u8, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let message_reference = reader.octet("TP-Message-Reference")?;
        let destination = Address::read("TP-Destination-Address", reader)?;
        let protocol = ProtocolId(reader.octet("TP-Protocol-Identifier")?);
        let coding = DataCoding(reader.octet("TP-Data-Coding-Scheme")?);
        let validity = ValidityPeriod::read(first, reader)?;
        Ok(Self {
            reject_duplicates: first & REJECT_DUPLICATES != 0,
            status_report: first & STATUS_REPORT != 0,
            reply_path: first & REPLY_PATH != 0,
            message_reference,
            destination,
            protocol,
            validity,
            user_data: UserData::read(coding, first & HEADER != 0, reader)?,
        })
    }

    pub(super) fn write(&self, octets: &mut Vec<u8>) {
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        octets.push(
            TYPE | bit(self.reject_duplicates, REJECT_DUPLICATES)
                | ValidityPeriod::format_bits(self.validity)
                | bit(self.status_report, STATUS_REPORT)
                | bit(self.user_data.header().is_some(), HEADER)
                | bit(self.reply_path, REPLY_PATH),
        );
        octets.push(self.message_reference);
        self.destination.write(octets);
        octets.extend([self.protocol.0, self.user_data.coding().0]);
        if let Some(validity) = self.validity {
            validity.write(octets);
        }
        self.user_data.write(octets);
    }
}
