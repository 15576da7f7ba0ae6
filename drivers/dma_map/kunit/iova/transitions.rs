// SPDX-License-Identifier: GPL-2.0

//! Transitions of an IOVA mapping: `complete`, `cancel`, `give` and `unmap`.
//!
//! The calls of the engine, and what a busy device does to a transition; on both kinds of mapping.

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
    Busy,
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

type Given<'b, 'e, B> = IovaMapping<'b, B, Bidirectional, Device<&'e Scripted>>;

/// Maps a buffer that holds the pattern 1.
fn given<'b, 'e, B: Sample>(dma: DmaDevice<'b>, engine: &'e Scripted) -> Result<Given<'b, 'e, B>> {
    let buffer = B::sample(9000, 1)?;
    Ok(IovaMapping::map(
        dma,
        buffer,
        Bidirectional,
        engine,
        Gfp::Kernel,
    )?)
}

/// The handle out of a refusal.
fn busy<T, H>(result: Result<T, Busy<H>>) -> Result<H> {
    match result {
        Ok(_) => {
            check!(false, "a busy device gave its memory back");
            Err(EINVAL)
        }
        Err(Busy(handle)) => Ok(handle),
    }
}

fn stays_with_a_busy_device<B: Sample>(dma: DmaDevice<'_>) -> Result {
    let engine = Scripted::busy();
    let mapping = given::<B>(dma, &engine)?;
    let before = mapping.segments().next();

    let mapping = busy(mapping.complete())?;
    let mapping = busy(mapping.unmap())?;
    check_eq!(mapping.segments().next(), before);
    check_eq!(engine.stopped(), 0);

    // It is the device's still: what it writes arrives in the end.
    fill(&mapping, 2)?;
    engine.finish();
    check!(mapping.unmap()?.holds(2));
    check_eq!(engine.stopped(), 0);
    Ok(())
}

fn goes_round<B: Sample>(dma: DmaDevice<'_>) -> Result {
    let engine = Scripted::idle();
    let mut mapping = given::<B>(dma, &engine)?;
    let (size, iova, address) = (mapping.size(), mapping.use_iova(), mapping.contiguous());
    for seed in 2..8 {
        fill(&mapping, seed)?;
        let held = mapping.complete()?;
        check!(held.buffer().holds(seed), "the device's data is not there");
        check_eq!((held.size(), held.use_iova()), (size, iova));
        mapping = held.give(&engine);
        check_eq!(mapping.contiguous(), address);
        check_segments(&mapping)?;
        check!(finds(&mapping, seed)?);
    }
    check!(mapping.complete()?.unmap().holds(7));
    check_eq!(engine.stopped(), 0);
    Ok(())
}

fn cancel_stops<B: Sample>(dma: DmaDevice<'_>) -> Result {
    let engine = Scripted::busy();
    let mapping = given::<B>(dma, &engine)?;
    fill(&mapping, 2)?;
    let held = mapping.cancel()?;
    check_eq!(engine.stopped(), 1);
    check!(held.buffer().holds(2));
    check!(held.unmap().holds(2));
    Ok(())
}

fn cancel_of_a_stuck_device<B: Sample>(dma: DmaDevice<'_>) -> Result {
    let engine = Scripted::stuck();
    let mapping = busy(given::<B>(dma, &engine)?.cancel())?;
    check_eq!(engine.stopped(), 1);
    check!(finds(&mapping, 1)?);
    engine.finish();
    check!(mapping.unmap()?.holds(1));
    check_eq!(dma.quarantined(), 0);
    Ok(())
}

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
    let mapping = IovaMapping::map(dma, watched, Bidirectional, &engine, Gfp::Kernel)?;
    let before = asked.load(Relaxed);
    check!(before > 0);

    check_eq!(mapping.size(), 9000);
    check_segments(&mapping)?;
    let mapping = busy(mapping.complete())?;
    let mapping = busy(mapping.unmap())?;
    check_eq!(asked.load(Relaxed), before);
    engine.finish();
    let mapping = mapping.complete()?.give(&engine);
    check_eq!(asked.load(Relaxed), before);
    drop(mapping);
    Ok(())
}

fn each_with(f: impl Fn(DmaDevice<'_>) -> Result) -> Result {
    each_probe(|probe| f(probe.dma(ALL)?))
}

#[kunit_tests(dma_map_iova_transitions)]
mod tests {
    use super::*;

    #[test]
    fn busy_device_keeps_its_mapping() -> Result {
        each_with(|dma| {
            each_buffer!(stays_with_a_busy_device(dma));
            Ok(())
        })
    }

    #[test]
    fn buffer_is_not_asked_while_the_device_has_it() -> Result {
        each_with(not_asked)
    }

    #[test]
    fn rounds_keep_the_address_and_carry_the_data() -> Result {
        each_with(|dma| {
            each_buffer!(goes_round(dma));
            Ok(())
        })
    }

    #[test]
    fn cancel_stops_the_device() -> Result {
        each_with(|dma| {
            each_buffer!(cancel_stops(dma));
            Ok(())
        })
    }

    #[test]
    fn stuck_device_keeps_its_mapping() -> Result {
        each_with(|dma| {
            each_buffer!(cancel_of_a_stuck_device(dma));
            Ok(())
        })
    }

    #[test]
    fn slices_are_read_and_written_in_between() -> Result {
        each_with(|dma| {
            let buffer = VVec::<u8>::sample(9000, 1)?;
            let mapping = IovaMapping::map(dma, buffer, Bidirectional, Idle, Gfp::Kernel)?;
            let mut held = mapping.complete()?;
            check_eq!(held.as_slice().len(), 9000);
            for (i, byte) in held.as_mut_slice().iter_mut().enumerate() {
                *byte = pattern::at(9, i);
            }
            let mapping = held.give(Idle);
            check!(finds(&mapping, 9)?);
            check!(mapping.complete()?.unmap().holds(9));
            Ok(())
        })
    }

    #[test]
    fn directions_give_their_accessors() -> Result {
        each_with(|dma| {
            let buffer = KVec::<u8>::sample(100, 1)?;
            let mapping = IovaMapping::map(dma, buffer, ToDevice, Idle, Gfp::Kernel)?;
            let mut held = mapping.complete()?;
            held.as_mut_slice()[99] = 1;
            check_eq!(held.unmap()[99], 1);

            let buffer = KVec::<u8>::sample(100, 1)?;
            let mapping = IovaMapping::map(dma, buffer, FromDevice, Idle, Gfp::Kernel)?;
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
            let mapping = IovaMapping::map(dma, pages, Bidirectional, Idle, Gfp::Kernel)?;
            let mut held = mapping.complete()?;
            let mut data = [0; 100];
            pattern::fill(&mut data, 2, PAGE_SIZE - 50);
            held.write(PAGE_SIZE - 50, &data)?;
            check_err!(held.write(3 * PAGE_SIZE - 99, &data), EINVAL);
            check_err!(held.write(usize::MAX, &data), EINVAL);
            let mapping = held.give(Idle);
            let mut found = KVVec::from_elem(0, 3 * PAGE_SIZE, GFP_KERNEL)?;
            for_each_part(mapping.segments(), |address, len, start| {
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
