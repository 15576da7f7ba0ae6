// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough

//! A token is worth nothing beyond the binding that it was made in.

use dma_map::DmaDevice;

pub struct Driver<'bound> {
    pub dma: DmaDevice<'bound>,
}

impl<'bound> Driver<'bound> {
    // pass: pub fn token(&self) -> DmaDevice<'bound> {
    pub fn token(&self) -> DmaDevice<'static> {
        self.dma
    }
}
