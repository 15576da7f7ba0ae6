// SPDX-License-Identifier: GPL-2.0

//! `complete_range`: the CPU gets the range, and the rest stays as the device left it.

use super::*;
use crate::{
    context,
    device_side,
    engines::{
        Idle,
        Scripted,
        Turn, //
    },
    fixture::*, //
};
use core::ops::Range;
use dma_map::{
    direction::Carries,
    Bidirectional,
    DmaDevice,
    FromDevice,
    MapError,
    ToDevice, //
};
use kernel::{
    str::CString,
    sync::Arc, //
};

const LEN: usize = 3 * PAGE_SIZE + 17;

/// Ranges around lines, pages, slots of the bounce pool and the ends.
const RANGES: [Range<usize>; 9] = [
    0..1,
    0..LEN,
    1..2,
    63..65,
    2047..2049,
    PAGE_SIZE - 1..PAGE_SIZE + 1,
    100..9000,
    LEN - 1..LEN,
    LEN - 100..LEN,
];

/// Returns whether `bytes` are the pattern `seed` from `start` on.
fn holds_at(bytes: &[u8], start: usize, seed: u8) -> bool {
    let mut bytes = bytes.iter().enumerate();
    bytes.all(|(i, byte)| *byte == pattern::at(seed, start + i))
}

/// Returns whether `bytes` are the pattern `inside` in `range`, and `outside` elsewhere.
fn holds_both(bytes: &[u8], range: &Range<usize>, inside: u8, outside: u8) -> bool {
    bytes.iter().enumerate().all(|(i, byte)| {
        let seed = if range.contains(&i) { inside } else { outside };
        *byte == pattern::at(seed, i)
    })
}

