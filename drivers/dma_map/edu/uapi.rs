// SPDX-License-Identifier: GPL-2.0

//! ABI of the character device, as in `uapi/dma_mailbox.h`.

use kernel::prelude::*;

/// The largest payload of an echo: what fits in a slot of the mailbox.
pub(crate) const ECHO_MAX: usize = 4032;

/// The largest payload of a loopback.
pub(crate) const LOOPBACK_MAX: usize = 65536;

/// The largest argument whose factorial is a 32-bit number.
pub(crate) const FACTORIAL_MAX: u32 = 12;

/// The largest offset of a loopback.
const OFFSET_MAX: u16 = 4095;

/// The longest timeout in milliseconds.
const TIMEOUT_MAX: u32 = 600_000;

/// The timeout in milliseconds of a request that names none.
const TIMEOUT_DEFAULT: u32 = 30_000;

/// The largest number of requests of one open file that wait, run, or have an unread response.
pub(crate) const OPEN_MAX: usize = 16;

/// `struct dma_mailbox_request`.
#[repr(C)]
#[derive(Clone, Copy, FromBytes, IntoBytes)]
pub(crate) struct Request {
    pub(crate) opcode: u32,
    pub(crate) length: u32,
    pub(crate) cookie: u64,
    pub(crate) argument: u32,
    pub(crate) timeout_ms: u32,
    pub(crate) source_offset: u16,
    pub(crate) destination_offset: u16,
    pub(crate) reserved: u32,
}

/// `struct dma_mailbox_response`.
#[repr(C)]
#[derive(Clone, Copy, FromBytes, IntoBytes)]
pub(crate) struct Response {
    pub(crate) opcode: u32,
    pub(crate) length: u32,
    pub(crate) cookie: u64,
    pub(crate) status: i32,
    pub(crate) value: u32,
    pub(crate) sequence: u32,
    pub(crate) transfers: u32,
}

/// The size of both headers.
pub(crate) const HEADER: usize = 32;

static_assert!(size_of::<Request>() == HEADER);
static_assert!(size_of::<Response>() == HEADER);

/// The operations of the device.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Opcode {
    Identify = 1,
    Ping = 2,
    Factorial = 3,
    Echo = 4,
    Loopback = 5,
}

impl TryFrom<u32> for Opcode {
    type Error = Error;

    fn try_from(value: u32) -> Result<Self> {
        [
            Self::Identify,
            Self::Ping,
            Self::Factorial,
            Self::Echo,
            Self::Loopback,
        ]
        .into_iter()
        .find(|&opcode| opcode as u32 == value)
        .ok_or(EINVAL)
    }
}

impl Request {
    /// Checks everything that can be checked before the request is run.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: a field has an invalid value.
    /// - `EMSGSIZE`: the payload is too long.
    /// - `ERANGE`: the factorial is too large.
    pub(crate) fn check(&self) -> Result<Opcode> {
        let opcode = Opcode::try_from(self.opcode)?;
        let has_argument = matches!(opcode, Opcode::Ping | Opcode::Factorial);
        let has_offsets = opcode == Opcode::Loopback;
        let payload = match opcode {
            Opcode::Echo => 1..=ECHO_MAX,
            Opcode::Loopback => 1..=LOOPBACK_MAX,
            _ => 0..=0,
        };

        if self.reserved != 0
            || self.timeout_ms > TIMEOUT_MAX
            || (!has_argument && self.argument != 0)
            || (!has_offsets && (self.source_offset != 0 || self.destination_offset != 0))
            || self.source_offset > OFFSET_MAX
            || self.destination_offset > OFFSET_MAX
            || self.length() < *payload.start()
        {
            return Err(EINVAL);
        }
        if self.length() > *payload.end() {
            return Err(EMSGSIZE);
        }
        if opcode == Opcode::Factorial && self.argument > FACTORIAL_MAX {
            return Err(ERANGE);
        }

        Ok(opcode)
    }

    /// Returns the length of the payload in bytes.
    pub(crate) fn length(&self) -> usize {
        // CAST: `usize` has at least 32 bits where there is PCI.
        self.length as usize
    }

    /// Returns the timeout in milliseconds.
    pub(crate) fn timeout(&self) -> u32 {
        match self.timeout_ms {
            0 => TIMEOUT_DEFAULT,
            ms => ms,
        }
    }
}
