// SPDX-License-Identifier: GPL-2.0

//! Data across single mappings. Through bounce buffers, a missing sync is wrong data.

use super::*;
use crate::{
    device_side,
    engines::Idle,
    fixture::*, //
};
use dma_map::{
    Bidirectional,
    DmaDevice,
    FromDevice,
    ToDevice, //
};

/// The device fills the mapping.
fn fill<B, D, E>(mapping: &DmaMapping<'_, B, D, Device<E>>, seed: u8) -> Result
where
    B: Contiguous,
    D: Direction,
    E: Engine,
{
    let (dma, size) = (mapping.device(), mapping.size());
    device_side::fill_at(dma, mapping.dma_address(), size, seed)
}

/// Returns whether the device finds the pattern in the mapping.
fn finds<B, D, E>(mapping: &DmaMapping<'_, B, D, Device<E>>, seed: u8) -> Result<bool>
where
    B: Contiguous,
    D: Direction,
    E: Engine,
{
    let (dma, size) = (mapping.device(), mapping.size());
    device_side::finds_at(dma, mapping.dma_address(), size, seed)
}

fn to_device<B: Flat>(dma: DmaDevice<'_>) -> Result {
    for len in SIZES {
        let mapping = map_single(dma, B::sample(len, 1)?, ToDevice, Idle)?;
        check!(finds(&mapping, 1)?, "{len} bytes are not there");

        let mut mapping = mapping.complete()?;
        write(mapping.contents_mut(), 2);
        let mapping = mapping.give(Idle);
        check!(finds(&mapping, 2)?, "{len} bytes were not synced");
        check!(mapping.unmap()?.holds(2));

        let mut mapping = DmaMapping::map_cpu(dma, B::sample(len, 1)?, ToDevice, PLAIN)?;
        write(mapping.contents_mut(), 3);
        let mapping = mapping.give(Idle);
        check!(finds(&mapping, 3)?, "{len} bytes were not synced at first");
    }
    Ok(())
}

fn from_device<B: Flat>(dma: DmaDevice<'_>) -> Result {
    for len in SIZES {
        let mapping = map_single(dma, B::sample(len, 1)?, FromDevice, Idle)?;
        fill(&mapping, 2)?;
        check!(mapping.unmap()?.holds(2), "{len} bytes are not there");

        let mapping = DmaMapping::map_cpu(dma, B::sample(len, 1)?, FromDevice, PLAIN)?;
        let mapping = mapping.give(Idle);
        fill(&mapping, 3)?;
        let mapping = mapping.complete()?;
        check!(holds(mapping.contents(), 3), "{len} bytes were not synced");

        // Another round, without mapping again.
        let mapping = mapping.give(Idle);
        fill(&mapping, 4)?;
        let mapping = mapping.complete()?;
        check!(holds(mapping.contents(), 4));
        check!(mapping.unmap().holds(4), "unmap() changed {len} bytes");

        // What the device leaves alone stays.
        let mapping = map_single(dma, B::sample(len, 1)?, FromDevice, Idle)?;
        device_side::write(dma, mapping.dma_address(), &[pattern::at(1, 0)])?;
        check!(mapping.unmap()?.holds(1));
    }
    Ok(())
}

fn both_ways<B: Flat>(dma: DmaDevice<'_>) -> Result {
    for len in SIZES {
        let mapping = map_single(dma, B::sample(len, 1)?, Bidirectional, Idle)?;
        check!(finds(&mapping, 1)?);
        fill(&mapping, 2)?;
        let mut mapping = mapping.complete()?;
        check!(holds(mapping.contents(), 2), "{len} bytes are not there");
        write(mapping.contents_mut(), 3);
        let mapping = mapping.give(Idle);
        check!(finds(&mapping, 3)?, "{len} bytes were not synced");
        fill(&mapping, 4)?;

        // The CPU has the last word: nothing of the device's copy comes over it.
        let mut mapping = mapping.complete()?;
        check!(holds(mapping.contents(), 4));
        write(mapping.contents_mut(), 5);
        check!(mapping.unmap().holds(5), "unmap() undid a write of the CPU");
    }
    Ok(())
}

#[kunit_tests(dma_map_mapping_round_trip)]
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
    fn both_directions_in_turns() -> Result {
        each_dma(ALL, |dma| each_buffer!(both_ways(dma)))
    }

    #[test]
    fn boxed_values_cross() -> Result {
        each_dma(ALL, |dma| {
            let value = KBox::new([0u32; 3], GFP_KERNEL)?;
            let mapping = map_single(dma, value, FromDevice, Idle)?;
            device_side::write(dma, mapping.dma_address() + 4, &[1, 2, 3, 4])?;
            let mapping = mapping.complete()?;
            check_eq!(
                *mapping.contents(),
                [0, u32::from_ne_bytes([1, 2, 3, 4]), 0]
            );
            Ok(())
        })
    }
}
