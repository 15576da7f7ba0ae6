// SPDX-License-Identifier: GPL-2.0

//! Devices for the cases.
//!
//! A case gives a closure to [`TestDevice::bind`], which binds the device to the driver below, and
//! `probe` runs the closure: in the thread of the case, with a device in the `Core` context, as in
//! any driver. Afterwards the device is unbound, with all that the driver core does then.
//!
//! There are a platform device, which is made for the case, and QEMU's `pci-testdev`, if the
//! machine has one: a PCI function that does nothing, for which the kernel sets up an IOMMU.

use crate::check::check;
use core::ptr::NonNull;
use dma_map::{
    gate::{
        Gate,
        Guarded, //
    },
    DmaDevice,
    DmaLimits, //
};
use kernel::{
    bindings,
    device::{
        self,
        Bound,
        Core, //
    },
    error::from_err_ptr,
    pci,
    platform,
    prelude::*,
    sync::Arc,
    types::ForLt, //
};

const NAME: &CStr = c"dma_map_kunit";

/// What `probe` is to run.
type Job<'j> = dyn for<'b, 'c> FnMut(&mut Probe<'b, 'c>) -> Result + 'j;

/// The job of the case that runs, and what came of it.
struct Slot {
    job: Option<NonNull<Job<'static>>>,
    result: Option<Result>,
}

// SAFETY: The pointer is used by the thread that waits for `bind`, or on its behalf.
unsafe impl Send for Slot {}

kernel::sync::global_lock! {
    // SAFETY: Initialised by `init`, before the drivers are registered.
    unsafe(uninit) static SLOT: Mutex<Slot> = Slot {
        job: None,
        result: None,
    };
}

/// Prepares the fixture; once, before the drivers are registered.
pub(crate) fn init() {
    // SAFETY: Called once, by the module's initialiser.
    unsafe { SLOT.init() };
}

/// What lives until the device is unbound.
pub(crate) trait Held: Send + Sync {}
impl<T: Send + Sync> Held for T {}

/// The data of the driver: what the case wants to keep.
pub(crate) struct Data<'b> {
    _held: KVec<Arc<dyn Held + 'b>>,
}

#[derive(Clone, Copy)]
enum Bus<'b, 'c> {
    Platform(&'b platform::Device<Core<'c>>),
    Pci(&'b pci::Device<Core<'c>>),
}

/// A device that is being probed.
pub(crate) struct Probe<'b, 'c> {
    bus: Bus<'b, 'c>,
    held: KVec<Arc<dyn Held + 'b>>,
    fails: bool,
}

impl<'b, 'c> Probe<'b, 'c> {
    /// Sets the limits of the device, as a driver does.
    pub(crate) fn dma(&self, limits: DmaLimits) -> Result<DmaDevice<'b>> {
        match self.bus {
            Bus::Platform(pdev) => DmaDevice::new(pdev, limits),
            Bus::Pci(pdev) => DmaDevice::new(pdev, limits),
        }
    }

    /// Makes a gate for the device.
    pub(crate) fn gate<F>(
        &self,
        limits: DmaLimits,
        build: impl for<'x> FnOnce(DmaDevice<'x>) -> Result<Pin<KBox<F::Of<'x>>>>,
    ) -> Result<Arc<Gate<F>>>
    where
        F: ForLt + 'static,
        for<'x> F::Of<'x>: Guarded + Send + Sync,
    {
        match self.bus {
            Bus::Platform(pdev) => Gate::new(pdev, limits, |_, dma| build(dma)),
            Bus::Pci(pdev) => Gate::new(pdev, limits, |_, dma| build(dma)),
        }
    }

    /// Returns the PCI function, if it is one.
    pub(crate) fn pci(&self) -> Option<&'b pci::Device<Core<'c>>> {
        match self.bus {
            Bus::Platform(_) => None,
            Bus::Pci(pdev) => Some(pdev),
        }
    }

    /// Returns the device.
    pub(crate) fn device(&self) -> &'b device::Device<Bound> {
        let core: &'b device::Device<Core<'c>> = match self.bus {
            Bus::Platform(pdev) => pdev.as_ref(),
            Bus::Pci(pdev) => pdev.as_ref(),
        };
        core
    }

    /// Returns the C structure of the device.
    pub(crate) fn raw(&self) -> *mut bindings::device {
        core::ptr::from_ref(self.device()).cast_mut().cast()
    }

    /// Keeps `value` until the device is unbound.
    pub(crate) fn keep(&mut self, value: impl Held + 'b) -> Result {
        let value = Arc::new(value, GFP_KERNEL)?;
        Ok(self.held.push(value, GFP_KERNEL)?)
    }

    /// Makes `probe` fail after the closure.
    pub(crate) fn fail_probe(&mut self) {
        self.fails = true;
    }
}

