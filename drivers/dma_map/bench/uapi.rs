// SPDX-License-Identifier: GPL-2.0

//! Upstream's DMA mapping benchmark, with the `dma_map` crate.
//!
//! A driver for whatever PCI function is given to it (`driver_override`), as
//! `kernel/dma/map_benchmark.c` is one. It has the same file, `/sys/kernel/debug/dma_map_benchmark`,
//! and serves the same `ioctl`, so that `tools/dma/dma_map_benchmark` runs with it, too. As the file
//! is the same, the two take turns: the second one fails to bind, with `EEXIST`.
//!
//! The differences, beside who maps:
//!
//! - One run at a time: while one goes on, another one is `EBUSY`.
//! - No platform devices.
//!
//! Limits are set once in a binding, and this benchmark sets a mask in each run. So a run is a
//! set-up that fails at its end: it has the token as long as it lasts, and what is mapped ends
//! before; then the next run can set other limits.

mod param;
mod totals;
mod work;

use self::param::Param;
use crate::bench::BenchLt;
use core::ptr::NonNull;
use dma_map::{
    gate::Gate,
    DmaLimits, //
};
use kernel::{
    device::Core,
    dma::DmaMask,
    error::from_err_ptr,
    pci,
    prelude::*, //
};

extern "C" {
    fn dma_map_bench_uapi_create(pdev: *mut c_void) -> *mut c_void;
    fn dma_map_bench_uapi_remove(file: *mut c_void);
}

// No device is its own: one is given to it.
kernel::pci_device_table!(UAPI_TABLE, <Driver as pci::Driver>::IdInfo, []);

pub(crate) struct Driver;

impl pci::Driver for Driver {
    type IdInfo = ();
    type Data<'bound> = File;

    const ID_TABLE: pci::IdTable<Self::IdInfo> = &UAPI_TABLE;

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        _info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        pin_init::pin_init_scope(move || Ok(Ok(File::new(pdev)?)))
    }
}

/// The file in debugfs.
///
/// # Invariants
///
/// It was made for a device, and goes with the driver's data of that.
pub(crate) struct File(NonNull<c_void>);

// SAFETY: A file can be removed by any thread.
unsafe impl Send for File {}

// SAFETY: A shared reference is good for nothing.
unsafe impl Sync for File {}

impl File {
    fn new(pdev: &pci::Device<Core<'_>>) -> Result<Self> {
        // `pci::Device` is a transparent wrapper of `struct pci_dev`.
        let raw = core::ptr::from_ref(pdev).cast_mut().cast();
        // SAFETY: The device is bound until the file is removed, by the driver's data.
        let file = from_err_ptr(unsafe { dma_map_bench_uapi_create(raw) })?;

        // INVARIANT: Made above.
        Ok(Self(NonNull::new(file).ok_or(ENODEV)?))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: By the type invariants; it is not used again.
        unsafe { dma_map_bench_uapi_remove(self.0.as_ptr()) };
    }
}

/// The `ioctl`.
///
/// # Safety
///
/// - `pdev` must be a device that is bound to [`Driver`], with its lock held.
/// - `param` must be valid and the caller's alone.
#[no_mangle]
unsafe extern "C" fn dma_map_bench_uapi_run(pdev: *mut c_void, param: *mut Param) -> c_int {
    // SAFETY: By the safety requirements of this function; `Core` says that the lock is held.
    let (pdev, param) = unsafe { (&*pdev.cast::<pci::Device<Core<'_>>>(), &mut *param) };

    match run(pdev, param) {
        Ok(()) => 0,
        Err(err) => err.to_errno(),
    }
}

/// Runs a benchmark under the limits that it asks for.
///
/// # Errors
///
/// - `EINVAL`: what [`Param::check`] refuses, or a mask that cannot be set.
/// - Those of [`work::run`].
fn run(pdev: &pci::Device<Core<'_>>, param: &mut Param) -> Result {
    let (mode, way) = param.check()?;
    let limits = DmaLimits::new(DmaMask::try_new(param.dma_bits)?);

    let mut result = None;
    let set_up = Gate::<BenchLt>::new(pdev, limits, |_, dma| {
        result = Some(work::run(dma, mode, way, param));
        Err(ECANCELED)
    });

    match (result, set_up) {
        (Some(result), _) => result,
        (None, Err(err)) if err == ENOMEM => Err(ENOMEM),
        (None, _) => Err(EINVAL),
    }
}
