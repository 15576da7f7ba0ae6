// SPDX-License-Identifier: GPL-2.0

//! Bus addresses with an offset from the memory's.
//!
//! Segments that keep to a boundary in memory may lie across it for the device.

use super::*;
use crate::{
    c,
    device_side,
    engines::Idle,
    fixture::*, //
};
use dma_map::{
    Bidirectional,
    DmaDevice, //
};

/// The boundary that the device has, as a size.
const BOUNDARY: usize = 64 * 1024;

/// Runs `job` with a device behind a bus that adds `offset`.
fn behind_a_bus(offset: usize, mut job: impl FnMut(DmaDevice<'_>) -> Result) -> Result {
    TestDevice::platform()?.bind(|probe| {
        c::set_dma_offset(probe.device(), offset as u64)?;
        job(probe.dma(ALL.segment_boundary(BOUNDARY as u64 - 1))?)
    })
}

/// A buffer that is aligned to the boundary in memory, and as long.
fn aligned() -> Result<KVec<u8>> {
    // `kmalloc()` aligns a power of two to its size.
    let buffer = KVec::<u8>::from_elem(3, BOUNDARY, GFP_KERNEL)?;
    check_eq!(buffer.as_ptr().addr() % BOUNDARY, 0);
    Ok(buffer)
}

#[kunit_tests(dma_map_sg_offset)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_of_whole_boundaries_moves_nothing_across() -> Result {
        behind_a_bus(4 * BOUNDARY, |dma| {
            let buffer = aligned()?;
            let phys = c::virt_to_phys(buffer.as_ptr().cast());
            let mapping = map_sg(dma, buffer, Bidirectional, Idle)?;
            check_segments(&mapping)?;
            if !dma.needs_sync() || cfg!(CONFIG_DMA_API_DEBUG) {
                let address = mapping.segments().next().ok_or(EINVAL)?.address;
                let bounced = c::dma_to_phys(dma.device(), address) != phys;
                check!(bounced || address == phys + 4 * BOUNDARY as u64);
            }
            device_side::fill(&mapping, 2)?;
            check!(mapping.unmap()?.holds(2));
            Ok(())
        })
    }

    /// It is one piece in memory, and two for the device: the table has an entry for each.
    #[test]
    fn a_piece_that_is_moved_across_becomes_two_segments() -> Result {
        behind_a_bus(BOUNDARY / 2, |dma| {
            let buffer = aligned()?;
            let mapping = map_sg(dma, buffer, Bidirectional, Idle)?;
            check!(check_segments(&mapping)? > 1);
            device_side::fill(&mapping, 7)?;
            check!(mapping.unmap()?.holds(7));
            Ok(())
        })
    }

    #[test]
    fn scattered_pages_are_mapped_behind_the_same_bus() -> Result {
        behind_a_bus(BOUNDARY / 2, |dma| {
            for pages in [1, 2, 5, 40] {
                let buffer = VVec::<u8>::sample(pages * PAGE_SIZE, 1)?;
                let mapping = map_sg(dma, buffer, Bidirectional, Idle)?;
                check_segments(&mapping)?;
                device_side::fill(&mapping, 7)?;
                check!(mapping.unmap()?.holds(7));
            }
            Ok(())
        })
    }
}
