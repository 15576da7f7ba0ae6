// SPDX-License-Identifier: GPL-2.0

//! Test devices.
//!
//! A case gives a closure to [`TestDevice::bind`], which binds the device to the driver of this
//! module, and `probe` runs the closure: in the thread of the case, with a device in the `Core`
//! context, as in any driver. Afterwards the device is unbound, with all that the driver core does
//! then.
//!
//! There are a platform device, which is made for the case, and QEMU's `pci-testdev`, if the
//! machine has one: a PCI function that does nothing, for which the kernel sets up an IOMMU. For
//! interrupts there is QEMU's `igb`, which raises each of its vectors when it is told to.

mod driver;
mod maps;

pub(crate) use self::{
    driver::{
        init,
        late,
        Driver,
        Probe, //
    },
    maps::{
        map_iova,
        map_sg,
        map_single, //
    }, //
};

use self::driver::{
    Job,
    IGB,
    PCI_TESTDEV, //
};
use crate::check::check;
use core::ptr::NonNull;
use dma_map::{
    DmaDevice,
    DmaLimits, //
};
use kernel::{
    bindings,
    dma::DmaMask,
    error::from_err_ptr,
    prelude::*, //
};

/// The limits of most cases: all addresses are within reach.
pub(crate) const ALL: DmaLimits = DmaLimits::new(DmaMask::new::<64>());

/// The same for buffers that are one large segment.
pub(crate) const LARGE: DmaLimits = ALL.max_segment_size(1 << 20);

/// The name by which the platform bus finds the driver.
const NAME: &CStr = c"dma_map_kunit";

/// A device that a case has to itself.
pub(crate) struct TestDevice {
    dev: NonNull<bindings::device>,
    pci: bool,
}

impl TestDevice {
    /// Makes a platform device.
    pub(crate) fn platform() -> Result<Self> {
        Self::platform_with(&[])
    }

    /// Makes a platform device that says it has these resources.
    pub(crate) fn platform_with(resources: &[bindings::resource]) -> Result<Self> {
        Self::register(bindings::PLATFORM_DEVID_NONE, resources)
    }

    /// Makes one more platform device.
    pub(crate) fn another() -> Result<Self> {
        Self::register(bindings::PLATFORM_DEVID_AUTO, &[])
    }

    fn register(id: c_int, resources: &[bindings::resource]) -> Result<Self> {
        let info = bindings::platform_device_info {
            name: NAME.as_char_ptr(),
            id,
            res: resources.as_ptr(),
            num_res: u32::try_from(resources.len())?,
            ..Default::default()
        };

        // SAFETY: `info` is valid; the resources are copied.
        let pdev = from_err_ptr(unsafe { bindings::platform_device_register_full(&info) })?;
        // SAFETY: `pdev` is the device that was registered.
        let dev = NonNull::new(unsafe { &raw mut (*pdev).dev }).ok_or(ENODEV)?;

        Ok(Self { dev, pci: false })
    }

    /// Finds the PCI function, if there is one.
    pub(crate) fn pci() -> Option<Self> {
        Self::find(bindings::PCI_VENDOR_ID_REDHAT, PCI_TESTDEV)
    }

    /// Finds the PCI function that has interrupts, if there is one.
    pub(crate) fn igb() -> Option<Self> {
        Self::find(bindings::PCI_VENDOR_ID_INTEL, IGB)
    }

    fn find(vendor: u32, device: u32) -> Option<Self> {
        // SAFETY: No preconditions; the function returns a reference, or NULL.
        let pdev = unsafe { bindings::pci_get_device(vendor, device, core::ptr::null_mut()) };
        let pdev = NonNull::new(pdev)?;
        // SAFETY: `pdev` is valid.
        let dev = NonNull::new(unsafe { &raw mut (*pdev.as_ptr()).dev })?;

        Some(Self { dev, pci: true })
    }

    /// Binds the device, and runs `job` in `probe`.
    #[inline(always)]
    pub(crate) fn bind(
        &self,
        mut job: impl for<'b, 'c> FnMut(&mut Probe<'b, 'c>) -> Result,
    ) -> Result {
        self.run(&mut job)
    }

    fn run(&self, job: &mut Job<'_>) -> Result {
        let result = driver::run(job, || {
            // SAFETY: `dev` is valid. What the function says is of no interest: the result is.
            let _ = unsafe { bindings::device_reprobe(self.dev.as_ptr()) };
        });

        check!(result.is_some(), "the device was not probed");
        result.unwrap_or(Err(ENODEV)).inspect_err(|err| {
            let bus = if self.pci { "PCI" } else { "platform" };
            pr_err!("    # on the {bus} device: {err:?}\n");
        })
    }

