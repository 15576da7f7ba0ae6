// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough

//! A window ends before its device is unbound.

use dma_map::mapping::MmioWindow;
use kernel::{
    device::Bound,
    pci,
    prelude::*, //
};

// pass: pub fn window(peer: &pci::Device<Bound>) -> Result<MmioWindow<'_>> {
pub fn window(peer: &pci::Device<Bound>) -> Result<MmioWindow<'static>> {
    MmioWindow::of_bar(peer, 0)
}
