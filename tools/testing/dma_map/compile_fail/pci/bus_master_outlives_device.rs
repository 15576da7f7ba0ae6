// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough

//! Bus mastering is off again when the device is unbound.

use dma_map::pci::BusMaster;
use kernel::{
    device::Bound,
    pci, //
};

// pass: pub fn enable(pdev: &pci::Device<Bound>) -> BusMaster<'_> {
pub fn enable(pdev: &pci::Device<Bound>) -> BusMaster<'static> {
    BusMaster::new(pdev)
}
