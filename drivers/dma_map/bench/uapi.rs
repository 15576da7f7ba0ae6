// SPDX-License-Identifier: GPL-2.0

//! Upstream's DMA mapping benchmark, with the `dma_map` crate.
//!
//! A driver for any PCI function (by `driver_override`), as `kernel/dma/map_benchmark.c` is one. It
//! has the same file, `/sys/kernel/debug/dma_map_benchmark`, and the same `ioctl`, so that
//! `tools/dma/dma_map_benchmark` runs with it, too. As the file is the same, the two drivers take
//! turns: the second one fails to bind, with `EEXIST`.
//!
//! The other differences from C's driver:
//!
//! - One run at a time: a second one is `EBUSY`.
//! - No platform devices.
//!
//! Limits are set once in a binding, and this benchmark sets a mask in each run. So a run is a
//! set-up that fails at its end: the run has the token, and unmaps all before it fails. Then the next
//! run can set other limits.

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

// It binds to no device by itself, only by `driver_override`.
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
/// The pointer is that of a file that `dma_map_bench_uapi_create()` made, and is dropped with the driver
/// data of its device.
pub(crate) struct File(NonNull<c_void>);

// SAFETY: A file can be removed by any thread.
unsafe impl Send for File {}

// SAFETY: A shared reference gives no access to anything.
unsafe impl Sync for File {}

impl File {
    fn new(pdev: &pci::Device<Core<'_>>) -> Result<Self> {
        // `pci::Device` is a transparent wrapper of `struct pci_dev`.
        let raw = core::ptr::from_ref(pdev).cast_mut().cast();
        // SAFETY: The device stays bound until the file is removed, with its driver data.
        let file = from_err_ptr(unsafe { dma_map_bench_uapi_create(raw) })?;

        // INVARIANT: The file was made above; `probe()` puts this into the driver data.
        Ok(Self(NonNull::new(file).ok_or(ENODEV)?))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: The file was made by `dma_map_bench_uapi_create()` (type invariants), and is not used
        // again.
        unsafe { dma_map_bench_uapi_remove(self.0.as_ptr()) };
    }
}

/// Serves the `ioctl`.
///
/// # Safety
///
/// - `pdev` must be a device that is bound to [`Driver`], with its lock held.
/// - `param` must be valid, and nothing else may use it meanwhile.
#[no_mangle]
unsafe extern "C" fn dma_map_bench_uapi_run(pdev: *mut c_void, param: *mut Param) -> c_int {
    // SAFETY: `pdev` is bound and locked, which `Core` stands for, and `param` is valid and not used
    // elsewhere (safety requirements of this function).
    let (pdev, param) = unsafe { (&*pdev.cast::<pci::Device<Core<'_>>>(), &mut *param) };

    match run(pdev, param) {
        Ok(()) => 0,
        Err(err) => err.to_errno(),
    }
}

/// Runs a benchmark with the limits of `param`.
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
