// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! What is in a block is never dropped.

use core::sync::atomic::{
    AtomicU32,
    Ordering::Relaxed, //
};
use dma_map::{
    DmaDevice,
    DmaPool, //
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

pub fn make(dma: DmaDevice<'_>) -> Result<DmaPool<'_, Element>> {
    DmaPool::new(dma, c"pool")
}
