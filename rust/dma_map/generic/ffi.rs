// SPDX-License-Identifier: GPL-2.0

//! C functions that the `kernel` crate does not wrap and that are not DMA: the raw device pointer,
//! per-CPU values, raw spinlocks, and how a thread allocates.

use kernel::{
    bindings,
    device,
    prelude::*, //
};

// C structs are opaque pointers here, as in `sys/ffi.rs`.
extern "C" {
    /// Disables interrupts and returns this CPU's value of `ptr`, which nothing else on this CPU uses
    /// meanwhile.
    ///
    /// C API: `local_irq_save()`, `this_cpu_ptr()`.
    ///
    /// # Safety
    ///
    /// `ptr` must be a valid per-CPU pointer.
    #[link_name = "dma_map_helper_enter_cpu"]
    pub(crate) fn enter_cpu(ptr: *mut c_void) -> PerCpuEntry;

    /// Restores the interrupt state that [`enter_cpu`] saved.
    ///
    /// C API: `local_irq_restore()`.
    ///
    /// # Safety
    ///
    /// `flags` must be those of the last [`enter_cpu`] that was not left yet.
    #[link_name = "dma_map_helper_leave_cpu"]
    pub(crate) fn leave_cpu(flags: c_ulong);

    /// Ends what [`noio_save`] has begun.
    ///
    /// C API: `memalloc_noio_restore()`.
    ///
    /// # Safety
    ///
    /// `flags` must be those of the thread's last [`noio_save`] that was not ended yet.
    #[link_name = "dma_map_helper_noio_restore"]
    pub(crate) fn noio_restore(flags: c_uint);

    /// Lets no allocation of this thread start I/O, until [`noio_restore`].
    ///
    /// C API: `memalloc_noio_save()`.
    ///
    /// # Safety
    ///
    /// The thread must end it.
    #[link_name = "dma_map_helper_noio_save"]
    pub(crate) fn noio_save() -> c_uint;

    /// Returns the value of CPU `cpu`, or NULL if that CPU is not possible.
    ///
    /// # Safety
    ///
    /// `ptr` must be a valid per-CPU pointer, and `cpu` be less than `nr_cpu_ids`.
    #[link_name = "dma_map_helper_per_cpu_ptr"]
    pub(crate) fn per_cpu_ptr(ptr: *mut c_void, cpu: c_uint) -> *mut c_void;

    /// Takes a raw spinlock.
    ///
    /// # Safety
    ///
    /// `lock` must be a `raw_spinlock_t` that has been initialised, and interrupts be off.
    #[link_name = "dma_map_helper_raw_spin_lock"]
    pub(crate) fn raw_spin_lock(lock: *mut c_void);

    /// Initialises a raw spinlock. All of them share one lock class.
    ///
    /// # Safety
    ///
    /// `lock` must be a `raw_spinlock_t` that is valid for writes.
    #[link_name = "dma_map_helper_raw_spin_lock_init"]
    pub(crate) fn raw_spin_lock_init(lock: *mut c_void);

    /// Releases a raw spinlock.
    ///
    /// # Safety
    ///
    /// The caller must hold `lock`, a `raw_spinlock_t`.
    #[link_name = "dma_map_helper_raw_spin_unlock"]
    pub(crate) fn raw_spin_unlock(lock: *mut c_void);
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
