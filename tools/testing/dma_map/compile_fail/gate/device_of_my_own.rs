// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! A gate takes what a bus calls a device, and no look-alike: it lends `build` what the look-alike
//! leads to for as long as the device is bound.

use core::ops::Deref;
use dma_map::{
    gate::{
        Gate,
        Guarded, //
    },
    DmaLimits, //
};
use kernel::{
    device::{
        Bound,
        Core,
        Device, //
    },
    dma::{
        self,
        DmaMask, //
    },
    pci,
    prelude::*,
    sync::Arc,
    types::ForLt, //
};

pub struct LookAlike<'a, 'core> {
    pub pdev: &'a pci::Device<Core<'core>>,
    pub other: &'a pci::Device<Bound>,
}

impl<'core> dma::Device<'core> for LookAlike<'_, 'core> {}

impl<'core> AsRef<Device<Core<'core>>> for LookAlike<'_, 'core> {
    fn as_ref(&self) -> &Device<Core<'core>> {
        self.pdev.as_ref()
    }
}

impl Deref for LookAlike<'_, '_> {
    type Target = pci::Device<Bound>;

    fn deref(&self) -> &Self::Target {
        self.other
    }
}

pub struct Inside<'bound> {
    pub pdev: &'bound pci::Device<Bound>,
}

impl Guarded for Inside<'_> {
    fn shutdown(&self) {}
}

pub fn open(device: &LookAlike<'_, '_>) -> Result<Arc<Gate<ForLt!(Inside<'_>)>>> {
    let limits = DmaLimits::new(DmaMask::new::<32>());
    // pass: let device = device.pdev;
    let device = device;
    Gate::new(device, limits, |pdev, _| {
        Ok(KBox::pin(Inside { pdev }, GFP_KERNEL)?)
    })
}
