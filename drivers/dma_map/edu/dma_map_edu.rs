// SPDX-License-Identifier: GPL-2.0

//! Mailbox driver for QEMU's `edu` device (`-device edu`).
//!
//! User space sends requests to `/dev/dma_mailbox<N>` and gets responses; in between, the device
//! itself moves every byte by DMA. `Documentation/dma_map/mailbox.rst` has the ABI.
//!
//! # Reading order
//!
//! From the device up:
//!
//! - `regs`: the registers.
//! - `engine`: how the device is told to move bytes, and how it is stopped; the driver's
//!   one statement about the device, `unsafe impl Engine`.
//! - `events`, `irq`: completion.
//! - `message`: the mailbox in coherent memory. `payload`: scattered payloads.
//! - `mailbox`: a bound device, and how it runs a request.
//!
//! From the user down:
//!
//! - `file`: the files of the character device. `uapi`: what crosses them. `ids`: the N.
//! - `queue`, `server`: from many files to one device.
//!
//! # What lives how long
//!
//! ```text
//!   file ---> Server ---> Queue          as long as a process has it open
//!                |
//!                +------> Gate
//!                          |
//!                          v
//!                        Mailbox         as long as the device is bound
//! ```
//!
//! Unbind removes the character device, then closes the gate: [`mailbox::Mailbox::shutdown`] ends
//! all waiting with `ENODEV`, the worker leaves, the device is stopped, its memory is freed. A file
//! that is still open gets `ENODEV`.

mod engine;
mod events;
mod file;
mod ids;
mod irq;
mod mailbox;
mod message;
mod payload;
mod queue;
mod regs;
mod server;
mod uapi;

use crate::{
    file::File,
    ids::Number,
    mailbox::{
        Mailbox,
        MailboxLt, //
    },
    queue::Queue,
    server::Server, //
};
use dma_map::{
    gate::Gate,
    miscdevice::MiscDevice,
    DmaLimits, //
};
use kernel::{
    device::Core,
    dma::DmaMask,
    pci,
    prelude::*, //
};

/// The IDs of `edu`. The `kernel` crate has no name for its vendor ID.
const VENDOR: u16 = 0x1234;
const DEVICE: u16 = 0x11e8;

/// `PCI_CLASS_OTHERS`, the class of `edu`.
const CLASS: u32 = 0x00ff00;

kernel::pci_device_table!(
    PCI_TABLE,
    <Driver as pci::Driver>::IdInfo,
    [(pci::DeviceId::from_class(CLASS, 0xffffff), ())]
);

/// Returns the device's limits: `bits` address bits, and segments that fit in its buffer.
///
/// # Errors
///
/// `EINVAL` if `bits` is 0, or more than the 32 bits of the address registers.
fn limits(bits: u32) -> Result<DmaLimits> {
    if bits > u32::BITS {
        return Err(EINVAL);
    }
    Ok(DmaLimits::new(DmaMask::try_new(bits)?).max_segment_size(regs::BUFFER_SIZE))
}

struct Driver;

struct DriverData<'bound> {
    _node: MiscDevice<'bound, File>,
    // Dropped after the node, so that the name is free when the number is.
    _number: Number,
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
            if pdev.vendor_id().as_raw() != VENDOR || pdev.device_id() != DEVICE {
                return Err(ENODEV);
            }
            pdev.enable_device_mem()?;

            let queue = Queue::new()?;
            let limits = limits(module_parameters::dma_bits.value())?;
            let gate = Gate::<MailboxLt>::with_scope(pdev, limits, |pdev, scope| {
                Mailbox::new(pdev, scope, queue.clone())
            })?;

            let inside = gate.try_access().ok_or(ENODEV)?;
            let (completion, (major, minor)) =
                inside.with(|mailbox| (mailbox.completion(), mailbox.version()));
            drop(inside);

            let number = Number::take()?;
            dev_info!(
                pdev,
                "dma_mailbox{}: edu {}.{}, completion by {}\n",
                number.get(),
                major,
                minor,
                completion
            );

            let server = Server::new(queue, gate)?;
            let node =
                MiscDevice::register(pdev.as_ref(), fmt!("dma_mailbox{}", number.get()), server)?;
            Ok(Ok(DriverData {
                _node: node,
                _number: number,
            }))
        })
    }
}

kernel::module_pci_driver! {
    type: Driver,
    name: "dma_map_edu",
    authors: ["The dma_map maintainers"],
    description: "A mailbox on QEMU's edu device",
    license: "GPL",
    params: {
        irq: u32 {
            default: 0,
            description: "Completion: 0 = what works, 1 = MSI, 2 = INTx, 3 = polling",
        },
        dma_bits: u32 {
            default: 28,
            description: "How many address bits the device has, at most 32 (its dma_mask)",
        },
    },
}
