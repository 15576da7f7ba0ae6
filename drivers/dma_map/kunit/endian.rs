// SPDX-License-Identifier: GPL-2.0

//! [`Le`] and [`Be`]: their bytes in memory, on a CPU of either byte order.

use crate::{
    check::*,
    device_side,
    engines::Idle,
    fixture::*, //
};
use core::mem::{
    align_of,
    offset_of, //
};
use dma_map::{
    endian::{
        Be,
        Le, //
    },
    DmaCoherent,
    DmaDevice,
    DmaPool,
    Gfp,
    PoolBlock, //
};
use kernel::{
    dma::DmaAddress,
    io::{
        io_project,
        io_read,
        io_write,
        Io, //
    },
    prelude::*, //
};
use zerocopy_derive::Immutable;

/// What a driver's document could say: each field in the order of its kind of device.
#[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Descriptor {
    address: Le<u64>,
    length: Le<u32>,
    flags: Le<u16>,
    port: Be<u16>,
    peer: Be<u64>,
    key: Be<u32>,
    last: [Le<u16>; 2],
}

const DESCRIPTOR: Descriptor = Descriptor {
    address: Le::<u64>::new(0x1122_3344_5566_7788),
    length: Le::<u32>::new(0x99aa_bbcc),
    flags: Le::<u16>::new(0xddee),
    port: Be::<u16>::new(0x0102),
    peer: Be::<u64>::new(0x0304_0506_0708_090a),
    key: Be::<u32>::new(0x0b0c_0d0e),
    last: [Le::<u16>::new(1), Le::<u16>::new(0x0200)],
};

#[rustfmt::skip]
const BYTES: [u8; 32] = [
    0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0xcc, 0xbb, 0xaa, 0x99, 0xee, 0xdd, 1, 2,
    3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 1, 0, 0, 2,
];

/// What the device finds where the descriptor is.
fn seen(dma: DmaDevice<'_>, address: DmaAddress) -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    device_side::read(dma, address, &mut bytes)?;
    Ok(bytes)
}

#[kunit_tests(dma_map_endian)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() -> Result {
        for number in [0u64, 1, 0x0102_0304_0506_0708, u64::MAX, u64::MAX - 1] {
            check_eq!(Le::<u64>::new(number).get(), number);
            check_eq!(Be::<u64>::new(number).get(), number);
            check_eq!(u32::from(Le::from(number as u32)), number as u32);
            check_eq!(u32::from(Be::from(number as u32)), number as u32);
            check_eq!(u16::from(Le::from(number as u16)), number as u16);
            check_eq!(u16::from(Be::from(number as u16)), number as u16);
        }
        check_eq!(Le::<u32>::default(), Le::<u32>::new(0));
        check!(Le::<u32>::new(1) != Le::<u32>::new(1 << 24));
        Ok(())
    }

    #[test]
    fn size_and_alignment_are_the_numbers() -> Result {
        check_eq!(size_of::<Descriptor>(), 32);
        check_eq!(align_of::<Descriptor>(), 8);
        check_eq!(offset_of!(Descriptor, peer), 16);
        check_eq!(align_of::<Le<u16>>(), align_of::<u16>());
        check_eq!(align_of::<Be<u32>>(), align_of::<u32>());
        check_eq!(align_of::<Le<u64>>(), align_of::<u64>());
        Ok(())
    }

    #[test]
    fn structure_is_written_as_the_device_has_it() -> Result {
        check_eq!(*DESCRIPTOR.as_bytes(), BYTES);
        check_eq!(Descriptor::read_from_bytes(&BYTES).ok(), Some(DESCRIPTOR));
        each_dma(ALL, |dma| {
            let memory = DmaCoherent::<Descriptor>::new(dma, DESCRIPTOR, Gfp::Kernel)?;
            let memory = memory.give(Idle);
            check_eq!(seen(dma, memory.dma_address())?, BYTES);
            Ok(())
        })
    }

    #[test]
    fn fields_are_written_as_the_device_has_them() -> Result {
        each_dma(ALL, |dma| {
            let memory = DmaCoherent::<Descriptor>::zeroed(dma, Gfp::Kernel)?.give(Idle);
            io_write!(&memory, .address, 0x1122_3344_5566_7788.into());
            io_write!(&memory, .length, DESCRIPTOR.length);
            io_write!(&memory, .flags, Le::<u16>::new(0xddee));
            io_write!(&memory, .port, 0x0102.into());
            io_write!(&memory, .peer, DESCRIPTOR.peer);
            io_write!(&memory, .key, 0x0b0c_0d0e.into());
            io_write!(&memory, .last[build: 0], 1.into());
            io_write!(&memory, .last[build: 1], 0x0200.into());
            check_eq!(seen(dma, memory.dma_address())?, BYTES);
            Ok(())
        })
    }

    #[test]
    fn fields_are_read_as_the_device_wrote_them() -> Result {
        each_dma(ALL, |dma| {
            let pool = DmaPool::<Descriptor>::new(dma, c"dma_map_endian")?;
            let block = PoolBlock::zeroed(&pool, Gfp::Kernel)?.give(Idle);
            device_side::write(dma, block.dma_address(), &BYTES)?;
            let view = block.view();
            check_eq!(io_read!(view, .address).get(), 0x1122_3344_5566_7788);
            check_eq!(u32::from(io_read!(view, .length)), 0x99aa_bbcc);
            check_eq!(io_read!(view, .flags), DESCRIPTOR.flags);
            check_eq!(io_read!(view, .port).get(), 0x0102);
            check_eq!(io_read!(view, .peer), DESCRIPTOR.peer);
            check_eq!(u32::from(io_read!(view, .key)), 0x0b0c_0d0e);
            check_eq!(io_read!(view, .last[build: 1]).get(), 0x0200);
            check_eq!(view.copy_read(), DESCRIPTOR);

            let length = io_project!(view, .length).once().read();
            check_eq!(length.map(u32::from).exactly(0x99aa_bbcc)?, 0x99aa_bbcc);
            Ok(())
        })
    }
}
