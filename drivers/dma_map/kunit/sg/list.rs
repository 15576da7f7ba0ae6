// SPDX-License-Identifier: GPL-2.0

//! Several buffers in one table: ranges, pairs and lists. Each buffer comes back.

use super::*;
use crate::{
    context,
    device_side,
    engines::Idle,
    faults,
    fixture::*, //
};
use core::ops::Range;
use dma_map::{
    direction::Carries,
    sg::{
        AnyBuffer,
        BufferRange,
        SgList, //
    },
    Bidirectional,
    DmaDevice,
    FromDevice,
    ToDevice, //
};

type Parts = SgList<BufferRange<AnyBuffer>>;

/// The ranges of the parts of `mixed`, of buffers of 9000 bytes, or three pages.
const RANGES: [Range<usize>; 6] = [0..9000, 17..4101, 4096..8192, 8999..9000, 5..5, 1000..9000];

/// A list of parts of every kind, which hold the pattern 0xa0.
fn mixed() -> Result<Parts> {
    let mut list = SgList::new();
    for (i, range) in RANGES.into_iter().enumerate() {
        let buffer: AnyBuffer = match i % 4 {
            0 => KVec::<u8>::sample(9000, 0xa0)?.into(),
            1 => PageList::sample(9000, 0xa0)?.into(),
            2 => VVec::<u8>::sample(9000, 0xa0)?.into(),
            _ => KVVec::<u8>::sample(9000, 0xa0)?.into(),
        };
        list.push(BufferRange::new(buffer, range)?, Gfp::Kernel)?;
    }
    Ok(list)
}

/// All bytes of a buffer.
fn bytes(buffer: AnyBuffer) -> Result<VVec<u8>> {
    let mut bytes = VVec::from_elem(0, buffer.len(), GFP_KERNEL)?;
    match buffer {
        AnyBuffer::KVec(buffer) => bytes.copy_from_slice(&buffer),
        AnyBuffer::VVec(buffer) => bytes.copy_from_slice(&buffer),
        AnyBuffer::KVVec(buffer) => bytes.copy_from_slice(&buffer),
        AnyBuffer::Pages(pages) => pages.read(0, &mut bytes)?,
    }
    Ok(bytes)
}

/// Checks that what was mapped of the parts holds the pattern `seed`, and the rest what it held.
fn check_parts(list: Parts, seed: u8) -> Result {
    check_eq!(list.parts().len(), RANGES.len());
    let mut at = 0;

    for (part, range) in list.into_parts().into_iter().zip(RANGES) {
        let Range { start, end } = range;
        check_eq!(part.range(), range);
        let bytes = bytes(part.into_buffer())?;
        check!(pattern::holds(&bytes[..start], 0xa0, 0), "before {start}");
        check!(
            pattern::holds(&bytes[start..end], seed, at),
            "{start}..{end}"
        );
        check!(pattern::holds(&bytes[end..], 0xa0, end), "behind {end}");
        at += end - start;
    }
    Ok(())
}

fn out_of_range<B: Sample>() -> Result {
    for range in [
        0..9001,
        9001..9001,
        9000..9001,
        usize::MAX - 1..usize::MAX,
        0..usize::MAX,
        #[expect(clippy::reversed_empty_ranges)]
        {
            2..1
        },
    ] {
        let buffer = B::sample(9000, 1)?;
        let identity = buffer.identity();
        // A list of pages has some more bytes.
        if range.start <= range.end && range.end <= buffer.len() {
            continue;
        }
        match BufferRange::new(buffer, range.clone()) {
            Ok(_) => check!(false, "{range:?} of 9000 bytes"),
            Err(failed) => {
                check_eq!(failed.error, EINVAL);
                check_eq!(failed.buffer.identity(), identity);
                check!(failed.buffer.holds(1));
            }
        }
    }
    Ok(())
}

