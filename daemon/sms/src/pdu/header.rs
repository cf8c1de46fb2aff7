//! TP-User-Data-Header (TS 23.040 9.2.3.24).

use std::fmt;

use super::{DecodeError, Problem};
use crate::reassembly::Concatenation;
use crate::segment::{Encoding, ReferenceSize};

const FIELD: &str = "TP-User-Data-Header";

/// Information element identifiers that mean something here.
mod identifier {
    pub(super) const CONCATENATED_8: u8 = 0x00;
    pub(super) const PORTS_8: u8 = 0x04;
    pub(super) const PORTS_16: u8 = 0x05;
    pub(super) const CONCATENATED_16: u8 = 0x08;
    pub(super) const SINGLE_SHIFT: u8 = 0x24;
    pub(super) const LOCKING_SHIFT: u8 = 0x25;
}

/// The elements of a header, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserDataHeader {
    elements: Vec<InformationElement>,
}

/// One element. An element of wrong length or without meaning (part 3 of 2) is
/// kept as [`Other`](Self::Other), and so ignored, as the standard wants it.
#[derive(Clone, PartialEq, Eq)]
pub enum InformationElement {
    /// 00 and 08: a part of a long message.
    Concatenated(Concatenation),
    /// 04: for an application behind a port.
    Ports8 {
        /// Of the receiver.
        destination: u8,
        /// Of the sender.
        originator: u8,
    },
    /// 05: for an application behind a port.
    Ports16 {
        /// Of the receiver.
        destination: u16,
        /// Of the sender.
        originator: u16,
    },
    /// 24: the single shift table of the language with this National Language
    /// Identifier, which may be reserved.
    SingleShift(u8),
    /// 25: the locking shift table of the language with this National Language
    /// Identifier, which may be reserved.
    LockingShift(u8),
    /// Any other.
    Other {
        /// Information element identifier.
        identifier: u8,
        /// Its data, at most 137 octets.
        data: Vec<u8>,
    },
}

impl UserDataHeader {
    /// A header of these elements. Whether it fits is checked where it is put
    /// into user data.
    #[must_use]
    pub const fn new(elements: Vec<InformationElement>) -> Self {
        Self { elements }
    }

    /// What text in an encoding needs, for one part of a message or for a whole
    /// one; `None` if it needs no header.
    #[must_use]
    pub fn of_text(encoding: Encoding, part: Option<Concatenation>) -> Option<Self> {
        let mut elements = Vec::new();
        elements.extend(part.map(InformationElement::Concatenated));
        if let Encoding::Gsm7 { locking, single } = encoding {
            let single = single.map(|language| language.identifier());
            let locking = locking.map(|language| language.identifier());
            elements.extend(single.map(InformationElement::SingleShift));
            elements.extend(locking.map(InformationElement::LockingShift));
        }
        (!elements.is_empty()).then_some(Self { elements })
    }

    /// The elements.
    #[must_use]
    pub fn elements(&self) -> &[InformationElement] {
        &self.elements
    }

    /// Which part of which message it is; of several elements the last one
    /// holds (TS 23.040 9.2.3.24).
    #[must_use]
    pub fn concatenation(&self) -> Option<Concatenation> {
        self.last(|element| match element {
            InformationElement::Concatenated(part) => Some(*part),
            _ => None,
        })
    }

    /// Destination and originator port.
    #[must_use]
    pub fn ports(&self) -> Option<(u16, u16)> {
        self.last(|element| match *element {
            InformationElement::Ports8 {
                destination,
                originator,
            } => Some((destination.into(), originator.into())),
            InformationElement::Ports16 {
                destination,
                originator,
            } => Some((destination, originator)),
            _ => None,
        })
    }

    /// The identifier of the locking shift table, if one is named.
    #[must_use]
    pub fn locking_shift(&self) -> Option<u8> {
        self.last(|element| match element {
            InformationElement::LockingShift(identifier) => Some(*identifier),
            _ => None,
        })
    }

    /// The identifier of the single shift table, if one is named.
    #[must_use]
    pub fn single_shift(&self) -> Option<u8> {
        self.last(|element| match element {
            InformationElement::SingleShift(identifier) => Some(*identifier),
            _ => None,
        })
    }

    fn last<T>(&self, of: impl Fn(&InformationElement) -> Option<T>) -> Option<T> {
        self.elements.iter().rev().find_map(of)
    }

    /// Octets, the one for the length included.
    pub(super) fn octets(&self) -> usize {
        let element = |element: &InformationElement| 2 + element.data_octets();
        1 + self.elements.iter().map(element).sum::<usize>()
    }

    /// Reads a header without its length. `offset` is that of `octets` in the
    /// PDU.
    pub(super) fn read(octets: &[u8], offset: usize) -> Result<Self, DecodeError> {
        let mut elements = Vec::new();
        let mut at = 0;
        while at < octets.len() {
            let error = |expected, left| DecodeError {
                field: FIELD,
                offset: offset + at,
                problem: Problem::ElementLength { expected, left },
            };
            let left = octets.len() - at;
            let [identifier, length, rest @ ..] = &octets[at..] else {
                return Err(error(2, left));
            };
            let length = usize::from(*length);
            let data = rest.get(..length).ok_or(error(2 + length, left))?;
            elements.push(InformationElement::read(*identifier, data));
            at += 2 + length;
        }
        Ok(Self { elements })
    }

