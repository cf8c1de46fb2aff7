//! SMS-STATUS-REPORT (TS 23.040 9.2.2.3).

use super::deliver::{HEADER, LOOP_PREVENTION, NO_MORE_MESSAGES, STATUS_REPORT};
use super::reader::Reader;
use super::{Address, DataCoding, DecodeError, ProtocolId, Status, Timestamp, UserData};

const TYPE: u8 = 0b10;
/// Bits of TP-Parameter-Indicator.
const HAS_PROTOCOL: u8 = 1 << 0;
const HAS_CODING: u8 = 1 << 1;
const HAS_DATA: u8 = 1 << 2;
const EXTENDED: u8 = 1 << 7;

/// What became of a message of the phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReport {
    /// TP-More-Messages-to-Send, not as a bit: whether more wait.
    pub more_messages: bool,
    /// TP-Loop-Prevention.
    pub loop_prevention: bool,
    /// TP-Status-Report-Qualifier: the result of an SMS-COMMAND, not of an
    /// SMS-SUBMIT.
    pub of_command: bool,
    /// TP-Message-Reference of the message.
    pub message_reference: u8,
    /// TP-Recipient-Address.
    pub recipient: Address,
    /// TP-Service-Centre-Time-Stamp: when the service centre got the message.
    pub timestamp: Timestamp,
    /// TP-Discharge-Time: when it did what the status says.
    pub discharge_time: Timestamp,
    /// TP-Status.
    pub status: Status,
    /// TP-Protocol-Identifier.
    pub protocol: Option<ProtocolId>,
    /// What else it brings.
    pub extra: Extra,
}

/// Optional data of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extra {
    /// None.
    Nothing,
    /// TP-Data-Coding-Scheme without data.
    Coding(DataCoding),
    /// TP-User-Data. If it came without a coding it is that of the default
    /// alphabet.
    Data(UserData),
}

impl StatusReport {
    pub(super) fn read(first: u8, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let message_reference = reader.octet("TP-Message-Reference")?;
        let recipient = Address::read("TP-Recipient-Address", reader)?;
        let timestamp = Timestamp(reader.array("TP-Service-Centre-Time-Stamp")?);
        let discharge_time = Timestamp(reader.array("TP-Discharge-Time")?);
        let status = Status(reader.octet("TP-Status")?);
        let has = read_indicator(reader)?;
        let protocol = match has & HAS_PROTOCOL {
            0 => None,
            _ => Some(ProtocolId(reader.octet("TP-Protocol-Identifier")?)),
        };
        let coding = match has & HAS_CODING {
            0 => None,
            _ => Some(DataCoding(reader.octet("TP-Data-Coding-Scheme")?)),
        };
        let extra = if has & HAS_DATA != 0 {
            let coding = coding.unwrap_or_default();
            Extra::Data(UserData::read(coding, first & HEADER != 0, reader)?)
        } else {
            coding.map_or(Extra::Nothing, Extra::Coding)
        };
        Ok(Self {
            more_messages: first & NO_MORE_MESSAGES == 0,
            loop_prevention: first & LOOP_PREVENTION != 0,
            of_command: first & STATUS_REPORT != 0,
            message_reference,
            recipient,
            timestamp,
            discharge_time,
            status,
            protocol,
            extra,
        })
    }

    pub(super) fn write(&self, octets: &mut Vec<u8>) {
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        let (coding, data) = match &self.extra {
            Extra::Nothing => (None, None),
            Extra::Coding(coding) => (Some(*coding), None),
            Extra::Data(data) => (Some(data.coding()), Some(data)),
        };
        let has_header = data.is_some_and(|data| data.header().is_some());
        octets.push(
            TYPE | bit(!self.more_messages, NO_MORE_MESSAGES)
                | bit(self.loop_prevention, LOOP_PREVENTION)
                | bit(self.of_command, STATUS_REPORT)
                | bit(has_header, HEADER),
        );
        octets.push(self.message_reference);
        self.recipient.write(octets);
        octets.extend(self.timestamp.0);
        octets.extend(self.discharge_time.0);
        octets.push(self.status.0);
        let has = bit(self.protocol.is_some(), HAS_PROTOCOL)
            | bit(coding.is_some(), HAS_CODING)
            | bit(data.is_some(), HAS_DATA);
        if has == 0 {
            return;
        }
        octets.push(has);
        octets.extend(self.protocol.map(|protocol| protocol.0));
        octets.extend(coding.map(|coding| coding.0));
        if let Some(data) = data {
            data.write(octets);
        }
    }
}

/// TP-Parameter-Indicator, if there is one: it may be left out, and padding (FF)
/// is none. Of its extensions nothing is defined; they are skipped.
fn read_indicator(reader: &mut Reader<'_>) -> Result<u8, DecodeError> {
    const FIELD: &str = "TP-Parameter-Indicator";
    if reader.end().is_ok() {
        return Ok(0);
    }
    let indicator = reader.octet(FIELD)?;
    let mut last = indicator;
    while last & EXTENDED != 0 {
        last = reader.octet(FIELD)?;
    }
    Ok(indicator)
}