/// All that the device finds.
fn device_finds<B, D, E>(mapping: &DmaMapping<'_, B, D, Device<E>>) -> Result<KVec<u8>>
where
    B: Contiguous,
    D: Direction,
    E: Engine,
{
    let mut seen = KVec::from_elem(0, mapping.size(), GFP_KERNEL)?;
    device_side::read(mapping.device(), mapping.dma_address(), &mut seen)?;
    Ok(seen)
}

fn read<D: Carries<u8> + dma_map::direction::CpuReads>(dma: DmaDevice<'_>, d: D) -> Result {
    for range in RANGES {
        let buffer = KVec::<u8>::sample(LEN, 1)?;
        let place = buffer.place();
        let mapping = map_single(dma, buffer, d, Idle)?;
        let bounced = !in_place(&mapping, place);
        device_side::fill_at(dma, mapping.dma_address(), LEN, 2)?;

        let part = mapping.complete_range(range.clone())?;
        check_eq!(part.range(), range);
        check_eq!(part.size(), LEN);
        check!(holds_at(part.as_bytes(), range.start, 2), "{range:?}");
        if bounced && range.start > 0 {
            // SAFETY: The CPU looks at a byte of the buffer, which is its own, if not in sync.
            let beside = unsafe { place.add(range.start - 1).read_volatile() };
            check_eq!(beside, pattern::at(1, range.start - 1));
        }

        // The rest is as the device left it, also after another turn.
        let mapping = part.give(Idle);
        check!(holds_at(&device_finds(&mapping)?, 0, 2), "{range:?}");
        device_side::fill_at(dma, mapping.dma_address(), LEN, 3)?;
        let part = mapping.complete_range(range.clone())?;
        check!(holds_at(part.as_bytes(), range.start, 3), "{range:?}");
        check!(part.unmap().holds(3), "{range:?}");
    }
    Ok(())
}

/// The end of the turn, and the drop of a range in each state and context.
fn ends<B: Flat>(dma: DmaDevice<'_>) -> Result {
    let engine = Arc::new(Scripted::idle(), GFP_KERNEL)?;
    let part = || -> Result<_> {
        let buffer = B::sample(9000, 1)?;
        let place = buffer.place();
        let turn = Turn::of(&engine);
        let mapping = map_single(dma, buffer, Bidirectional, turn)?;
        device_side::fill_at(dma, mapping.dma_address(), 9000, 2)?;
        // SAFETY: The buffer is there at the end of the turn, and nobody writes to it then.
        unsafe { engine.watch(place) };
        let part = mapping.complete_range(0..1);
        // SAFETY: Nobody looks any more.
        unsafe { engine.watch(core::ptr::null()) };
        let part = part?;
        // The range is in sync before the engine is dropped.
        check_eq!(engine.found(), pattern::at(2, 0).into());
        check_eq!(engine.turns(), 0);
        Ok(part)
    };
    drop(part()?);
    let mut parts = [Some(part()?), Some(part()?), Some(part()?)].into_iter();
    context::each_atomic(&mut || {
        drop(parts.next());
        Ok(())
    })?;
    check_eq!((engine.asked(), dma.quarantined()), (4, 0));
    Ok(())
}

#[kunit_tests(dma_map_mapping_part)]
mod tests {
    use super::*;

    #[test]
    fn cpu_reads_a_range_and_no_more_is_synced() -> Result {
        each_dma(ALL, |dma| {
            read(dma, FromDevice)?;
            read(dma, Bidirectional)
        })
    }

    #[test]
    fn cpu_writes_a_range_and_the_rest_stays_the_devices() -> Result {
        each_dma(ALL, |dma| {
            for range in RANGES {
                let buffer = KVec::<u8>::sample(LEN, 1)?;
                let mapping = map_single(dma, buffer, Bidirectional, Idle)?;
                device_side::fill_at(dma, mapping.dma_address(), LEN, 2)?;
                let mut part = mapping.complete_range(range.clone())?;
                for (i, byte) in part.as_mut_bytes().iter_mut().enumerate() {
                    *byte = pattern::at(3, range.start + i);
                }
                let mapping = part.give(Idle);
                check!(
                    holds_both(&device_finds(&mapping)?, &range, 3, 2),
                    "{range:?}"
                );

                let mut part = mapping.complete_range(range.clone())?;
                for (i, byte) in part.as_mut_bytes().iter_mut().enumerate() {
                    *byte = pattern::at(4, range.start + i);
                }
                // Both sides' last words are in the buffer.
                check!(holds_both(&part.unmap(), &range, 4, 2), "{range:?}");
            }
            Ok(())
        })
    }

    #[test]
    fn cpu_writes_a_range_for_a_device_that_reads() -> Result {
        each_dma(ALL, |dma| {
            for range in RANGES {
                let buffer = Pages::sample(LEN, 1)?;
                let mapping = map_single(dma, buffer, ToDevice, Idle)?;
                let mut part = mapping.complete_range(range.clone())?;
                for (i, byte) in part.as_mut_bytes().iter_mut().enumerate() {
                    *byte = pattern::at(2, range.start + i);
                }
                let mapping = part.give(Idle);
                check!(
                    holds_both(&device_finds(&mapping)?, &range, 2, 1),
                    "{range:?}"
                );
                check!(holds_both(&mapping.unmap()?, &range, 2, 1), "{range:?}");
            }
            Ok(())
        })
    }

    #[test]
    fn bytes_of_larger_elements_are_a_range() -> Result {
        each_dma(ALL, |dma| {
            let value = KBox::new(0u64, GFP_KERNEL)?;
            let mapping = map_single(dma, value, Bidirectional, Idle)?;
            device_side::write(dma, mapping.dma_address(), &[1, 2, 3, 4, 5, 6, 7, 8])?;
            let mut part = mapping.complete_range(2..4)?;
            check_eq!(part.as_bytes(), [3, 4]);
            part.as_mut_bytes().fill(9);
            check_eq!(part.unmap().to_ne_bytes(), [1, 2, 9, 9, 5, 6, 7, 8]);
            Ok(())
        })
    }

    /// misuse: sync-outside-range
    #[test]
    fn ranges_beyond_the_buffer_are_einval() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let buffer = KVec::<u8>::sample(100, 1)?;
            let mut mapping = map_single(dma, buffer, FromDevice, &engine)?;
            for (start, end) in [
                (0, 0),
                (5, 5),
                (100, 100),
                (0, 101),
                (99, 101),
                (100, 101),
                (7, 6),
                (0, usize::MAX),
                (usize::MAX - 1, usize::MAX),
                (usize::MAX, 0),
            ] {
                mapping = match mapping.complete_range(start..end) {
                    Ok(_) => return Err(EEXIST),
                    Err(MapError { error, buffer }) => {
                        check_eq!(error, EINVAL);
                        buffer
                    }
                };
            }
            // A bad range asks nothing of the engine; a good one is up to it.
            check_eq!(engine.asked(), 0);
            let refused = match mapping.complete_range(0..100) {
                Ok(_) => return Err(EEXIST),
                Err(refused) => refused,
            };
            let text = CString::try_from_fmt(fmt!("{refused:?}"))?;
            check!(text.to_bytes().starts_with(b"MapError { error: "));
            check_eq!(refused.error, EBUSY);
            check_eq!((engine.asked(), engine.stopped()), (1, 0));
            engine.finish();
            let part = refused.buffer.complete_range(0..100)?;
            check_eq!(part.range(), 0..100);
            Ok(())
        })
    }

    #[test]
    fn ranges_end_the_turn_and_are_dropped_anywhere() -> Result {
        each_dma(ALL, |dma| each_buffer!(ends(dma)))
    }

    #[test]
    fn ranges_are_unmapped_at_unbind() -> Result {
        each(|dev| {
            let mut place = 0;
            dev.bind(|probe| {
                let buffer = KVec::<u8>::sample(9000, 1)?;
                let dma = probe.dma(ALL)?;
                let mapping = map_single(dma, buffer, FromDevice, Idle)?;
                place = mapping.dma_address();
                probe.keep(mapping.complete_range(0..10)?)
            })?;
            dev.unbind();
            dev.bind(|probe| {
                if c::strict_iommu(probe.device()) {
                    check_err!(device_side::write(probe.dma(ALL)?, place, &[1]), EFAULT);
                }
                Ok(())
            })
        })
    }

    #[test]
    fn ranges_are_dropped_and_asked_of_nobody() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let engine = Scripted::idle();
            let buffer = KVVec::<u8>::sample(9000, 1)?;
            let mapping = map_single(dma, buffer, Bidirectional, &engine)?;
            let part = mapping.complete_range(10..20)?;
            engine.start();
            check!(core::ptr::eq(part.device().device(), probe.device()));
            context::irqs_off(|| drop(part));
            check_eq!((engine.asked(), engine.stopped()), (1, 0));
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }

    #[test]
    fn ranges_work_in_atomic_context() -> Result {
        each_dma(ALL, |dma| {
            let map = || -> Result<_> {
                let buffer = KVec::<u8>::sample(9000, 1)?;
                map_single(dma, buffer, Bidirectional, Idle)
            };
            let mut mappings = [map()?, map()?, map()?].into_iter();
            context::each_atomic(&mut || {
                let part = mappings.next().ok_or(EINVAL)?.complete_range(10..2000)?;
                check!(holds_at(part.as_bytes(), 10, 1));
                let part = part.give(Idle).complete_range(0..9000)?;
                check!(part.unmap().holds(1));
                Ok(())
            })
        })
    }
}
