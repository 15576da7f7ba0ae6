// SPDX-License-Identifier: GPL-2.0

//! Addresses whose table is freed, where unmapping does nothing.
//!
//! DMA debugging needs the table at each unmap, so these cases run on the kernel that is measured.

use super::*;
use crate::{
    c,
    sg::user::{
        pin_dest,
        pin_source, //
    },
    user_memory::UserMemory, //
};
use core::mem::ManuallyDrop;
use dma_map::{
    sg::SgAddresses,
    Engine,
    Transfer, //
};
use kernel::dma::DmaAddress;

/// What becomes of a mapping: none, where the table stays.
type Listed<'b, B, D, E> = Option<SgAddresses<'b, B, D, E>>;

/// Makes a mapping a list.
fn list<'b, B, D, E>(mapping: SgMapping<'b, B, D, Device<E>>) -> Result<Listed<'b, B, D, E>>
where
    B: SgBuffer,
    D: Direction,
    E: Engine,
{
    // Asked now: a buffer that was bounced makes a difference.
    if c::needs_unmap(mapping.device().device()) {
        return Ok(None);
    }
    let addresses = mapping.into_addresses(Gfp::Kernel)?;
    overwrite_what_was_freed()?;
    Ok(Some(addresses))
}

/// Writes to what the allocators give out next, among which is what was freed last.
fn overwrite_what_was_freed() -> Result {
    let mut taken = KVec::new();
    for size in [32, 64, 128, 256, 512, 1024, 2048, 4096] {
        for _ in 0..32 {
            taken.push(KVec::from_elem(0xa5u8, size, GFP_KERNEL)?, GFP_KERNEL)?;
        }
    }
    PageList::sample(32 * PAGE_SIZE, 0xa5).map(|_| ())
}

