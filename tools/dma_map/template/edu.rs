// SPDX-License-Identifier: GPL-2.0

//! Driver `my_driver`, for QEMU's `edu` device (`-device edu`).
//!
//! The device copies up to 4096 bytes between memory and a buffer of its own. `probe` sends data through
//! that buffer: out of coherent memory and back into it, and out of one scattered buffer into another.

use dma_map::{
    direction::{
        CpuReads,
        CpuWrites, //
    },
    pci::{
        BusMaster,
        Interrupt, //
    },
    wait::{
        Deadline,
        WaitOptions,
        WaitQueue, //
    },
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
    device::{
        Bound,
        Core, //
    },
    dma::DmaMask,
    io::{
        io_project,
        poll::read_poll_timeout,
        Io, //
    },
    irq::{
        IrqReturn,
        ThreadedHandler,
        ThreadedIrqReturn, //
    },
    pci::{
        self,
        IrqType, //
    },
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
    time::Delta, //
};

/// The register that says what the device is: its low byte is `MAGIC`.
const IDENTIFICATION: usize = 0x00;
const MAGIC: u32 = 0xed;

/// What the device can reach and move, from its data sheet.
const LIMITS: DmaLimits = DmaLimits::new(DmaMask::new::<28>()).max_segment_size(4096);

/// The registers of a copy, the bits of `COMMAND`, and the device's buffer in its own addresses.
const SOURCE: usize = 0x80;
const DESTINATION: usize = 0x88;
const COUNT: usize = 0x90;
const COMMAND: usize = 0x98;
const START: u32 = 1;
const TO_MEMORY: u32 = 2;
const BUFFER: u32 = 0x40000;

/// The registers of the interrupt, and the bit of `COMMAND` that asks for one at the end.
const IRQ_STATUS: usize = 0x24;
const IRQ_ACKNOWLEDGE: usize = 0x64;
const INTERRUPT: u32 = 4;

type Bar<'bound> = pci::Bar<'bound, 0x9c>;

/// What CPU and device share. No padding: the device would see what is in it.
#[derive(FromBytes, IntoBytes)]
#[repr(C)]
struct Message {
    sent: [u8; 256],
    received: [u8; 256],
}

fn fill(data: &mut [u8]) {
    for (byte, value) in data.iter_mut().zip((1..=251u8).cycle()) {
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
#[pin_data]
struct Copier<'bound> {
    // Dropped first: its drop ends the device's DMA.
    master: BusMaster<'bound>,
    bar: Bar<'bound>,
    /// How many interrupts have come.
    interrupts: Atomic<u32>,
    #[pin]
    arrived: WaitQueue,
}

// SAFETY:
// - The device clears `START` after its last access, and starts nothing by itself.
// - It has no access without bus mastering, and `quiesce()` never enables that again. `new()` does,
//   after an old command has ended.
// - Only `load()` and `store()` tell the device of memory: of pieces with the mark of this engine, whose
//   handles the functions below make for this device.
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

impl<'bound> Copier<'bound> {
    fn new(pdev: &'bound pci::Device<Bound>, bar: Bar<'bound>) -> Result<Arc<Self>> {
        // An earlier driver may have left a command behind, which would go on.
        wait_idle(&bar)?;
        let copier = try_pin_init!(Self {
            master: BusMaster::new(pdev),
            bar,
            interrupts: Atomic::new(0),
            arrived <- WaitQueue::new(),
        });
        Arc::pin_init(copier, GFP_KERNEL)
    }

    /// Lets the device copy `piece` to its buffer.
    fn load<D: CpuWrites>(&self, piece: Piece<'_, D, Self>) -> Result {
        self.copy(piece.address().try_into()?, BUFFER, piece.len(), 0)
    }

    /// Lets the device copy its buffer to `piece`.
    fn store<D: CpuReads>(&self, piece: Piece<'_, D, Self>) -> Result {
        self.copy(BUFFER, piece.address().try_into()?, piece.len(), TO_MEMORY)
    }

    fn copy(&self, source: u32, destination: u32, len: usize, way: u32) -> Result {
        let before = self.interrupts.load(Relaxed);
        self.bar.write32(source, SOURCE);
        self.bar.write32(destination, DESTINATION);
        self.bar.write32(len.try_into()?, COUNT);
        self.bar.write32(way | INTERRUPT | START, COMMAND);

        let second = WaitOptions::new(Deadline::after(Delta::from_secs(1)));
        self.arrived.wait(second.interruptible(), || {
            self.interrupts.load(Relaxed) != before
        })
    }

    /// Sends a message through the device. Returns how many bytes moved, and how many are wrong.
    fn echo(&self, dma: DmaDevice<'_>) -> Result<(usize, usize)> {
        // Coherent memory is the CPU's at first: it is filled by reference, and has no address.
        let mut message = DmaCoherent::<Message>::zeroed(dma, Gfp::Kernel)?;
        fill(&mut message.sent);
        // Now it is the device's: an address, and no reference.
        let message = message.give(self);
        // On an error in here the device is stopped, and then the memory is freed.
        let transfer = Transfer::start(message, |message| {
            self.load(io_project!(message, .sent).piece()?)?;
            self.store(io_project!(message, .received).piece()?)
        })?;
        // `EBUSY` if the device is not done.
        let message = transfer.complete()?;
        let moved = message.sent.len() + message.received.len();
        Ok((moved, wrong(&message.sent, &message.received)))
    }

    /// Sends a buffer of scattered pages through the device, into another one.
    fn stream(&self, dma: DmaDevice<'_>) -> Result<(usize, usize)> {
        // Both begin at a page, so they have pieces of the same lengths.
        let mut data = VVec::from_elem(0u8, 3 * 4096 + 100, GFP_KERNEL)?;
        let room = VVec::from_elem(0u8, data.len(), GFP_KERNEL)?;
        fill(&mut data);
        let data = SgMapping::map(dma, data, ToDevice, self, Gfp::Kernel)?;
        let room = SgMapping::map(dma, room, FromDevice, self, Gfp::Kernel)?;
        let transfer = Transfer::start((data, room), |(data, room)| {
            for (from, to) in data.zip(room) {
                self.load(from)?;
                self.store(to)?;
            }
            Ok(())
        })?;
        let (data, room) = transfer.complete()?;
        let (data, room) = (data.unmap(), room.unmap());
        Ok((data.len() + room.len(), wrong(&data, &room)))
    }

    /// Lets the device move data, and logs what came of it.
    fn try_out(&self, pdev: &pci::Device<Bound>, dma: DmaDevice<'_>) -> Result {
        let (echoed, echoed_wrong) = self.echo(dma)?;
        let (streamed, streamed_wrong) = self.stream(dma)?;
        let (moved, wrong) = (echoed + streamed, echoed_wrong + streamed_wrong);
        let interrupts = self.interrupts.load(Relaxed);
        dev_info!(
            pdev,
            "{} bytes by DMA, {} wrong, {} interrupts\n",
            moved,
            wrong,
            interrupts
        );
        if wrong != 0 {
            return Err(EIO);
        }
        Ok(())
    }
}

/// What the device's interrupt calls.
struct Handler<'bound>(Arc<Copier<'bound>>);

