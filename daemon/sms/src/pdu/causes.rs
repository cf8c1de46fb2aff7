//! TP-Failure-Cause (TS 23.040 9.2.3.22).

/// Why a phone or a service centre refused a message: the octet as it came. It
/// travels in reports that this crate does not read, and in results of modems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FailureCause(pub u8);

impl FailureCause {
    /// Its name in the standard.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            0x80 => "telematic interworking not supported",
            0x81 => "short message type 0 not supported",
            0x82 => "cannot replace short message",
            0x8f => "unspecified TP-PID error",
            0x90 => "data coding scheme (alphabet) not supported",
            0x91 => "message class not supported",
            0x9f => "unspecified TP-DCS error",
            0xa0 => "command cannot be actioned",
            0xa1 => "command unsupported",
            0xaf => "unspecified TP-Command error",
            0xb0 => "TPDU not supported",
            0xc0 => "SC busy",
            0xc1 => "no SC subscription",
            0xc2 => "SC system failure",
            0xc3 => "invalid SME address",
            0xc4 => "destination SME barred",
            0xc5 => "SM rejected, duplicate SM",
            0xc6 => "TP-VPF not supported",
            0xc7 => "TP-VP not supported",
            0xd0 => "(U)SIM SMS storage full",
            0xd1 => "no SMS storage capability in (U)SIM",
            0xd2 => "error in MS",
            0xd3 => "memory capacity exceeded",
            0xd4 => "(U)SIM application toolkit busy",
            0xd5 => "(U)SIM data download error",
            0xe0..=0xfe => "specific to an application",
            0xff => "unspecified error cause",
            _ => "reserved",
        }
    }
}
