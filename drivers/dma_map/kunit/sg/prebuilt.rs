// SPDX-License-Identifier: GPL-2.0

//! `Prebuilt`: a table that is kept from one mapping to the next, and used only where it is right.

use super::*;
use crate::{
    device_side,
    engines::{
        Idle,
        Scripted, //
    },
    faults,
    fixture::*, //
};
use dma_map::{
    sg::{
        Prebuilt,
        SgOptions, //
    },
    Bidirectional,
    DmaDevice,
    FromDevice,
    MapError,
    MapOptions,
    ToDevice, //
};
use kernel::bindings;

/// Returns where the entries of the table are.
fn entries<B, D>(mapping: &SgMapping<'_, B, D, Device<Idle>>) -> usize
where
    B: SgSource,
    D: Direction,
{
    let table: *const bindings::sg_table = core::ptr::from_ref(mapping.as_sg_table()).cast();
    // SAFETY: `SGTable` is a transparent wrapper of the C structure, and the mapping has one.
    unsafe { (*table).sgl.addr() }
}

fn keeps_its_table<B: Sample>(dma: DmaDevice<'_>) -> Result {
    let buffer = Prebuilt::new(dma, B::sample(20_001, 1)?, Gfp::Kernel)?;
    let mapping = map_sg(dma, buffer, Bidirectional, Idle)?;
    let first = entries(&mapping);
    let buffer = mapping.unmap()?;

    // Had the table been freed, this would get its memory, or the next one.
    let other = map_sg(dma, B::sample(20_001, 9)?, ToDevice, Idle)?;
    check!(entries(&other) != first, "the table was freed");
    let mapping = map_sg(dma, buffer, Bidirectional, Idle)?;
    check_eq!(entries(&mapping), first);
    check_segments(&mapping)?;
    Ok(())
}

/// Sends the buffer in both directions, in turns.
fn rounds<B: Sample>(dma: DmaDevice<'_>) -> Result {
    let mut buffer = Prebuilt::new(dma, B::sample(20_001, 1)?, Gfp::Kernel)?;
    for seed in 2..10 {
        let mapping = map_sg(dma, buffer, FromDevice, Idle)?;
        device_side::fill(&mapping, seed)?;
        buffer = mapping.unmap()?;
        check!(buffer.buffer().holds(seed));

        let mapping = map_sg(dma, buffer, ToDevice, Idle)?;
        check!(device_side::finds(&mapping, seed)?);
        buffer = mapping.complete()?.unmap();
    }
    check!(buffer.into_buffer().holds(9));
    Ok(())
}

/// Lets each allocation of `map` fail in turn; the table comes back with the buffer.
fn failing_allocations(dma: DmaDevice<'_>) -> Result {
    let sample = VVec::<u8>::sample(100_000, 0x33)?;
    let mut buffer = Prebuilt::new(dma, sample, Gfp::Kernel)?;
    for n in 1..100 {
        let map = || SgMapping::map(dma, buffer, ToDevice, Idle, Gfp::Nowait);
        buffer = match faults::failing(n, map) {
            None => {
                skip(c"no fault injection");
                return Ok(());
            }
            Some((Err(MapError { error, buffer }), failed)) => {
                check!(failed, "{error:?}, although no allocation failed");
                check_eq!(error, ENOMEM);
                buffer
            }
            Some((Ok(mapping), failed)) => {
                check_segments(&mapping)?;
                if !failed {
                    check!(mapping.unmap()?.buffer().holds(0x33));
                    return Ok(());
                }
                mapping.unmap()?
            }
        };
    }
    Err(ELOOP)
}

#[kunit_tests(dma_map_sg_prebuilt)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_kept() -> Result {
        each_dma(ALL, |dma| each_buffer!(keeps_its_table(dma)))
    }

    #[test]
    fn data_goes_both_ways_again_and_again() -> Result {
        each_dma(ALL, |dma| each_buffer!(rounds(dma)))
    }

    #[test]
    fn the_cpu_writes_between_two_mappings() -> Result {
        each_dma(ALL, |dma| {
            let mut buffer = Prebuilt::new(dma, VVec::<u8>::sample(9000, 1)?, Gfp::Kernel)?;
            for seed in 2..5 {
                pattern::fill(buffer.as_mut_slice(), seed, 0);
                let mapping = map_sg(dma, buffer, ToDevice, Idle)?;
                check!(device_side::finds(&mapping, seed)?);
                buffer = mapping.unmap()?;
            }
            check!(pattern::holds(buffer.as_slice(), 4, 0));
            Ok(())
        })
    }

    #[test]
    fn pages_are_written_and_read_by_copies() -> Result {
        each_dma(ALL, |dma| {
            let mut buffer = Prebuilt::new(dma, PageList::sample(9000, 1)?, Gfp::Kernel)?;
            buffer.write(4090, &[1, 2, 3, 4, 5, 6, 7, 8])?;
            let mapping = map_sg(dma, buffer, Bidirectional, Idle)?;
            let buffer = mapping.unmap()?;
            let mut data = [0; 8];
            buffer.read(4090, &mut data)?;
            check_eq!(data, [1, 2, 3, 4, 5, 6, 7, 8]);
            Ok(())
        })
    }

    /// A table that was built for one device is not used for another that takes less at once.
    #[test]
    fn another_device_gets_a_table_of_its_own() -> Result {
        let mut kept = None;
        each_dma(ALL, |dma| {
            kept = Some(Prebuilt::new(
                dma,
                VVec::<u8>::sample(20_001, 1)?,
                Gfp::Kernel,
            )?);
            Ok(())
        })?;
        each_dma(ALL.max_segment_size(512), |dma| {
            let Some(buffer) = kept.take() else {
                return Err(EINVAL);
            };
            let mapping = map_sg(dma, buffer, Bidirectional, Idle)?;
            check!(check_segments(&mapping)? >= 40);
            check!(mapping.segments().all(|segment| segment.len <= 512));
            device_side::fill(&mapping, 7)?;
            let buffer = mapping.unmap()?;
            check!(buffer.buffer().holds(7));
            kept = Some(buffer);
            Ok(())
        })
    }

    /// The table is the buffer's, and goes with the mapping: wherever that goes, and however it ends.
    #[test]
    fn mappings_may_be_moved_and_dropped() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let mut buffer = Prebuilt::new(dma, VVec::<u8>::sample(9000, 3)?, Gfp::Kernel)?;
            for seed in 4..7 {
                let mapping = map_sg(dma, buffer, Bidirectional, &engine)?;
                let mapping = KBox::new(mapping, GFP_KERNEL)?;
                check_segments(&mapping)?;
                device_side::fill(&mapping, seed)?;
                let mapping = refused(KBox::into_inner(mapping).unmap())?;
                engine.finish();
                let mapping = KBox::new(mapping.complete()?, GFP_KERNEL)?;
                check!(mapping.buffer().buffer().holds(seed));
                engine.start();
                buffer = KBox::into_inner(mapping).unmap();
            }
            drop(map_sg(dma, buffer, ToDevice, &engine)?);
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }

    #[test]
    fn options_may_differ_each_time() -> Result {
        each_dma(ALL, |dma| {
            let plain = SgOptions::new(Gfp::Kernel);
            let weak = plain.map(MapOptions::new().weak_ordering());
            let coherent = plain.map(MapOptions::new().require_coherent());
            let all = [
                (plain, false),
                (weak, false),
                (coherent, true),
                (plain, false),
                (coherent, true),
                (weak, false),
            ];
            let mut buffer = Prebuilt::new(dma, VVec::<u8>::sample(9000, 3)?, Gfp::Kernel)?;
            for (options, in_place) in all {
                buffer = match SgMapping::map(dma, buffer, Bidirectional, Idle, options) {
                    Ok(mapping) => {
                        check_segments(&mapping)?;
                        mapping.unmap()?
                    }
                    // Where it bounces.
                    Err(MapError { error, buffer }) => {
                        check_eq!(error, EIO);
                        check!(in_place);
                        buffer
                    }
                };
                check!(buffer.buffer().holds(3));
            }
            Ok(())
        })
    }

    #[test]
    fn addresses_alone_take_the_table_with_them() -> Result {
        each_dma(ALL, |dma| {
            let mut buffer = Prebuilt::new(dma, VVec::<u8>::sample(9000, 3)?, Gfp::Kernel)?;
            for _ in 0..3 {
                let mapping = map_sg(dma, buffer, ToDevice, Idle)?;
                buffer = mapping.into_addresses(Gfp::Kernel)?.unmap()?;
                check!(buffer.buffer().holds(3));
            }
            Ok(())
        })
    }

    #[test]
    fn failed_allocations_leave_the_table() -> Result {
        each_dma(ALL, failing_allocations)
    }

    #[test]
    fn empty_buffers_are_einval_and_come_back() -> Result {
        each_dma(ALL, |dma| {
            let buffer = VVec::<u8>::with_capacity(100, GFP_KERNEL)?;
            match Prebuilt::new(dma, buffer, Gfp::Kernel) {
                Ok(_) => Err(EDOM),
                Err(MapError { error, buffer }) => {
                    check_eq!(error, EINVAL);
                    check_eq!(buffer.capacity(), 100);
                    Ok(())
                }
            }
        })
    }
}