impl ThreadedHandler for Handler<'_> {
    fn handle(&self) -> ThreadedIrqReturn {
        let raised = self.0.bar.read32(IRQ_STATUS);
        if raised == 0 {
            return ThreadedIrqReturn::None;
        }
        self.0.bar.write32(raised, IRQ_ACKNOWLEDGE);
        ThreadedIrqReturn::WakeThread
    }

    fn handle_threaded(&self) -> IrqReturn {
        self.0.interrupts.add(1, Relaxed);
        self.0.arrived.wake_all();
        IrqReturn::Handled
    }
}

/// What lives as long as the driver is bound to the device.
struct Binding<'bound> {
    _interrupt: Interrupt<'bound, Handler<'bound>>,
    copier: Arc<Copier<'bound>>,
}

struct MyDriver;

// The `kernel` crate has no name for the vendor: `probe` looks at the IDs.
const IDS: (u16, u16) = (0x1234, 0x11e8);

kernel::pci_device_table!(
    PCI_TABLE,
    <MyDriver as pci::Driver>::IdInfo,
    [(pci::DeviceId::from_class(0x00ff00, 0xffffff), ())]
);

/// Maps the registers, and logs which device it is.
fn map_registers<'bound>(pdev: &'bound pci::Device<Core<'_>>) -> Result<Bar<'bound>> {
    if (pdev.vendor_id().as_raw(), pdev.device_id()) != IDS {
        return Err(ENODEV);
    }
    pdev.enable_device_mem()?;
    let bar = pdev.iomap_region_sized(0, c"my_driver")?;
    let id = bar.read32(IDENTIFICATION);
    if id & 0xff != MAGIC {
        return Err(ENODEV);
    }
    dev_info!(pdev, "edu {}.{}\n", id >> 24, id >> 16 & 0xff);
    Ok(bar)
}

impl pci::Driver for MyDriver {
    type IdInfo = ();
    const ID_TABLE: pci::IdTable<Self::IdInfo> = &PCI_TABLE;

    type Data<'bound> = Binding<'bound>;

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        _info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        let bar = map_registers(pdev)?;
        let dma = DmaDevice::new(pdev, LIMITS)?;
        let copier = Copier::new(pdev, bar)?;
        let handler = Handler(copier.clone());
        // SAFETY: It is not leaked: the driver core drops it with `Data`, and the handler has no
        // reference to it.
        let interrupt = unsafe { Interrupt::request(pdev, IrqType::Msi, c"my_driver", handler) }?;
        copier.try_out(pdev, dma)?;
        Ok(Binding {
            _interrupt: interrupt,
            copier,
        })
    }

    fn unbind<'bound>(pdev: &'bound pci::Device<Core<'_>>, this: Pin<&Self::Data<'bound>>) {
        // A failure needs no handling: the handles stop the device again when they are dropped.
        let _ = this.copier.quiesce();
        dev_info!(pdev, "stopped\n");
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
        let mut data = [0; 600];
        fill(&mut data);
        assert!(data.windows(2).all(|pair| pair[0] != pair[1]));
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
