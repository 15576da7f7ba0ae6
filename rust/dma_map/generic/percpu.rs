// SPDX-License-Identifier: GPL-2.0

//! Per-CPU values, and a lock for code that runs with interrupts off.
//!
//! C header: [`include/linux/percpu.h`](srctree/include/linux/percpu.h)
//!
//! With interrupts off, nothing else runs on a CPU, so its value needs no atomic instruction. Entering
//! and leaving are one call each.

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

/// A `T` for each possible CPU, also if it is offline.
///
/// # Invariants
///
/// `base` is an initialised per-CPU allocation of `T`s, which this value owns.
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
        // SAFETY: The function has no preconditions. It zeroes the memory.
        let base = unsafe {
            bindings::pcpu_alloc_noprof(
                size_of::<T>(),
                align_of::<T>(),
                false,
                // The function reduces the flags to `GFP_NOIO`, for which the OOM killer is not called.
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

    /// Disables interrupts and returns a guard for this CPU's value. The drop of the guard restores
    /// interrupts.
    ///
    /// Context: any but NMI.
    ///
    /// # Safety
    ///
    /// - As long as the guard exists, this thread must make no other, not even of other values: each
    ///   restores the interrupt state that it found, and one lets its owner take a [`RawLock`] once.
    /// - The guard must not be dereferenced, nor used for a lock, once the values may be freed.
    #[inline(always)]
    pub(crate) unsafe fn enter(&self) -> PerCpuGuard<T> {
        // SAFETY: `base` is a valid per-CPU pointer (type invariant).
        let ffi::PerCpuEntry { value, flags } = unsafe { ffi::enter_cpu(self.base.as_ptr()) };

        // INVARIANT: This is the value of this CPU, which the thread does not leave with interrupts
        // off. That this is the only guard, and the lifetime of the value, are function preconditions.
        PerCpuGuard {
            value: value.cast(),
            flags,
            _here: NotThreadSafe,
        }
    }

    /// Calls `f` with the value of each CPU, which may use it at the same time.
    pub(crate) fn for_each(&self, mut f: impl FnMut(&T)) {
        for cpu in 0..kernel::cpu::nr_cpu_ids() {
            // SAFETY: `base` is a valid per-CPU pointer to initialised values (type invariant), and
            // `cpu` is below `nr_cpu_ids`. There are only shared references to values.
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
        // SAFETY: This value owns the per-CPU allocation at `base` (type invariant).
        unsafe { bindings::free_percpu(self.base.as_ptr()) };
    }
}

// SAFETY: The values are only reached by shared references, and never dropped.
unsafe impl<T: Sync> Send for PerCpu<T> {}

// SAFETY: A shared `PerCpu` gives shared references to the values only, and `T` is `Sync`.
unsafe impl<T: Sync> Sync for PerCpu<T> {}

/// A guard for the value of this CPU, with interrupts off.
///
/// It does not borrow from the [`PerCpu`]: if the code that holds the guard returns the last object to
/// its owner, the `PerCpu` may be freed before the guard is dropped.
///
/// # Invariants
///
/// - `value` is that of this CPU, whose interrupts are off. `flags` is the interrupt state before.
/// - It is the only guard on this CPU, and is dereferenced only while the value exists.
#[must_use = "interrupts are off as long as this exists"]
pub(crate) struct PerCpuGuard<T> {
    value: *const T,
    flags: c_ulong,
    _here: NotThreadSafe,
}

impl<T> Deref for PerCpuGuard<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: The value exists while the guard is dereferenced (type invariant).
        unsafe { &*self.value }
    }
}

impl<T> Drop for PerCpuGuard<T> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: `flags` is of the last `enter_cpu()` that was not left: this is the only guard (type
        // invariant).
        unsafe { ffi::leave_cpu(self.flags) };
    }
}

/// A value behind a raw spinlock, for code that runs with interrupts off.
///
/// A raw spinlock may be taken in hard IRQ context in any kernel, also with PREEMPT_RT. The lock has
/// its own cache lines, so that its users do not slow down code that uses neighbouring data.
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
            // SAFETY: `ffi_init` passes a slot that is valid for writes.
            raw <- Opaque::ffi_init(|slot: *mut bindings::raw_spinlock_t| unsafe {
                ffi::raw_spin_lock_init(slot.cast())
            }),
            value: UnsafeCell::new(value),
        })
    }

    /// Calls `f` with the value, and with that of this CPU.
    ///
    /// The guard is borrowed exclusively, so `f` cannot take the lock again. Without `CONFIG_SMP` that
    /// would not wait, but give out the value twice.
    ///
    /// Context: any but NMI. `f` does not sleep, because interrupts are off.
    pub(crate) fn with<C, R>(
        &self,
        guard: &mut PerCpuGuard<C>,
        f: impl FnOnce(&mut T, &C) -> R,
    ) -> R {
        // SAFETY: The lock was initialised by `new`, and interrupts are off as long as the guard exists.
        // The value is accessed only here, with the lock held. This CPU does not hold it yet: that takes
        // a guard, this is the only one, and it is borrowed exclusively.
        unsafe {
            ffi::raw_spin_lock(self.raw.get().cast());
            let result = f(&mut *self.value.get(), guard);
            ffi::raw_spin_unlock(self.raw.get().cast());
            result
        }
    }
}

// SAFETY: The lock gives the value to one thread at a time.
unsafe impl<T: Send> Sync for RawLock<T> {}

// SAFETY: The lock is not tied to a thread.
unsafe impl<T: Send> Send for RawLock<T> {}
