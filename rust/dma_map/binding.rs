// SPDX-License-Identifier: GPL-2.0

//! What the library remembers of one binding of a device to a driver.
//!
//! One small devres allocation per binding, made by [`DmaDevice::new`](crate::DmaDevice::new). It
//! makes a second set-up an error, counts quarantined memory, and at unbind waits for the frees
//! that were put off, has the [`ledger`] settled, and takes the segment limits back. It is found
//! through the device's devres list, on slow paths only: handles do not carry a pointer to it.

use crate::{
    deferral,
    ffi,
    ledger, //
};
use core::{
    ptr::NonNull,
    sync::atomic::{
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
    prelude::*, //
};

/// The state of one binding.
///
/// # Invariants
///
/// Lives in memory of the device's devres list, from [`claim`] until the device is unbound.
#[repr(C)]
pub(crate) struct Binding {
    /// Bytes that are leaked because the device could not be stopped.
    quarantined: AtomicUsize,
    /// The device's segment limits before, which the next driver finds again.
    parms: Option<bindings::device_dma_parameters>,
}

/// Runs when the device is unbound, after the driver's data is gone.
///
/// # Safety
///
/// Called by devres only, with the [`Binding`] that [`claim`] made.
unsafe extern "C" fn release(dev: *mut bindings::device, res: *mut c_void) {
    // No handle is left, so nothing new is deferred. Devres releases in a context that may sleep.
    deferral::flush();

    // SAFETY: This is the end of the binding, and what was put off is done.
    unsafe { ledger::settle(dev) };

    // SAFETY: `res` is a `Binding`, `dev` is valid, and its parameters, if it has any, are used by
    // mappings only, of which there are none any more.
    let (old, parms) = unsafe { ((*res.cast::<Binding>()).parms, (*dev).dma_parms.as_mut()) };
    if let (Some(old), Some(parms)) = (old, parms) {
        *parms = old;
    }
}

/// Claims the binding of `dev` for the caller.
///
/// # Errors
///
/// - `EBUSY` if it is claimed already.
/// - `ENOMEM` if there is no memory for the state.
pub(crate) fn claim(dev: &Device<Bound>) -> Result {
    let raw = ffi::as_raw(dev);

    // SAFETY: `release` is a valid release function, and the name is a valid C string.
    let new = unsafe {
        bindings::__devres_alloc_node(
            Some(release),
            size_of::<Binding>(),
            bindings::GFP_KERNEL,
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
            quarantined: AtomicUsize::new(0),
            parms,
        })
    };

    // SAFETY: `raw` is a bound device, `new` comes from `__devres_alloc_node()` and is given away
    // here: it is on the device's list afterwards, or freed because another one is.
    let found =
        unsafe { bindings::devres_get(raw, new.as_ptr().cast(), None, core::ptr::null_mut()) };

    if found == new.as_ptr().cast() {
        Ok(())
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

/// Returns the state of the binding of `dev`.
///
/// Context: any.
fn find(dev: &Device<Bound>) -> Option<&Binding> {
    // SAFETY: `dev` is bound.
    let res = unsafe {
        bindings::devres_find(ffi::as_raw(dev), Some(release), None, core::ptr::null_mut())
    };

    // SAFETY: What is on the list with our release function is a `Binding` (type invariant), and
    // it stays there as long as the device is bound.
    unsafe { res.cast::<Binding>().as_ref() }
}

/// Counts `bytes` as quarantined.
///
/// Context: any.
#[cold]
#[inline(never)]
pub(crate) fn quarantine(dev: &Device<Bound>, bytes: usize) {
    if let Some(binding) = find(dev) {
        binding.quarantined.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Returns how many bytes are quarantined.
pub(crate) fn quarantined(dev: &Device<Bound>) -> usize {
    find(dev).map_or(0, |binding| binding.quarantined.load(Ordering::Relaxed))
}
