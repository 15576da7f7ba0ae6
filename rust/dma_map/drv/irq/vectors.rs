// SPDX-License-Identifier: GPL-2.0

//! `Vectors`: the interrupt vectors of a PCI function.

use super::{
    allocation::{
        Allocation,
        Vector, //
    },
    options::VectorOptions, //
};
use crate::{
    drv::{
        scope::Scope,
        tied::Tied, //
    },
    gfp::Gfp, //
};
use kernel::{
    cpumask::Cpumask,
    pci::IrqType,
    prelude::*,
    sync::Arc, //
};

/// The interrupt vectors of a PCI function, freed when they and all their handlers are dropped.
///
/// A clone is the same allocation.
pub struct Vectors<'bound>(pub(super) Arc<Tied<'bound, Allocation<'bound>>>);

impl Clone for Vectors<'_> {
    #[inline]
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<'bound> Vectors<'bound> {
    /// Allocates vectors of the scope's device, in `probe`.
    ///
    /// A driver with a gate does this in the function that builds what the gate keeps, and keeps the vectors
    /// there. Handlers can be requested and dropped at any time afterwards.
    ///
    /// Do not use the `kernel` crate's `alloc_irq_vectors` for the same function: its drop frees these
    /// vectors, whatever it has allocated.
    ///
    /// C API: `pci_alloc_irq_vectors_affinity()`, and `pci_free_irq_vectors()` at the end. Context: may
    /// sleep. Drop context: any.
    ///
    /// # Errors
    ///
    /// - `ENODEV`: `probe`, or the build of the gate, is over. What C keeps for message interrupts would end
    ///   before the gate does.
    /// - `EINVAL`: the minimum is 0, no kind is allowed, or the device is not a PCI function.
    /// - `ERANGE`: the maximum is less than the minimum, or beyond what C counts; or the minimum is less
    ///   than what [`spread`](VectorOptions::spread) leaves out.
    /// - `EBUSY`: the function has vectors already, also such as a workqueue is freeing.
    /// - `ENOSPC`: the function, or the machine, has fewer than the minimum. An INTx line is one.
    /// - `ENOMEM`, and others of the C function: `EINVAL`, for one, if there can be no message interrupts
    ///   and an INTx line will not do.
    pub fn alloc(scope: Scope<'bound>, options: VectorOptions) -> Result<Self> {
        let allocation = Allocation::new(scope, &options)?;
        let tied = Tied::new(scope, allocation, |_| Ok(()))?;

        Ok(Self(Arc::new(tied, Gfp::Kernel.flags())?))
    }

    /// Returns how many vectors there are.
    ///
    /// Context: any.
    #[inline]
    #[allow(clippy::len_without_is_empty, reason = "there is at least one")]
    pub fn len(&self) -> usize {
        self.0.vectors().len()
    }

    /// Returns of which kind the vectors are.
    ///
    /// Context: any.
    #[inline]
    pub fn kind(&self) -> IrqType {
        self.0.kind()
    }

    /// Returns Linux's number of a vector, as in `/proc/interrupts`.
    ///
    /// C API: `pci_irq_vector()`. Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL`: there is no such vector.
    #[inline]
    pub fn irq(&self, index: usize) -> Result<u32> {
        Ok(self.vector(index)?.irq)
    }

    /// Returns the CPUs that the kernel has given a vector when it was allocated.
    ///
    /// All that may ever be there for an INTx line, and the kernel's default (`irqaffinity=`) for a vector
    /// that was left out of the [spread](VectorOptions::spread). `None` if the kernel has chosen none: the
    /// vectors are not spread, or no more came than are left out, or there was no memory to compute it. A
    /// driver then takes all CPUs.
    ///
    /// C API: `pci_irq_get_affinity()`, at the allocation. Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL`: there is no such vector.
    pub fn affinity(&self, index: usize) -> Result<Option<&Cpumask>> {
        self.irq(index)?;
        Ok(self.0.mask(index))
    }

    #[inline]
    pub(super) fn vector(&self, index: usize) -> Result<&Vector> {
        self.0.vectors().get(index).ok_or(EINVAL)
    }

    #[inline]
    pub(super) fn scope(&self) -> Scope<'bound> {
        self.0.scope()
    }
}
