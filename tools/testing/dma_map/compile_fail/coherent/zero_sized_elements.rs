// SPDX-License-Identifier: GPL-2.0
// error: E0080
// emit: obj

//! Elements without a size have no address, however many there are.

use dma_map::{
    DmaCoherent,
    DmaDevice,
    Gfp, //
};
use kernel::prelude::*;

// pass: pub type Slot = u8;
pub type Slot = ();

pub fn alloc(dma: DmaDevice<'_>) -> Result<DmaCoherent<'_, [Slot]>> {
    DmaCoherent::zeroed_slice(dma, 4, Gfp::Kernel)
}
