// SPDX-License-Identifier: GPL-2.0

//! [`sgl`]: the descriptors of data.

use super::Merged;
use crate::{
    check::*,
    device_side,
    engines::Idle,
    fixture::*,
    nvme::driver::protocol::{
        command::Pointer,
        prp::Segment,
        sgl::{
            self,
            kind,
            Descriptor, //
        }, //
    }, //
};
use dma_map::{
    DmaDevice,
    DmaPool,
    Gfp, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

const BASE: DmaAddress = 0x12_3456_7001;
const ROOM: usize = 4;
const SIZE: usize = 16;

type Pool<'b> = DmaPool<'b, [Descriptor; ROOM]>;

/// A descriptor, as a controller reads it.
struct Found {
    address: u64,
    len: usize,
    kind: u32,
}

impl Found {
    fn of([low, high]: [u64; 2]) -> Self {
        Self {
            address: low,
            len: high as u32 as usize,
            kind: (high >> 32) as u32,
        }
    }

    fn read(dma: DmaDevice<'_>, address: u64) -> Result<Self> {
        let mut bytes = [0; SIZE];
        device_side::read(dma, address, &mut bytes)?;
        let half = |at: usize| {
            let mut half = [0; 8];
            half.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(half)
        };
        Ok(Self::of([half(0), half(8)]))
    }
}

/// Reads the data pointer as a controller does, and returns what it would access.
fn walk(dma: DmaDevice<'_>, pointer: Pointer) -> Result<Merged> {
    let Pointer::Sgl(halves) = pointer else {
        return Err(EINVAL);
    };
    let mut found = Merged::new();
    let mut list = Found::of(halves);
    if list.kind == kind::DATA {
        found.push(list.address, list.len)?;
        return Ok(found);
    }

    loop {
        let count = list.len / SIZE;
        check_eq!(list.len % SIZE, 0);
        check!(count != 0 && count <= ROOM);
        let last = list.kind == kind::LAST_SEGMENT;
        check!(last || list.kind == kind::SEGMENT);
        for i in 0..count {
            let next = Found::read(dma, list.address + (i * SIZE) as u64)?;
            if !last && i == count - 1 {
                list = next;
                break;
            }
            check_eq!(next.kind, kind::DATA);
            found.push(next.address, next.len)?;
        }
        if last {
            return Ok(found);
        }
    }
}

/// Makes `count` segments of odd addresses and lengths.
fn segments(count: usize) -> Result<KVec<Segment>> {
    let mut segments = KVec::new();
    for i in 0..count {
        let segment = (BASE + (i * 100_003) as DmaAddress, 1 + i * 511);
        segments.push(segment, GFP_KERNEL)?;
    }
    Ok(segments)
}

#[kunit_tests(dma_map_nvme_sgl)]
mod tests {
    use super::*;

    #[test]
    fn a_controller_finds_the_data_through_every_chain() -> Result {
        each_dma(ALL, |dma| {
            let pool = Pool::new(dma, c"nvme sgl")?;
            // Four lists hold 13 descriptors.
            for count in 1..=13 {
                let segments = segments(count)?;
                let (pointer, lists) =
                    sgl::describe(segments.iter().copied(), &pool, Idle, Gfp::Kernel)?;
                check_eq!(walk(dma, pointer)?.0[..], segments[..]);
                check_eq!(pool.outstanding(), lists.iter().flatten().count());
                drop(lists);
                check_eq!(pool.outstanding(), 0);
            }
            Ok(())
        })
    }

    #[test]
    fn too_many_segments_are_einval() -> Result {
        each_dma(ALL, |dma| {
            let pool = Pool::new(dma, c"nvme sgl")?;
            for count in [0, 14, 100] {
                let segments = segments(count)?;
                let found = sgl::describe(segments.iter().copied(), &pool, Idle, Gfp::Kernel);
                check_err!(found.map(|_| ()), EINVAL);
                check_eq!(pool.outstanding(), 0);
            }
            Ok(())
        })
    }

    /// A descriptor has 32 bits for the length.
    #[test]
    fn a_segment_of_4_gib_is_einval() -> Result {
        each_dma(ALL, |dma| {
            let pool = Pool::new(dma, c"nvme sgl")?;
            for (len, fits) in [(u32::MAX as usize, true), (1 << 32, false)] {
                let one = [(BASE, len)].into_iter();
                let found = sgl::describe(one, &pool, Idle, Gfp::Kernel);
                check_eq!((len, found.is_ok()), (len, fits));
                let two = [(BASE, 1), (BASE, len)].into_iter();
                let found = sgl::describe(two, &pool, Idle, Gfp::Kernel);
                check_eq!((len, found.is_ok()), (len, fits));
                drop(found);
                check_eq!(pool.outstanding(), 0);
            }
            Ok(())
        })
    }
}
