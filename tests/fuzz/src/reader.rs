//! Takes an input apart. Owns no meaning; never fails: what is not there is 0.

/// The rest of an input.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        first
    }

    /// A byte as a small counter.
    pub(crate) fn count(&mut self) -> u64 {
        self.byte().into()
    }

    /// A block behind its length in two bytes, low one first; shorter if the
    /// input ends.
    pub(crate) fn block(&mut self) -> &'a [u8] {
        let length = usize::from(u16::from_le_bytes([self.byte(), self.byte()]));
        let (block, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        block
    }
}

/// A block as [`Reader::block`] reads it.
pub(crate) fn block(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    let mut out = length.to_le_bytes().to_vec();
    out.extend_from_slice(&bytes[..length.into()]);
    out
}
