// SPDX-License-Identifier: GPL-2.0

//! Open files of a controller: `ioctl()`s that run commands.

use crate::{
    controller::Pair,
    device::DeviceLt,
    passthrough::Passthrough,
    uapi::{
        self,
        Command,
        Command64, //
    }, //
};
use dma_map::{
    gate::Gate,
    miscdevice::{
        is_administrator,
        FileOperations, //
    }, //
};
use kernel::{
    fs::{
        self,
        file::flags, //
    },
    prelude::*,
    sync::{
        Arc,
        ArcBorrow, //
    },
    uaccess::{
        UserPtr,
        UserSlice, //
    }, //
};

/// An open file. The kernel makes the node such that only root can open one.
pub(crate) struct File {
    gate: Arc<Gate<DeviceLt>>,
}

/// Checks that a file is open for writing, or is used by an administrator: tools open it for reading, always.
///
/// # Errors
///
/// `EACCES`: neither.
fn check_writable(file: &fs::File) -> Result {
    match file.flags() & flags::O_ACCMODE {
        flags::O_WRONLY | flags::O_RDWR => Ok(()),
        _ if is_administrator() => Ok(()),
        _ => Err(EACCES),
    }
}

impl File {
    /// Runs the command, and returns its status and its result.
    fn run(&self, file: &fs::File, pair: Pair, command: &Command) -> Result<(isize, u32)> {
        let passthrough = Passthrough::new(pair, command)?;
        if passthrough.is_change() {
            check_writable(file)?;
        }
        let data = passthrough.copy_in()?;
        let inside = self.gate.try_access().ok_or(ENODEV)?;
        let (done, data) = inside.with(|device| passthrough.run(&device, data))?;
        drop(inside);
        passthrough.copy_out(&data)?;

        // CAST: 15 bits.
        Ok((done.status.number() as isize, done.result))
    }

    /// Runs the command that is at `address`, and writes its result there.
    fn command(&self, file: &fs::File, pair: Pair, address: usize) -> Result<isize> {
        let user = || UserSlice::new(UserPtr::from_addr(address), size_of::<Command>());
        let mut bytes = [0; size_of::<Command>()];
        user().reader().read_slice(&mut bytes)?;
        let mut command: Command = zerocopy::transmute!(bytes);

        let (status, result) = self.run(file, pair, &command)?;
        command.result = result;
        let bytes: [u8; size_of::<Command>()] = zerocopy::transmute!(command);
        user().writer().write_slice(&bytes)?;
        Ok(status)
    }

    /// The same for a command whose result has 64 bits.
    fn command_64(&self, file: &fs::File, pair: Pair, address: usize) -> Result<isize> {
        let user = || UserSlice::new(UserPtr::from_addr(address), size_of::<Command64>());
        let mut bytes = [0; size_of::<Command64>()];
        user().reader().read_slice(&mut bytes)?;
        let mut command: Command64 = zerocopy::transmute!(bytes);

        let (status, result) = self.run(file, pair, &command.command)?;
        command.result = result.into();
        let bytes: [u8; size_of::<Command64>()] = zerocopy::transmute!(command);
        user().writer().write_slice(&bytes)?;
        Ok(status)
    }
}

#[vtable]
impl FileOperations for File {
    type Device = Gate<DeviceLt>;

    fn open(gate: ArcBorrow<'_, Gate<DeviceLt>>, _file: &fs::File) -> Result<Pin<KBox<Self>>> {
        Ok(KBox::pin(Self { gate: gate.into() }, GFP_KERNEL)?)
    }

    /// Runs a command, or resets the controller.
    ///
    /// Returns the status of the command, which is 0 if it has done what it was to do.
    ///
    /// # Errors
    ///
    /// - `ENOTTY`: another `ioctl()`.
    /// - `EFAULT`: the memory cannot be read or written.
    /// - `ENODEV`: the device is gone.
    /// - `EACCES`: the file is not open for writing, the caller is no administrator, and a reset or the command
    ///   needs one of the two.
    /// - Those of [`Passthrough`] and of [`Device::reset`](crate::device::Device::reset).
    fn ioctl(&self, file: &fs::File, cmd: u32, arg: usize) -> Result<isize> {
        match cmd {
            uapi::ADMIN_COMMAND => self.command(file, Pair::Admin, arg),
            uapi::IO_COMMAND => self.command(file, Pair::Io, arg),
            uapi::ADMIN_COMMAND_64 => self.command_64(file, Pair::Admin, arg),
            uapi::IO_COMMAND_64 => self.command_64(file, Pair::Io, arg),
            uapi::RESET => {
                check_writable(file)?;
                let inside = self.gate.try_access().ok_or(ENODEV)?;
                inside.with(|device| device.reset())?;
                Ok(0)
            }
            _ => Err(ENOTTY),
        }
    }
}
