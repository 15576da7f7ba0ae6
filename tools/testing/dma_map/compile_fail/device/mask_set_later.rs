// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: two-tokens

//! A mask cannot be changed while a token for it exists: not even with `unsafe`.

use dma_map::DmaDevice;
use kernel::{
    dma::{
        self,
        DmaMask, //
    },
    prelude::*, //
};

pub fn widen(dma: DmaDevice<'_>) -> Result {
    let mask = DmaMask::new::<64>();
    // SAFETY: Nothing is mapped.
    // pass: (dma.mask() == mask.value()).then_some(()).ok_or(EIO)
    unsafe { dma::Device::dma_set_mask(dma.device(), mask) }
}
