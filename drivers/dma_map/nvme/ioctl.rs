// SPDX-License-Identifier: GPL-2.0

//! Ioctls that run commands for user space, through the node of a controller or of a disk.

use crate::{
    block::Namespace,
    controller::Pair,
    device::DeviceLt,
    passthrough::Passthrough,
    protocol::{
        command::{
            admin,
            nvm, //
        },
        identify, //
    },
    uapi::{
        self,
        Command,
        Command64,
        UserIo, //
    }, //
};
use dma_map::{
    blk::Opener,
    gate::Gate,
    miscdevice::is_administrator, //
};
use kernel::{
    fs::{
        self,
        file::flags, //
    },
    prelude::*,
    uaccess::{
        UserPtr,
        UserSlice, //
    }, //
};

/// What was opened, and how.
enum Through<'a> {
    /// The controller's node, which only root can open. Tools open it for reading, always.
    Controller(&'a fs::File),
    /// A disk's node, or that of a partition, which a group may open that does not administer the machine.
    Disk(&'a Namespace, Opener),
}

/// Somebody who calls an ioctl.
pub(crate) struct Caller<'a> {
    gate: &'a Gate<DeviceLt>,
    through: Through<'a>,
}

/// Checks that an administrator calls.
///
/// # Errors
///
/// `EACCES`.
fn check_administrator() -> Result {
    is_administrator().then_some(()).ok_or(EACCES)
}

/// Returns whether everybody may send an admin command who may read a disk: it asks what a disk is like.
fn is_question(command: &Command) -> bool {
    let &[what, ..] = &command.words;
    command.opcode == admin::IDENTIFY
        && matches!(
            what & 0xff,
            identify::ask::CONTROLLER | identify::ask::NAMESPACE
        )
}

impl<'a> Caller<'a> {
    /// Returns who calls through the controller's node.
    pub(crate) fn of_controller(gate: &'a Gate<DeviceLt>, file: &'a fs::File) -> Self {
        Self {
            gate,
            through: Through::Controller(file),
        }
    }

    /// Returns who calls through a disk's node.
    pub(crate) fn of_disk(
        gate: &'a Gate<DeviceLt>,
        namespace: &'a Namespace,
        opener: Opener,
    ) -> Self {
        Self {
            gate,
            through: Through::Disk(namespace, opener),
        }
    }

    /// Checks that the node was opened for writing, or that an administrator calls.
    ///
    /// # Errors
    ///
    /// `EACCES`: neither.
    fn check_writable(&self) -> Result {
        let is_writable = match &self.through {
            Through::Controller(file) => {
                matches!(
                    file.flags() & flags::O_ACCMODE,
                    flags::O_WRONLY | flags::O_RDWR
                )
            }
            Through::Disk(_, opener) => opener.is_writable(),
        };
        if is_writable {
            Ok(())
        } else {
            check_administrator()
        }
    }

    /// Checks that the caller may send a command.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: an I/O command through a disk's node is for another namespace.
    /// - `EACCES`: the caller has no right to it.
    fn check(&self, pair: Pair, command: &Command, passthrough: &Passthrough<'_>) -> Result {
        if let Through::Disk(namespace, opener) = &self.through {
            if pair == Pair::Io && command.namespace != namespace.id {
                return Err(EINVAL);
            }
            // Blocks are counted from the beginning of the disk.
            if opener.is_partition() || (pair == Pair::Admin && !is_question(command)) {
                check_administrator()?;
            }
        }
        match passthrough.is_change() {
            true => self.check_writable(),
            false => Ok(()),
        }
    }

    /// Runs the command, and returns its status and its result.
    fn run(&self, pair: Pair, command: &Command) -> Result<(i32, u32)> {
        let passthrough = Passthrough::new(pair, command)?;
        self.check(pair, command, &passthrough)?;
        let data = passthrough.copy_in()?;
        let inside = self.gate.try_access().ok_or(ENODEV)?;
        let (done, data) = inside.with(|device| passthrough.run(&device, data))?;
        drop(inside);
        passthrough.copy_out(&data)?;

        Ok((done.status.number().into(), done.result))
    }

