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
            Command, //
        },
        length::{
            self,
            Length, //
        },
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
const DATA_MAX: u32 = 1 << 20;

/// A command from user space.
///
/// User memory is accessed by [`copy_in`](Self::copy_in) before the command runs, and by
/// [`copy_out`](Self::copy_out) after that, outside of the gate and without a lock: an access may wait
/// for another process.
pub(crate) struct Passthrough<'a> {
    pair: Pair,
    user: &'a uapi::Command,
    length: Length,
    data_len: usize,
}

impl<'a> Passthrough<'a> {
    /// Checks what can be checked of a command without the device.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: a field that is not supported is not 0, or the data is longer than 1 MiB.
    /// - `EACCES`: the command is not let through.
    pub(crate) fn new(pair: Pair, user: &'a uapi::Command) -> Result<Self> {
        if user.flags != 0
            || user.reserved != 0
            || user.words_2_3 != [0; 2]
            || user.metadata != 0
            || user.metadata_len != 0
            || user.timeout_ms > uapi::TIMEOUT_MAX
            || user.data_len > DATA_MAX
        {
            return Err(EINVAL);
        }
        Ok(Self {
            pair,
            user,
            length: match pair {
                Pair::Admin => Length::of_admin(user.opcode, &user.words)?,
                Pair::Io => Length::of_io(user.opcode, &user.words)?,
            },
            data_len: usize::try_from(user.data_len)?,
        })
    }

    /// Returns whether the command changes what the controller holds.
    pub(crate) fn is_change(&self) -> bool {
        match self.pair {
            Pair::Admin => length::admin_changes(self.user.opcode),
            Pair::Io => length::io_changes(self.user.opcode),
        }
    }

    fn user_data(&self) -> Result<UserSlice> {
        let address = usize::try_from(self.user.address).map_err(|_| EFAULT)?;
        Ok(UserSlice::new(UserPtr::from_addr(address), self.data_len))
    }

    /// Returns `len` bytes in pages of their own, so that the controller has nothing else with them.
    fn memory(len: usize) -> Result<VVec<u8>> {
        let pages = len.checked_next_multiple_of(PAGE_SIZE).ok_or(EINVAL)?;
        let mut data = VVec::with_capacity(pages, GFP_KERNEL)?;
        data.extend_with(len, 0, GFP_KERNEL)?;
        Ok(data)
    }

    /// Returns what the command writes to the controller, or nothing.
    ///
    /// # Errors
    ///
    /// `EFAULT`: the memory cannot be read. `ENOMEM`.
    pub(crate) fn copy_in(&self) -> Result<VVec<u8>> {
        let (_, true) = data_of(self.user.opcode) else {
            return Ok(VVec::new());
        };
        let mut data = Self::memory(self.data_len)?;
        self.user_data()?.reader().read_slice(&mut data)?;
        Ok(data)
    }

    /// Hands out what the controller has written.
    ///
    /// # Errors
    ///
    /// `EFAULT`: the memory cannot be written.
    pub(crate) fn copy_out(&self, data: &[u8]) -> Result {
        let (true, _) = data_of(self.user.opcode) else {
            return Ok(());
        };
        match data.get(..self.data_len) {
            Some([]) | None => Ok(()),
            Some(data) => self.user_data()?.writer().write_slice(data),
        }
    }

    /// Runs the command with the data of [`copy_in`](Self::copy_in), and returns how it has ended, and
    /// the data for [`copy_out`](Self::copy_out): nothing if the command did not get to the controller.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: the command moves another number of bytes than `data_len` says, or more than the
    ///   controller moves at once, or than 1 MiB.
    /// - `EOPNOTSUPP`: the blocks have metadata, or another controller could change how much the
    ///   command moves.
    /// - `ENODEV`: the namespace is not active.
    /// - Those of [`Device::run`].
    pub(crate) fn run(&self, device: &Device<'_>, data: VVec<u8>) -> Result<(Done, VVec<u8>)> {
        let user = self.user;
        let _alone = device.alone();
        let moved = match self.length {
            Length::Bytes(bytes) | Length::Max(bytes) => bytes,
            Length::Blocks(count) => {
                let geometry = match device.namespace(user.namespace)? {
                    Ok(namespace) => namespace.geometry()?,
                    // What the controller says of the namespace, it says of the command.
                    Err(done) => return Ok((done, VVec::new())),
                };
                device.check_format(&geometry)?;
                geometry.bytes(count)?
            }
        };
        if moved > device.transfer_max().min(DATA_MAX.into())
            || !self.length.takes(user.data_len.into(), moved)
        {
            return Err(EINVAL);
        }
        let moved = usize::try_from(moved)?;

        let limit = match user.timeout_ms {
            0 => uapi::TIMEOUT_DEFAULT,
            ms => ms,
        };
        let command = Command::new(user.opcode, user.namespace).with_words(user.words);
        let request: Request = (self.pair, command, Delta::from_millis(limit.into()));
        if self.pair == Pair::Admin && user.opcode == admin::FORMAT_NVM {
            let done = device.without_requests(|| device.run_plain(request))?;
            return Ok((done, VVec::new()));
        }
        if moved == 0 {
            return Ok((device.run_plain(request)?, VVec::new()));
        }
        match data_of(user.opcode) {
            (true, false) => device.run(request, Self::memory(moved)?, FromDevice),
            (false, true) if data.len() == moved => device.run(request, data, ToDevice),
            _ => Err(EACCES),
        }
    }
}
