// SPDX-License-Identifier: GPL-2.0

//! Data across scatter-gather mappings: each side reads what the other side wrote.
//!
//! In each direction, for each kind of buffer: in place, through bounce buffers, and through an IOMMU.

use super::*;
use crate::{
    device_side,
    engines::Idle,
    fixture::*, //
};
use dma_map::{
    sg::SgSlice,
    Bidirectional,
    DmaDevice,
    FromDevice,
    ToDevice, //
};

fn to_device<B: Sample>(dma: DmaDevice<'_>) -> Result {
    for len in SIZES {
        let mapping = map_sg(dma, B::sample(len, 1)?, ToDevice, Idle)?;
        check!(
            device_side::finds(&mapping, 1)?,
            "{len} bytes are not there"
        );
        check!(mapping.unmap()?.holds(1));
    }
    Ok(())
}

fn from_device<B: Sample>(dma: DmaDevice<'_>) -> Result {
    for len in SIZES {
        let mapping = map_sg(dma, B::sample(len, 1)?, FromDevice, Idle)?;
        device_side::fill(&mapping, 2)?;
        check!(mapping.unmap()?.holds(2), "{len} bytes are not there");

        let mapping = map_sg(dma, B::sample(len, 1)?, FromDevice, Idle)?;
        device_side::fill(&mapping, 3)?;
        let mapping = mapping.complete()?;
        check!(mapping.buffer().holds(3), "{len} bytes are not synced");

        // Another round, without mapping again.
        let mapping = mapping.give(Idle);
        device_side::fill(&mapping, 4)?;
        let mapping = mapping.complete()?;
        check!(
            mapping.buffer().holds(4),
            "{len} bytes are not synced again"
        );
        check!(mapping.unmap().holds(4));
    }
    Ok(())
}

fn partly_from_device<B: Sample>(dma: DmaDevice<'_>) -> Result {
    let mapping = map_sg(dma, B::sample(9000, 1)?, FromDevice, Idle)?;
    // The device writes less than it was given, and what it left alone is as it was.
    let first = mapping.segments().next().ok_or(EINVAL)?;
    device_side::write(dma, first.address, &[0xee])?;
    let buffer = mapping.unmap()?;
    check!(!buffer.holds(1));

    let mapping = map_sg(dma, buffer, FromDevice, Idle)?;
    device_side::write(dma, first_address(&mapping)?, &[pattern::at(1, 0)])?;
    check!(
        mapping.unmap()?.holds(1),
        "what the device left alone changed"
    );
    Ok(())
}

fn first_address<B: SgBuffer>(
    mapping: &SgMapping<'_, B, FromDevice, Device<Idle>>,
) -> Result<kernel::dma::DmaAddress> {
    Ok(mapping.segments().next().ok_or(EINVAL)?.address)
}

fn both_ways<B: Sample>(dma: DmaDevice<'_>) -> Result {
    for len in SIZES {
        let mapping = map_sg(dma, B::sample(len, 1)?, Bidirectional, Idle)?;
        check!(device_side::finds(&mapping, 1)?);
        device_side::fill(&mapping, 2)?;
        let mapping = mapping.complete()?;
        check!(mapping.buffer().holds(2));
        let mapping = mapping.give(Idle);
        check!(device_side::finds(&mapping, 2)?);
        device_side::fill(&mapping, 3)?;
        check!(mapping.unmap()?.holds(3));
    }
    Ok(())
}

/// What the CPU writes between two turns reaches the device, and survives `unmap`.
fn rewritten<B: Sample + SgSlice>(dma: DmaDevice<'_>) -> Result {
    for len in SIZES {
        let mapping = map_sg(dma, B::sample(len, 1)?, ToDevice, Idle)?;
        let mut mapping = mapping.complete()?;
        pattern::fill(mapping.as_mut_slice(), 2, 0);
        let mapping = mapping.give(Idle);
        check!(
            device_side::finds(&mapping, 2)?,
            "{len} bytes were not synced"
        );
        check!(mapping.unmap()?.holds(2));

        let mapping = map_sg(dma, B::sample(len, 1)?, Bidirectional, Idle)?;
        device_side::fill(&mapping, 2)?;
        let mut mapping = mapping.complete()?;
        check!(mapping.as_slice().len() == len && mapping.buffer().holds(2));
        pattern::fill(mapping.as_mut_slice(), 3, 0);
        let mapping = mapping.give(Idle);
        check!(
            device_side::finds(&mapping, 3)?,
            "{len} bytes were not synced"
        );

        // The CPU has the last word: nothing of the device's copy comes over it.
        let mut mapping = mapping.complete()?;
        pattern::fill(mapping.as_mut_slice(), 4, 0);
        check!(mapping.unmap().holds(4), "unmap() undid a write of the CPU");
    }
    Ok(())
}

#[kunit_tests(dma_map_sg_round_trip)]
mod tests {
    use super::*;

    #[test]
    fn device_finds_what_the_cpu_wrote() -> Result {
        each_dma(ALL, |dma| each_buffer!(to_device(dma)))
    }

    #[test]
    fn cpu_finds_what_the_device_wrote() -> Result {
        each_dma(ALL, |dma| each_buffer!(from_device(dma)))
    }

    #[test]
    fn what_the_device_leaves_alone_stays() -> Result {
        each_dma(ALL, |dma| each_buffer!(partly_from_device(dma)))
    }

    #[test]
    fn both_directions_in_turns() -> Result {
        each_dma(ALL, |dma| each_buffer!(both_ways(dma)))
    }

    #[test]
    fn cpu_writes_between_turns() -> Result {
        each_dma(ALL, |dma| {
            rewritten::<KVec<u8>>(dma)?;
            rewritten::<VVec<u8>>(dma)?;
            rewritten::<KVVec<u8>>(dma)
        })
    }

    #[test]
    fn cpu_writes_to_page_lists_between_turns() -> Result {
        each_dma(ALL, |dma| {
            let pages = PageList::sample(3 * PAGE_SIZE, 1)?;
            let mapping = map_sg(dma, pages, ToDevice, Idle)?;
            let mut mapping = mapping.complete()?;

            let mut data = KVec::from_elem(0, 3 * PAGE_SIZE, GFP_KERNEL)?;
            pattern::fill(&mut data, 2, 0);
            mapping.write(0, &data)?;
            check_err!(mapping.write(3 * PAGE_SIZE, &[0]), EINVAL);
            check_err!(mapping.write(1, &data), EINVAL);

            let mapping = mapping.give(Idle);
            check!(device_side::finds(&mapping, 2)?);
            check!(mapping.unmap()?.holds(2));
            Ok(())
        })
    }

    #[test]
    fn small_segments_do_not_mix_bytes_up() -> Result {
        each_dma(ALL.max_segment_size(333), |dma| {
            each_buffer!(both_ways(dma))
        })
    }

    #[test]
    fn many_rounds_on_one_mapping() -> Result {
        each_dma(ALL, |dma| {
            let buffer = VVec::<u8>::sample(10_000, 0)?;
            let mut mapping = map_sg(dma, buffer, Bidirectional, Idle)?;
            for seed in 0..50 {
                check!(device_side::finds(&mapping, seed)?, "in round {seed}");
                device_side::fill(&mapping, seed + 100)?;
                let mut cpu = mapping.complete()?;
                check!(cpu.buffer().holds(seed + 100), "in round {seed}");
                pattern::fill(cpu.as_mut_slice(), seed + 1, 0);
                mapping = cpu.give(Idle);
            }
            check!(mapping.unmap()?.holds(50));
            Ok(())
        })
    }
}
