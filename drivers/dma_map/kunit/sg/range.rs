// SPDX-License-Identifier: GPL-2.0

//! `sync_read` and `sync_write`: access to a part of what the device owns, while it is idle.

use super::*;
use crate::{
    context,
    device_side,
    engines::{
        Idle,
        Scripted, //
    },
    fixture::*, //
};
use dma_map::{
    Bidirectional,
    DmaDevice,
    FromDevice,
    ToDevice, //
};

/// Ranges of 20001 bytes that meet borders, and those that do not.
const RANGES: [(usize, usize); 8] = [
    (0, 1),
    (0, 64),
    (4095, 2),
    (4096, 4096),
    (100, 12_000),
    (20_000, 1),
    (0, 20_001),
    (20_001, 0),
];

fn reads<B: Sample>(dma: DmaDevice<'_>) -> Result {
    let buffer = B::sample(20_001, 1)?;
    let mut mapping = map_sg(dma, buffer, FromDevice, Idle)?;
    for (seed, (offset, len)) in (2..).zip(RANGES) {
        device_side::fill(&mapping, seed)?;
        let mut data = VVec::from_elem(0, len, GFP_KERNEL)?;
        mapping.sync_read(offset, &mut data)?;
        check!(
            pattern::holds(&data, seed, offset),
            "{len} bytes from {offset} on"
        );
    }
    // The mapping is the device's still.
    device_side::fill(&mapping, 100)?;
    check!(mapping.unmap()?.holds(100));
    Ok(())
}

fn writes<B: Sample, D>(dma: DmaDevice<'_>, direction: D) -> Result
where
    D: dma_map::direction::CpuWrites + dma_map::direction::Carries<u8>,
{
    let buffer = B::sample(20_001, 1)?;
    let mut mapping = map_sg(dma, buffer, direction, Idle)?;
    let sample = VVec::<u8>::sample(20_001, 2)?;
    for (offset, len) in RANGES {
        if len == 20_001 {
            continue;
        }
        mapping.sync_write(offset, &sample[offset..offset + len])?;
    }

    // What was not written is as it was.
    let written = |at| {
        RANGES
            .iter()
            .any(|&(offset, len)| len != 20_001 && (offset..offset + len).contains(&at))
    };
    let mut at = 0;
    for segment in mapping.segments() {
        let mut data = VVec::from_elem(0, segment.len as usize, GFP_KERNEL)?;
        device_side::read(dma, segment.address, &mut data)?;
        for byte in &data {
            let seed = if written(at) { 2 } else { 1 };
            check!(*byte == pattern::at(seed, at), "byte {at} is {byte:#x}");
            at += 1;
        }
    }
    Ok(())
}

/// What the device wrote next to a range survives a write to the range.
fn keeps_the_rest<B: Sample>(dma: DmaDevice<'_>) -> Result {
    let buffer = B::sample(20_001, 1)?;
    let mut mapping = map_sg(dma, buffer, Bidirectional, Idle)?;
    device_side::fill(&mapping, 2)?;
    let mut middle = [0; 3000];
    mapping.sync_read(3000, &mut middle)?;
    mapping.sync_write(3000, &middle)?;
    check!(device_side::finds(&mapping, 2)?);
    check!(mapping.unmap()?.holds(2));
    Ok(())
}

fn refusals<B: Sample>(dma: DmaDevice<'_>) -> Result {
    let engine = Scripted::busy();
    let buffer = B::sample(9000, 1)?;
    let mut mapping = map_sg(dma, buffer, Bidirectional, &engine)?;
    let size = mapping.size();
    let mut data = [0x77; 4];
    check_err!(mapping.sync_read(0, &mut data), EBUSY);
    check_err!(mapping.sync_write(0, &data), EBUSY);
    engine.finish();
    for offset in [size, size - 3, usize::MAX, usize::MAX - 3] {
        check_err!(mapping.sync_read(offset, &mut data), EINVAL);
        check_err!(mapping.sync_write(offset, &data), EINVAL);
    }
    check_eq!(data, [0x77; 4]);
    check_eq!(engine.stopped(), 0);
    check!(mapping.unmap()?.holds(1));
    Ok(())
}

#[kunit_tests(dma_map_sg_range)]
mod tests {
    use super::*;

    #[test]
    fn cpu_reads_a_range_of_what_arrived() -> Result {
        each_dma(ALL, |dma| each_buffer!(reads(dma)))
    }

    #[test]
    fn cpu_reads_a_range_of_small_segments() -> Result {
        each_dma(ALL.max_segment_size(333), |dma| each_buffer!(reads(dma)))
    }

    #[test]
    fn device_finds_a_range_that_was_written() -> Result {
        each_dma(ALL, |dma| {
            writes::<KVec<u8>, _>(dma, ToDevice)?;
            writes::<VVec<u8>, _>(dma, ToDevice)?;
            writes::<KVVec<u8>, _>(dma, Bidirectional)?;
            each_buffer!(keeps_the_rest(dma))
        })
    }

    /// misuse: sync-outside-range
    #[test]
    fn busy_device_and_wrong_range_are_refused() -> Result {
        each_dma(ALL, |dma| each_buffer!(refusals(dma)))
    }

    #[test]
    fn ranges_are_synced_in_atomic_context() -> Result {
        each_dma(ALL, |dma| {
            let buffer = VVec::<u8>::sample(9000, 1)?;
            let mut mapping = map_sg(dma, buffer, Bidirectional, Idle)?;
            let mut round = || -> Result {
                let mut data = [0; 100];
                mapping.sync_read(4000, &mut data)?;
                mapping.sync_write(4000, &data)
            };
            context::spinlocked(&mut round)?;
            context::irqs_off(&mut round).0?;
            check!(device_side::finds(&mapping, 1)?);
            Ok(())
        })
    }
}
