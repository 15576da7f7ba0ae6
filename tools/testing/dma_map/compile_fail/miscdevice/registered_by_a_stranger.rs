// SPDX-License-Identifier: GPL-2.0
// error: E0308

//! A device node is registered by the driver that is being bound.

use dma_map::miscdevice::{
    FileOperations,
    MiscDevice, //
};
use kernel::{
    device::{
        Bound,
        Core,
        Device, //
    },
    prelude::*,
    sync::Arc, //
};

pub type Other<'a> = (Bound, Core<'a>);
pub type Shared<F> = Arc<<F as FileOperations>::Device>;
pub type Node<'a, F> = Result<MiscDevice<'a, F>>;

// pass: pub fn register<'a, F>(dev: &'a Device<Core<'_>>, shared: Shared<F>) -> Node<'a, F>
pub fn register<'a, F>(dev: &'a Device<Bound>, shared: Shared<F>) -> Node<'a, F>
where
    F: FileOperations,
{
    MiscDevice::register(dev, fmt!("case"), shared)
}
