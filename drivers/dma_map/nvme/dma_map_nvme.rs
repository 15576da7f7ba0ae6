// SPDX-License-Identifier: GPL-2.0

//! Driver for NVMe controllers.
//!
//! It starts a controller, makes its namespaces disks, `/dev/dma_nvme<N>n<NSID>`, and runs commands for user
//! space: `/dev/dma_nvme<N>` and the disks take `ioctl`s of `uapi/linux/nvme_ioctl.h`.
//! `Documentation/dma_map/nvme.rst` says which.
//!
//! # Reading order
//!
//! From the device up:
//!
//! - `regs`: the registers.
//! - `controller`: how the controller is started and stopped; the driver's one statement about the
//!   device, `unsafe impl Engine`.
//! - `protocol`: what is exchanged in memory, and how. It needs no controller, and is tested without.
//! - `device`: a bound device, its queues, and how a command is run.
//! - `io`: the queues of the block layer, and their interrupts.
//! - `disks`: what the disks of a device share, and the work that recovers from errors.
//! - `stage`: memory that stays mapped, for small requests.
//! - `block`: from a request to a command. `namespaces`: from a namespace to a disk.
//!
//! From the user down:
//!
//! - `file`: the files of the character device. `ids`: the N.
//! - `ioctl`: what is called through either node, and who may. `uapi`: what crosses them.
//! - `passthrough`: which commands are let through, and how much data they move.

mod block;
mod controller;
mod device;
mod disks;
mod file;
mod ids;
mod io;
mod ioctl;
mod namespaces;
mod passthrough;
mod protocol;
mod regs;
mod stage;
mod uapi;

use crate::{
    device::{
        Device,
        DeviceLt, //
    },
    file::File,
    ids::Number,
    protocol::identify, //
};
use dma_map::{
    blk::Disk,
    gate::Gate,
    miscdevice::MiscDevice,
    DmaLimits, //
};
use kernel::{
    device::Core,
    dma::DmaMask,
    pci,
    prelude::*,
    sync::Arc, //
};

/// Mass storage, non-volatile memory, NVM Express.
const CLASS: u32 = 0x010802;

kernel::pci_device_table!(
    PCI_TABLE,
    <Driver as pci::Driver>::IdInfo,
    [(pci::DeviceId::from_class(CLASS, 0xffffff), ())]
);

/// All addresses, and a bounce buffer keeps the offset within a page of the controller, as PRP entries
/// need it.
const LIMITS: DmaLimits = DmaLimits::new(DmaMask::new::<64>())
    .min_align_mask((1 << controller::PAGE_SHIFT) - 1)
    .max_segment_size(u32::MAX);

struct Driver;

struct DriverData<'bound> {
    // Dropped first: that waits for the requests.
    disks: KVec<Disk<DeviceLt>>,
    gate: Arc<Gate<DeviceLt>>,
    _node: MiscDevice<'bound, File>,
    // Dropped after the node, so that the name is free when the number is.
    _number: Number,
}

/// The most namespaces that are printed one by one.
const PRINTED: usize = 16;

/// Prints who the controller is, and which namespaces it has.
///
/// # Errors
///
/// Those of [`Device::run`]: a controller that leaves one question open is not asked the next one.
fn print(pdev: &pci::Device<Core<'_>>, number: &Number, device: &Device<'_>) -> Result {
    let identity = device.identity()?;
    let (major, minor, tertiary) = device.version();
    dev_info!(
        pdev,
        "dma_nvme{}: NVMe {}.{}.{}, model {}, serial {}, firmware {}, data by {}\n",
        number.get(),
        major,
        minor,
        tertiary,
        identify::text(&identity.model),
        identify::text(&identity.serial),
        identify::text(&identity.firmware),
        device.data_by()
    );

    if let Ok(health) = device.health()? {
        if health.warnings != 0 {
            dev_warn!(
                pdev,
                "dma_nvme{}: critical warnings {:#x}, {} K, {} % used\n",
                number.get(),
                health.warnings,
                health.kelvins(),
                health.used
            );
        }
    }

    let Ok(namespaces) = device.namespaces()? else {
        return Ok(());
    };
    identify::active(&namespaces)
        .take(PRINTED)
        .try_for_each(|namespace| print_namespace(pdev, number, device, namespace))?;
    let others = identify::active(&namespaces).skip(PRINTED).count();
    if others != 0 {
        dev_info!(
            pdev,
            "dma_nvme{}: {} more namespaces\n",
            number.get(),
            others
        );
    }
    Ok(())
}