    /// Runs the command that is at `address`, and writes its result there.
    fn command(&self, pair: Pair, address: usize) -> Result<i32> {
        let user = || UserSlice::new(UserPtr::from_addr(address), size_of::<Command>());
        let mut bytes = [0; size_of::<Command>()];
        user().reader().read_slice(&mut bytes)?;
        let mut command: Command = zerocopy::transmute!(bytes);

        let (status, result) = self.run(pair, &command)?;
        command.result = result;
        let bytes: [u8; size_of::<Command>()] = zerocopy::transmute!(command);
        user().writer().write_slice(&bytes)?;
        Ok(status)
    }

    /// The same for a command whose result has 64 bits.
    fn command_64(&self, pair: Pair, address: usize) -> Result<i32> {
        let user = || UserSlice::new(UserPtr::from_addr(address), size_of::<Command64>());
        let mut bytes = [0; size_of::<Command64>()];
        user().reader().read_slice(&mut bytes)?;
        let mut command: Command64 = zerocopy::transmute!(bytes);

        let (status, result) = self.run(pair, &command.command)?;
        command.result = result.into();
        let bytes: [u8; size_of::<Command64>()] = zerocopy::transmute!(command);
        user().writer().write_slice(&bytes)?;
        Ok(status)
    }

    /// Reads or writes blocks of a disk, as the structure at `address` says.
    fn submit_io(&self, namespace: &Namespace, address: usize) -> Result<i32> {
        let mut bytes = [0; size_of::<UserIo>()];
        let (used, _padding) = bytes.split_at_mut_checked(UserIo::LEN).ok_or(EINVAL)?;
        UserSlice::new(UserPtr::from_addr(address), UserIo::LEN)
            .reader()
            .read_slice(used)?;
        let io: UserIo = zerocopy::transmute!(bytes);
        if io.flags != 0 || !matches!(io.opcode, nvm::READ | nvm::WRITE) {
            return Err(EINVAL);
        }

        let (blocks, control) = (u32::from(io.blocks), u32::from(io.control));
        let [word_13, word_14] = io.words_13_14;
        let data_len = namespace.geometry.bytes(blocks.saturating_add(1))?;
        let command = Command {
            opcode: io.opcode,
            namespace: namespace.id,
            address: io.address,
            data_len: u32::try_from(data_len)?,
            words: [
                // CAST: The halves.
                io.first as u32,
                (io.first >> 32) as u32,
                control << 16 | blocks,
                word_13,
                word_14,
                u32::from(io.tag_mask) << 16 | u32::from(io.tag),
            ],
            ..Command::default()
        };
        let (status, _) = self.run(Pair::Io, &command)?;
        Ok(status)
    }

    /// Runs a command, or resets the controller, or says which namespace a disk is.
    ///
    /// Returns the status of the command, which is 0 if it has done what it was to do.
    ///
    /// # Errors
    ///
    /// - `ENOTTY`: an ioctl that this node does not have.
    /// - `EFAULT`: the memory cannot be read or written.
    /// - `ENODEV`: the device is gone.
    /// - `EACCES`: the caller has no right to it.
    /// - Those of [`Passthrough`] and of [`Device::reset`](crate::device::Device::reset).
    pub(crate) fn ioctl(&self, cmd: u32, arg: usize) -> Result<i32> {
        match (cmd, &self.through) {
            (uapi::ADMIN_COMMAND, _) => self.command(Pair::Admin, arg),
            (uapi::IO_COMMAND, _) => self.command(Pair::Io, arg),
            (uapi::ADMIN_COMMAND_64, _) => self.command_64(Pair::Admin, arg),
            (uapi::IO_COMMAND_64, _) => self.command_64(Pair::Io, arg),
            (uapi::SUBMIT_IO | uapi::SUBMIT_IO_32, Through::Disk(namespace, _)) => {
                self.submit_io(namespace, arg)
            }
            (uapi::ID, Through::Disk(namespace, _)) => Ok(i32::try_from(namespace.id)?),
            (uapi::RESET, Through::Controller(_)) => {
                self.check_writable()?;
                let inside = self.gate.try_access().ok_or(ENODEV)?;
                inside.with(|device| device.reset())?;
                Ok(0)
            }
            _ => Err(ENOTTY),
        }
    }
}
