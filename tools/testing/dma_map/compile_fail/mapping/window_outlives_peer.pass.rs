// SPDX-License-Identifier: GPL-2.0
// error: text lifetime may not live long enough

//! A window ends before its device is unbound.

use dma_map::mapping::MmioWindow;
use kernel::{
    device::Bound,
    pci,
    prelude::*, //
};

pub fn window(peer: &pci::Device<Bound>) -> Result<MmioWindow<'_>> {
    MmioWindow::of_bar(peer, 0)
}
