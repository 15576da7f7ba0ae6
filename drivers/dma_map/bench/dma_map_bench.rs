// SPDX-License-Identifier: GPL-2.0

//! Benchmark of safe DMA calls against the C API.
//!
//! A driver for QEMU's idle PCI function, `pci-testdev`. It maps, allocates and syncs for it, in a
//! loop, as a good C driver does, with the `dma_map` crate, and with the `kernel` crate where that can
//! do the same. In `/sys/kernel/debug/dma_map_bench/<device>/`:
//!
//! - `operations`: the operations, with the columns that have each, one a line: `<operation>
//!   <column>,...`.
//! - `run`: a write of `<operation> <loops> <rounds> [<threads> [<live>]]` runs the operation in each
//!   column, in turns. A read returns the figures of the last run, one a line: `<operation> <column>
//!   <round> <cycles> <ns> <loops>`. For an operation of a pool, the last line is `longest <operation>
//!   pool <cycles>`: the longest section with interrupts off, from when the pool was made to when it
//!   was gone.
//!
//! # Reading order
//!
//! - `operation`: an operation, in any column.
//! - `rust_*`: the operations with `dma_map`; `c_*.c`, and `c`, which finds them: the same ones
//!   in C; `upstream_*`: with the `kernel` crate.
//! - `columns`: which column has which operations.
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
    // SAFETY: `DmaMapBench::init()` initialises it once, before the drivers are registered.
    unsafe(uninit) static FOLDER: Mutex<Option<Dir>> = None;
}

struct Driver;

struct DriverData {
    // Dropped with the driver's data, before the gate closes.
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

/// The module: the folder of all devices, and their drivers.
#[pin_data(PinnedDrop)]
struct DmaMapBench {
    #[pin]
    driver: Registration<pci::Adapter<Driver>>,
    #[pin]
    uapi: Registration<pci::Adapter<uapi::Driver>>,
}

impl InPlaceModule for DmaMapBench {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        // SAFETY: The module's initialiser runs once, and nothing uses the lock before.
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
        // The devices' folders hold references to it, until they are gone.
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
