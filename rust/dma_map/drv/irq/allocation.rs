// SPDX-License-Identifier: GPL-2.0

//! Allocation: the vectors that a function has, and who is in their handlers.

use super::options::VectorOptions;
use crate::{
    device::interrupts::Masks,
    drv::{
        scope::Scope,
        tied::Stops, //
    },
    generic::{
        errno::to_result,
        vec, //
    },
    gfp::Gfp,
    sys::leftovers::Stage, //
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
    cpumask::{
        Cpumask,
        CpumaskVar, //
    },
    device::Bound,
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
    /// Whether the kernel keeps it on CPUs of its own.
    pub(super) is_spread: bool,
    /// Whether it has a handler.
    taken: AtomicBool,
    /// The threads that are in its handler.
    inside: [AtomicPtr<bindings::task_struct>; 2],
}

impl Vector {
    fn new(irq: u32, is_spread: bool) -> Self {
        Self {
            irq,
            is_spread,
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

    /// Runs `f`, a half of the handler. Meanwhile its thread [is inside](Stops::is_inside).
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
/// - Until `freed` is set, the function has interrupts allocated, which this owns: one for each of
///   `vectors`, with its number.
/// - `masks` is not dropped before the binding has forgotten it.
pub(super) struct Allocation<'bound> {
    scope: Scope<'bound>,
    pdev: &'bound pci::Device<Bound>,
    freed: AtomicBool,
    kind: IrqType,
    vectors: KVec<Vector>,
    masks: Option<Arc<Masks>>,
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
    // No spread for an INTx line: C computes one, and does not free it. The line is one vector. If it is not
    // available, the caller gets the error of the message interrupts.
    if result.is_err() && options.min == 1 && options.kinds & bindings::PCI_IRQ_INTX != 0 {
        result = call(1, 1, bindings::PCI_IRQ_INTX, null_mut()).or(result);
    }
    result
}

/// Copies the CPUs of a vector, if C has chosen some.
///
/// # Safety
///
/// `index` must be a vector of the device.
unsafe fn copy_mask(pdev: &pci::Device<Bound>, index: c_int) -> Result<Option<CpumaskVar>> {
    // SAFETY: By the precondition of this function.
    let mask = unsafe { bindings::pci_irq_get_affinity(as_raw(pdev), index) };
    if mask.is_null() {
        return Ok(None);
    }
    // SAFETY: The mask is the vector's, or a static one. Nobody frees the vector meanwhile.
    Ok(Some(CpumaskVar::try_clone(unsafe {
        Cpumask::from_raw(mask)
    })?))
}

impl<'bound> Allocation<'bound> {
    pub(super) fn new(scope: Scope<'bound>, options: &VectorOptions) -> Result<Self> {
        let pdev: &'bound pci::Device<Bound> = scope.device().try_into()?;
        options.check()?;
        let binding = scope.dma().binding();
        let _running = binding.interrupts().take(scope.device())?;
        // SAFETY: The device is valid. These bits tell only of a mistake of the driver's.
        let other = unsafe { (*as_raw(pdev)).msi_enabled() | (*as_raw(pdev)).msix_enabled() } != 0;
        let count = if other {
            Err(EBUSY)
        } else {
            alloc(pdev, options)
        };
        let count = count.inspect_err(|_| binding.interrupts().put())?;

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
            masks: None,
        };
        // C keeps the state of message interrupts in devres, from the first allocation on.
        binding.expect_messages()?;
        this.look_at_vectors(count, options)?;
        Ok(this)
    }

    /// Gets the number and the CPUs of each vector.
    fn look_at_vectors(&mut self, count: u32, options: &VectorOptions) -> Result {
        let mut masks = KVec::new();

        for index in 0..count {
            // SAFETY: The device is valid.
            let irq = unsafe { bindings::pci_irq_vector(as_raw(self.pdev), index) };
            to_result(irq)?;
            // SAFETY: The device has this vector (type invariant).
            let mask = unsafe { copy_mask(self.pdev, index.try_into()?) }?;
            // An INTx line has a mask, too, and is not spread.
            let is_spread = mask.is_some()
                && !matches!(self.kind, IrqType::Intx)
                && options.is_spread(index, count);

            let vector = Vector::new(irq.try_into()?, is_spread);
            vec::push(&mut masks, mask, Gfp::Kernel.flags()).map_err(|_| ENOMEM)?;
            vec::push(&mut self.vectors, vector, Gfp::Kernel.flags()).map_err(|_| ENOMEM)?;
        }

        let masks = Arc::new(Masks::new(masks), Gfp::Kernel.flags())?;
        // SAFETY: `stop` hides them, and the drop calls it.
        unsafe { self.scope.dma().binding().interrupts().show_masks(&masks) };
        self.masks = Some(masks);
        Ok(())
    }

    #[inline]
    pub(super) fn scope(&self) -> Scope<'bound> {
        self.scope
    }

    #[inline]
    pub(super) fn kind(&self) -> IrqType {
        self.kind
    }

    #[inline]
    pub(super) fn vectors(&self) -> &[Vector] {
        &self.vectors
    }

    #[inline]
    pub(super) fn mask(&self, index: usize) -> Option<&Cpumask> {
        self.masks.as_ref()?.get(index)
    }
}

impl Drop for Allocation<'_> {
    fn drop(&mut self) {
        let binding = self.scope.dma().binding();

        self.stop();
        binding.forget_messages();
        binding.interrupts().put();
    }
}

impl Stops for Allocation<'_> {
    const STAGE: Stage = Stage::Sources;

    fn stop(&self) {
        if self.freed.swap(true, Ordering::AcqRel) {
            return;
        }
        self.scope.dma().binding().interrupts().hide_masks();
        // The function's line was there before. C would disable the messages that others have enabled
        // meanwhile.
        if matches!(self.kind, IrqType::Intx) {
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
