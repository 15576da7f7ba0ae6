// SPDX-License-Identifier: GPL-2.0

//! Allocation of interrupt vectors.

use super::options::VectorOptions;
use crate::{
    drv::{
        scope::Scope,
        tied::{
            Stops,
            Tied, //
        }, //
    },
    gfp::Gfp,
    sys::leftovers::Order,
};
use core::{
    ptr::null_mut,
    sync::atomic::{
        AtomicBool,
        AtomicPtr,
        Ordering, //
    }, //
};
use kernel::{
    bindings,
    cpumask::Cpumask,
    device::Bound,
    error::to_result,
    pci::{
        self,
        IrqType, //
    },
    prelude::*,
    sync::Arc, //
};

/// The half of a handler that runs: in hard IRQ context, unless the kernel makes threads of it, or in the
/// thread of the vector.
#[derive(Clone, Copy)]
pub(super) enum Half {
    Primary,
    Thread,
}

/// The state of one vector.
pub(super) struct Vector {
    /// Linux's number of the interrupt.
    pub(super) irq: u32,
    /// Whether it has a handler.
    taken: AtomicBool,
    /// The threads that are in its handler.
    inside: [AtomicPtr<bindings::task_struct>; 2],
}

impl Vector {
    fn new(irq: u32) -> Self {
        Self {
            irq,
            taken: AtomicBool::new(false),
            inside: [const { AtomicPtr::new(null_mut()) }; 2],
        }
    }

    /// Takes the vector for a handler.
    ///
    /// # Errors
    ///
    /// `EBUSY`.
    pub(super) fn take(&self) -> Result {
        if self.taken.swap(true, Ordering::Acquire) {
            return Err(EBUSY);
        }
        Ok(())
    }

    pub(super) fn put(&self) {
        self.taken.store(false, Ordering::Release);
    }

    /// Runs `f`, a half of the handler, which [`is_inside`](Allocation::is_inside) then.
    ///
    /// Only a thread looks for itself here. In an interrupt, `current` is a thread that does not run.
    #[inline]
    pub(super) fn enter<R>(&self, half: Half, f: impl FnOnce() -> R) -> R {
        let [primary, thread] = &self.inside;
        let inside = match half {
            Half::Primary => primary,
            Half::Thread => thread,
        };

        // SAFETY: No preconditions. The pointer is only compared.
        inside.store(unsafe { bindings::get_current() }, Ordering::Relaxed);
        let result = f();
        inside.store(null_mut(), Ordering::Relaxed);
        result
    }
}

/// The vectors of a function.
///
/// # Invariants
///
/// The function has interrupts allocated, which this owns: one for each of `vectors`, with its number.
pub(super) struct Allocation<'bound> {
    scope: Scope<'bound>,
    pdev: &'bound pci::Device<Bound>,
    freed: AtomicBool,
    pub(super) kind: IrqType,
    pub(super) vectors: KVec<Vector>,
}

fn as_raw(pdev: &pci::Device<Bound>) -> *mut bindings::pci_dev {
    // `pci::Device` is a transparent wrapper of `struct pci_dev` in an `Opaque`.
    core::ptr::from_ref(pdev).cast_mut().cast()
}

/// Allocates vectors, and returns how many.
fn alloc(pdev: &pci::Device<Bound>, options: &VectorOptions) -> Result<u32> {
    let mut affinity = bindings::irq_affinity::default();
    let (mut flags, mut spread) = (0, null_mut());
    if let Some((pre, post)) = options.spread {
        affinity.pre_vectors = pre;
        affinity.post_vectors = post;
        flags = bindings::PCI_IRQ_AFFINITY;
        spread = &raw mut affinity;
    }
    let call = |min, max, flags, spread| {
        // SAFETY: The device is valid, and is bound. `spread` is NULL without the flag, else valid.
        let ret = unsafe {
            bindings::pci_alloc_irq_vectors_affinity(as_raw(pdev), min, max, flags, spread)
        };
        to_result(ret)?;
        u32::try_from(ret).map_err(|_| EINVAL)
    };

    let messages = options.kinds & !bindings::PCI_IRQ_INTX;
    let mut result = Err(ENOSPC);
    if messages != 0 {
        result = call(options.min, options.max, messages | flags, spread);
    }
    // C computes a spread of an INTx line, and throws it away without freeing it.
    if result.is_err() && options.kinds & bindings::PCI_IRQ_INTX != 0 {
        result = call(options.min, options.max, bindings::PCI_IRQ_INTX, null_mut());
    }
    result
}

