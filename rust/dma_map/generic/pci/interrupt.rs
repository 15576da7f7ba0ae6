// SPDX-License-Identifier: GPL-2.0

//! The interrupt of a PCI function, with its vector.
//!
//! C header: [`include/linux/pci.h`](srctree/include/linux/pci.h)

use crate::{
    generic::variance::Invariant,
    gfp::Gfp, //
};
use core::marker::PhantomData;
use kernel::{
    device::Bound,
    irq::{
        Flags,
        ThreadedHandler,
        ThreadedRegistration, //
    },
    pci::{
        self,
        IrqType,
        IrqTypes,
        IrqVectorRegistration, //
    },
    prelude::*, //
};

/// The one interrupt of a PCI function, freed on drop.
///
/// In the `kernel` crate, the vectors are one value, and the handler's registration is another that
/// borrows from it. No type can hold both without `unsafe`. This one does.
///
/// # Invariants
///
/// `_registration` is dropped before `_vectors`, which it borrows from.
pub struct Interrupt<'bound, H: ThreadedHandler + 'bound> {
    _registration: Pin<KBox<ThreadedRegistration<'bound, H>>>,
    _vectors: KBox<IrqVectorRegistration<'bound>>,
    _bound: Invariant<'bound>,
}

impl<'bound, H: ThreadedHandler + 'bound> Interrupt<'bound, H> {
    /// Allocates a vector of the given kind, and registers `handler` for it.
    ///
    /// An INTx line is shared, so the handler must find out whether the device raised the interrupt.
    ///
    /// C API: `pci_alloc_irq_vectors()`, `request_threaded_irq()`. Context: may sleep.
    ///
    /// # Errors
    ///
    /// Those of the C functions: `ENOSPC` if the function has no such interrupt; `ENOMEM`.
    ///
    /// # Safety
    ///
    /// The value must be dropped before `'bound` ends, and so must not be leaked: `handler` is called
    /// until the drop. The handler must not drop it, because the drop waits for the handler.
    pub unsafe fn request(
        pdev: &'bound pci::Device<Bound>,
        kind: IrqType,
        name: &'static CStr,
        handler: H,
    ) -> Result<Self> {
        let vectors = pdev.alloc_irq_vectors(1, 1, IrqTypes::default().with(kind))?;
        let vectors = KBox::new(vectors, Gfp::Kernel.flags())?;
        let flags = match kind {
            IrqType::Intx => Flags::SHARED,
            _ => Flags::TRIGGER_NONE,
        };

        // SAFETY: The box is kept in `Self`, which drops the registration, the borrower, first (type
        // invariant). Moving the box does not move the vectors.
        let borrowed: &'bound IrqVectorRegistration<'bound> =
            unsafe { &*core::ptr::from_ref(&*vectors) };
        let vector = borrowed.index(0)?.into();

        // SAFETY: The registration is kept in `Self`, which is not leaked (function precondition).
        let registration = unsafe { ThreadedRegistration::new(vector, flags, name, Ok(handler)) };

        // INVARIANT: By the order of the fields.
        Ok(Self {
            _registration: KBox::pin_init(registration, Gfp::Kernel.flags())?,
            _vectors: vectors,
            _bound: PhantomData,
        })
    }
}
