// SPDX-License-Identifier: GPL-2.0

//! Gates: access from files, work items and timers to a driver's DMA, while the device is bound.
//!
//! An open file, a work item or a timer may run after the driver was unbound. DMA handles may not
//! outlive the binding. A [`Gate`] owns the part of a driver that does DMA, and lets others enter while
//! the device is bound. At unbind it asks them to leave, waits for them, and drops what it owns.
//!
//! Unlike readers of `Devres`, which hold an RCU read lock, callers inside a gate may sleep.

pub use super::scope::Scope;

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
        AtomicBool,
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

    /// Devices whose `AsRef` and `Deref` lead to themselves, which stay while they are bound. A driver's
    /// own type could lead to another device, or to memory that is freed earlier.
    pub trait BusDevice {}
    impl BusDevice for pci::Device<Core<'_>> {}
    impl BusDevice for platform::Device<Core<'_>> {}
}

/// Makes the SRCU lock of a gate.
///
/// Not generic and not inlined, because [`Gate::new`] is compiled into each driver: the gates of all
/// drivers share one lock class, and lockdep wants one name for it, by its address.
#[inline(never)]
fn new_lock() -> impl PinInit<Srcu, Error> {
    new_srcu!("dma_map::Gate")
}

/// The contents of a [`Gate`].
pub trait Guarded {
    /// Makes everybody inside leave soon.
    ///
    /// Called once, at unbind, when nobody can enter any more and some callers may still be inside. It
    /// must wake those that sleep, and make later waits return at once.
    ///
    /// Context: may sleep.
    fn shutdown(&self);
}

/// Access to an `F::Of<'_>` while the device is bound.
///
/// A gate does not borrow from the binding: an [`Arc`] of it can be stored anywhere, and leaking one is
/// harmless. Its contents are dropped when the device is unbound, after the driver's own data.
///
/// # Invariants
///
/// `inner` is NULL, or a `KBox<F::Of<'x>>` that was leaked, where `'x` ends when the device is unbound.
/// Only the devres action of [`new`](Gate::new) sets it to NULL. It frees the box after all readers of
/// `srcu` that may have loaded the pointer are gone. `binding` is the token of the device; it is valid
/// as long.
#[pin_data]
pub struct Gate<F: ForLt + 'static> {
    #[pin]
    srcu: Srcu,
    inner: AtomicPtr<F::Of<'static>>,
    /// The token of the device, for the end of the binding.
    binding: AtomicPtr<c_void>,
    /// Whether somebody asks the contents for engines.
    engines: AtomicBool,
}