    /// Writes length and elements. Its user data has checked that it fits.
    pub(super) fn write(&self, octets: &mut Vec<u8>) {
        octets.push((self.octets() - 1) as u8);
        for element in &self.elements {
            element.write(octets);
        }
    }
}

impl InformationElement {
    fn read(identifier: u8, data: &[u8]) -> Self {
        let known = match (identifier, data) {
            (identifier::CONCATENATED_8, &[reference, count, index]) => {
                Concatenation::new(ReferenceSize::Bits8, reference.into(), count, index)
                    .map(Self::Concatenated)
            }
            (identifier::CONCATENATED_16, &[high, low, count, index]) => {
                let reference = u16::from_be_bytes([high, low]);
                Concatenation::new(ReferenceSize::Bits16, reference, count, index)
                    .map(Self::Concatenated)
            }
            (identifier::PORTS_8, &[destination, originator]) => Some(Self::Ports8 {
                destination,
                originator,
            }),
            (identifier::PORTS_16, &[high, low, from_high, from_low]) => Some(Self::Ports16 {
                destination: u16::from_be_bytes([high, low]),
                originator: u16::from_be_bytes([from_high, from_low]),
            }),
            (identifier::SINGLE_SHIFT, &[language]) => Some(Self::SingleShift(language)),
            (identifier::LOCKING_SHIFT, &[language]) => Some(Self::LockingShift(language)),
            _ => None,
        };
        known.unwrap_or_else(|| Self::Other {
            identifier,
            data: data.to_owned(),
        })
    }

    /// Information element identifier.
    #[must_use]
    pub const fn identifier(&self) -> u8 {
        match self {
            Self::Concatenated(part) => match part.size() {
                ReferenceSize::Bits8 => identifier::CONCATENATED_8,
                ReferenceSize::Bits16 => identifier::CONCATENATED_16,
            },
            Self::Ports8 { .. } => identifier::PORTS_8,
            Self::Ports16 { .. } => identifier::PORTS_16,
            Self::SingleShift(_) => identifier::SINGLE_SHIFT,
            Self::LockingShift(_) => identifier::LOCKING_SHIFT,
            Self::Other { identifier, .. } => *identifier,
        }
    }

    /// The name of its identifier in the standard.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self.identifier() {
            0x00 => "concatenated short messages, 8-bit reference",
            0x01 => "special SMS message indication",
            0x04 => "application port addressing, 8 bit",
            0x05 => "application port addressing, 16 bit",
            0x06 => "SMSC control parameters",
            0x07 => "UDH source indicator",
            0x08 => "concatenated short messages, 16-bit reference",
            0x09 => "wireless control message protocol",
            0x0a..=0x1f => "enhanced messaging",
            0x20 => "RFC 822 e-mail header",
            0x21 => "hyperlink format",
            0x22 => "reply address",
            0x23 => "enhanced voice mail information",
            0x24 => "national language single shift",
            0x25 => "national language locking shift",
            0x70..=0x7f => "(U)SIM toolkit security header",
            0x80..=0x9f => "SME to SME specific",
            0xc0..=0xdf => "SC specific",
            _ => "reserved",
        }
    }

    const fn data_octets(&self) -> usize {
        match self {
            Self::Concatenated(part) => match part.size() {
                ReferenceSize::Bits8 => 3,
                ReferenceSize::Bits16 => 4,
            },
            Self::Ports8 { .. } => 2,
            Self::Ports16 { .. } => 4,
            Self::SingleShift(_) | Self::LockingShift(_) => 1,
            Self::Other { data, .. } => data.len(),
        }
    }

    fn write(&self, octets: &mut Vec<u8>) {
        octets.extend([self.identifier(), self.data_octets() as u8]);
        match self {
            Self::Concatenated(part) => {
                match part.size() {
                    ReferenceSize::Bits8 => octets.push(part.reference() as u8),
                    ReferenceSize::Bits16 => octets.extend(part.reference().to_be_bytes()),
                }
                octets.extend([part.count(), part.index()]);
            }
            Self::Ports8 {
                destination,
                originator,
            } => octets.extend([destination, originator]),
            Self::Ports16 {
                destination,
                originator,
            } => {
                octets.extend(destination.to_be_bytes());
                octets.extend(originator.to_be_bytes());
            }
            Self::SingleShift(language) | Self::LockingShift(language) => octets.push(*language),
            Self::Other { data, .. } => octets.extend(data),
        }
    }
}

/// Of what is not understood only kind and size: it may hold an address.
impl fmt::Debug for InformationElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Concatenated(part) => write!(
                f,
                "Concatenated({:?} {}, {} of {})",
                part.size(),
                part.reference(),
                part.index(),
                part.count()
            ),
            Self::Ports8 {
                destination,
                originator,
            } => write!(f, "Ports8({destination}, {originator})"),
            Self::Ports16 {
                destination,
                originator,
            } => write!(f, "Ports16({destination}, {originator})"),
            Self::SingleShift(language) => write!(f, "SingleShift({language})"),
            Self::LockingShift(language) => write!(f, "LockingShift({language})"),
            Self::Other { identifier, data } => {
                write!(f, "Other({identifier:02X}, {} octets)", data.len())
            }
        }
    }
}