fn maps_nothing<B, D: Carries<B::Element>>(dma: DmaDevice<'_>, buffer: B, direction: D) -> Result
where
    B: SgBuffer,
{
    check_err!(
        SgMapping::map(dma, buffer, direction, Idle, Gfp::Kernel).map(|_| ()),
        EINVAL
    );
    Ok(())
}

#[kunit_tests(dma_map_sg_list)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_every_kind_cross_in_order() -> Result {
        each(|dev| {
            for max in [512, 4096, 65535] {
                dev.bind(|probe| {
                    let dma = probe.dma(ALL.max_segment_size(max))?;
                    let list = mixed()?;
                    let len: usize = RANGES.iter().map(Range::len).sum();
                    check_eq!(list.len(), len);
                    let mapping = map_sg(dma, list, Bidirectional, Idle)?;
                    check_eq!(mapping.size(), len);
                    check_segments(&mapping)?;
                    device_side::fill(&mapping, 3)?;

                    let mut mapping = mapping.complete()?;
                    let mut data = VVec::from_elem(0, len, GFP_KERNEL)?;
                    mapping.read(0, &mut data)?;
                    check!(data.holds(3), "the CPU reads other data");
                    let sample = VVec::<u8>::sample(len, 4)?;
                    mapping.write(0, &sample)?;

                    let mapping = mapping.give(Idle);
                    check!(device_side::finds(&mapping, 4)?);
                    device_side::fill(&mapping, 5)?;
                    check_parts(mapping.unmap()?, 5)
                })?;
            }
            Ok(())
        })
    }

    #[test]
    fn what_is_outside_of_a_range_is_left_alone() -> Result {
        each_dma(ALL, |dma| {
            let mapping = map_sg(dma, mixed()?, FromDevice, Idle)?;
            device_side::fill(&mapping, 6)?;
            check_parts(mapping.complete()?.unmap(), 6)
        })
    }

    #[test]
    fn pairs_have_elements_of_their_own() -> Result {
        each_dma(ALL, |dma| {
            let words = KVec::from_elem(0u64, 100, GFP_KERNEL)?;
            let triples = VVec::from_elem([0u8; 3], 3000, GFP_KERNEL)?;
            let pages = PageList::zeroed(2, Gfp::Kernel)?;
            let all = (words, (triples, pages));

            let mapping = map_sg(dma, all, FromDevice, Idle)?;
            check_eq!(mapping.size(), 800 + 9000 + 2 * PAGE_SIZE);
            check_segments(&mapping)?;
            device_side::fill(&mapping, 1)?;

            let (words, (triples, pages)) = mapping.unmap()?;
            for (i, word) in words.iter().enumerate() {
                for (j, byte) in word.to_ne_bytes().into_iter().enumerate() {
                    check_eq!(byte, pattern::at(1, 8 * i + j));
                }
            }
            for (i, byte) in triples.iter().flatten().enumerate() {
                check_eq!(*byte, pattern::at(1, 800 + i));
            }
            let mut last = [0];
            pages.read(pages.len() - 1, &mut last)?;
            check_eq!(last[0], pattern::at(1, 800 + 9000 + 2 * PAGE_SIZE - 1));
            Ok(())
        })
    }

    #[test]
    fn range_beyond_the_buffer_is_einval_and_the_buffer_comes_back() -> Result {
        out_of_range::<KVec<u8>>()?;
        out_of_range::<VVec<u8>>()?;
        out_of_range::<KVVec<u8>>()?;
        out_of_range::<PageList>()
    }

    #[test]
    fn nothing_is_einval() -> Result {
        each_dma(ALL, |dma| {
            let empty =
                || BufferRange::new(VVec::<u8>::sample(9000, 1)?, 7..7).map_err(Error::from);
            maps_nothing(dma, empty()?, ToDevice)?;
            maps_nothing(dma, (empty()?, KVec::<u64>::new()), FromDevice)?;
            maps_nothing(dma, SgList::<KVec<u8>>::new(), ToDevice)?;
            let mut list = SgList::new();
            for _ in 0..3 {
                list.push(empty()?, Gfp::Kernel)?;
            }
            maps_nothing(dma, list, Bidirectional)
        })
    }

    #[test]
    fn thousands_of_parts_are_mapped() -> Result {
        each_dma(ALL, |dma| {
            for count in [127, 128, 129, 255, 256, 4000] {
                let mut list = SgList::with_capacity(count, Gfp::Kernel)?;
                for i in 0..count {
                    let buffer = KVec::from_elem(0u8, 64, GFP_KERNEL)?;
                    let part = BufferRange::new(buffer, i % 3..60 + i % 5)?;
                    list.push(part, Gfp::Kernel)?;
                }
                let mapping = map_sg(dma, list, Bidirectional, Idle)?;
                check!(check_segments(&mapping)? >= count / 64);
                device_side::fill(&mapping, 7)?;
                let mut mapping = mapping.complete()?;

                let mut at = 0;
                for part in mapping.buffer().parts() {
                    let bytes = &part.buffer()[part.range()];
                    check!(pattern::holds(bytes, 7, at), "the part at byte {at}");
                    at += bytes.len();
                }
                check_eq!(at, mapping.size());

                mapping.write(at - 100, &[9; 100])?;
                let mut tail = [0; 101];
                mapping.read(at - 101, &mut tail)?;
                check_eq!(tail[0], pattern::at(7, at - 101));
                check_eq!(tail[1..], [9; 100]);
            }
            Ok(())
        })
    }

    #[test]
    fn list_that_cannot_grow_gives_the_part_back() -> Result {
        let mut list = SgList::new();
        list.push(KVec::<u8>::sample(10, 1)?, Gfp::Kernel)?;
        for _ in 0..64 {
            let (len, size) = (list.parts().len(), list.len());
            let part = KVec::<u8>::sample(10, 2)?;
            let place = part.as_ptr();
            match faults::failing(1, || list.push(part, Gfp::Nowait)) {
                None => skip(c"no fault injection"),
                Some((Ok(()), false)) => check_eq!(list.len(), size + 10),
                Some((Ok(()), true)) => check!(false, "pushed without memory"),
                Some((Err(failed), _)) => {
                    check_eq!(failed.error, ENOMEM);
                    check_eq!(failed.buffer.as_ptr(), place);
                    check_eq!((list.parts().len(), list.len()), (len, size));
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    #[test]
    fn copies_are_checked() -> Result {
        each_dma(ALL, |dma| {
            let mapping = map_sg(dma, mixed()?, Bidirectional, Idle)?;
            let size = mapping.size();
            let mut mapping = mapping.complete()?;
            for (offset, len) in [(size, 1), (size - 1, 2), (usize::MAX, 1), (usize::MAX, 0)] {
                let mut data = [0x77; 2];
                check_err!(mapping.read(offset, &mut data[..len]), EINVAL);
                check_err!(mapping.write(offset, &data[..len]), EINVAL);
                check_eq!(data, [0x77; 2]);
            }
            mapping.read(size, &mut [])?;
            mapping.write(size, &[])?;
            mapping.write(size - 1, &[0x55])?;
            let mut last = [0];
            mapping.read(size - 1, &mut last)?;
            check_eq!(last, [0x55]);
            Ok(())
        })
    }

    #[test]
    fn lists_are_dropped_in_atomic_context() -> Result {
        each_dma(ALL, |dma| {
            let mapping = map_sg(dma, mixed()?, FromDevice, Idle)?;
            context::spinlocked(|| drop(mapping));
            let mapping = map_sg(dma, mixed()?, FromDevice, Idle)?;
            context::hard_irq(|| drop(mapping))?;
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }
}
