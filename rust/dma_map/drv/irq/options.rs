// SPDX-License-Identifier: GPL-2.0

//! Options of an allocation of vectors.

use kernel::{
    bindings,
    pci::IrqType,
    prelude::*, //
};

/// How many vectors a driver wants, of which kinds, and for which CPUs.
///
/// By default all kinds are tried: MSI-X, then MSI, then INTx.
#[derive(Clone, Copy)]
pub struct VectorOptions {
    pub(super) min: u32,
    pub(super) max: u32,
    pub(super) kinds: u32,
    pub(super) spread: Option<(u32, u32)>,
}

const fn flag(kind: IrqType) -> u32 {
    match kind {
        IrqType::Intx => bindings::PCI_IRQ_INTX,
        IrqType::Msi => bindings::PCI_IRQ_MSI,
        IrqType::MsiX => bindings::PCI_IRQ_MSIX,
    }
}

impl VectorOptions {
    /// At least `min` vectors, at most `max`.
    #[inline]
    pub const fn new(min: u32, max: u32) -> Self {
        Self {
            min,
            max,
            kinds: bindings::PCI_IRQ_ALL_TYPES,
            spread: None,
        }
    }

    /// Allows `kind` only, whatever [`without`](Self::without) has ruled out before.
    #[inline]
    pub const fn only(self, kind: IrqType) -> Self {
        Self {
            kinds: flag(kind),
            ..self
        }
    }

    /// Rules out `kind`, of those that are allowed so far.
    #[inline]
    pub const fn without(self, kind: IrqType) -> Self {
        Self {
            kinds: self.kinds & !flag(kind),
            ..self
        }
    }

    /// Spreads the vectors over the CPUs, without the first `pre` and the last `post`.
    ///
    /// Each of the others gets CPUs of its own, and each CPU one of them, so that a CPU can have a queue
    /// whose interrupts arrive there. The kernel keeps it so: user space cannot move these vectors, and
    /// one whose CPUs are all offline is shut down. The first `pre` and the last `post` are ordinary, for
    /// administration. They are counted in the minimum and in the maximum. The minimum must not be less than
    /// they are.
    ///
    /// C API: `PCI_IRQ_AFFINITY`, `struct irq_affinity`. An INTx line is not moved.
    #[inline]
    pub const fn spread(self, pre: u32, post: u32) -> Self {
        Self {
            spread: Some((pre, post)),
            ..self
        }
    }

    /// # Errors
    ///
    /// `EINVAL`, `ERANGE`: those of [`Vectors::alloc`](super::Vectors::alloc).
    pub(super) fn check(&self) -> Result {
        if self.min == 0 || self.kinds == 0 {
            return Err(EINVAL);
        }
        if self.max < self.min || i32::try_from(self.max).is_err() {
            return Err(ERANGE);
        }
        match self.spread {
            // C would not allocate message interrupts at all, and take the INTx line.
            Some((pre, post)) if pre.checked_add(post).is_none_or(|sum| sum > self.min) => {
                Err(ERANGE)
            }
            _ => Ok(()),
        }
    }

    /// Returns whether vector `index` of `count` is one of those that are spread.
    pub(super) fn is_spread(&self, index: u32, count: u32) -> bool {
        match self.spread {
            Some((pre, post)) => index >= pre && index < count.saturating_sub(post),
            None => false,
        }
    }
}
