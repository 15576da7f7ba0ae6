// SPDX-License-Identifier: GPL-2.0

//! What safe code can do with the `kernel` crate's `SGTable` (Linux 7.3): a driver for QEMU's
//! `pci-testdev` that, in `probe`, does what the parameter `fault` says:
//!
//! - 4: maps in the direction of nothing.
//! - 5: maps memory that is contiguous beyond what the device takes.
//! - 6: maps memory that was allocated and never written.
//!
//! It is evidence and not a test of this project; see `upstream.py`.

use kernel::{
    device::Core,
    dma::{
        DataDirection,
        Device,
        DmaMask, //
    },
    page::PAGE_SIZE,
    pci,
    prelude::*,
    scatterlist::SGTable, //
};

const PCI_TESTDEV: u32 = 0x0005;
const PAGES: usize = 64;

/// What the device takes at a time, in bytes.
const MAX_SEGMENT: u32 = 4096;

kernel::pci_device_table!(
    PCI_TABLE,
    <Driver as pci::Driver>::IdInfo,
    [(pci::DeviceId::from_id(pci::Vendor::REDHAT, PCI_TESTDEV), ())]
);

/// Maps `buffer`, and returns the longest entry and the sum.
fn map(
    pdev: &pci::Device<Core<'_>>,
    buffer: VVec<u8>,
    direction: DataDirection,
) -> Result<(u64, u64)> {
    let table = SGTable::new(pdev.as_ref(), buffer, direction, GFP_KERNEL);
    let table = KBox::pin_init(table, GFP_KERNEL)?;
    let lengths = || table.iter().map(|entry| entry.dma_len());

    Ok((lengths().max().unwrap_or(0), lengths().sum()))
}

fn show(pdev: &pci::Device<Core<'_>>, fault: u32) -> Result {
    // SAFETY: The device is being probed, and nothing is mapped.
    unsafe { pdev.dma_set_mask_and_coherent(DmaMask::new::<64>())? };

    match fault {
        4 => {
            let buffer = VVec::from_elem(0, PAGE_SIZE, GFP_KERNEL)?;
            map(pdev, buffer, DataDirection::None)?;
        }
        5 => {
            // Alone this takes `unsafe`: it states what the device is, and is not the fault.
            //
            // SAFETY: The device is being probed, and nothing is mapped.
            unsafe { pdev.dma_set_max_seg_size(MAX_SEGMENT) };
            let buffer = VVec::from_elem(0, PAGES * PAGE_SIZE, GFP_KERNEL)?;
            let (longest, _) = map(pdev, buffer, DataDirection::ToDevice)?;
            pr_info!("the device takes {MAX_SEGMENT} bytes, an entry has {longest}\n");
        }
        6 => {
            // What somebody leaves behind, in a third of the machine's memory.
            drop(VVec::from_elem(
                0xa5u8,
                640 * PAGES * PAGE_SIZE,
                GFP_KERNEL,
            )?);

            // Some of the machine's memory was never in use. Keep that, until there is other.
            let mut unused = KVec::new();
            loop {
                let buffer = VVec::<u8>::with_capacity(PAGES * PAGE_SIZE, GFP_KERNEL)?;
                let (written, start, size) = (buffer.len(), buffer.as_ptr(), buffer.capacity());
                // SAFETY: It is evidence: the memory is allocated, and nobody writes to it. What is
                // read here is what the device reads.
                let left = (0..size).filter(|at| unsafe { start.add(*at).read_volatile() } == 0xa5);
                match left.count() {
                    0 => unused.push(buffer, GFP_KERNEL)?,
                    left => {
                        let (_, mapped) = map(pdev, buffer, DataDirection::ToDevice)?;
                        pr_info!("{written} bytes written, {mapped} mapped, {left} of before\n");
                        break;
                    }
                }
            }
        }
        _ => return Err(EINVAL),
    }
    Ok(())
}

struct Driver;

struct Data;

impl pci::Driver for Driver {
    type IdInfo = ();
    type Data<'bound> = Data;

    const ID_TABLE: pci::IdTable<Self::IdInfo> = &PCI_TABLE;

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        _info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            Ok(show(pdev, module_parameters::fault.value()).map(|()| Data))
        })
    }
}

kernel::module_pci_driver! {
    type: Driver,
    name: "upstream",
    authors: ["The dma_map maintainers"],
    description: "Faults of the kernel crate's SGTable",
    license: "GPL",
    params: {
        fault: u32 {
            default: 0,
            description: "Which fault to show: 4, 5, or 6",
        },
    },
}
