// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! A destructor would read what the device wrote, before that is there for the CPU.

use core::sync::atomic::{
    AtomicU32,
    Ordering::Relaxed, //
};
use dma_map::{
    DmaDevice,
    DmaPages,
    FromDevice,
    Gfp, //
};
use kernel::prelude::*;

/// The last value that was dropped.
pub static LAST: AtomicU32 = AtomicU32::new(0);

#[derive(FromBytes, IntoBytes)]
#[repr(transparent)]
pub struct Counted(u32);

impl Drop for Counted {
    fn drop(&mut self) {
        LAST.store(self.0, Relaxed);
    }
}

// pass: pub type Element = u32;
pub type Element = Counted;

pub fn alloc(dma: DmaDevice<'_>) -> Result {
    let _memory = DmaPages::<Element, _>::alloc(dma, 64, FromDevice, Gfp::Kernel)?;
    Ok(())
}
