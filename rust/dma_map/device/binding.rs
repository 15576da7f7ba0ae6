// SPDX-License-Identifier: GPL-2.0

//! What the library remembers of one binding of a device to a driver.
//!
//! One small devres allocation per binding, made by [`DmaDevice::new`](crate::DmaDevice::new). It
//! makes a second set-up an error, counts quarantined memory, and at unbind ends the
//! [workqueues](crate::workqueue), waits for the frees that were put off, has the [`ledger`] settled,
//! and takes the segment limits back. A [`DmaDevice`](crate::DmaDevice) is a pointer to it.

use super::{
    limits::DmaLimits,
    reach::Reach, //
};
use crate::{
    gfp::Gfp,
    sys::{
        ffi,
        ledger, //
    },
    workqueue::WorkQueue, //
};
use core::{
    mem::MaybeUninit,
    ptr::{
        null_mut,
        NonNull, //
    },
    sync::atomic::{
        AtomicPtr,
        AtomicUsize,
        Ordering, //
    }, //
};
use kernel::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    prelude::*,
    sync::Arc, //
};

/// The state of one binding.
///
/// # Invariants
///
/// Lives in memory of the device's devres list, from [`claim`] until the device is unbound. `dev` is
/// that device.
#[repr(C)]
pub(crate) struct Binding {
    // First, for the C helper that takes a binding.
    dev: *mut bindings::device,
    /// Known when the limits have been applied, before there is a token.
    reach: MaybeUninit<Reach>,
    /// Bytes that are leaked because the device could not be stopped.
    quarantined: AtomicUsize,
    /// What was put off and is not done.
    pending: AtomicUsize,
    /// The workqueues: the name of the first, see [`WorkQueue::before`].
    queues: AtomicPtr<WorkQueue>,
    /// The device's segment limits before, which the next driver finds again.
    parms: Option<bindings::device_dma_parameters>,
}

/// Runs when the device is unbound, after the driver's data is gone.
///
/// # Safety
///
/// Called by devres only, with the [`Binding`] that [`claim`] made.
unsafe extern "C" fn release(dev: *mut bindings::device, res: *mut c_void) {
    // SAFETY: `res` is a `Binding`.
    let binding = unsafe { &*res.cast::<Binding>() };

    // No token is left, so there are no new queues, and nothing is put off but by what is waited for
    // here: work, and what was put off. Devres releases in a context that may sleep.
    // SAFETY: The list is what `keep` made of it, and nobody else has it.
    unsafe { WorkQueue::end_all(binding.queues.swap(null_mut(), Ordering::AcqRel)) };
    ffi::wait_pending(&binding.pending);

    // SAFETY: This is the end of the binding, and what was put off is done.
    unsafe { ledger::settle(dev) };

    // SAFETY: `dev` is valid, and its parameters, if it has any, are used by mappings only, of which
    // there are none any more.
    let parms = unsafe { (*dev).dma_parms.as_mut() };
    if let (Some(old), Some(parms)) = (binding.parms, parms) {
        *parms = old;
    }
}

/// Returns whether `dev` has its driver's data: from the end of `probe` to the end of `unbind`.
///
/// A driver in Rust always has data, and it is set where `probe` returns, by the `kernel` crate, which
/// takes it away after `unbind`. What is left there by the driver before is taken away by the driver
/// core.
fn is_past_probe(dev: &Device<Bound>) -> bool {
    // SAFETY: `dev` is a valid device.
    !unsafe { (*ffi::as_raw(dev)).driver_data }.is_null()
}