impl<'bound> Allocation<'bound> {
    fn new(scope: Scope<'bound>, options: &VectorOptions) -> Result<Self> {
        let pdev: &'bound pci::Device<Bound> = scope.device().try_into()?;
        options.check()?;
        let mut vectors = KVec::new();

        let taken = scope.dma().binding().vectors();
        if taken.swap(true, Ordering::Acquire) {
            return Err(EBUSY);
        }
        // SAFETY: The device is valid. Only its owner, the driver, changes the two bits.
        let other = unsafe { (*as_raw(pdev)).msi_enabled() | (*as_raw(pdev)).msix_enabled() } != 0;
        let count = if other {
            Err(EBUSY)
        } else {
            alloc(pdev, options)
        };
        let count = count.inspect_err(|_| taken.store(false, Ordering::Release))?;

        // SAFETY: The device is valid.
        let kind = match unsafe { bindings::pci_irq_type(as_raw(pdev)) } {
            bindings::PCI_IRQ_MSIX => IrqType::MsiX,
            bindings::PCI_IRQ_MSI => IrqType::Msi,
            _ => IrqType::Intx,
        };
        // INVARIANT: Allocated above. From here on, the drop frees them.
        let mut this = Self {
            scope,
            pdev,
            freed: AtomicBool::new(false),
            kind,
            vectors: KVec::new(),
        };
        // C keeps the state of message interrupts in devres, from the first allocation on.
        scope.dma().binding().expect_messages()?;
        for index in 0..count {
            // SAFETY: The device is valid.
            let irq = unsafe { bindings::pci_irq_vector(as_raw(pdev), index) };
            to_result(irq)?;
            vectors.push(Vector::new(irq.try_into()?), Gfp::Kernel.flags())?;
        }
        this.vectors = vectors;
        Ok(this)
    }
}

impl Drop for Allocation<'_> {
    fn drop(&mut self) {
        self.stop();
        self.scope.dma().binding().forget_messages();
        self.scope
            .dma()
            .binding()
            .vectors()
            .store(false, Ordering::Release);
    }
}

impl Stops for Allocation<'_> {
    const ORDER: Order = Order::Sources;

    fn stop(&self) {
        // The function's line was there before. C would disable the messages that others have enabled
        // meanwhile.
        if matches!(self.kind, IrqType::Intx) || self.freed.swap(true, Ordering::AcqRel) {
            return;
        }
        // SAFETY: The device is bound, and this owns the vectors (type invariant). They have no handlers:
        // a handler holds the vectors, and leaked ones were stopped before.
        unsafe { bindings::pci_free_irq_vectors(as_raw(self.pdev)) };
    }

    fn is_inside(&self) -> bool {
        // SAFETY: No preconditions. The pointer is only compared.
        let current = unsafe { bindings::get_current() };

        // Not a chain of iterators: the name of its type is longer than an exported symbol may be.
        for vector in &*self.vectors {
            for inside in &vector.inside {
                if inside.load(Ordering::Relaxed) == current {
                    return true;
                }
            }
        }
        false
    }
}

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
    /// Allocates vectors of the scope's device.
    ///
    /// C API: `pci_alloc_irq_vectors_affinity()`, and `pci_free_irq_vectors()` at the end. Context: may
    /// sleep. Drop context: any.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: the minimum is 0, no kind is allowed, or the device is not a PCI function.
    /// - `ERANGE`: the maximum is less than the minimum, or beyond what C counts.
    /// - `EBUSY`: the function has vectors already.
    /// - `ENOSPC`: the function, or the machine, has fewer than the minimum. An INTx line is one.
    /// - `ENOMEM`, and others of the C function.
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
        self.0.vectors.len()
    }

    /// Returns of which kind the vectors are.
    ///
    /// Context: any.
    #[inline]
    pub fn kind(&self) -> IrqType {
        self.0.kind
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
        Ok(self.0.vectors.get(index).ok_or(EINVAL)?.irq)
    }

    /// Returns the CPUs that the kernel has given a vector.
    ///
    /// `None` if the vectors are not [spread](VectorOptions::spread). All that may ever be there for an
    /// INTx line, and for a vector that was left out.
    ///
    /// C API: `pci_irq_get_affinity()`. Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL`: there is no such vector.
    pub fn affinity(&self, index: usize) -> Result<Option<&Cpumask>> {
        self.irq(index)?;
        let index = index.try_into()?;

        // SAFETY: The device is bound, and has this vector.
        let mask = unsafe { bindings::pci_irq_get_affinity(as_raw(self.0.pdev), index) };
        if mask.is_null() {
            return Ok(None);
        }
        // SAFETY: The mask is the vector's or the kernel's own. It does not change, and is not freed
        // before the vectors.
        Ok(Some(unsafe { Cpumask::from_raw(mask) }))
    }

    #[inline]
    pub(super) fn scope(&self) -> Scope<'bound> {
        self.0.scope
    }
}
