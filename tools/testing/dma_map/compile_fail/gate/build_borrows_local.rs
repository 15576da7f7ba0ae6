// SPDX-License-Identifier: GPL-2.0
// error: E0716

//! What a gate keeps borrows from the binding, and from nothing that ends earlier.

use dma_map::{
    gate::{
        Gate,
        Guarded, //
    },
    DmaLimits, //
};
use kernel::{
    device::Core,
    dma::DmaMask,
    pci,
    prelude::*,
    sync::Arc,
    types::ForLt, //
};

pub struct Inside<'bound> {
    pub name: &'bound str,
}

impl Guarded for Inside<'_> {
    fn shutdown(&self) {}
}

pub fn open(pdev: &pci::Device<Core<'_>>) -> Result<Arc<Gate<ForLt!(Inside<'_>)>>> {
    // pass: let name = b"edu";
    let name = &[pdev.revision_id()][..];
    let limits = DmaLimits::new(DmaMask::new::<32>());
    Gate::new(pdev, limits, |_, _| {
        let text = core::str::from_utf8(name)?;
        Ok(KBox::pin(Inside { name: text }, GFP_KERNEL)?)
    })
}
