// SPDX-License-Identifier: GPL-2.0

//! Driver outside the checkout, for QEMU's `edu` device (`-device edu`).
//!
//! Its `probe` lets the device move data, and logs in one line how many bytes came back wrong.

use dma_map::{
    direction::{
        CpuReads,
        CpuWrites, //
    },
    pci::BusMaster,
    DmaCoherent,
    DmaDevice,
    DmaLimits,
    Engine,
    FromDevice,
    Gfp,
    Piece,
    SgMapping,
    ToDevice,
    Transfer, //
};
use kernel::{
    device::Core,
    dma::DmaMask,
    io::{
        io_project,
        poll::read_poll_timeout,
        Io, //
    },
    pci,
    prelude::*,
    time::Delta, //
};

/// The device has 28 address lines and a buffer of 4096 bytes, at 0x40000 of its own addresses.
const LIMITS: DmaLimits = DmaLimits::new(DmaMask::new::<28>()).max_segment_size(4096);
const BUFFER: u32 = 0x40000;

type Bar<'bound> = pci::Bar<'bound, 0x9c>;

/// The command register, and its bits.
const COMMAND: usize = 0x98;
const START: u32 = 1;
const TO_MEMORY: u32 = 2;

/// Waits for the end of a command.
fn wait_idle(bar: &Bar<'_>) -> Result {
    let start = || Ok(bar.read32(COMMAND) & START);
    let (step, limit) = (Delta::from_millis(2), Delta::from_millis(1000));
    read_poll_timeout(start, |start| *start == 0, step, limit).map(|_| ())
}

struct Edu<'bound> {
    master: BusMaster<'bound>,
    bar: Bar<'bound>,
}

// SAFETY: The device clears `START` after its last access, and starts nothing by itself. It has no
// access without bus mastering, which is enabled in `probe()` only, after an old command has ended.
// Only `load()` and `store()` tell the device of memory, of pieces with the mark of this engine. The
// handles are those of `round_trips()`, which makes them for this device.
unsafe impl Engine for Edu<'_> {
    type Mark = Self;

    fn is_idle(&self) -> bool {
        self.bar.read32(COMMAND) & START == 0
    }

    fn quiesce(&self) -> Result {
        self.master.disable();
        // The read completes after all earlier writes of the device.
        let _ = self.bar.read32(COMMAND);
        Ok(())
    }
}

/// The memory that CPU and device share.
#[derive(FromBytes, IntoBytes)]
#[repr(C)]
struct Mailbox {
    sent: [u8; 256],
    received: [u8; 256],
}

fn fill(data: &mut [u8]) {
    (0usize..)
        .zip(data)
        .for_each(|(i, b)| *b = (i ^ i >> 8) as u8 ^ 0x5a);
}

fn mismatches(sent: &[u8], received: &[u8]) -> usize {
    sent.iter().zip(received).filter(|(s, r)| s != r).count()
}

impl Edu<'_> {
    /// Lets the device copy `piece` to its buffer.
    fn load<D: CpuWrites>(&self, piece: Piece<'_, D, Self>) -> Result {
        self.copy(piece.address().try_into()?, BUFFER, piece.len(), 0)
    }

    /// Lets the device copy its buffer to `piece`.
    fn store<D: CpuReads>(&self, piece: Piece<'_, D, Self>) -> Result {
        self.copy(BUFFER, piece.address().try_into()?, piece.len(), TO_MEMORY)
    }

    fn copy(&self, source: u32, destination: u32, len: usize, way: u32) -> Result {
        self.bar.write32(source, 0x80);
        self.bar.write32(destination, 0x88);
        self.bar.write32(len.try_into()?, 0x90);
        self.bar.write32(way | START, COMMAND);
        wait_idle(&self.bar)
    }

    /// Lets the device move bytes. Returns how many it moved, and how many of them are wrong.
    fn round_trips(&self, dma: DmaDevice<'_>) -> Result<(usize, usize)> {
        // Coherent memory: filled by reference, given to the device, told of in pieces, and completed.
        let mut mailbox = DmaCoherent::<Mailbox>::zeroed(dma, Gfp::Kernel)?;
        fill(&mut mailbox.sent);
        let mailbox = mailbox.give(self);
        Transfer::start(&mailbox, |all| {
            self.load(io_project!(all, .sent).piece()?)?;
            self.store(io_project!(all, .received).piece()?)
        })?
        .complete()?;
        let mailbox = mailbox.complete()?;
        let wrong = mismatches(&mailbox.sent, &mailbox.received);

        // Scattered pages, and a tail. Both buffers start at a page, so they have the same pieces.
        let mut data = VVec::from_elem(0, 3 * 4096 + 100, GFP_KERNEL)?;
        let room = VVec::from_elem(0, data.len(), GFP_KERNEL)?;
        fill(&mut data);
        let data = SgMapping::map(dma, data, ToDevice, self, Gfp::Kernel)?;
        let room = SgMapping::map(dma, room, FromDevice, self, Gfp::Kernel)?;
        // An error in the program stops the device and frees the memory.
        let transfer = Transfer::start((data, room), |(data, room)| {
            for (from, to) in data.zip(room) {
                self.load(from)?;
                self.store(to)?;
            }
            Ok(())
        })?;
        let (data, room) = transfer.complete()?;
        let (data, room) = (data.unmap(), room.unmap());
        let moved = 2 * (mailbox.received.len() + room.len());
        Ok((moved, wrong + mismatches(&data, &room)))
    }
}

struct Driver;

// The `kernel` crate has no name for the vendor, so `probe` checks the IDs.
const EDU: (u16, u16) = (0x1234, 0x11e8);
kernel::pci_device_table!(
    PCI_TABLE,
    <Driver as pci::Driver>::IdInfo,
    [(pci::DeviceId::from_class(0x00ff00, 0xffffff), ())]
);

impl pci::Driver for Driver {
    type IdInfo = ();
    type Data<'bound> = Edu<'bound>;

    const ID_TABLE: pci::IdTable<Self::IdInfo> = &PCI_TABLE;

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        _info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Edu<'bound>, Error> + 'bound {
        if (pdev.vendor_id().as_raw(), pdev.device_id()) != EDU {
            return Err(ENODEV);
        }
        pdev.enable_device_mem()?;
        let dma = DmaDevice::new(pdev, LIMITS)?;
        let bar = pdev.iomap_region_sized(0, c"outside")?;
        wait_idle(&bar)?;
        let edu = Edu {
            master: BusMaster::new(pdev),
            bar,
        };

        let (moved, wrong) = edu.round_trips(dma)?;
        dev_info!(
            pdev,
            "outside: {} bytes moved, {} mismatches\n",
            moved,
            wrong
        );
        Ok(edu)
    }
}

kernel::module_pci_driver! {
    type: Driver,
    name: "outside",
    description: "A driver outside the checkout, for QEMU's edu device",
    license: "GPL",
}
