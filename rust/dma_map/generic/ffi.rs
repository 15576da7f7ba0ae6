// SPDX-License-Identifier: GPL-2.0

//! C functions that the `kernel` crate does not wrap and that are not DMA: the raw device pointer,
//! per-CPU values and raw spinlocks.

use kernel::{
    bindings,
    device,
    prelude::*, //
};

extern "C" {
    // C structs are opaque pointers here, as in `sys/ffi.rs`.
    fn dma_map_helper_enter_cpu(ptr: *mut c_void) -> PerCpuEntry;
    fn dma_map_helper_leave_cpu(flags: c_ulong);
    fn dma_map_helper_per_cpu_ptr(ptr: *mut c_void, cpu: c_uint) -> *mut c_void;
    fn dma_map_helper_raw_spin_lock(lock: *mut c_void);
    fn dma_map_helper_raw_spin_lock_init(lock: *mut c_void);
    fn dma_map_helper_raw_spin_unlock(lock: *mut c_void);
}

/// Returns the `struct device` behind `dev`.
#[inline(always)]
pub(crate) fn as_raw<Ctx: device::DeviceContext>(
    dev: &device::Device<Ctx>,
) -> *mut bindings::device {
    // `device::Device` is a transparent wrapper of `struct device` in an `Opaque`.
    core::ptr::from_ref(dev).cast_mut().cast()
}

/// This CPU's value of a per-CPU pointer, and the interrupt state that [`leave_cpu`] restores.
#[repr(C)]
pub(crate) struct PerCpuEntry {
    pub(crate) value: *mut c_void,
    pub(crate) flags: c_ulong,
}

/// Disables interrupts and returns this CPU's value of `ptr`, which nothing else on this CPU uses
/// meanwhile.
///
/// C API: `local_irq_save()`, `this_cpu_ptr()`.
///
/// # Safety
///
/// `ptr` must be a valid per-CPU pointer.
#[inline(always)]
pub(crate) unsafe fn enter_cpu(ptr: *mut c_void) -> PerCpuEntry {
    // SAFETY: `ptr` is a valid per-CPU pointer (function precondition).
    unsafe { dma_map_helper_enter_cpu(ptr) }
}

/// Restores the interrupt state that [`enter_cpu`] saved.
///
/// C API: `local_irq_restore()`.
///
/// # Safety
///
/// `flags` must be those of the last [`enter_cpu`] that was not left yet.
#[inline(always)]
pub(crate) unsafe fn leave_cpu(flags: c_ulong) {
    // SAFETY: `flags` are those that `local_irq_save()` returned last (function precondition).
    unsafe { dma_map_helper_leave_cpu(flags) }
}

/// Returns the value of CPU `cpu`, or NULL if that CPU is not possible.
///
/// # Safety
///
/// `ptr` must be a valid per-CPU pointer, and `cpu` be less than `nr_cpu_ids`.
#[inline]
pub(crate) unsafe fn per_cpu_ptr(ptr: *mut c_void, cpu: u32) -> *mut c_void {
    // SAFETY: `ptr` is a valid per-CPU pointer, and `cpu` is in range (function preconditions); the
    // helper checks that the CPU is possible.
    unsafe { dma_map_helper_per_cpu_ptr(ptr, cpu) }
}

/// Takes a raw spinlock.
///
/// # Safety
///
/// `lock` must have been initialised, and interrupts be off.
#[inline]
pub(crate) unsafe fn raw_spin_lock(lock: *mut bindings::raw_spinlock_t) {
    // SAFETY: `lock` is initialised, and interrupts are off (function preconditions).
    unsafe { dma_map_helper_raw_spin_lock(lock.cast()) }
}

/// Initialises a raw spinlock. All of them share one lock class.
///
/// # Safety
///
/// `lock` must be valid for writes.
#[inline]
pub(crate) unsafe fn raw_spin_lock_init(lock: *mut bindings::raw_spinlock_t) {
    // SAFETY: `lock` is valid for writes (function precondition).
    unsafe { dma_map_helper_raw_spin_lock_init(lock.cast()) }
}

/// Releases a raw spinlock.
///
/// # Safety
///
/// The caller must hold `lock`.
#[inline]
pub(crate) unsafe fn raw_spin_unlock(lock: *mut bindings::raw_spinlock_t) {
    // SAFETY: The caller holds `lock` (function precondition).
    unsafe { dma_map_helper_raw_spin_unlock(lock.cast()) }
}
