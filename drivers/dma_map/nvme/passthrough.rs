// SPDX-License-Identifier: GPL-2.0

//! Commands from user space: what is let through, and how much data they move.
//!
//! A controller that is given PRP entries is not told how long the memory is. It moves what the command
//! asks for. So a command is let through only if the driver knows how much that is, and it is within
//! the memory that was made for it. Commands with addresses in other fields, or that change the queues,
//! are not let through.

use crate::{
    controller::Pair,
    device::{
        Device,
        Request, //
    },
    protocol::{
        command::{
            admin,
            data_of,
            nvm,
            Command, //
        },
        identify,
        queue::Done, //
    },
    uapi, //
};
use dma_map::{
    FromDevice,
    ToDevice, //
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*,
    time::Delta,
    uaccess::{
        UserPtr,
        UserSlice, //
    }, //
};

/// The most data that a command may move, if the controller has no smaller limit.
const DATA_MAX: u64 = 1 << 20;

/// Returns how many bytes an admin command moves.
///
/// # Errors
///
/// `EACCES`: the command is not let through.
fn admin_len(command: &uapi::Command) -> Result<usize> {
    let [word_10, word_11, ..] = command.words;

    match command.opcode {
        admin::IDENTIFY => Ok(identify::SIZE),
        admin::GET_LOG_PAGE => {
            // The number of 32-bit words, less 1, in two halves.
            let last = usize::try_from(word_11 << 16 | word_10 >> 16)?;
            last.checked_add(1)
                .and_then(|words| words.checked_mul(4))
                .ok_or(EINVAL)
        }
        // What a feature has of data is at most a page.
        admin::GET_FEATURES if command.data_len != 0 => Ok(identify::SIZE),
        admin::GET_FEATURES | admin::FORMAT_NVM => Ok(0),
        _ => Err(EACCES),
    }
}

/// Returns how many bytes an I/O command moves.
///
/// # Errors
///
/// - `EACCES`: the command is not let through.
/// - Those of [`Device::geometry`].
fn io_len(device: &Device<'_>, command: &uapi::Command) -> Result<usize> {
    match command.opcode {
        nvm::READ | nvm::WRITE => {
            let geometry = device.geometry(command.namespace)?;
            // CAST: 16 bits.
            let last = (command.words[2] & 0xffff) as usize;
            Ok((last + 1) << geometry.block_shift)
        }
        nvm::FLUSH | nvm::WRITE_ZEROES => Ok(0),
        _ => Err(EACCES),
    }
}

/// Runs a command for user space, and returns how it has ended.
///
/// # Errors
///
/// - `EINVAL`: a field that is not supported is not 0, or the data is longer than the
///   controller moves at once, or than 1 MiB, or the command moves another number of bytes than it says.
/// - `EACCES`: the command is not let through.
/// - `EFAULT`: the memory cannot be read or written.
/// - Those of [`Device::run`].
pub(crate) fn run(device: &Device<'_>, pair: Pair, user: &uapi::Command) -> Result<Done> {
    if user.flags != 0
        || user.reserved != 0
        || user.words_2_3 != [0; 2]
        || user.metadata != 0
        || user.metadata_len != 0
        || user.timeout_ms > uapi::TIMEOUT_MAX
    {
        return Err(EINVAL);
    }
    let _alone = device.alone();
    let moved = match pair {
        Pair::Admin => admin_len(user)?,
        Pair::Io => io_len(device, user)?,
    };
    // CAST: `usize` has at least 32 bits where there is PCI.
    let data_len = user.data_len as usize;
    if moved as u64 > device.transfer_max().min(DATA_MAX) || data_len > moved {
        return Err(EINVAL);
    }
    // Only Get Features may fill less than the page that is made for it.
    if data_len != moved && user.opcode != admin::GET_FEATURES {
        return Err(EINVAL);
    }

    let limit = match user.timeout_ms {
        0 => uapi::TIMEOUT_DEFAULT,
        ms => ms,
    };
    let command = Command::new(user.opcode, user.namespace).with_words(user.words);
    let request: Request = (pair, command, Delta::from_millis(limit.into()));
    if moved == 0 {
        return device.run_plain(request);
    }

    let user_data = || {
        let address = usize::try_from(user.address).map_err(|_| EFAULT)?;
        Ok::<_, Error>(UserSlice::new(UserPtr::from_addr(address), data_len))
    };
    // Whole pages, so that nothing else is in a page that the controller has.
    let mut data = VVec::with_capacity(moved.next_multiple_of(PAGE_SIZE), GFP_KERNEL)?;
    data.extend_with(moved, 0, GFP_KERNEL)?;

    match data_of(user.opcode) {
        (true, false) => {
            let (done, data) = device.run(request, data, FromDevice)?;
            let data = data.get(..data_len).ok_or(EINVAL)?;
            user_data()?.writer().write_slice(data)?;
            Ok(done)
        }
        (false, true) => {
            user_data()?.reader().read_slice(&mut data)?;
            device.run(request, data, ToDevice).map(|(done, _)| done)
        }
        _ => Err(EACCES),
    }
}
