// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! A mapping that the CPU has first is no other one.

use core::sync::atomic::{
    AtomicU32,
    Ordering::Relaxed, //
};
use dma_map::{
    DmaDevice,
    DmaMapping,
    MapOptions,
    ToDevice, //
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

pub fn map(dma: DmaDevice<'_>, value: KBox<Element>) -> Result {
    let _mapping = DmaMapping::map_cpu(dma, value, ToDevice, MapOptions::new())?;
    Ok(())
}