    /// The C structure of the device.
    pub(crate) fn raw(&self) -> *mut bindings::device {
        self.dev.as_ptr()
    }

    /// Unbinds the device.
    pub(crate) fn unbind(&self) {
        // SAFETY: `dev` is valid.
        unsafe { bindings::device_release_driver(self.dev.as_ptr()) };
    }
}

impl Drop for TestDevice {
    fn drop(&mut self) {
        self.unbind();

        // SAFETY: `dev` is embedded in what the constructors got, and is given back once.
        unsafe {
            if self.pci {
                bindings::put_device(self.dev.as_ptr());
            } else {
                bindings::platform_device_unregister(kernel::container_of!(
                    self.dev.as_ptr(),
                    bindings::platform_device,
                    dev
                ));
            }
        }
    }
}

// Each of the functions that take a closure is one line round a function that takes a trait object,
// so that the closure is all that is compiled anew for a case.

/// Runs `case` with each device that there is.
#[inline(always)]
pub(crate) fn each(mut case: impl FnMut(&TestDevice) -> Result) -> Result {
    each_device(&mut case)
}

#[inline(never)]
fn each_device(case: &mut dyn FnMut(&TestDevice) -> Result) -> Result {
    case(&TestDevice::platform()?)?;
    TestDevice::pci().map_or(Ok(()), |dev| case(&dev))
}

/// Runs `job` in the `probe` of each device that there is, and unbinds the device.
#[inline(always)]
pub(crate) fn each_probe(mut job: impl for<'b, 'c> FnMut(&mut Probe<'b, 'c>) -> Result) -> Result {
    probe_each(&mut job)
}

#[inline(never)]
fn probe_each(job: &mut Job<'_>) -> Result {
    each_device(&mut |dev| dev.run(job))
}

/// Runs `case` with the token of each device that there is, which is unbound then.
#[inline(always)]
pub(crate) fn each_dma(
    limits: DmaLimits,
    mut case: impl for<'b> FnMut(DmaDevice<'b>) -> Result,
) -> Result {
    dma_each(limits, &mut case)
}

#[inline(never)]
fn dma_each(limits: DmaLimits, case: &mut dyn for<'b> FnMut(DmaDevice<'b>) -> Result) -> Result {
    probe_each(&mut |probe| case(probe.dma(limits)?))
}

/// Runs `case` with the PCI function; without one, KUnit is told that the case was skipped.
#[inline(always)]
pub(crate) fn on_pci(mut case: impl FnMut(&TestDevice) -> Result) -> Result {
    with_pci(&mut case)
}

#[inline(never)]
fn with_pci(case: &mut dyn FnMut(&TestDevice) -> Result) -> Result {
    match TestDevice::pci() {
        Some(dev) => case(&dev),
        None => {
            skip(c"no pci-testdev");
            Ok(())
        }
    }
}

/// Runs `case` with the PCI function that has interrupts.
#[inline(always)]
pub(crate) fn on_igb(mut case: impl FnMut(&TestDevice) -> Result) -> Result {
    with_igb(&mut case)
}

#[inline(never)]
fn with_igb(case: &mut dyn FnMut(&TestDevice) -> Result) -> Result {
    match TestDevice::igb() {
        Some(dev) => case(&dev),
        None => {
            skip(c"no igb");
            Ok(())
        }
    }
}

/// Runs `case` with the PCI function, on a kernel where the library gives back what is leaked. On
/// another one it stays, also in the bounce pool.
#[inline(always)]
pub(crate) fn where_it_is_given_back(mut case: impl FnMut(&TestDevice) -> Result) -> Result {
    if cfg!(CONFIG_DMA_API_DEBUG) {
        with_pci(&mut case)
    } else {
        skip(c"nobody looks for what is forgotten");
        Ok(())
    }
}

/// Marks the running case as skipped.
pub(crate) fn skip(why: &CStr) {
    // SAFETY: The function returns the running case, or NULL, which is checked; nobody else writes
    // to it.
    unsafe {
        if let Some(test) = bindings::kunit_get_current_test().as_mut() {
            test.status = bindings::kunit_status_KUNIT_SKIPPED;
            for (to, from) in test.status_comment.iter_mut().zip(why.to_bytes_with_nul()) {
                *to = *from;
            }
        }
    }
}
