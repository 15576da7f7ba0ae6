// SPDX-License-Identifier: GPL-2.0

//! What a safe call costs, beside the call of the C API.
//!
//! A driver for QEMU's idle PCI function, `pci-testdev`. It maps, allocates and syncs for it, in a
//! loop, once as a good C driver does and once with the `dma_map` crate; where the `kernel` crate
//! can do the same, with that, too. In `/sys/kernel/debug/dma_map_bench/<device>/`:
//!
//! - `operations`: the operations and who can do each, one a line: `<operation> <column>,...`.
//! - `run`: written `<operation> <loops> <rounds> [<threads> [<live>]]`, it runs the operation in
//!   each column, in turns; read, it gives the figures of the last run, one a line: `<operation>
//!   <column> <round> <cycles> <ns> <loops>`. For an operation of a pool, the last line is `longest
//!   <operation> pool <cycles>`: how long interrupts were off at a time, from when the pool was made to
//!   when it was gone.
//!
//! # Reading order
//!
//! - `operation`: what an operation is, for whoever does it.
//! - `rust_*`: the operations with `dma_map`; `c_*.c`, and `c`, which finds them: the same ones
//!   in C; `upstream_*`: with the `kernel` crate.
//! - `columns`: who can do which.
//! - `request`, `run`: a run. `threads`: how it is timed. `sections`: how long interrupts are off.
//! - `uapi`: upstream's `dma_map_benchmark`, another driver.
//! - `files`: debugfs. `bench`: a bound device.

mod bench;
mod c;
mod columns;
mod engine;
mod files;
mod operation;
mod pages;
mod request;
mod run;
mod sections;
mod threads;
mod uapi;

mod rust_burst;
mod rust_coherent;
mod rust_empty;
mod rust_field;
mod rust_iova;
mod rust_mailbox;
mod rust_mapped_pool;
mod rust_pool;
mod rust_segments;
mod rust_sg;
mod rust_single;
mod rust_sync;

mod upstream_coherent;
mod upstream_sg;

use crate::{
    bench::BenchLt,
    files::Files, //
};
use dma_map::{
    gate::Gate,
    DmaLimits, //
};
use kernel::{
    debugfs::Dir,
    device::Core,
    dma::DmaMask,
    driver::Registration,
    pci,
    prelude::*,
    InPlaceModule,
    ModuleMetadata, //
};

/// QEMU's `pci-testdev`.
const PCI_TESTDEV: u32 = 0x0005;

kernel::pci_device_table!(
    PCI_TABLE,
    <Driver as pci::Driver>::IdInfo,
    [(pci::DeviceId::from_id(pci::Vendor::REDHAT, PCI_TESTDEV), ())]
);

kernel::sync::global_lock! {
    // SAFETY: Initialised by the module, before the driver is registered.
    unsafe(uninit) static FOLDER: Mutex<Option<Dir>> = None;
}

struct Driver;

struct DriverData {
    // Goes with the driver's data, and so before what it looks into.
    _files: Pin<KBox<Files>>,
}

impl pci::Driver for Driver {
    type IdInfo = ();
    type Data<'bound> = DriverData;

    const ID_TABLE: pci::IdTable<Self::IdInfo> = &PCI_TABLE;

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        _info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            let folder = FOLDER.lock().clone().ok_or(ENODEV)?;
            let limits = DmaLimits::new(DmaMask::new::<64>());
            let gate = Gate::<BenchLt>::new(pdev, limits, |_, dma| bench::new(dma))?;

            let files = KBox::pin_init(files::new(&folder, pdev.as_ref(), gate), GFP_KERNEL)?;
            Ok(Ok(DriverData { _files: files }))
        })
    }
}

/// The module: the folder that the devices have theirs in, and their driver.
#[pin_data(PinnedDrop)]
struct DmaMapBench {
    #[pin]
    driver: Registration<pci::Adapter<Driver>>,
    #[pin]
    uapi: Registration<pci::Adapter<uapi::Driver>>,
}

impl InPlaceModule for DmaMapBench {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        // SAFETY: Called once, by the module's initialiser.
        unsafe { FOLDER.init() };
        *FOLDER.lock() = Some(Dir::new(c"dma_map_bench"));

        try_pin_init!(Self {
            driver <- Registration::new(<Self as ModuleMetadata>::NAME, module),
            uapi <- Registration::new(c"dma_map_benchmark_rust", module),
        })
    }
}

#[pinned_drop]
impl PinnedDrop for DmaMapBench {
    fn drop(self: Pin<&mut Self>) {
        // The devices' folders keep theirs until they are gone.
        FOLDER.lock().take();
    }
}

module! {
    type: DmaMapBench,
    name: "dma_map_bench",
    authors: ["The dma_map maintainers"],
    description: "Benchmarks of safe DMA mapping against C",
    license: "GPL",
}
