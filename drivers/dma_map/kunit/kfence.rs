// SPDX-License-Identifier: GPL-2.0

//! Buffers that KFENCE guards: each kind of mapping takes them.
//!
//! KFENCE serves some of the small allocations from pages that it reserves at boot. A driver cannot
//! tell.

use crate::{
    check::*,
    device_side,
    engines::Idle,
    fixture::*,
    pattern, //
};
use core::{
    alloc::Layout,
    hint::black_box, //
};
use dma_map::{
    mapping::with_mapped,
    Bidirectional,
    DmaDevice,
    MapOptions, //
};
use kernel::{
    alloc::{
        allocator::Kmalloc,
        flags::__GFP_ZERO,
        Allocator,
        NumaNode, //
    },
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    }, //
};

/// Sizes that the slab has, up to the largest that KFENCE guards.
const SIZES: [usize; 5] = [8, 96, 512, 2048, 4096];

extern "C" {
    fn dma_map_kunit_is_kfence(addr: *const c_void) -> bool;
    fn dma_map_kunit_kfence_is_on() -> bool;
}

/// Returns whether KFENCE guards a buffer.
pub(crate) fn guards(buffer: &[u8]) -> bool {
    // SAFETY: The function compares addresses.
    unsafe { dma_map_kunit_is_kfence(buffer.as_ptr().cast()) }
}

/// Ways to the allocator: at each of four calls, one of two functions.
///
/// While its pool is nearly full, KFENCE refuses calls from where an object may be guarded already. It
/// compares the eight innermost callers by a hash that is seeded at boot, so in some boots it takes a
/// way for another that it has seen.
const WAYS: u32 = 1 << 4;

/// Allocates by the way whose bits, from the lowest, are `way`. The highest bit set stands for the end.
///
/// Inlined, so that half of those eight callers are the two functions.
#[inline(always)]
fn allocate(len: usize, way: u32) -> Result<KVec<u8>> {
    match (way, way % 2) {
        (1, _) => zeroed(len),
        (_, 0) => through_one(len, way / 2),
        (_, _) => through_another(len, way / 2),
    }
}

// What is done after the call makes it a call, not a jump, and the functions different.

#[inline(never)]
fn through_one(len: usize, way: u32) -> Result<KVec<u8>> {
    let buffer = allocate(len, way);
    black_box(0u8);
    buffer
}

#[inline(never)]
fn through_another(len: usize, way: u32) -> Result<KVec<u8>> {
    let buffer = allocate(len, way);
    black_box(1u8);
    buffer
}

/// A vector of zeros, by as few calls as there can be.
#[inline(always)]
fn zeroed(len: usize) -> Result<KVec<u8>> {
    let layout = Layout::array::<u8>(len).map_err(|_| EINVAL)?;
    let memory = Kmalloc::alloc(layout, GFP_KERNEL | __GFP_ZERO, NumaNode::NO_NODE)?;
    // SAFETY: `Kmalloc` allocated `len` bytes for bytes, all of them are 0, and nothing else has them.
    Ok(unsafe { KVec::from_raw_parts(memory.as_ptr().cast(), len, len) })
}

/// A buffer that KFENCE guards, which holds the pattern 1.
fn guarded(len: usize) -> Result<KVec<u8>> {
    // KFENCE takes some allocations after each tick of its timer.
    for round in 0..100 {
        let mut others = KVec::new();
        for _ in 0..64 {
            let mut buffer = allocate(len, WAYS + round % WAYS)?;
            if guards(&buffer) {
                pattern::fill(&mut buffer, 1, 0);
                return Ok(buffer);
            }
            others.push(buffer, GFP_KERNEL)?;
        }
        fsleep(Delta::from_millis(10));
    }
    check!(false, "KFENCE guards no object of {len} bytes");
    Err(ENOENT)
}

/// Runs `case` with guarded buffers of each size, if KFENCE is on.
fn with_guarded(mut case: impl FnMut(DmaDevice<'_>, KVec<u8>) -> Result) -> Result {
    // SAFETY: No preconditions.
    if !unsafe { dma_map_kunit_kfence_is_on() } {
        skip(c"KFENCE is off");
        return Ok(());
    }
    each_dma(ALL, |dma| {
        for len in SIZES {
            case(dma, guarded(len)?)?;
        }
        Ok(())
    })
}

#[kunit_tests(dma_map_kfence)]
mod tests {
    use super::*;

    /// kernel: kfence
    #[test]
    fn it_is_mapped_in_one_piece() -> Result {
        with_guarded(|dma, buffer| {
            let len = buffer.len();
            let mapping = map_single(dma, buffer, Bidirectional, Idle)?;
            let address = mapping.dma_address();
            check!(device_side::finds_at(dma, address, len, 1)?);
            device_side::fill_at(dma, address, len, 2)?;
            check!(pattern::holds(&mapping.unmap()?, 2, 0));
            Ok(())
        })
    }

    /// kernel: kfence
    #[test]
    fn it_is_mapped_as_a_list() -> Result {
        with_guarded(|dma, buffer| {
            let mapping = map_sg(dma, buffer, Bidirectional, Idle)?;
            check!(device_side::finds(&mapping, 1)?);
            device_side::fill(&mapping, 2)?;
            check!(pattern::holds(&mapping.unmap()?, 2, 0));
            Ok(())
        })
    }

    /// kernel: kfence
    #[test]
    fn it_is_mapped_at_one_address() -> Result {
        with_guarded(|dma, buffer| {
            let mapping = map_iova(dma, buffer, Bidirectional, Idle)?;
            check!(device_side::finds_segments(
                dma,
                &mut mapping.segments(),
                1
            )?);
            device_side::fill_segments(dma, &mut mapping.segments(), 2)?;
            check!(pattern::holds(&mapping.unmap()?, 2, 0));
            Ok(())
        })
    }

    /// kernel: kfence
    #[test]
    fn it_is_lent() -> Result {
        with_guarded(|dma, mut buffer| {
            let len = buffer.len();
            let options = MapOptions::new();
            with_mapped(dma, &mut buffer[..], Bidirectional, Idle, options, |lent| {
                check!(device_side::finds_at(dma, lent.dma_address(), len, 1)?);
                device_side::fill_at(dma, lent.dma_address(), len, 2)
            })?;
            check!(pattern::holds(&buffer, 2, 0));
            Ok(())
        })
    }
}
