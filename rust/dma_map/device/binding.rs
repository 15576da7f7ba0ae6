// SPDX-License-Identifier: GPL-2.0

//! Per-binding state of a device.
//!
//! One small devres allocation per binding, made by [`DmaDevice::new`](crate::DmaDevice::new). It makes
//! a second set-up an error, and counts quarantined memory. At unbind it ends the
//! [workqueues](crate::workqueue), stops leaked interrupts ([`leftovers`](crate::sys::leftovers)), waits for
//! deferred frees, releases leaked memory ([`leak_tracking`]), and restores the segment limits. A
//! [`DmaDevice`](crate::DmaDevice) is a pointer to it.

use super::{
    constraints::Constraints,
    counts::Counts,
    interrupts::Interrupts,
    limits::DmaLimits, //
};
use crate::{
    generic::errno::to_result,
    gfp::Gfp,
    sys::{
        ffi,
        leak_tracking,
        leftovers::Leftovers, //
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
        Core,
        Device, //
    },
    prelude::*,
    sync::Arc, //
};

/// The state of one binding.
///
/// # Invariants
///
/// It lives in the devres list of `dev`, from [`claim`] until `dev` is unbound.
#[repr(C)]
pub(crate) struct Binding {
    // First, for the C helper that takes a binding.
    pub(super) dev: *mut bindings::device,
    /// Initialised after the limits are applied, before [`claim`] returns a reference.
    constraints: MaybeUninit<Constraints>,
    /// The number of bytes that are leaked because the device could not be stopped.
    pub(super) quarantined: AtomicUsize,
    /// The number of deferred frees that are not done.
    pub(super) pending: AtomicUsize,
    /// The list of workqueues, see [`WorkQueue::before`].
    queues: AtomicPtr<WorkQueue>,
    /// What is stopped at the end, if its handle was leaked.
    leftovers: Leftovers,
    interrupts: Interrupts,
    /// The counts of the handles, which begin and end with the binding.
    counts: Counts,
    /// The device's segment limits before, which the end of the binding restores.
    parms: Option<bindings::device_dma_parameters>,
}

/// Ends the binding when the device is unbound, after the driver's data is dropped.
///
/// # Safety
///
/// Called by devres only, with the [`Binding`] that [`claim`] made.
unsafe extern "C" fn release(dev: *mut bindings::device, res: *mut c_void) {
    // SAFETY: Devres calls this with the `Binding` that `claim` made, before it is freed.
    let binding = unsafe { &*res.cast::<Binding>() };
    while binding.forget_messages() {}

    // No token is left, so there are no new queues. Only work on the queues and deferred frees can
    // defer more frees, and both are waited for here. Devres releases in a context that may sleep.
    //
    // SAFETY: `keep` made the list from pointers of `before`, and the swap takes it, so it is ended
    // once.
    unsafe { WorkQueue::end_all(binding.queues.swap(null_mut(), Ordering::AcqRel)) };
    binding.stop_leftovers();
    ffi::wait_pending(&binding.pending);

    // SAFETY: The binding is about to end. No token or handle is left that could be used, and deferred
    // frees are done.
    unsafe { leak_tracking::release_all(dev) };
    // SAFETY: This is called once, and nothing is left that could be counted.
    unsafe { binding.counts.end() };
    // SAFETY: This is called once. What was registered is gone, or was leaked.
    unsafe { core::ptr::drop_in_place(&raw mut (*res.cast::<Binding>()).leftovers) };

    // SAFETY: `dev` is valid. Only mappings use its parameters, if it has any, and there are no
    // mappings any more.
    let parms = unsafe { (*dev).dma_parms.as_mut() };
    if let (Some(old), Some(parms)) = (binding.parms, parms) {
        *parms = old;
    }
}

/// Stops what is left of a binding, which is not over yet.
///
/// # Safety
///
/// `binding` must be a [`Binding`] that is not released. Context: may sleep.
unsafe extern "C" fn stop_early(binding: *mut c_void) {
    // SAFETY: By the precondition of this function.
    unsafe { &*binding.cast::<Binding>() }.stop_leftovers();
}

