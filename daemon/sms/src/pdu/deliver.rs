//! SMS-DELIVER (TS 23.040 9.2.2.1).

use super::reader::Reader;
use super::{Address, DataCoding, DecodeError, ProtocolId, Timestamp, UserData};

/// TP-MMS: set when no more messages wait.
pub(super) const NO_MORE_MESSAGES: u8 = 1 << 2;
/// TP-LP.
pub(super) const LOOP_PREVENTION: u8 = 1 << 3;
/// TP-SRI, TP-SRR and TP-SRQ.
pub(super) const STATUS_REPORT: u8 = 1 << 5;
/// TP-UDHI.
pub(super) const HEADER: u8 = 1 << 6;
/// TP-RP.
pub(super) const REPLY_PATH: u8 = 1 << 7;

/// A message for the phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deliver {
    /// TP-More-Messages-to-Send, not as a bit: whether more wait.
    pub more_messages: bool,
    /// TP-Loop-Prevention.
    pub loop_prevention: bool,
    /// TP-Status-Report-Indication: the sender is told.
    pub status_report: bool,
    /// TP-Reply-Path.
    pub reply_path: bool,
    /// TP-Originating-Address.
    pub originator: Address,
    /// TP-Protocol-Identifier.
    pub protocol: ProtocolId,
    /// TP-Service-Centre-Time-Stamp: when the service centre got it.
    pub timestamp: Timestamp,
    /// TP-User-Data, with coding, length and header.
    pub user_data: UserData,
}

impl Deliver {
    pub(super) fn read(first: u8, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let originator = Address::read("TP-Originating-Address", reader)?;
        let protocol = ProtocolId(reader.octet("TP-Protocol-Identifier")?);
        let coding = DataCoding(reader.octet("TP-Data-Coding-Scheme")?);
        let timestamp = Timestamp(reader.array("TP-Service-Centre-Time-Stamp")?);
        Ok(Self {
            more_messages: first & NO_MORE_MESSAGES == 0,
            loop_prevention: first & LOOP_PREVENTION != 0,
            status_report: first & STATUS_REPORT != 0,
            reply_path: first & REPLY_PATH != 0,
            originator,
            protocol,
            timestamp,
            user_data: UserData::read(coding, first & HEADER != 0, reader)?,
        })
    }

    pub(super) fn write(&self, octets: &mut Vec<u8>) {
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        octets.push(
            bit(!self.more_messages, NO_MORE_MESSAGES)
                | bit(self.loop_prevention, LOOP_PREVENTION)
                | bit(self.status_report, STATUS_REPORT)
                | bit(self.user_data.header().is_some(), HEADER)
                | bit(self.reply_path, REPLY_PATH),
        );
        self.originator.write(octets);
        octets.extend([self.protocol.0, self.user_data.coding().0]);
        octets.extend(self.timestamp.0);
        self.user_data.write(octets);
    }
}
