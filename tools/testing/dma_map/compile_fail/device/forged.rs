// SPDX-License-Identifier: GPL-2.0
// error: E0451
// misuse: two-tokens

//! A token is made by setting limits, and from nothing else.

use dma_map::DmaDevice;
use kernel::device::{
    Bound,
    Device, //
};

pub fn forge<'bound>(dev: &'bound Device<Bound>, real: DmaDevice<'bound>) -> DmaDevice<'bound> {
    let _ = (dev, real);
    // pass: real
    DmaDevice { ..real }
}
