// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough

//! A device node is gone when the device is unbound.

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
pub fn register<'a, F>(dev: &'a Device<Core<'_>>, shared: Shared<F>) -> Node<'static, F>
where
    F: FileOperations,
{
    MiscDevice::register(dev, fmt!("case"), shared)
}