/// Runs `case` on each device, and skips it if none had a list.
fn where_unmapping_does_nothing(
    max: u32,
    mut case: impl FnMut(DmaDevice<'_>) -> Result<bool>,
) -> Result {
    let mut ran = false;
    each_probe(|probe| {
        ran |= case(probe.dma(ALL.max_segment_size(max))?)?;
        Ok(())
    })?;
    if !ran {
        skip(c"unmapping does something on this kernel");
    }
    Ok(())
}

fn has_what_the_table_had<B: Sample>(dma: DmaDevice<'_>) -> Result<bool> {
    let engine = Scripted::busy();
    let buffer = B::sample(70_000, 1)?;
    let (identity, size) = (buffer.identity(), SgBuffer::len(&buffer));
    let mapping = map_sg(dma, buffer, FromDevice, &engine)?;
    let mut segments = KVec::new();
    for segment in mapping.segments() {
        segments.push(segment, GFP_KERNEL)?;
    }
    let mut pages = KVec::new();
    if let Ok(addresses) = mapping.dma_pages(PAGE_SIZE) {
        for address in addresses {
            pages.push(address, GFP_KERNEL)?;
        }
    }

    let Some(addresses) = list(mapping)? else {
        return Ok(false);
    };
    check_eq!(addresses.size(), size);
    check!(addresses.segments().eq(segments.iter().copied()));
    check_eq!(addresses.dma_pages(PAGE_SIZE).is_ok(), !pages.is_empty());
    if let Ok(now) = addresses.dma_pages(PAGE_SIZE) {
        check!(now.eq(pages.iter().copied()));
    }
    let split: usize = addresses
        .segments()
        .split(100)?
        .map(|s| s.len as usize)
        .sum();
    check_eq!(split, size);

    // The device fills the buffer, in the order of the list.
    device_side::fill_segments(dma, &mut addresses.segments(), 2)?;

    let addresses = refused(addresses.unmap())?;
    check!(addresses.segments().eq(segments));
    engine.finish();
    let buffer = addresses.unmap()?;
    check_eq!(engine.stopped(), 0);
    check_eq!(buffer.identity(), identity);
    check!(buffer.holds(2), "what the device wrote is not there");
    Ok(true)
}

fn dropped_in_each_context<B: Sample>(dma: DmaDevice<'_>) -> Result<bool> {
    let engine = Scripted::busy();
    for n in 1..4 {
        engine.start();
        let buffer = B::sample(9000, 1)?;
        let mapping = map_sg(dma, buffer, Bidirectional, &engine)?;
        let Some(addresses) = list(mapping)? else {
            return Ok(false);
        };
        match n {
            1 => drop(addresses),
            2 => context::spinlocked(|| drop(addresses)),
            _ => context::hard_irq(|| drop(addresses))?,
        }
        check_eq!(engine.stopped(), n);
        check_eq!(dma.quarantined(), 0);
    }
    Ok(true)
}

#[kunit_tests(dma_map_sg_addresses_list)]
mod tests {
    use super::*;

    /// kernel: unwatched
    #[test]
    fn it_has_what_the_table_had() -> Result {
        for max in [512, 4096, 65535] {
            where_unmapping_does_nothing(max, |dma| {
                let mut ran = has_what_the_table_had::<KVec<u8>>(dma)?;
                ran &= has_what_the_table_had::<VVec<u8>>(dma)?;
                ran &= has_what_the_table_had::<KVVec<u8>>(dma)?;
                ran &= has_what_the_table_had::<PageList>(dma)?;
                Ok(ran)
            })?;
        }
        Ok(())
    }

    /// kernel: unwatched
    #[test]
    fn it_may_be_dropped_anywhere() -> Result {
        where_unmapping_does_nothing(512, |dma| {
            let mut ran = dropped_in_each_context::<KVec<u8>>(dma)?;
            ran &= dropped_in_each_context::<VVec<u8>>(dma)?;
            ran &= dropped_in_each_context::<KVVec<u8>>(dma)?;
            ran &= dropped_in_each_context::<PageList>(dma)?;
            Ok(ran)
        })
    }

    /// kernel: unwatched
    #[test]
    fn a_transfer_ends_in_it() -> Result {
        where_unmapping_does_nothing(512, |dma| {
            let engine = Scripted::busy();
            let buffer = VVec::<u8>::sample(70_000, 1)?;
            let mapping = map_sg(dma, buffer, Bidirectional, &engine)?;
            let Some(addresses) = list(mapping)? else {
                return Ok(false);
            };
            let transfer =
                Transfer::start(addresses, |pieces| device_side::fill_pieces(dma, pieces, 2))?;
            let transfer = refused(transfer.complete())?;
            check!(device_side::finds_pieces(dma, transfer.pieces(), 2)?);
            engine.finish();
            let addresses = transfer.complete()?;
            check_eq!(addresses.segments().count(), 70_000usize.div_ceil(512));
            check!(addresses.unmap()?.holds(2));
            Ok(true)
        })
    }

    /// kernel: unwatched
    #[test]
    fn user_space_finds_what_the_device_wrote() -> Result {
        let memory = UserMemory::new(5)?;
        let (offset, len) = (17, 4 * PAGE_SIZE);
        where_unmapping_does_nothing(65535, |dma| {
            for end in [true, false] {
                memory.fill(1)?;
                let pages = pin_dest(&memory, offset, len)?;
                let mapping = map_sg(dma, pages, FromDevice, Idle)?;
                let Some(addresses) = list(mapping)? else {
                    return Ok(false);
                };
                check!(c::is_pinned(memory.at(offset))?);
                device_side::fill_segments(dma, &mut addresses.segments(), 2)?;
                if end {
                    check_eq!(addresses.unmap()?.len(), len);
                } else {
                    drop(addresses);
                }
                check!(!c::is_pinned(memory.at(offset))?);
                check!(memory.read(offset, len)?.holds(2));
                check!(pattern::holds(&memory.read(0, offset)?, 1, 0));
            }

            let pages = pin_source(&memory, offset, len)?;
            let mapping = map_sg(dma, pages, ToDevice, Idle)?;
            let Some(addresses) = list(mapping)? else {
                return Ok(false);
            };
            check!(device_side::finds_segments(
                dma,
                &mut addresses.segments(),
                2
            )?);
            Ok(true)
        })
    }

    /// kernel: unwatched
    #[test]
    fn stuck_device_quarantines_the_buffer() -> Result {
        where_unmapping_does_nothing(512, |dma| {
            let engine = Scripted::stuck();
            let mut buffer = KVec::<u8>::sample(9000, 1)?;
            let (ptr, len, capacity) = (buffer.as_mut_ptr(), buffer.len(), buffer.capacity());
            let before = dma.quarantined();
            let mapping = map_sg(dma, buffer, Bidirectional, &engine)?;
            if c::needs_unmap(dma.device()) {
                engine.finish();
                return Ok(false);
            }
            let addresses = list(mapping)?.ok_or(EINVAL)?;
            let first: DmaAddress = addresses.segments().next().ok_or(EINVAL)?.address;
            drop(addresses);
            check_eq!(engine.stopped(), 1);
            check_eq!(dma.quarantined() - before, 9000);

            // The device still writes, and it writes to this buffer and no other.
            overwrite_what_was_freed()?;
            device_side::write(dma, first, &[0xee; 100])?;
            // SAFETY: The buffer was leaked with the handle; there is nothing to unmap.
            let buffer = ManuallyDrop::new(unsafe { KVec::from_raw_parts(ptr, len, capacity) });
            check_eq!(buffer[..100], [0xee; 100]);
            drop(ManuallyDrop::into_inner(buffer));
            Ok(true)
        })
    }
}
