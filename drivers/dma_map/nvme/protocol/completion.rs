// SPDX-License-Identifier: GPL-2.0

//! Completions: the entries of a completion queue.

use dma_map::endian::Le;
use kernel::prelude::*;

/// An entry of a completion queue.
///
/// The last word is read by one access: it has the phase, which says whether the entry is new.
#[derive(Clone, Copy, Default, FromBytes, IntoBytes)]
#[repr(C)]
pub(crate) struct Completion {
    pub(crate) result: Le<u32>,
    pub(crate) reserved: Le<u32>,
    pub(crate) queue: Le<u32>,
    pub(crate) end: Le<u32>,
}

static_assert!(size_of::<Completion>() == 16);

/// The third word of a completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Queue {
    /// How far the controller has read the submission queue.
    pub(crate) head: u16,
    /// The number of the submission queue.
    pub(crate) number: u16,
}

/// The last word of a completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// The identifier of the command.
    pub(crate) id: u16,
    /// Changes each time that the controller comes by this entry.
    pub(crate) phase: bool,
    pub(crate) status: Status,
}

/// The code of a command that was aborted, because the driver has asked for that.
const ABORTED: u16 = 0x07;

/// The bit of a status that is the same if the command is sent again.
const DO_NOT_RETRY: u16 = 1 << 14;

/// How a command has ended: the code, its type, and whether it is worthwhile to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status(u16);

/// The bits of a status that say what has failed: a code and its type.
const CODE: u16 = 0x7ff;

impl From<Le<u32>> for Queue {
    fn from(word: Le<u32>) -> Self {
        let word = word.get();
        Self {
            // CAST: The lower half.
            head: word as u16,
            // CAST: The upper half.
            number: (word >> 16) as u16,
        }
    }
}

impl From<Le<u32>> for End {
    fn from(word: Le<u32>) -> Self {
        let word = word.get();
        Self {
            // CAST: The lower half.
            id: word as u16,
            phase: word & 1 << 16 != 0,
            // CAST: 15 bits are left.
            status: Status((word >> 17) as u16),
        }
    }
}

impl Status {
    /// Returns the status as the ioctls report it: 0, or a positive number.
    pub(crate) fn number(self) -> u16 {
        self.0
    }

    /// Returns whether the command has failed, as an error.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: an invalid opcode, field or namespace.
    /// - `EIO`: anything else.
    pub(crate) fn check(self) -> Result {
        match self.0 & CODE {
            0 => Ok(()),
            0x01 | 0x02 | 0x0b => Err(EINVAL),
            _ => Err(EIO),
        }
    }

    /// Returns whether the command has failed, and may succeed if it is sent again. One that was aborted, as it
    /// took too long, is not sent again.
    #[inline]
    pub(crate) fn is_temporary(self) -> bool {
        self.0 & CODE != 0 && self.0 & DO_NOT_RETRY == 0 && self.0 & CODE != ABORTED
    }

    /// Returns how a request of the block layer has ended, by the errors that it knows.
    ///
    /// # Errors
    ///
    /// - `EOPNOTSUPP`: an invalid opcode, field, namespace or attribute.
    /// - `ETIMEDOUT`: the command was aborted, because it took too long.
    /// - `ENOSPC`: the namespace is full.
    /// - `EREMOTEIO`: the blocks are out of range.
    /// - `ENODATA`: the medium has failed, or cannot be written.
    /// - `EIO`: anything else.
    #[inline]
    pub(crate) fn to_block(self) -> Result {
        match self.0 & CODE {
            0 => Ok(()),
            code => Err(Self::failure(code)),
        }
    }

    /// Returns the error of a code that is not 0.
    #[cold]
    fn failure(code: u16) -> Error {
        match code {
            0x01 | 0x02 | 0x0b | 0x180 => EOPNOTSUPP,
            ABORTED => ETIMEDOUT,
            0x80 => EREMOTEIO,
            0x81 => ENOSPC,
            0x182 | 0x280 | 0x281 | 0x285 | 0x286 | 0x287 => ENODATA,
            _ => EIO,
        }
    }
}