/// Prints what a namespace is.
///
/// # Errors
///
/// Those of [`Device::run`]. That the namespace is none that the driver can use is printed.
fn print_namespace(
    pdev: &pci::Device<Core<'_>>,
    number: &Number,
    device: &Device<'_>,
    namespace: u32,
) -> Result {
    let number = number.get();
    match device.namespace(namespace)?.map(|answer| answer.geometry()) {
        Ok(Ok(geometry)) => dev_info!(
            pdev,
            "dma_nvme{}: namespace {}: {} blocks of {} bytes\n",
            number,
            namespace,
            geometry.blocks,
            1u32 << geometry.block_shift
        ),
        Ok(Err(error)) => dev_warn!(
            pdev,
            "dma_nvme{}: namespace {}: {:?}\n",
            number,
            namespace,
            error
        ),
        Err(done) => dev_warn!(
            pdev,
            "dma_nvme{}: namespace {}: status {:#x}\n",
            number,
            namespace,
            done.status.number()
        ),
    }
    Ok(())
}

impl pci::Driver for Driver {
    type IdInfo = ();
    type Data<'bound> = DriverData<'bound>;

    const ID_TABLE: pci::IdTable<Self::IdInfo> = &PCI_TABLE;

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        _info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            pdev.enable_device_mem()?;

            let number = Number::take()?;
            let gate = Gate::<DeviceLt>::with_scope(pdev, LIMITS, |pdev, scope| {
                Device::new(pdev, scope, number.get())
            })?;
            let inside = gate.try_access().ok_or(ENODEV)?;
            inside.with(|device| print(pdev, &number, &device))?;
            drop(inside);

            // The node is last: a Format ends disks that it does not fit, and must find them all.
            let disks = namespaces::add(pdev, &gate, number.get())?;
            let node = MiscDevice::register(
                pdev.as_ref(),
                fmt!("dma_nvme{}", number.get()),
                gate.clone(),
            )?;
            Ok(Ok(DriverData {
                disks,
                gate,
                _node: node,
                _number: number,
            }))
        })
    }

    fn unbind<'bound>(_: &'bound pci::Device<Core<'_>>, this: Pin<&Self::Data<'bound>>) {
        let Some(inside) = this.gate.try_access() else {
            return;
        };
        // The disks wait for their requests when they are dropped. A device that is gone completes none. A file
        // system that is told that its disk is dead may wait for some, too.
        if inside.with(|device| device.is_gone()) {
            inside.with(|device| device.abandon());
            this.disks.iter().for_each(Disk::mark_dead);
        }
    }
}

kernel::module_pci_driver! {
    type: Driver,
    name: "dma_map_nvme",
    authors: ["The dma_map maintainers"],
    description: "Driver for NVMe controllers",
    license: "GPL",
    params: {
        sgl: u32 {
            default: 0,
            description: "Data of I/O commands: 0 = PRP entries, 1 = SGLs, if the controller has them",
        },
        stage: u32 {
            default: 8192,
            description: "Behind an IOMMU, reads and writes of up to so many bytes are copied; 0 = none",
        },
        io_timeout: u32 {
            default: 30,
            description: "Seconds after which a command of a disk is aborted",
        },
        poll_queues: u32 {
            default: 0,
            description: "Queues without interrupts, for callers that poll, at most one for each CPU",
        },
    },
}
