// SPDX-License-Identifier: GPL-2.0

//! Commands that user space may send, how much data each moves, and which of them change something.
//!
//! A controller that is given PRP entries is not told how long the memory is. It moves what the command
//! asks for, whatever `data_len` says. So the length here comes from nothing but the command.

use super::{
    command::{
        admin,
        nvm, //
    },
    identify, //
};
use kernel::prelude::*;

/// Returns whether an admin command changes what the controller holds.
pub(crate) fn admin_changes(opcode: u8) -> bool {
    !matches!(
        opcode,
        admin::IDENTIFY | admin::GET_LOG_PAGE | admin::GET_FEATURES
    )
}

/// Returns whether an I/O command changes what the controller holds.
pub(crate) fn io_changes(opcode: u8) -> bool {
    !matches!(opcode, nvm::READ | nvm::FLUSH)
}

/// How much data a command moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// This many bytes.
    Bytes(u64),
    /// At most this many bytes: the command does not say how many.
    Max(u64),
    /// This many logical blocks of the namespace.
    Blocks(u32),
}

impl Length {
    /// Returns how much an admin command with these words 10 to 15 moves.
    ///
    /// # Errors
    ///
    /// `EACCES`: the command is not let through.
    pub(crate) fn of_admin(opcode: u8, words: &[u32; 6]) -> Result<Self> {
        let &[word_10, word_11, ..] = words;

        match opcode {
            admin::IDENTIFY => Ok(Self::Bytes(identify::SIZE as u64)),
            admin::GET_LOG_PAGE => {
                // The number of 32-bit words, less 1, in two halves.
                let last = u64::from(word_11 << 16 | word_10 >> 16);
                Ok(Self::Bytes((last + 1) * 4))
            }
            // The feature decides whether it has data. Two PRP entries lead to it, and no list.
            admin::GET_FEATURES => Ok(Self::Max(2 * identify::SIZE as u64)),
            admin::FORMAT_NVM => Ok(Self::Bytes(0)),
            _ => Err(EACCES),
        }
    }

    /// Returns how much an I/O command with these words 10 to 15 moves.
    ///
    /// # Errors
    ///
    /// `EACCES`: the command is not let through.
    pub(crate) fn of_io(opcode: u8, words: &[u32; 6]) -> Result<Self> {
        let &[_, _, word_12, ..] = words;

        match opcode {
            nvm::READ | nvm::WRITE => Ok(Self::Blocks((word_12 & 0xffff) + 1)),
            nvm::FLUSH | nvm::WRITE_ZEROES => Ok(Self::Bytes(0)),
            _ => Err(EACCES),
        }
    }

    /// Returns whether user space may say that its memory has `data_len` bytes, when the command moves
    /// `moved` bytes.
    pub(crate) fn takes(self, data_len: u64, moved: u64) -> bool {
        match self {
            Self::Max(_) => data_len <= moved,
            Self::Bytes(_) | Self::Blocks(_) => data_len == moved,
        }
    }
}
