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
            data_of,
            Command, //
        },
        length::Length,
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

/// Runs a command for user space, and returns how it has ended.
///
/// # Errors
///
/// - `EINVAL`: a field that is not supported is not 0, or the data is longer than the
///   controller moves at once, or than 1 MiB, or the command moves another number of bytes than it says.
/// - `EACCES`: the command is not let through.
/// - `EFAULT`: the memory cannot be read or written.
/// - `EOPNOTSUPP`: another controller could change how much the command moves.
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
    let length = match pair {
        Pair::Admin => Length::of_admin(user.opcode, &user.words)?,
        Pair::Io => Length::of_io(user.opcode, &user.words)?,
    };
    let moved = match length {
        Length::Bytes(bytes) | Length::UpTo(bytes) => bytes,
        Length::Blocks(count) => {
            let geometry = match device.namespace(user.namespace)? {
                Ok(namespace) => namespace.geometry()?,
                // What the controller says of the namespace, it says of the command.
                Err(done) => return Ok(done),
            };
            device.check_format(&geometry)?;
            geometry.bytes(count)?
        }
    };
    if moved > device.transfer_max().min(DATA_MAX) || !length.takes(user.data_len.into(), moved) {
        return Err(EINVAL);
    }
    let moved = usize::try_from(moved)?;
    let data_len = usize::try_from(user.data_len)?;

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