/// The `probe` of both buses.
fn probe<'b>(bus: Bus<'b, '_>) -> Result<Data<'b>> {
    let mut probe = Probe {
        bus,
        held: KVec::new(),
        fails: false,
    };

    let job = SLOT.lock().job.take();
    if let Some(mut job) = job {
        // SAFETY: `bind` keeps the closure alive, and unused, until the device has been probed.
        let result = unsafe { job.as_mut()(&mut probe) };
        SLOT.lock().result = Some(result);
    }

    if probe.fails {
        return Err(ENODEV);
    }
    Ok(Data { _held: probe.held })
}

/// The driver of the devices.
pub(crate) struct Driver;

impl platform::Driver for Driver {
    type IdInfo = ();
    type Data<'bound> = Data<'bound>;

    fn probe<'bound>(
        pdev: &'bound platform::Device<Core<'_>>,
        _info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        pin_init::pin_init_scope(move || Ok(probe(Bus::Platform(pdev))))
    }
}

/// QEMU's `pci-testdev`.
const PCI_TESTDEV: u32 = 0x0005;

kernel::pci_device_table!(
    PCI_TABLE,
    <Driver as pci::Driver>::IdInfo,
    [(pci::DeviceId::from_id(pci::Vendor::REDHAT, PCI_TESTDEV), ())]
);

impl pci::Driver for Driver {
    type IdInfo = ();
    type Data<'bound> = Data<'bound>;
    const ID_TABLE: pci::IdTable<Self::IdInfo> = &PCI_TABLE;

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        _info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        pin_init::pin_init_scope(move || Ok(probe(Bus::Pci(pdev))))
    }
}

/// A device that a case has to itself.
pub(crate) struct TestDevice {
    dev: NonNull<bindings::device>,
    pci: bool,
}

impl TestDevice {
    /// Makes a platform device.
    pub(crate) fn platform() -> Result<Self> {
        let info = bindings::platform_device_info {
            name: NAME.as_char_ptr(),
            id: bindings::PLATFORM_DEVID_NONE,
            ..Default::default()
        };

        // SAFETY: `info` is valid.
        let pdev = from_err_ptr(unsafe { bindings::platform_device_register_full(&info) })?;
        // SAFETY: `pdev` is the device that was registered.
        let dev = NonNull::new(unsafe { &raw mut (*pdev).dev }).ok_or(ENODEV)?;

        Ok(Self { dev, pci: false })
    }

    /// Finds the PCI function, if there is one.
    pub(crate) fn pci() -> Option<Self> {
        // SAFETY: No preconditions; the function returns a reference, or NULL.
        let pdev = unsafe {
            bindings::pci_get_device(
                bindings::PCI_VENDOR_ID_REDHAT,
                PCI_TESTDEV,
                core::ptr::null_mut(),
            )
        };
        let pdev = NonNull::new(pdev)?;
        // SAFETY: `pdev` is valid.
        let dev = NonNull::new(unsafe { &raw mut (*pdev.as_ptr()).dev })?;

        Some(Self { dev, pci: true })
    }

    /// Binds the device, and runs `job` in `probe`.
    pub(crate) fn bind(
        &self,
        mut job: impl for<'b, 'c> FnMut(&mut Probe<'b, 'c>) -> Result,
    ) -> Result {
        let job: NonNull<Job<'_>> = NonNull::from(&mut job as &mut Job<'_>);
        // SAFETY: Only the lifetime changes; the slot is emptied below.
        let job = unsafe { core::mem::transmute::<NonNull<Job<'_>>, NonNull<Job<'static>>>(job) };
        *SLOT.lock() = Slot {
            job: Some(job),
            result: None,
        };

        // SAFETY: `dev` is valid. What the function says is of no interest: the result is.
        let _ = unsafe { bindings::device_reprobe(self.dev.as_ptr()) };

        let mut slot = SLOT.lock();
        slot.job = None;
        let result = slot.result.take();
        drop(slot);

        check!(result.is_some(), "the device was not probed");
        result.unwrap_or(Err(ENODEV)).inspect_err(|err| {
            let bus = if self.pci { "PCI" } else { "platform" };
            pr_err!("    # on the {bus} device: {err:?}\n");
        })
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

/// Runs `case` with each device that there is.
pub(crate) fn each(mut case: impl FnMut(&TestDevice) -> Result) -> Result {
    case(&TestDevice::platform()?)?;
    TestDevice::pci().map_or(Ok(()), |dev| case(&dev))
}

/// Runs `job` in the `probe` of each device that there is, and unbinds the device.
pub(crate) fn each_probe(mut job: impl for<'b, 'c> FnMut(&mut Probe<'b, 'c>) -> Result) -> Result {
    each(|dev| dev.bind(&mut job))
}

/// Runs `case` with the PCI function; without one, KUnit is told that the case was skipped.
pub(crate) fn on_pci(case: impl FnOnce(&TestDevice) -> Result) -> Result {
    match TestDevice::pci() {
        Some(dev) => case(&dev),
        None => {
            skip(c"no pci-testdev");
            Ok(())
        }
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
