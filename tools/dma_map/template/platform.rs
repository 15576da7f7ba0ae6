// SPDX-License-Identifier: GPL-2.0

//! Driver `my_driver`, for the platform device `QEMU0002`.
//!
//! A skeleton: it binds, makes the memory that the device is to work with, and gives it up again. What
//! the data sheet decides is marked `TODO`.

use dma_map::{
    direction::{
        CpuReads,
        CpuWrites, //
    },
    endian::Le,
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
    acpi,
    device::Core,
    dma::DmaMask,
    platform,
    prelude::*, //
};

/// TODO: how many address bits the device has; and what it can move in one piece, if its bus says so.
const LIMITS: DmaLimits = DmaLimits::new(DmaMask::new::<32>());

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
struct Dma {
    // TODO: the registers, from `pdev.io_request_by_index(0)` in `probe`.
}

// SAFETY: Nothing tells the device of memory so far.
// TODO: as soon as `start()` does, say here why `is_idle()` and `quiesce()` are right, what the device
// does with a command of an earlier driver, and that nothing but `start()` tells it of memory.
unsafe impl Engine for Dma {
    type Mark = Self;

    fn is_idle(&self) -> bool {
        // TODO: read the register, or the flag in coherent memory, that the device sets or clears after
        // its last access.
        true
    }

    fn quiesce(&self) -> Result {
        // TODO: write the register that stops the device, and read it until the device says that it has
        // stopped: in bounded time, and without sleeping. Return an error if it does not, and the memory
        // is kept from reuse. A platform device has no stop of its bus's: if it has none of its own,
        // reset it or cut its clock.
        Err(ENODEV)
    }
}

impl Dma {
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
        // TODO: wait for the device: poll `is_idle()`, or take an interrupt.
        let (_, room) = transfer.complete()?;
        Ok(room.unmap())
    }
}

struct MyDriver;

kernel::acpi_device_table!(
    ACPI_TABLE,
    <MyDriver as platform::Driver>::IdInfo,
    [(acpi::DeviceId::new(c"QEMU0002"), ())]
);

impl platform::Driver for MyDriver {
    type IdInfo = ();
    type Data<'bound> = Dma;

    const ACPI_ID_TABLE: Option<acpi::IdTable<Self::IdInfo>> = Some(&ACPI_TABLE);

    fn probe<'bound>(
        pdev: &'bound platform::Device<Core<'_>>,
        _info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Dma, Error> + 'bound {
        let dma = DmaDevice::new(pdev, LIMITS)?;
        let engine = Dma {};

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

kernel::module_platform_driver! {
    type: MyDriver,
    name: "my_driver",
    description: "Driver for the platform device QEMU0002",
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
