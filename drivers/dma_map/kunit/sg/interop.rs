// SPDX-License-Identifier: GPL-2.0

//! Conversion to and from [`SGTable`] of the `kernel` crate.

use super::*;
use crate::{
    device_side,
    engines::Idle,
    fixture::*, //
};
use dma_map::{
    sg::SplitSegments,
    DmaDevice,
    ToDevice, //
};
use kernel::{
    dma::DataDirection,
    scatterlist::SGTable, //
};

fn is_the_same<B: Sample>(dma: DmaDevice<'_>) -> Result {
    for len in SIZES {
        let mapping = map_sg(dma, B::sample(len, 1)?, ToDevice, Idle)?;
        let table = mapping.as_sg_table();
        let sum: u64 = table.iter().map(|entry| entry.dma_len()).sum();
        check_eq!(sum, mapping.size() as u64);
        let first = table.iter().next().ok_or(EINVAL)?;
        let segment = mapping.segments().next().ok_or(EINVAL)?;
        check_eq!(first.dma_address(), segment.address);

        check!(SplitSegments::of_sg_table(table, dma).eq(mapping.segments()));
    }
    Ok(())
}

#[kunit_tests(dma_map_sg_interop)]
mod tests {
    use super::*;

    #[test]
    fn mapping_is_a_table_of_the_kernel_crate() -> Result {
        each(|dev| {
            for max in [512, 65535] {
                dev.bind(|probe| {
                    let dma = probe.dma(ALL.max_segment_size(max))?;
                    each_buffer!(is_the_same(dma))
                })?;
            }
            Ok(())
        })
    }

    #[test]
    fn table_of_the_kernel_crate_has_segments() -> Result {
        each_dma(ALL, |dma| {
            let buffer = VVec::<u8>::sample(3 * PAGE_SIZE, 1)?;
            // More than that is mapped: all of the capacity.
            let size = buffer.capacity();
            let new = SGTable::new(dma.device(), buffer, DataDirection::ToDevice, GFP_KERNEL);
            let table = KBox::pin_init(new, GFP_KERNEL)?;

            let segments = SplitSegments::of_sg_table(&table, dma);
            let sum: usize = segments.clone().map(|segment| segment.len as usize).sum();
            check_eq!(sum, size);
            let mut at = 0;
            for segment in segments.split(100)? {
                let mut data = [0; 100];
                let data = &mut data[..segment.len as usize];
                device_side::read(dma, segment.address, data)?;
                for byte in data.iter().take((3 * PAGE_SIZE).saturating_sub(at)) {
                    check_eq!(*byte, pattern::at(1, at));
                    at += 1;
                }
            }
            check_eq!(at, 3 * PAGE_SIZE);
            Ok(())
        })
    }
}