/// Claims the binding of `dev` for the caller, and applies `limits`.
///
/// In `probe` only. Devres releases in reverse order: a claim that is made in `unbind` would end before
/// earlier devres resources of the driver.
///
/// # Errors
///
/// This call has claimed and set nothing after each of them:
///
/// - `EBUSY` if the binding is claimed already.
/// - `ENODEV` if `probe` is over: the device is being unbound.
/// - `ENOMEM` if there is no memory for the state.
/// - Those of [`DmaLimits::apply`].
pub(super) fn claim<'bound>(
    dev: &'bound Device<Core<'_>>,
    limits: &DmaLimits,
) -> Result<&'bound Binding> {
    let raw = ffi::as_raw(dev);

    // A Rust driver always has data. The `kernel` crate sets it at the end of `probe`, and clears it after
    // `unbind`. The driver core clears what an earlier driver left there.
    //
    // SAFETY: `dev` is a valid device.
    if !unsafe { (*raw).driver_data }.is_null() {
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
    // SAFETY: Devres memory is aligned for any type, large enough, and not on a list yet.
    unsafe {
        new.write(Binding {
            dev: raw,
            constraints: MaybeUninit::uninit(),
            quarantined: AtomicUsize::new(0),
            pending: AtomicUsize::new(0),
            queues: AtomicPtr::new(null_mut()),
            leftovers: Leftovers::new(),
            interrupts: Interrupts::none(),
            counts: Counts::NONE,
            parms,
        })
    };

    // SAFETY: `raw` is a bound device. `new` came from `__devres_alloc_node()` and is given away here.
    // Afterwards it is on the device's list, or was freed because the list has another `Binding`.
    let found =
        unsafe { bindings::devres_get(raw, new.as_ptr().cast(), None, core::ptr::null_mut()) };

    if found != new.as_ptr().cast() {
        return Err(EBUSY);
    }

    // SAFETY:
    // - `dev` is valid and in the `Core` context, and not in `unbind`: it is being probed.
    // - A mapping of this crate needs a token, and by the claim no token exists.
    unsafe { limits.apply(raw) }.inspect_err(|_| unclaim(dev))?;

    // SAFETY: The binding exists as long as `dev` is bound, and nothing else uses it yet. `dev` has a mask
    // now. `release` ends the counts.
    unsafe {
        let binding = &mut *new.as_ptr();
        binding.constraints.write(Constraints::of(raw, limits));
        binding.counts = Counts::begin(raw);
        Ok(binding)
    }
}

/// Releases a claim after a failed set-up, and waits for its deferred frees, since unbind would not.
pub(crate) fn unclaim(dev: &Device<Bound>) {
    // SAFETY: `dev` is bound. The state is on its list, and no token that leads to it is left.
    unsafe {
        bindings::devres_release(ffi::as_raw(dev), Some(release), None, core::ptr::null_mut())
    };
}

impl Binding {
    /// Returns the device.
    #[inline]
    pub(crate) fn device(&self) -> &Device<Bound> {
        // SAFETY: By the type invariants `dev` is bound while this is borrowed; the type is a
        // transparent wrapper.
        unsafe { &*self.dev.cast() }
    }

    /// Returns the DMA constraints of mappings.
    #[inline(always)]
    pub(crate) fn constraints(&self) -> &Constraints {
        // SAFETY: References to a binding come from `claim` only, which has initialised it.
        unsafe { self.constraints.assume_init_ref() }
    }

    /// Returns the counts of the handles.
    #[inline(always)]
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Returns the list of what is stopped at the end, if its handle was leaked.
    #[inline]
    pub(crate) fn leftovers(&self) -> &Leftovers {
        &self.leftovers
    }

    /// Stops what is left of the driver's functions that C calls.
    ///
    /// Called where no handle is left but those that were leaked: after a gate has closed, and after the
    /// driver's data is dropped. Context: may sleep.
    pub(crate) fn stop_leftovers(&self) {
        self.leftovers.stop_all(|| ffi::wait_pending(&self.pending));
    }

    /// Stops what is left before devres releases what C needs for message interrupts, which it has
    /// registered by now.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn expect_messages(&self) -> Result {
        // SAFETY: `dev` is bound. This binding was registered earlier, so it is released later; if it is
        // released earlier, it takes the action back.
        to_result(unsafe {
            bindings::__devm_add_action(
                self.dev,
                Some(stop_early),
                self.as_data(),
                c"dma_map".as_char_ptr(),
            )
        })
    }

    /// Removes one action of [`expect_messages`](Self::expect_messages). Returns whether there was one.
    pub(crate) fn forget_messages(&self) -> bool {
        // SAFETY: `dev` is bound.
        let ret = unsafe {
            bindings::devm_remove_action_nowarn(self.dev, Some(stop_early), self.as_data())
        };
        ret == 0
    }

    fn as_data(&self) -> *mut c_void {
        core::ptr::from_ref(self).cast_mut().cast()
    }

    /// Returns what is known of the interrupts.
    #[inline]
    pub(crate) fn interrupts(&self) -> &Interrupts {
        &self.interrupts
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
                    // SAFETY: The pointer came from `before` above, and was not put on the list.
                    queue = unsafe { Arc::from_raw(new) };
                    first = now;
                }
            }
        }
    }
}

// SAFETY: Any thread may use the pointer to the device, which is bound. The rest are plain values.
unsafe impl Send for Binding {}

// SAFETY: Fields that change by a shared reference are atomic.
unsafe impl Sync for Binding {}
