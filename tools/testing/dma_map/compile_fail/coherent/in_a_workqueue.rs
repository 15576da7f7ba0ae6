// SPDX-License-Identifier: GPL-2.0
// error: E0521
// misuse: address-after-unbind/DmaCoherent

//! Work on a queue of the kernel's may run when the device is unbound.

use dma_map::DmaCoherent;
use kernel::{
    prelude::*,
    workqueue, //
};

pub fn free_later(memory: DmaCoherent<'_, [u32]>) -> Result {
    // pass: drop(memory);
    workqueue::system().try_spawn(GFP_KERNEL, move || drop(memory))?;
    workqueue::system().try_spawn(GFP_KERNEL, || ())?;
    Ok(())
}