/// Claims the binding of `dev` for the caller.
///
/// In `probe` only. Devres releases what came last first: a claim that is made in `unbind` would end
/// before what the driver gave to devres until then.
///
/// # Errors
///
/// - `EBUSY` if it is claimed already.
/// - `ENODEV` if `probe` is over: the device is being unbound.
/// - `ENOMEM` if there is no memory for the state.
pub(crate) fn claim(dev: &Device<Bound>) -> Result<NonNull<Binding>> {
    let raw = ffi::as_raw(dev);

    if is_past_probe(dev) {
        return Err(ENODEV);
    }

    // SAFETY: `release` is a valid release function, and the name is a valid C string.
    let new = unsafe {
        bindings::__devres_alloc_node(
            Some(release),
            size_of::<Binding>(),
            Gfp::Kernel.as_raw(),
            bindings::NUMA_NO_NODE,
            c"dma_map".as_char_ptr(),
        )
    };
    let new = NonNull::new(new.cast::<Binding>()).ok_or(ENOMEM)?;

    // SAFETY: `raw` is a bound device. If not NULL, `dma_parms` points to its parameters.
    let parms = unsafe { (*raw).dma_parms.as_ref() }.copied();
    // SAFETY: Devres memory is aligned for any type, large enough, and ours so far.
    unsafe {
        new.write(Binding {
            dev: raw,
            reach: MaybeUninit::uninit(),
            quarantined: AtomicUsize::new(0),
            pending: AtomicUsize::new(0),
            queues: AtomicPtr::new(null_mut()),
            parms,
        })
    };

    // SAFETY: `raw` is a bound device, `new` comes from `__devres_alloc_node()` and is given away
    // here: it is on the device's list afterwards, or freed because another one is.
    let found =
        unsafe { bindings::devres_get(raw, new.as_ptr().cast(), None, core::ptr::null_mut()) };

    if found == new.as_ptr().cast() {
        Ok(new)
    } else {
        Err(EBUSY)
    }
}

/// Takes back a claim, after a set-up that failed.
///
/// Waits for what was put off meanwhile: at unbind, nobody would.
pub(crate) fn unclaim(dev: &Device<Bound>) {
    // SAFETY: `dev` is bound. The state is on its list, and no token that leads to it is left.
    unsafe {
        bindings::devres_release(ffi::as_raw(dev), Some(release), None, core::ptr::null_mut())
    };
}

/// Looks up what holds for the device of `binding`, now that its `limits` have been applied.
///
/// # Safety
///
/// The device must be bound during `'bound` and have a mask. `binding` must be what [`claim`] made,
/// and nobody else use it.
pub(crate) unsafe fn look_up<'bound>(
    mut binding: NonNull<Binding>,
    limits: &DmaLimits,
) -> &'bound Binding {
    // SAFETY: By the safety requirements of this function.
    unsafe {
        let binding = binding.as_mut();
        binding.reach.write(Reach::of(binding.dev, limits));
        binding
    }
}

impl Binding {
    /// Returns the device.
    #[inline]
    pub(crate) fn device(&self) -> &Device<Bound> {
        // SAFETY: By the type invariants `dev` is bound while this is borrowed; the type is a
        // transparent wrapper.
        unsafe { &*self.dev.cast() }
    }

    #[inline(always)]
    pub(crate) fn as_raw(&self) -> *mut bindings::device {
        self.dev
    }

    /// Returns what mappings are held against.
    #[inline(always)]
    pub(crate) fn reach(&self) -> &Reach {
        // SAFETY: There is a reference to a binding only after `look_up`.
        unsafe { self.reach.assume_init_ref() }
    }

    /// What was put off for this binding, and is not done.
    pub(crate) fn pending(&self) -> &AtomicUsize {
        &self.pending
    }

    /// Keeps `queue` until the end of the binding, which ends it.
    pub(crate) fn keep(&self, queue: Arc<WorkQueue>) {
        let mut first = self.queues.load(Ordering::Relaxed);
        let mut queue = queue;

        loop {
            let new = queue.clone().before(first);
            match self
                .queues
                .compare_exchange(first, new, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(now) => {
                    // SAFETY: It has come from `before` above, and is not on the list.
                    queue = unsafe { Arc::from_raw(new) };
                    first = now;
                }
            }
        }
    }

    /// Counts `bytes` as quarantined.
    ///
    /// Context: any.
    #[cold]
    #[inline(never)]
    pub(crate) fn quarantine(&self, bytes: usize) {
        self.quarantined.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Returns how many bytes are quarantined.
    #[inline]
    pub(crate) fn quarantined(&self) -> usize {
        self.quarantined.load(Ordering::Relaxed)
    }
}

// SAFETY: The device is reference-counted and shared between threads; the rest are plain values.
unsafe impl Send for Binding {}

// SAFETY: As above; what changes is atomic.
unsafe impl Sync for Binding {}
