// SPDX-License-Identifier: GPL-2.0

//! KUnit suites of the `dma_map` crate.
//!
//! One suite for each concept of the crate. The suites run when the module is loaded, with
//! `kunit.enable=1` on the kernel's command line.

mod c;
mod check;
mod context;
mod counted;
mod device_side;
mod engines;
mod faults;
mod fixture;
mod pattern;
mod sample;
mod user_memory;
mod workers;

#[cfg(CONFIG_BLOCK)]
mod blk;
mod bus_master;
mod coherent;
mod counts;
mod descriptor_ring;
mod device;
mod empty;
mod endian;
mod gate;
mod gfp;
mod handles;
mod iova;
mod irq;
mod kfence;
mod limits;
mod lines;
mod mailbox;
mod mapped_pool;
mod mapping;
mod miscdevice;
mod mmap;
mod noncoherent;
mod nvme;
mod once;
mod out_of_memory;
mod pool;
mod protocol;
mod queue;
mod refusal;
mod ring;
mod sg;
mod transfer;
mod types;
mod wait;
mod workqueue;

use kernel::{
    driver::Registration,
    pci,
    platform,
    prelude::*,
    InPlaceModule,
    ModuleMetadata, //
};

/// The module: the drivers of the devices that the cases use.
#[pin_data]
struct DmaMapKunit {
    #[pin]
    platform: Registration<platform::Adapter<fixture::Driver>>,
    #[pin]
    pci: Registration<pci::Adapter<fixture::Driver>>,
}

impl InPlaceModule for DmaMapKunit {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        fixture::init();

        try_pin_init!(Self {
            platform <- Registration::new(<Self as ModuleMetadata>::NAME, module),
            pci <- Registration::new(<Self as ModuleMetadata>::NAME, module),
        })
    }
}

module! {
    type: DmaMapKunit,
    name: "dma_map_kunit",
    authors: ["The dma_map maintainers"],
    description: "KUnit suites of the dma_map crate",
    license: "GPL",
}
