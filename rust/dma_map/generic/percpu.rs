// SPDX-License-Identifier: GPL-2.0

//! A value for each CPU, and a lock for those who have interrupts off.
//!
//! C header: [`include/linux/percpu.h`](srctree/include/linux/percpu.h)
//!
//! With interrupts off, nothing else runs on a CPU, and no atomic instruction is needed for its value.
//! The way in and the way out are one call each.

use super::{
    ffi,
    gfp::Gfp, //
};
use core::{
    cell::UnsafeCell,
    marker::PhantomData,
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    prelude::*,
    types::{
        NotThreadSafe,
        Opaque, //
    }, //
};

/// A `T` for each CPU that there can be, also of those that are offline.
///
/// # Invariants
///
/// `base` is a per-CPU allocation of `T`s, initialised, which this value owns.
pub(crate) struct PerCpu<T> {
    base: NonNull<c_void>,
    _values: PhantomData<T>,
}

impl<T: Zeroable + Sync> PerCpu<T> {
    /// Allocates zeroed values.
    ///
    /// C API: `alloc_percpu()`. Context: may sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn zeroed() -> Result<Self> {
        // SAFETY: The function has no preconditions, and zeroes.
        let base = unsafe {
            bindings::pcpu_alloc_noprof(
                size_of::<T>(),
                align_of::<T>(),
                false,
                // The function makes `GFP_NOIO` of it, for which no process is killed.
                Gfp::Kernel.as_raw(),
            )
        };

        // INVARIANT: Allocated above; zeroes are a `T`.
        Ok(Self {
            base: NonNull::new(base).ok_or(ENOMEM)?,
            _values: PhantomData,
        })
    }

    /// Returns the per-CPU pointer, for C's `this_cpu_*()`.
    #[inline(always)]
    pub(crate) fn as_ptr(&self) -> *mut c_void {
        self.base.as_ptr()
    }

    /// Enters this CPU's value: interrupts are off until the guard is dropped.
    ///
    /// Context: any but NMI.
    ///
    /// # Safety
    ///
    /// - Guards must be dropped in the reverse order of that in which they were made, whatever values they
    ///   are of: each leaves interrupts as it found them.
    /// - The guard must not be dereferenced once the values may be freed.
    #[inline(always)]
    pub(crate) unsafe fn enter(&self) -> Here<T> {
        // SAFETY: By the type invariants.
        let ffi::Entered { value, flags } = unsafe { ffi::enter_cpu(self.base.as_ptr()) };

        // INVARIANT: The value of this CPU, which the thread does not leave with interrupts off. The rest
        // by the safety requirements of this function.
        Here {
            value: value.cast(),
            flags,
            _here: NotThreadSafe,
        }
    }

    /// Calls `f` with the value of each CPU; that CPU may be working on it.
    pub(crate) fn for_each(&self, mut f: impl FnMut(&T)) {
        for cpu in 0..kernel::cpu::nr_cpu_ids() {
            // SAFETY: By the type invariants. Values are initialised, and shared references are all
            // that there are.
            let value = unsafe {
                ffi::per_cpu_ptr(self.base.as_ptr(), cpu)
                    .cast::<T>()
                    .as_ref()
            };
            if let Some(value) = value {
                f(value);
            }
        }
    }
}

impl<T> Drop for PerCpu<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { bindings::free_percpu(self.base.as_ptr()) };
    }
}

// SAFETY: The values are reached by shared references only, and dropped never.
unsafe impl<T: Sync> Send for PerCpu<T> {}

// SAFETY: As above.
unsafe impl<T: Sync> Sync for PerCpu<T> {}

/// The value of this CPU, with interrupts off.
///
/// It does not borrow from the [`PerCpu`]: whoever puts back the last of something may lose that
/// meanwhile.
///
/// # Invariants
///
/// - `value` is that of this CPU, whose interrupts are off; `flags` are what they were before.
/// - It is dropped before the guards that were made before, and dereferenced only as long as the value is
///   there.
#[must_use = "interrupts are off as long as this exists"]
pub(crate) struct Here<T> {
    value: *const T,
    flags: c_ulong,
    _here: NotThreadSafe,
}

impl<T> Deref for Here<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: By the type invariants.
        unsafe { &*self.value }
    }
}

impl<T> Drop for Here<T> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { ffi::leave_cpu(self.flags) };
    }
}

/// A value that those reach who have interrupts off, one at a time.
///
/// A raw spinlock: in any kernel, it may be taken in a hard interrupt. It has its cache lines to itself,
/// so that who does not need it is not slowed down by those who do.
#[pin_data]
#[repr(align(64))]
pub(crate) struct RawLock<T> {
    #[pin]
    raw: Opaque<bindings::raw_spinlock_t>,
    value: UnsafeCell<T>,
}

impl<T> RawLock<T> {
    pub(crate) fn new(value: T) -> impl PinInit<Self> {
        pin_init!(Self {
            // SAFETY: The slot is valid for writes.
            raw <- Opaque::ffi_init(|slot| unsafe { ffi::raw_spin_lock_init(slot) }),
            value: UnsafeCell::new(value),
        })
    }

    /// Calls `f` with the value.
    ///
    /// Context: any but NMI; `f` must not come back here, nor sleep.
    pub(crate) fn with<C, R>(&self, _off: &Here<C>, f: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: Initialised by `new`; interrupts are off. The value is reached here only, and the
        // lock held meanwhile.
        unsafe {
            ffi::raw_spin_lock(self.raw.get());
            let result = f(&mut *self.value.get());
            ffi::raw_spin_unlock(self.raw.get());
            result
        }
    }
}

// SAFETY: One thread at a time has the value.
unsafe impl<T: Send> Sync for RawLock<T> {}

// SAFETY: The lock is not tied to a thread.
unsafe impl<T: Send> Send for RawLock<T> {}
