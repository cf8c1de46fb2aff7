//! Takes octets apart, and says which field was cut off where.

use super::{DecodeError, Problem};

/// What is left of a PDU.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(octets: &'a [u8]) -> Self {
        Self { octets, at: 0 }
    }

    /// Where the next octet is.
    pub(super) const fn offset(&self) -> usize {
        self.at
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.octets.get(self.at).copied()
    }

    /// An octet further on.
    pub(super) fn at(&self, ahead: usize) -> Option<u8> {
        self.octets.get(self.at + ahead).copied()
    }

    pub(super) fn left(&self) -> usize {
        self.octets.len() - self.at
    }

    pub(super) fn octet(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        self.array(field).map(|[octet]| octet)
    }

    pub(super) fn array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<[u8; N], DecodeError> {
        let octets = self.take(field, N)?;
        let mut array = [0; N];
        array.copy_from_slice(octets);
        Ok(array)
    }

    pub(super) fn take(
        &mut self,
        field: &'static str,
        count: usize,
    ) -> Result<&'a [u8], DecodeError> {
        let left = self.left();
        if count > left {
            return Err(self.error(
                field,
                Problem::Truncated {
                    expected: count,
                    left,
                },
            ));
        }
        let taken = &self.octets[self.at..self.at + count];
        self.at += count;
        Ok(taken)
    }

    /// An error at the next octet.
    pub(super) const fn error(&self, field: &'static str, problem: Problem) -> DecodeError {
        DecodeError {
            field,
            offset: self.at,
            problem,
        }
    }

    /// Nothing may be left but padding.
    pub(super) fn end(&self) -> Result<(), DecodeError> {
        let rest = &self.octets[self.at..];
        if rest.iter().all(|octet| *octet == 0xff) {
            return Ok(());
        }
        Err(self.error("end of the PDU", Problem::Trailing { octets: rest.len() }))
    }
}
