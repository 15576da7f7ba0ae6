// SPDX-License-Identifier: GPL-2.0
// error: E0277
// misuse: two-tokens

//! Limits are set in probe, where the device is in the `Core` context, and not later.

use dma_map::{
    DmaDevice,
    DmaLimits, //
};
use kernel::{
    device::{
        Bound,
        Core, //
    },
    dma::DmaMask,
    pci,
    prelude::*, //
};

pub type InIrq = pci::Device<Bound>;
pub type InProbe<'a> = pci::Device<Core<'a>>;

// pass: pub fn set_up<'bound>(pdev: &'bound InProbe<'_>) -> Result<DmaDevice<'bound>> {
pub fn set_up<'bound>(pdev: &'bound InIrq) -> Result<DmaDevice<'bound>> {
    DmaDevice::new(pdev, DmaLimits::new(DmaMask::new::<32>()))
}