impl<F> Gate<F>
where
    F: ForLt + 'static,
    for<'x> F::Of<'x>: Guarded + Send + Sync,
{
    /// Sets the limits of `dev`, builds the contents, and opens the gate.
    ///
    /// `dev` is a [`pci::Device`](kernel::pci::Device) or a
    /// [`platform::Device`](kernel::platform::Device) in the `Core` context.
    ///
    /// `build` gets the device and the token for a lifetime that it does not know. So its result can
    /// borrow from the binding, but from nothing shorter.
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
        Self::with_scope(dev, limits, |dev, scope| build(dev, scope.dma()))
    }

    /// Does what [`new`](Self::new) does. `build` gets a [`Scope`], which has the token, and which
    /// [interrupts](crate::irq) take.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn with_scope<'a, D, P>(
        dev: &D,
        limits: DmaLimits,
        build: impl for<'x> FnOnce(&'x P, Scope<'x>) -> Result<Pin<KBox<F::Of<'x>>>>,
    ) -> Result<Arc<Self>>
    where
        D: dma::Device<'a> + Deref<Target = P> + private::BusDevice,
        P: AsRef<kernel::device::Device<Bound>>,
    {
        let gate = Arc::pin_init(
            try_pin_init!(Self {
                srcu <- new_lock(),
                inner: AtomicPtr::new(null_mut()),
                binding: AtomicPtr::new(null_mut()),
                engines: AtomicBool::new(false),
            }),
            Gfp::Kernel.flags(),
        )?;

        let token = DmaDevice::new(dev, limits)?;
        let bound: &P = dev;
        let raw = ffi::as_raw(bound.as_ref());
        // If `build` fails, everything made with the token is gone, and the device may be claimed again.
        // SAFETY: `build` does not know the lifetime, so what it makes of the scope has it unchanged: it
        // ends with the binding, whose end stops what is leaked, also after an error.
        let scope = unsafe { Scope::new(token) };
        let data = build(bound, scope).inspect_err(|_| binding::unclaim(token.device()))?;
        // What C keeps for interrupts is registered before the action below, so it ends after that.
        token.binding().interrupts().settle();

        // SAFETY: The box is leaked here. It is not moved until the action below drops it as a whole.
        let data = KBox::into_raw(unsafe { Pin::into_inner_unchecked(data) });
        // INVARIANT: The token is that of the device.
        gate.binding
            .store(token.as_binding().cast_mut(), Ordering::Relaxed);
        // INVARIANT: `'x` is the binding: the action runs before it ends, and then no reference is left.
        gate.inner.store(data.cast(), Ordering::Release);

        // SAFETY: `raw` is a bound device. The action owns the reference that is leaked here. If it
        // can't be added, it runs at once, and closes the gate again.
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
    /// Named as the function of [`Revocable`](kernel::revocable::Revocable), whose guard is an RCU read
    /// lock. Here the caller may sleep inside. Unbind calls [`Guarded::shutdown`], then waits until the caller
    /// drops the guard; if the guard is leaked, it waits forever.
    ///
    /// Context: any but hard IRQ.
    #[inline]
    pub fn try_access(&self) -> Option<Guard<'_, F>> {
        let srcu = self.srcu.read_lock();
        let inner = self.inner.load(Ordering::Acquire);

        // INVARIANT: `inner` was loaded under the SRCU read lock.
        (!inner.is_null()).then_some(Guard {
            inner,
            _srcu: srcu,
            _gate: PhantomData,
        })
    }

    /// Returns the token of the device, as a pointer. It is valid while somebody is inside.
    ///
    /// The devres action that closes the gate was added in the binding of this token: an action that is
    /// added later runs earlier.
    #[cfg_attr(not(CONFIG_BLOCK), allow(dead_code))]
    pub(crate) fn binding(&self) -> *const c_void {
        self.binding.load(Ordering::Relaxed)
    }

    /// Closes the gate; the devres action.
    ///
    /// # Safety
    ///
    /// Called once, with a reference that [`new`](Self::new) leaked, while the device is bound.
    unsafe extern "C" fn close(ptr: *mut c_void) {
        // SAFETY: The caller guarantees that this is the reference that `new` leaked, once.
        let gate = unsafe { Arc::from_raw(ptr.cast_const().cast::<Self>()) };

        let inner = gate.inner.swap(null_mut(), Ordering::AcqRel);
        // SAFETY: By the type invariants `inner` is the leaked box, and only this function frees it.
        unsafe { (*inner).shutdown() };
        gate.srcu.synchronize();
        // SAFETY: The box was leaked by `new`. It is unreachable, and all readers that had it have left.
        drop(unsafe { Pin::new_unchecked(KBox::from_raw(inner)) });

        // What was leaked in there stops here, before devres releases what the driver got earlier.
        //
        // SAFETY: `new` has stored the token, and the binding ends after this.
        let token = unsafe { DmaDevice::from_binding(gate.binding.load(Ordering::Relaxed)) };
        token.binding().stop_leftovers();
    }
}

#[cfg_attr(not(CONFIG_BLOCK), allow(dead_code))]
impl<F: ForLt + 'static> Gate<F> {
    /// Claims the engines of the contents, for requests of which each has a queue and a tag of its own.
    /// `false` if they are claimed.
    pub(crate) fn claim_engines(&self) -> bool {
        !self.engines.swap(true, Ordering::Acquire)
    }

    /// Gives the engines back.
    pub(crate) fn release_engines(&self) {
        self.engines.store(false, Ordering::Release);
    }
}

/// A guard: its holder is inside the gate.
///
/// # Invariants
///
/// `inner` is the gate's contents, loaded after the SRCU read lock was taken. So the box is not freed
/// before the lock is released.
pub struct Guard<'a, F: ForLt + 'static> {
    inner: *mut F::Of<'static>,
    _srcu: srcu::Guard<'a>,
    _gate: Invariant<'a>,
}

impl<F: ForLt + 'static> Guard<'_, F> {
    /// Returns the contents of the gate, as a pointer. They exist until the devres action of the gate
    /// closes it.
    #[cfg_attr(not(CONFIG_BLOCK), allow(dead_code))]
    pub(crate) fn as_ptr(&self) -> *mut F::Of<'static> {
        self.inner
    }

    /// Calls `f` with the contents of the gate.
    ///
    /// `f` does not know the lifetime of the contents, so nothing that borrows from them can leave it.
    #[inline]
    pub fn with<R>(&self, f: impl for<'x> FnOnce(Pin<&F::Of<'x>>) -> R) -> R {
        // SAFETY: By the type invariants the contents are not freed, and they are pinned in their box.
        f(unsafe { Pin::new_unchecked(&*self.inner) })
    }
}
