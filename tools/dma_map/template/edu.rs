// SPDX-License-Identifier: GPL-2.0

//! Driver `my_driver`, for QEMU's `edu` device (`-device edu`).
//!
//! The device copies up to 4096 bytes between memory and a buffer of its own. `probe` sends a message
//! through that buffer: out of coherent memory, and back into a streaming buffer.

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
    Transfer, //
};
use kernel::{
    device::Core,
    dma::DmaMask,
    io::{
        poll::read_poll_timeout,
        Io, //
    },
    pci,
    prelude::*,
    time::Delta, //
};

/// What the device can reach and move, from its data sheet.
const LIMITS: DmaLimits = DmaLimits::new(DmaMask::new::<28>()).max_segment_size(4096);

/// The device's registers, the bits of `COMMAND`, and where its buffer is in its own addresses.
const SOURCE: usize = 0x80;
const DESTINATION: usize = 0x88;
const COUNT: usize = 0x90;
const COMMAND: usize = 0x98;
const START: u32 = 1;
const TO_MEMORY: u32 = 2;
const BUFFER: u32 = 0x40000;

type Bar<'bound> = pci::Bar<'bound, 0x9c>;

/// What the CPU writes and the device reads. No padding: the device would see what is in it.
#[derive(FromBytes, IntoBytes)]
#[repr(C)]
struct Message {
    text: [u8; 256],
}

fn fill(text: &mut [u8]) {
    for (byte, value) in text.iter_mut().zip((1..=251u8).cycle()) {
        *byte = value;
    }
}

/// Returns how many bytes differ, or are missing.
fn wrong(sent: &[u8], received: &[u8]) -> usize {
    let equal = sent.iter().zip(received).filter(|(a, b)| a == b).count();
    sent.len() - equal
}

/// Waits until the device has no command.
fn wait_idle(bar: &Bar<'_>) -> Result {
    let command = || Ok(bar.read32(COMMAND));
    let (step, limit) = (Delta::from_millis(2), Delta::from_millis(1000));
    read_poll_timeout(command, |command| command & START == 0, step, limit).map(|_| ())
}

/// The part of the device that does the DMA. Each handle that it can reach carries a reference to it.
struct Copier<'bound> {
    // Dropped first: its drop ends the device's DMA.
    master: BusMaster<'bound>,
    bar: Bar<'bound>,
}

// SAFETY:
// - The device clears `START` after its last access, and starts nothing by itself.
// - It has no access without bus mastering, and `quiesce()` never enables that again. `probe()` does,
//   after an old command has ended.
// - Only `load()` and `store()` tell the device of memory: of pieces with the mark of this engine, which
//   `echo()` made for this device.
unsafe impl Engine for Copier<'_> {
    type Mark = Self;

    fn is_idle(&self) -> bool {
        self.bar.read32(COMMAND) & START == 0
    }

    fn quiesce(&self) -> Result {
        // This device has no register that stops it, but each PCI function has bus mastering.
        self.master.disable();
        // The read returns after all earlier writes of the device are in memory.
        let _ = self.bar.read32(COMMAND);
        Ok(())
    }
}

impl Copier<'_> {
    /// Lets the device copy `piece` to its buffer.
    fn load<D: CpuWrites>(&self, piece: Piece<'_, D, Self>) -> Result {
        self.copy(piece.address().try_into()?, BUFFER, piece.len(), 0)
    }

    /// Lets the device copy its buffer to `piece`.
    fn store<D: CpuReads>(&self, piece: Piece<'_, D, Self>) -> Result {
        self.copy(BUFFER, piece.address().try_into()?, piece.len(), TO_MEMORY)
    }

    fn copy(&self, source: u32, destination: u32, len: usize, way: u32) -> Result {
        self.bar.write32(source, SOURCE);
        self.bar.write32(destination, DESTINATION);
        self.bar.write32(len.try_into()?, COUNT);
        self.bar.write32(way | START, COMMAND);
        wait_idle(&self.bar)
    }

    /// Sends a message through the device. Returns its length, and how many bytes came back wrong.
    fn echo(&self, dma: DmaDevice<'_>) -> Result<(usize, usize)> {
        // Coherent memory is the CPU's at first: it is filled by reference, and has no address.
        let mut message = DmaCoherent::<Message>::zeroed(dma, Gfp::Kernel)?;
        fill(&mut message.text);
        // Now it is the device's: an address, and no reference.
        let message = message.give(self);

        // A streaming buffer is memory of the kernel's, and mapped for one direction.
        let room = KVec::from_elem(0u8, size_of::<Message>(), GFP_KERNEL)?;
        let room = SgMapping::map(dma, room, FromDevice, self, Gfp::Kernel)?;

        // On an error in here the device is stopped, and then the memory is freed.
        let transfer = Transfer::start((message, room), |(message, mut room)| {
            self.load(message.piece()?)?;
            room.try_for_each(|piece| self.store(piece))
        })?;
        // `EBUSY` if the device is not done.
        let (message, room) = transfer.complete()?;
        let (message, room) = (message, room.unmap());
        Ok((room.len(), wrong(&message.text, &room)))
    }
}

struct MyDriver;

// The `kernel` crate has no name for the vendor: `probe` looks at the IDs.
const IDS: (u16, u16) = (0x1234, 0x11e8);
kernel::pci_device_table!(
    PCI_TABLE,
    <MyDriver as pci::Driver>::IdInfo,
    [(pci::DeviceId::from_class(0x00ff00, 0xffffff), ())]
);

impl pci::Driver for MyDriver {
    type IdInfo = ();
    type Data<'bound> = Copier<'bound>;

    const ID_TABLE: pci::IdTable<Self::IdInfo> = &PCI_TABLE;

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        _info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Copier<'bound>, Error> + 'bound {
        if (pdev.vendor_id().as_raw(), pdev.device_id()) != IDS {
            return Err(ENODEV);
        }
        pdev.enable_device_mem()?;
        let dma = DmaDevice::new(pdev, LIMITS)?;
        let bar = pdev.iomap_region_sized(0, c"my_driver")?;
        // An earlier driver may have left a command behind, which would go on.
        wait_idle(&bar)?;
        let copier = Copier {
            master: BusMaster::new(pdev),
            bar,
        };

        let (len, wrong) = copier.echo(dma)?;
        dev_info!(pdev, "{} bytes by DMA, {} wrong\n", len, wrong);
        if wrong != 0 {
            return Err(EIO);
        }
        Ok(copier)
    }
}

kernel::module_pci_driver! {
    type: MyDriver,
    name: "my_driver",
    description: "Driver for QEMU's edu device",
    license: "GPL",
}

#[kunit_tests(my_driver)]
mod tests {
    use super::*;

    #[test]
    fn message_has_no_two_equal_neighbours() {
        let mut message = Message { text: [0; 256] };
        fill(&mut message.text);
        assert!(message.text.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn wrong_bytes_are_counted() {
        assert_eq!(wrong(&[1, 2, 3], &[1, 2, 3]), 0);
        assert_eq!(wrong(&[1, 2, 3], &[1, 0, 3]), 1);
    }

    #[test]
    fn missing_bytes_are_wrong() {
        assert_eq!(wrong(&[1, 2, 3], &[1]), 2);
    }
}
