// SPDX-License-Identifier: GPL-2.0

//! Accessors of an IOVA mapping between its turns, on both kinds of mapping.

use super::*;
use crate::{
    engines::{
        Idle,
        Scripted, //
    },
    fixture::*, //
};
use dma_map::{
    sg::Chunk,
    Bidirectional,
    DmaDevice,
    FromDevice,
    ToDevice, //
};
use kernel::sync::{
    atomic::{
        Atomic,
        Relaxed, //
    },
    Arc, //
};

/// A buffer that counts what it is asked.
struct Watched {
    buffer: KVec<u8>,
    asked: Arc<Atomic<usize>>,
}

impl Watched {
    fn buffer(&self) -> &KVec<u8> {
        self.asked.fetch_add(1, Relaxed);
        &self.buffer
    }
}

// SAFETY: All of it is that of the one buffer.
unsafe impl SgBuffer for Watched {
    type Element = u8;
    const DROP_MAY_SLEEP: bool = false;

    fn len(&self) -> usize {
        self.buffer().len()
    }

    fn try_for_each_chunk(&self, f: impl FnMut(Chunk) -> Result) -> Result {
        self.buffer().try_for_each_chunk(f)
    }

    fn owns_cache_lines(&self, line: usize) -> bool {
        self.buffer().owns_cache_lines(line)
    }
}

/// The device has the memory, so that not even its length may be taken from a reference to it.
fn not_asked(dma: DmaDevice<'_>) -> Result {
    let engine = Scripted::busy();
    let watched = Watched {
        buffer: KVec::from_elem(1u8, 9000, GFP_KERNEL)?,
        asked: Arc::new(Atomic::new(0), GFP_KERNEL)?,
    };
    let asked = watched.asked.clone();
    let mapping = map_iova(dma, watched, Bidirectional, &engine)?;
    let before = asked.load(Relaxed);
    check!(before > 0);

    check_eq!(mapping.size(), 9000);
    check_segments(&mapping)?;
    let mapping = refused(mapping.complete())?;
    let mapping = refused(mapping.unmap())?;
    check_eq!(asked.load(Relaxed), before);
    engine.finish();
    let mapping = mapping.complete()?.give(&engine);
    check_eq!(asked.load(Relaxed), before);
    drop(mapping);
    Ok(())
}

fn each_with(f: impl Fn(DmaDevice<'_>) -> Result) -> Result {
    each_dma(ALL, f)
}

#[kunit_tests(dma_map_iova_transitions)]
mod tests {
    use super::*;

    #[test]
    fn buffer_is_not_asked_while_the_device_has_it() -> Result {
        each_with(not_asked)
    }

    #[test]
    fn slices_are_read_and_written_in_between() -> Result {
        each_with(|dma| {
            let buffer = VVec::<u8>::sample(9000, 1)?;
            let mapping = map_iova(dma, buffer, Bidirectional, Idle)?;
            let (iova, address) = (mapping.use_iova(), mapping.contiguous());
            let mut held = mapping.complete()?;
            check_eq!((held.as_slice().len(), held.use_iova()), (9000, iova));
            for (i, byte) in held.as_mut_slice().iter_mut().enumerate() {
                *byte = pattern::at(9, i);
            }
            let mapping = held.give(Idle);
            check_eq!(mapping.contiguous(), address);
            check_segments(&mapping)?;
            check!(finds(&mapping, 9)?);
            check!(mapping.complete()?.unmap().holds(9));
            Ok(())
        })
    }

    #[test]
    fn directions_give_their_accessors() -> Result {
        each_with(|dma| {
            let buffer = KVec::<u8>::sample(100, 1)?;
            let mapping = map_iova(dma, buffer, ToDevice, Idle)?;
            let mut held = mapping.complete()?;
            held.as_mut_slice()[99] = 1;
            check_eq!(held.unmap()[99], 1);

            let buffer = KVec::<u8>::sample(100, 1)?;
            let mapping = map_iova(dma, buffer, FromDevice, Idle)?;
            fill(&mapping, 2)?;
            let held = mapping.complete()?;
            check_eq!(held.as_slice()[99], pattern::at(2, 99));
            Ok(())
        })
    }

    #[test]
    fn pages_are_written_in_between() -> Result {
        each_with(|dma| {
            let pages = PageList::sample(3 * PAGE_SIZE, 1)?;
            let mapping = map_iova(dma, pages, Bidirectional, Idle)?;
            let mut held = mapping.complete()?;
            let mut data = [0; 100];
            pattern::fill(&mut data, 2, PAGE_SIZE - 50);
            held.write(PAGE_SIZE - 50, &data)?;
            check_err!(held.write(3 * PAGE_SIZE - 99, &data), EINVAL);
            check_err!(held.write(usize::MAX, &data), EINVAL);
            let mapping = held.give(Idle);
            let mut found = KVVec::from_elem(0, 3 * PAGE_SIZE, GFP_KERNEL)?;
            device_side::for_each_part(&mut mapping.segments(), &mut |address, len, start| {
                device_side::read(dma, address, &mut found[start..start + len])
            })?;
            let (written, rest) = (PAGE_SIZE - 50, PAGE_SIZE + 50);
            let same = pattern::holds(&found[..written], 1, 0)
                && pattern::holds(&found[written..rest], 2, written)
                && pattern::holds(&found[rest..], 1, rest);
            check!(same, "the device finds other data");
            Ok(())
        })
    }
}
