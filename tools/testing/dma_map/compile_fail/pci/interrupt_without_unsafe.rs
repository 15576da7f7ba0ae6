// SPDX-License-Identifier: GPL-2.0
// error: E0133

//! A handler that is called after the binding is what the driver must rule out.

use dma_map::pci::Interrupt;
use kernel::{
    device::Bound,
    irq::ThreadedHandler,
    pci::{
        self,
        IrqType, //
    },
    prelude::*, //
};

pub fn request<H: ThreadedHandler>(pdev: &pci::Device<Bound>, handler: H) -> Result {
    // SAFETY: It is dropped here.
    // pass: drop(unsafe { Interrupt::request(pdev, IrqType::Msi, c"case", handler)? });
    drop(Interrupt::request(pdev, IrqType::Msi, c"case", handler)?);
    Ok(())
}
