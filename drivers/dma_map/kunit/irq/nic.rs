// SPDX-License-Identifier: GPL-2.0

//! The interrupts of QEMU's `igb`.

use dma_map::pci::BusMaster;
use kernel::{
    bindings,
    device::Bound,
    io::Io,
    pci,
    prelude::*, //
};

/// Disables the one interrupt that there is without MSI-X.
const IMC: usize = 0x150c;

/// Of MSI-X, a bit for each vector: raise, enable, disable, clear by itself, and what was raised.
const GPIE: usize = 0x1514;
const MULTIPLE_VECTORS: u32 = 1 << 4;
const EICS: usize = 0x1520;
const EIMS: usize = 0x1524;
const EIMC: usize = 0x1528;
const EIAC: usize = 0x152c;
const EICR: usize = 0x1580;

type Bar<'b> = pci::Bar<'b, 0x1600>;

/// The function, with its interrupts off at first.
pub(super) struct Nic<'b> {
    bar: Bar<'b>,
    pdev: &'b pci::Device<Bound>,
    // Message interrupts are writes of the function.
    _master: BusMaster<'b>,
}

impl<'b> Nic<'b> {
    pub(super) fn new(pdev: &'b pci::Device<kernel::device::Core<'_>>) -> Result<Self> {
        pdev.enable_device_mem()?;
        Self::of(pdev)
    }

    /// The same, of a function whose memory is enabled.
    pub(super) fn of(pdev: &'b pci::Device<Bound>) -> Result<Self> {
        let bar: Bar<'b> = pdev.iomap_region_sized(0, c"dma_map_kunit")?;
        bar.write32(u32::MAX, IMC);
        bar.write32(u32::MAX, EIMC);
        Ok(Self {
            bar,
            pdev,
            _master: BusMaster::new(pdev),
        })
    }

    /// Returns the C structure of the function.
    pub(super) fn raw(&self) -> *mut bindings::pci_dev {
        core::ptr::from_ref(self.pdev).cast_mut().cast()
    }

    /// Lets the function use all MSI-X vectors.
    pub(super) fn use_vectors(&self) {
        self.bar.write32(MULTIPLE_VECTORS, GPIE);
        self.bar.write32(u32::MAX, EIAC);
        // What was raised for an earlier driver.
        self.bar.write32(u32::MAX, EICR);
        self.bar.write32(u32::MAX, EIMS);
    }

    /// Raises a vector.
    pub(super) fn raise(&self, index: usize) {
        self.bar.write32(1 << index, EICS);
    }
}
