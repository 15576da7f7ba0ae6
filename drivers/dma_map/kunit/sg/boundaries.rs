// SPDX-License-Identifier: GPL-2.0

//! Segment limits of a scatter-gather mapping.
//!
//! Segments keep to the device's limits, for any buffer, and when an IOMMU joins entries.

use super::*;
use crate::{
    device_side,
    engines::Idle,
    fixture::*, //
};
use dma_map::{
    Bidirectional,
    DmaDevice,
    ToDevice, //
};
use kernel::bindings;

const LINE: u32 = bindings::L1_CACHE_BYTES;

/// Maps buffers of some sizes under `limits`, and lets the device read and write all of them.
fn under<B: Sample>(dma: DmaDevice<'_>, sizes: &[usize]) -> Result {
    for &len in sizes {
        let buffer = B::sample(len, 1)?;
        let mapping = match SgMapping::map(dma, buffer, Bidirectional, Idle, Gfp::Kernel) {
            // A machine whose bounce pool is out of the device's reach, too.
            Err(failed) if failed.error == EIO && dma.addressing_limited() => continue,
            result => result?,
        };
        check_segments(&mapping)?;
        check!(
            device_side::finds(&mapping, 1)?,
            "the device finds other data"
        );
        device_side::fill(&mapping, 2)?;
        check!(mapping.unmap()?.holds(2), "the device's data is not there");
    }
    Ok(())
}

fn each_under(limits: DmaLimits, sizes: &[usize]) -> Result {
    each_dma(limits, |dma| each_buffer!(under(dma, sizes)))
}

#[kunit_tests(dma_map_sg_boundaries)]
mod tests {
    use super::*;

    /// misuse: segment-too-long
    #[test]
    fn segments_around_a_cache_line() -> Result {
        for max in [LINE, LINE + 1, 2 * LINE - 1, 2 * LINE] {
            each_under(ALL.max_segment_size(max), &[1, 63, 64, 65, 700, 4097])?;
        }
        Ok(())
    }

    #[test]
    fn segments_below_a_page() -> Result {
        for max in [511, 512, 513, 2047, 2048, 2049, PAGE_SIZE as u32 - 1] {
            each_under(ALL.max_segment_size(max), &[1, 511, 513, 4096, 9001])?;
        }
        Ok(())
    }

    /// misuse: segment-too-long
    #[test]
    fn segments_around_a_page() -> Result {
        for max in [
            PAGE_SIZE as u32,
            PAGE_SIZE as u32 + 1,
            2 * PAGE_SIZE as u32 - 1,
        ] {
            each_under(ALL.max_segment_size(max), &SIZES)?;
        }
        Ok(())
    }

    /// misuse: segment-too-long
    #[test]
    fn segments_around_64_kib() -> Result {
        for max in [65535, 65536, 65537, u32::MAX] {
            each_under(ALL.max_segment_size(max), &[65535, 65536, 65537])?;
        }
        Ok(())
    }

    /// misuse: segment-across-boundary
    #[test]
    fn boundary_of_a_page() -> Result {
        each_under(ALL.segment_boundary(0xfff), &SIZES)?;
        each_under(
            ALL.segment_boundary(0xfff).max_segment_size(u32::MAX),
            &SIZES,
        )?;
        each_under(ALL.segment_boundary(0xfff).max_segment_size(3000), &SIZES)
    }

    /// misuse: segment-across-boundary
    #[test]
    fn boundary_of_8_kib() -> Result {
        each_under(
            ALL.segment_boundary(0x1fff).max_segment_size(u32::MAX),
            &SIZES,
        )?;
        each_under(ALL.segment_boundary(0x1fff).max_segment_size(5000), &SIZES)
    }

    /// misuse: segment-across-boundary
    #[test]
    fn boundary_of_64_kib() -> Result {
        let limits = ALL.segment_boundary(0xffff);
        let sizes = [65535, 65537, 70_000];
        each_under(limits, &sizes)?;
        each_under(limits.max_segment_size(u32::MAX), &sizes)?;
        each_under(limits.max_segment_size(5000), &sizes)?;
        each_under(limits.max_segment_size(65535), &sizes)
    }

    #[test]
    fn boundary_of_all_ones_is_none() -> Result {
        each_under(
            ALL.segment_boundary(u64::MAX).max_segment_size(u32::MAX),
            &SIZES,
        )
    }

    #[test]
    fn low_bits_that_bounce_buffers_keep() -> Result {
        for mask in [0, 0x1ff, 0xfff] {
            each_under(ALL.min_align_mask(mask), &[1, 513, 4097, 70_000])?;
        }
        let nvme = ALL.min_align_mask(0xfff).segment_boundary(0xfff);
        each_under(nvme.max_segment_size(u32::MAX), &SIZES)
    }

    #[test]
    fn offsets_are_kept_where_the_device_needs_them() -> Result {
        each_dma(ALL.min_align_mask(0xfff), |dma| {
            // Slab memory has any offset in its page; a list of pages has none.
            for len in [33, 97, 200, 1000, 3000] {
                let buffer = KVec::<u8>::from_elem(0, len, GFP_KERNEL)?;
                let offset = buffer.as_ptr().addr() % PAGE_SIZE;
                let mapping = map_sg(dma, buffer, ToDevice, Idle)?;
                let first = mapping.segments().next().ok_or(EINVAL)?;
                check_eq!(first.address as usize % PAGE_SIZE, offset);
            }
            Ok(())
        })
    }

    #[test]
    fn addresses_are_within_the_mask() -> Result {
        each(|dev| {
            for bits in [28, 31, 32, 33, 40, 64] {
                dev.bind(|probe| {
                    let dma = probe.dma(DmaLimits::new(DmaMask::try_new(bits)?))?;
                    each_buffer!(under(dma, &[1, 4097, 70_000]))
                })?;
            }
            Ok(())
        })
    }
}
