// SPDX-License-Identifier: GPL-2.0

//! A way for what outlives a binding to what does not.
//!
//! An open file, a work item or a timer may run after the driver was unbound. DMA handles may
//! not. A [`Gate`] keeps the part of a driver that does DMA, lets others in while the device is
//! bound, and at unbind asks them to leave, waits for them and drops what it keeps.
//!
//! Unlike `Devres`, whose readers hold an RCU read lock, those inside a gate may sleep.

use crate::{
    device::{
        binding,
        DmaDevice, //
    },
    generic::{
        errno::to_result,
        variance::Invariant, //
    },
    gfp::Gfp,
    limits::DmaLimits,
    sys::ffi, //
};
use core::{
    marker::PhantomData,
    ops::Deref,
    pin::Pin,
    ptr::null_mut,
    sync::atomic::{
        AtomicPtr,
        Ordering, //
    }, //
};
use kernel::{
    bindings,
    device::Bound,
    dma,
    new_srcu,
    prelude::*,
    sync::{
        srcu,
        Arc,
        Srcu, //
    },
    types::ForLt, //
};

mod private {
    use kernel::{
        device::Core,
        pci,
        platform, //
    };

    /// What `AsRef` and `Deref` of a device lead to: itself, which stays while it is bound. A
    /// driver's own type could lead to another device, or to memory that is gone earlier.
    pub trait BusDevice {}
    impl BusDevice for pci::Device<Core<'_>> {}
    impl BusDevice for platform::Device<Core<'_>> {}
}

/// Makes the lock of a gate.
///
/// Not generic and not inlined: [`Gate::new`] is compiled into each driver, and lockdep wants one
/// name, by its address, for the one class that the gates of all drivers share.
#[inline(never)]
fn new_lock() -> impl PinInit<Srcu, Error> {
    new_srcu!("dma_map::Gate")
}

/// What a [`Gate`] keeps.
pub trait Guarded {
    /// Makes everyone inside leave soon.
    ///
    /// Called once, at unbind, when nobody can enter any more and some may still be inside. It
    /// must wake sleepers and make later waits return at once.
    ///
    /// Context: may sleep.
    fn shutdown(&self);
}

/// Lets others use a `F::Of<'_>` while the device is bound.
///
/// A gate is not tied to the binding: it can be kept anywhere, by an [`Arc`], and leaking one is
/// harmless. What it keeps is dropped when the device is unbound, after the driver's own data.
///
/// # Invariants
///
/// `inner` is NULL, or a `KBox<F::Of<'x>>` that was leaked, where `'x` ends when the device is
/// unbound. Only the devres action made in [`new`](Gate::new) sets it to NULL, and frees it when
/// the readers of `srcu` that may have seen it are gone.
#[pin_data]
pub struct Gate<F: ForLt + 'static> {
    #[pin]
    srcu: Srcu,
    inner: AtomicPtr<F::Of<'static>>,
}

impl<F> Gate<F>
where
    F: ForLt + 'static,
    for<'x> F::Of<'x>: Guarded + Send + Sync,
{
    /// Sets the limits of `dev`, builds what the gate keeps, and opens the gate.
    ///
    /// `dev` is a [`pci::Device`](kernel::pci::Device) or a
    /// [`platform::Device`](kernel::platform::Device) in the `Core` context.
    ///
    /// `build` gets the device and the token for a lifetime that it does not know, so what it
    /// returns can borrow from the binding and from nothing shorter.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// Those of [`DmaDevice::new`] and of `build`, and `ENOMEM`.
    pub fn new<'a, D, P>(
        dev: &D,
        limits: DmaLimits,
        build: impl for<'x> FnOnce(&'x P, DmaDevice<'x>) -> Result<Pin<KBox<F::Of<'x>>>>,
    ) -> Result<Arc<Self>>
    where
        D: dma::Device<'a> + Deref<Target = P> + private::BusDevice,
        P: AsRef<kernel::device::Device<Bound>>,
    {
        let gate = Arc::pin_init(
            try_pin_init!(Self {
                srcu <- new_lock(),
                inner: AtomicPtr::new(null_mut()),
            }),
            Gfp::Kernel.flags(),
        )?;

        let token = DmaDevice::new(dev, limits)?;
        let bound: &P = dev;
        let raw = ffi::as_raw(bound.as_ref());
        // What was made with the token is gone when `build` fails, and the next try starts anew.
        let data = build(bound, token).inspect_err(|_| binding::unclaim(token.device()))?;

        // SAFETY: The box is leaked here, and not moved until the action below drops it as a whole.
        let data = KBox::into_raw(unsafe { Pin::into_inner_unchecked(data) });
        // INVARIANT: `'x` is the binding: the action runs before it ends, and after that nobody
        // gets a reference.
        gate.inner.store(data.cast(), Ordering::Release);

        // SAFETY: `raw` is a bound device. The action owns the reference that is leaked here; if
        // it can't be added, it is run at once, and closes the gate again.
        to_result(unsafe {
            bindings::devm_add_action_or_reset(
                raw,
                Some(Self::close),
                Arc::into_raw(gate.clone()).cast_mut().cast(),
            )
        })
        .inspect_err(|_| binding::unclaim(token.device()))?;

        Ok(gate)
    }

    /// Enters the gate, if the device is still bound.
    ///
    /// The caller may sleep inside. Unbind waits until it leaves, after having called
    /// [`Guarded::shutdown`]; a guard that is leaked makes it wait forever.
    ///
    /// Context: any but hard IRQ.
    #[inline]
    pub fn enter(&self) -> Option<Guard<'_, F>> {
        let srcu = self.srcu.read_lock();
        let inner = self.inner.load(Ordering::Acquire);

        // INVARIANT: `inner` was loaded after the read lock was taken.
        (!inner.is_null()).then_some(Guard {
            inner,
            _srcu: srcu,
            _gate: PhantomData,
        })
    }

    /// Closes the gate: the devres action.
    ///
    /// # Safety
    ///
    /// Called once, with a reference that [`new`](Self::new) leaked, while the device is bound.
    unsafe extern "C" fn close(ptr: *mut c_void) {
        // SAFETY: By the safety requirements of this function.
        let gate = unsafe { Arc::from_raw(ptr.cast_const().cast::<Self>()) };

        let inner = gate.inner.swap(null_mut(), Ordering::AcqRel);
        // SAFETY: By the type invariants `inner` is the leaked box, which nobody else frees.
        unsafe { (*inner).shutdown() };
        gate.srcu.synchronize();
        // SAFETY: As above; it is not reachable any more, and all who were inside have left.
        drop(unsafe { Pin::new_unchecked(KBox::from_raw(inner)) });
    }
}

/// Evidence that its holder is inside a gate.
///
/// # Invariants
///
/// `inner` was the gate's content after the SRCU read lock was taken, so it is not freed before the
/// lock is released.
pub struct Guard<'a, F: ForLt + 'static> {
    inner: *mut F::Of<'static>,
    _srcu: srcu::Guard<'a>,
    _gate: Invariant<'a>,
}

impl<F: ForLt + 'static> Guard<'_, F> {
    /// Calls `f` with what the gate keeps.
    ///
    /// The lifetime of the content is not known to `f`, so nothing of it can be carried out.
    #[inline]
    pub fn with<R>(&self, f: impl for<'x> FnOnce(Pin<&F::Of<'x>>) -> R) -> R {
        // SAFETY: By the type invariants the content is alive, and it is pinned in its box.
        f(unsafe { Pin::new_unchecked(&*self.inner) })
    }
}
