// SPDX-License-Identifier: GPL-2.0

//! Driver `my_driver`, for the PCI function 1b36:0005.
//!
//! A skeleton: it binds, makes the memory that the device is to work with, and gives it up again. What
//! the data sheet decides is marked `TODO`.

use dma_map::{
    direction::{
        CpuReads,
        CpuWrites, //
    },
    endian::Le,
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
    pci,
    prelude::*, //
};

/// TODO: how many address bits the device has, and what it can move in one piece.
const LIMITS: DmaLimits = DmaLimits::new(DmaMask::new::<32>()).max_segment_size(4096);

/// TODO: what the device reads, in its byte order. No padding: the device would see what is in it.
#[derive(FromBytes, IntoBytes)]
#[repr(C)]
struct Command {
    opcode: Le<u32>,
    length: Le<u32>,
}

impl Command {
    fn receive(length: u32) -> Self {
        Self {
            opcode: Le::<u32>::new(1),
            length: Le::<u32>::new(length),
        }
    }
}

/// The part of the device that does the DMA. Each handle that it can reach carries a reference to it.
struct Dma<'bound> {
    // TODO: the registers, `bar: pci::Bar<'bound, SIZE>`, from `pdev.iomap_region_sized()` in `probe`.
    master: BusMaster<'bound>,
}

// SAFETY: A PCI function accesses no memory without bus mastering, and `quiesce()` never enables it
// again. `is_idle()` claims nothing.
// TODO: say here why `is_idle()` is right, and that nothing but `start()` tells the device of memory.
unsafe impl Engine for Dma<'_> {
    type Mark = Self;

    fn is_idle(&self) -> bool {
        // TODO: read the register, or the flag in coherent memory, that the device sets or clears after
        // its last access. Until then it may always be busy, and `complete()` is `EBUSY`.
        false
    }

    fn quiesce(&self) -> Result {
        // TODO: write the register that stops the device, and read it until the device says that it has
        // stopped: in bounded time, and without sleeping. Return an error if it does not, and the memory
        // is kept from reuse. Bus mastering is the last resort: it works for each PCI function, but
        // whoever enables it again must know that the device does not go on with an old command.
        self.master.disable();
        Ok(())
    }
}

impl Dma<'_> {
    /// Tells the device of a command, and of the memory for its answer.
    fn start<C: CpuWrites, R: CpuReads>(
        &self,
        command: Piece<'_, C, Self>,
        room: Piece<'_, R, Self>,
    ) -> Result {
        // TODO: write these to the registers, the one that starts the device last.
        let _ = (command.address(), room.address(), room.len());
        Err(EOPNOTSUPP)
    }

    /// Lets the device fill a buffer.
    fn receive(&self, dma: DmaDevice<'_>, length: u32) -> Result<KVec<u8>> {
        // Coherent memory is the CPU's at first: it is filled by reference, and has no address.
        let mut command = DmaCoherent::<Command>::zeroed(dma, Gfp::Kernel)?;
        *command = Command::receive(length);
        // Now it is the device's: an address, and no reference.
        let command = command.give(self);

        // A streaming buffer is memory of the kernel's, and mapped for one direction.
        let room = KVec::from_elem(0u8, length as usize, GFP_KERNEL)?;
        let room = SgMapping::map(dma, room, FromDevice, self, Gfp::Kernel)?;

        // On an error in here the device is stopped, and then the memory is freed.
        let transfer = Transfer::start((command, room), |(command, mut room)| {
            let room = room.next().ok_or(EINVAL)?;
            self.start(command.piece()?, room)
        })?;
        // TODO: wait for the device: poll `is_idle()`, or take an interrupt (`dma_map::pci::Interrupt`).
        let (_, room) = transfer.complete()?;
        Ok(room.unmap())
    }
}

struct MyDriver;

kernel::pci_device_table!(
    PCI_TABLE,
    <MyDriver as pci::Driver>::IdInfo,
    [(pci::DeviceId::from_id(pci::Vendor::REDHAT, 0x0005), ())]
);

impl pci::Driver for MyDriver {
    type IdInfo = ();
    type Data<'bound> = Dma<'bound>;

    const ID_TABLE: pci::IdTable<Self::IdInfo> = &PCI_TABLE;

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        _info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Dma<'bound>, Error> + 'bound {
        // scaffold: the IDs
        pdev.enable_device_mem()?;
        let dma = DmaDevice::new(pdev, LIMITS)?;
        // TODO: before this, make sure that the device does not go on with the command of an earlier
        // driver.
        let engine = Dma {
            master: BusMaster::new(pdev),
        };

        match engine.receive(dma, 4096) {
            Ok(room) => dev_info!(pdev, "{} bytes by DMA\n", room.len()),
            Err(error) if error == EOPNOTSUPP => {
                dev_info!(pdev, "bound; start() is still to be written\n")
            }
            Err(error) => return Err(error),
        }
        Ok(engine)
    }
}

kernel::module_pci_driver! {
    type: MyDriver,
    name: "my_driver",
    description: "Driver for the PCI function 1b36:0005",
    license: "GPL",
}

#[kunit_tests(my_driver)]
mod tests {
    use super::*;

    #[test]
    fn command_has_the_size_of_the_data_sheet() {
        assert_eq!(size_of::<Command>(), 8);
    }

    #[test]
    fn command_is_little_endian() {
        let command = Command::receive(0x1000);
        assert_eq!(command.as_bytes(), &[1, 0, 0, 0, 0, 0x10, 0, 0]);
    }
}
