// SPDX-License-Identifier: GPL-2.0

//! Open files of a controller: `ioctl()`s that run commands.

use crate::{
    device::DeviceLt,
    ioctl::Caller, //
};
use dma_map::{
    gate::Gate,
    miscdevice::FileOperations, //
};
use kernel::{
    fs,
    prelude::*,
    sync::{
        Arc,
        ArcBorrow, //
    }, //
};

/// An open file. The kernel makes the node such that only root can open one.
pub(crate) struct File {
    gate: Arc<Gate<DeviceLt>>,
}

#[vtable]
impl FileOperations for File {
    type Device = Gate<DeviceLt>;

    fn open(gate: ArcBorrow<'_, Gate<DeviceLt>>, _file: &fs::File) -> Result<Pin<KBox<Self>>> {
        Ok(KBox::pin(Self { gate: gate.into() }, GFP_KERNEL)?)
    }

    /// Runs a command, or resets the controller; see [`Caller::ioctl`].
    fn ioctl(&self, file: &fs::File, cmd: u32, arg: usize) -> Result<isize> {
        let number = Caller::of_controller(&self.gate, file).ioctl(cmd, arg)?;
        // CAST: To the wider type.
        Ok(number as isize)
    }
}
