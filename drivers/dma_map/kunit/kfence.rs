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
use dma_map::{
    mapping::with_mapped,
    Bidirectional,
    DmaDevice,
    MapOptions, //
};
use kernel::{
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

/// A buffer that KFENCE guards, which holds the pattern 1.
fn guarded(len: usize) -> Result<KVec<u8>> {
    // KFENCE takes some allocations after each tick of its timer.
    for _ in 0..100 {
        let mut others = KVec::new();
        for _ in 0..64 {
            let mut buffer = KVec::from_elem(0, len, GFP_KERNEL)?;
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
