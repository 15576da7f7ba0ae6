// SPDX-License-Identifier: GPL-2.0

//! Faults of the `kernel` crate's scatter-gather table, which `SgMapping` does not have.
//!
//! They were seen on Linux 7.3.4: `Documentation/dma_map/interop.rst`. That a direction is one of the
//! three that C accepts is a compile-fail case, `direction/none`.

use super::*;
use crate::{
    device_side,
    engines::Idle,
    fixture::*, //
};
use dma_map::ToDevice;

#[kunit_tests(dma_map_sg_upstream)]
mod tests {
    use super::*;

    /// misuse: segment-too-long
    #[test]
    fn entries_are_not_longer_than_the_device_takes() -> Result {
        each(|dev| {
            for (max, boundary) in [(4096, 0xffff_ffff), (65536, 0xffff), (65535, 0x1fff)] {
                dev.bind(|probe| {
                    let dma = probe.dma(ALL.max_segment_size(max).segment_boundary(boundary))?;
                    // Contiguous in memory, and longer than any segment.
                    let buffer = KVec::<u8>::sample(250_000, 1)?;
                    let mapping = map_sg(dma, buffer, ToDevice, Idle)?;
                    for entry in mapping.as_sg_table().iter() {
                        let (first, len) = (entry.dma_address(), entry.dma_len());
                        check!(len <= u64::from(max), "an entry of {len} bytes");
                        let last = first + len - 1;
                        check!(first & !boundary == last & !boundary, "{first:#x}+{len:#x}");
                    }
                    check_segments(&mapping).map(|_| ())
                })?;
            }
            Ok(())
        })
    }

    /// misuse: capacity-beyond-length
    #[test]
    fn what_was_never_written_is_not_mapped() -> Result {
        each_dma(ALL, |dma| {
            for len in [1, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1] {
                let mut buffer = VVec::from_elem(0, 16 * PAGE_SIZE, GFP_KERNEL)?;
                buffer.truncate(len);
                pattern::fill(&mut buffer, 1, 0);
                let mapping = map_sg(dma, buffer, ToDevice, Idle)?;
                let table = mapping.as_sg_table();
                let mapped: u64 = table.iter().map(|entry| entry.dma_len()).sum();
                check_eq!(mapped, len as u64);
                check!(device_side::finds(&mapping, 1)?);
            }

            let empty = VVec::<u8>::with_capacity(16 * PAGE_SIZE, GFP_KERNEL)?;
            let mapping = SgMapping::map(dma, empty, ToDevice, Idle, Gfp::Kernel);
            check_err!(mapping.map(|_| ()), EINVAL);
            Ok(())
        })
    }
}
