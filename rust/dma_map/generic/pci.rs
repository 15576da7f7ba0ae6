// SPDX-License-Identifier: GPL-2.0

//! PCI bus mastering and PCI interrupts.
//!
//! C header: [`include/linux/pci.h`](srctree/include/linux/pci.h)

mod interrupt;

pub use self::interrupt::Interrupt;

use super::variance::Invariant;
use core::marker::PhantomData;
use kernel::{
    bindings,
    device::Bound,
    pci, //
};

/// Bus mastering of a PCI function, off again on drop.
///
/// With bus mastering off, a PCI function issues no reads or writes of memory and no MSI. That makes it
/// the last resort for [`Engine::quiesce`](crate::Engine::quiesce). An engine that relies on it owns
/// the only `BusMaster` of the function, and enables it again only when no old command is left. `probe`
/// may find a function with an old command, if an earlier binding ended in the middle of one.
///
/// The PCI core restores the bit after it has reset the function for user space, also if it found the
/// reset to have failed. So such an engine assumes that a function has no old command after that.
///
/// The `kernel` crate has `set_master()`, for `probe` only, and no function that disables it.
pub struct BusMaster<'bound> {
    pdev: &'bound pci::Device<Bound>,
    _bound: Invariant<'bound>,
}

impl<'bound> BusMaster<'bound> {
    /// Enables bus mastering.
    ///
    /// C API: `pci_set_master()`. Context: any.
    #[inline]
    pub fn new(pdev: &'bound pci::Device<Bound>) -> Self {
        let this = Self {
            pdev,
            _bound: PhantomData,
        };
        this.enable();
        this
    }

    fn as_raw(&self) -> *mut bindings::pci_dev {
        // `pci::Device` is a transparent wrapper of `struct pci_dev` in an `Opaque`.
        core::ptr::from_ref(self.pdev).cast_mut().cast()
    }

    /// Enables bus mastering again after [`disable`](Self::disable).
    ///
    /// C API: `pci_set_master()`. Context: any.
    #[inline]
    pub fn enable(&self) {
        // SAFETY: The device is bound during `'bound`, so it is valid.
        unsafe { bindings::pci_set_master(self.as_raw()) };
    }

    /// Disables bus mastering. The function issues no requests of its own any more.
    ///
    /// C API: `pci_clear_master()`. Context: any.
    #[inline]
    pub fn disable(&self) {
        // SAFETY: The device is bound during `'bound`, so it is valid.
        unsafe { bindings::pci_clear_master(self.as_raw()) };
    }
}

impl Drop for BusMaster<'_> {
    #[inline]
    fn drop(&mut self) {
        self.disable();
    }
}
