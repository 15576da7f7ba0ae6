// SPDX-License-Identifier: GPL-2.0

//! Driver for a network card that sends to itself: an interrupt, two rings, frames, and an unbind.
//!
//! It is a sample: the smallest driver with a ring, to begin one of your own with. It adds no network
//! interface. What is written to `/dev/dma_nic-<PCI address>` is a frame to send, and a read returns the
//! next one that has arrived. The card moves both. `Documentation/dma_map/nic.rst` leads through the code.
//!
//! - `card`: the registers, and the driver's statements about the card, its only `unsafe`.
//! - `rings`: the two rings, the interrupt that serves them, and what ends with the binding.
//! - This file: the files in `/dev`, and `probe`.

mod card;
mod rings;

use crate::rings::Nic;
use dma_map::{
    gate::Gate,
    miscdevice::{
        Access,
        FileOperations,
        MiscDevice, //
    },
    wait::{
        Deadline,
        WaitOptions, //
    },
    DmaLimits, //
};
use kernel::{
    device::Core,
    dma::DmaMask,
    fs,
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    pci::{
        self,
        Vendor, //
    },
    prelude::*,
    sync::{
        Arc,
        ArcBorrow, //
    },
    types::ForLt, //
};

const LIMITS: DmaLimits = DmaLimits::new(DmaMask::new::<64>());

/// From two addresses and a type to the most that a card sends, without the checksum.
const FRAME_MIN: usize = 60;
const FRAME_MAX: usize = 1514;

type NicLt = ForLt!(Nic<'_>);

/// An open file, which may outlive the binding.
struct File(Arc<Gate<NicLt>>);

/// A call waits until a signal comes, or the card is gone.
const UNTIL: WaitOptions = WaitOptions::new(Deadline::NEVER).interruptible();

#[vtable]
impl FileOperations for File {
    type Device = Gate<NicLt>;

    fn open(gate: ArcBorrow<'_, Gate<NicLt>>, _file: &fs::File) -> Result<Pin<KBox<Self>>> {
        Ok(KBox::pin(Self(gate.into()), GFP_KERNEL)?)
    }

    /// Sends one frame.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: no frame is so short, or so long.
    /// - `ENODEV`: the card is gone.
    fn write(&self, _access: &mut Access<'_>, from: &mut IovIterSource<'_>) -> Result<usize> {
        let len = from.len();
        if !(FRAME_MIN..=FRAME_MAX).contains(&len) {
            return Err(EINVAL);
        }
        let mut frame = KVec::from_elem(0u8, len, GFP_KERNEL)?;
        if from.copy_from_iter(&mut frame) != len {
            return Err(EFAULT);
        }

        let inside = self.0.try_access().ok_or(ENODEV)?;
        inside.with(|nic| nic.rings.send(frame, UNTIL))?;
        Ok(len)
    }

    /// Returns the next frame.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: there is not room for every frame.
    /// - `ENODEV`: the card is gone.
    /// - `EFAULT`: the memory cannot be written; the frame is lost.
    fn read(&self, _access: &mut Access<'_>, to: &mut IovIterDest<'_>) -> Result<usize> {
        if to.len() < FRAME_MAX {
            return Err(EINVAL);
        }
        let inside = self.0.try_access().ok_or(ENODEV)?;
        let copy_out = |frame: &[u8]| {
            let copied = to.copy_to_iter(frame) == frame.len();
            copied.then_some(frame.len()).ok_or(EFAULT)
        };
        inside.with(|nic| nic.rings.receive(UNTIL, copy_out))
    }
}

/// The card.
const DEVICE: u32 = 0x10d3;

/// The subsystem of a card that is for this driver. QEMU's cards, and real ones, have another, and
/// somebody's network depends on them.
const SUBSYSTEM: (u16, u16) = (0x1af4, 0x1100);

kernel::pci_device_table!(
    PCI_TABLE,
    <Driver as pci::Driver>::IdInfo,
    [(pci::DeviceId::from_id(Vendor::INTEL, DEVICE), ())]
);

struct Driver;

impl pci::Driver for Driver {
    type IdInfo = ();
    type Data<'bound> = MiscDevice<'bound, File>;

    const ID_TABLE: pci::IdTable<Self::IdInfo> = &PCI_TABLE;

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        _info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            if (pdev.subsystem_vendor_id(), pdev.subsystem_device_id()) != SUBSYSTEM {
                return Err(ENODEV);
            }
            pdev.enable_device_mem()?;

            let gate =
                Gate::<NicLt>::with_scope(pdev, LIMITS, |pdev, scope| Nic::new(pdev, scope))?;
            let name = pdev.as_ref().name();
            let node = MiscDevice::register(pdev.as_ref(), fmt!("dma_nic-{}", name), gate)?;
            Ok(Ok(node))
        })
    }
}

kernel::module_pci_driver! {
    type: Driver,
    name: "dma_map_nic",
    authors: ["The dma_map maintainers"],
    description: "A network card that sends to itself",
    license: "GPL",
}
