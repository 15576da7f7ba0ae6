// SPDX-License-Identifier: GPL-2.0

//! Each kind of handle in a transfer: the device finds its memory, and it comes back.

use super::*;
use crate::engines::Idle;
use dma_map::{
    coherent::CoherentHandle,
    mapping::{
        with_mapped,
        Pages, //
    },
    DmaNoncontiguous,
    DmaPages,
    DmaPool,
    FromDevice,
    Mmap,
    PoolBlock,
    ToDevice, //
};
use kernel::{
    io::Io,
    page::PAGE_SIZE,
    ptr::KnownSize,
    sync::Arc, //
};

/// Lets the device fill what is contiguous with the pattern `seed`.
fn fill<H>(dma: DmaDevice<'_>, handle: H, seed: u8) -> Result<H::Done>
where
    H: for<'a> InFlight<Pieces<'a> = Piece<'a, Bidirectional, Idle>>,
{
    let transfer = Transfer::start(handle, |piece| {
        device_side::fill_pieces(dma, piece.pieces(), seed)
    })?;
    Ok(transfer.complete()?)
}

/// Lets the device fill shared memory with the pattern `seed`.
fn fill_shared<T, H>(dma: DmaDevice<'_>, handle: H, seed: u8) -> Result<H::Done>
where
    T: KnownSize + ?Sized,
    H: for<'a> InFlight<Pieces<'a> = SharedPiece<'a, T, Idle>>,
{
    let transfer = Transfer::start(handle, |all| {
        device_side::fill_pieces(dma, all.piece()?.pieces(), seed)
    })?;
    Ok(transfer.complete()?)
}

/// Lets the device fill what is scattered with the pattern `seed`.
fn fill_all<H>(dma: DmaDevice<'_>, handle: H, seed: u8) -> Result<H::Done>
where
    H: for<'a> InFlight<Pieces<'a> = Pieces<'a, Bidirectional, Idle>>,
{
    let transfer = Transfer::start(handle, |pieces| device_side::fill_pieces(dma, pieces, seed))?;
    Ok(transfer.complete()?)
}

#[kunit_tests(dma_map_transfer_handles)]
mod tests {
    use super::*;

    #[test]
    fn mappings() -> Result {
        each_dma(ALL, |dma| {
            let options = MapOptions::new();
            check!(pattern::holds(
                fill(dma, single(dma, Idle, 1)?, 2)?.contents(),
                2,
                0
            ));
            let pages = Pages::zeroed(1, Gfp::Kernel)?;
            let pages = DmaMapping::map(dma, pages, Bidirectional, Idle, options)?;
            check!(pattern::holds(&fill(dma, pages, 3)?.unmap(), 3, 0));
            check!(pattern::holds(
                fill_all(dma, scattered(dma, Idle, 1)?, 4)?.as_slice(),
                4,
                0
            ));
            let buffer = VVec::from_elem(0, LEN, GFP_KERNEL)?;
            let iova = map_iova(dma, buffer, Bidirectional, Idle)?;
            check!(pattern::holds(&fill_all(dma, iova, 5)?.unmap(), 5, 0));
            Ok(())
        })
    }

    #[test]
    fn another_turn_needs_no_new_mapping() -> Result {
        each_dma(ALL, |dma| {
            let mut mapping = scattered(dma, Idle, 1)?;
            for seed in 2..5 {
                let mut done = fill_all(dma, mapping, seed)?;
                check!(pattern::holds(done.as_slice(), seed, 0));
                pattern::fill(done.as_mut_slice(), !seed, 0);
                mapping = done.give(Idle);
                Transfer::start(&mapping, |pieces| {
                    check!(device_side::finds_pieces(dma, pieces, !seed)?);
                    Ok(())
                })?
                .complete()?;
            }
            Ok(())
        })
    }

    #[test]
    fn memory_for_streaming() -> Result {
        each_dma(ALL, |dma| {
            let pages = DmaPages::<u8, _>::alloc(dma, LEN, Bidirectional, Gfp::Kernel)?;
            check!(pattern::holds(
                fill(dma, pages.give(Idle), 2)?.as_slice(),
                2,
                0
            ));
            let pages = DmaNoncontiguous::<u8, _>::alloc(dma, LEN, Bidirectional)?;
            check!(pattern::holds(
                fill(dma, pages.give(Idle), 3)?.as_slice(),
                3,
                0
            ));
            Ok(())
        })
    }

    #[test]
    fn shared_memory() -> Result {
        each_dma(ALL, |dma| {
            let memory = DmaCoherent::<[u8]>::zeroed_slice(dma, LEN, Gfp::Kernel)?;
            let memory: DmaCoherent<'_, [u8], Cpu> = fill_shared(dma, memory.give(Idle), 2)?;
            check!(pattern::holds(&memory, 2, 0));

            let pool = DmaPool::<[u8; 200]>::new(dma, c"transfer")?;
            let block = PoolBlock::zeroed(&pool, Gfp::Kernel)?;
            check!(pattern::holds(
                &fill_shared(dma, block.give(Idle), 3)?[..],
                3,
                0
            ));

            // Without a mapping, only the device tells.
            let heap = CoherentHandle::alloc(dma, 300, Idle, Gfp::Kernel)?;
            let heap = fill(dma, heap, 4)?;
            check!(device_side::finds_at(dma, heap.dma_address(), 300, 4)?);
            Ok(())
        })
    }

    #[test]
    fn shared_memory_that_stays_shared() -> Result {
        each_dma(ALL, |dma| {
            let memory = DmaCoherent::<[u8]>::zeroed_slice(dma, PAGE_SIZE, Gfp::Kernel)?;
            let memory = Arc::new(Mmap::new(memory.give(Idle))?, GFP_KERNEL)?;
            let first = |memory: &Mmap<DmaCoherent<'_, [u8], Shared<Idle>>>| -> Result<u8> {
                Ok(kernel::io::io_project!(memory.view(), [try: 0]).read_val())
            };
            let again = fill_shared(dma, memory.clone(), 2)?;
            check_eq!(first(&again)?, pattern::at(2, 0));
            fill_shared(dma, &*again, 3)?;
            check_eq!(first(&memory)?, pattern::at(3, 0));

            let owned = DmaCoherent::<[u8]>::zeroed_slice(dma, PAGE_SIZE, Gfp::Kernel)?;
            let owned = fill_shared(dma, Mmap::new(owned.give(Idle))?, 4)?;
            check_eq!(first(&owned)?, pattern::at(4, 0));
            Ok(())
        })
    }

    #[test]
    fn an_arc_of_which_a_transfer_ends_stays() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let memory = DmaCoherent::<[u8]>::zeroed_slice(dma, 100, Gfp::Kernel)?;
            let memory = Arc::new(memory.give(&engine), GFP_KERNEL)?;
            drop(Transfer::start(memory.clone(), |_| Ok(()))?);
            check_eq!(engine.stopped(), 1);
            check_eq!(memory.size(), 100);
            engine.start();
            drop(Transfer::start(memory, |_| Ok(()))?);
            // By the transfer; the handle found it idle.
            check_eq!(engine.stopped(), 2);
            Ok(())
        })
    }

    #[test]
    fn addresses_without_a_table() -> Result {
        each_dma(ALL, |dma| {
            let addresses = scattered(dma, Idle, 1)?.into_addresses(Gfp::Kernel)?;
            let addresses = fill_all(dma, addresses, 2)?;
            check!(pattern::holds(&addresses.unmap()?, 2, 0));
            Ok(())
        })
    }

    #[test]
    fn directions_are_those_of_the_handles() -> Result {
        each_dma(ALL, |dma| {
            let mut sent = KVec::from_elem(0, LEN, GFP_KERNEL)?;
            pattern::fill(&mut sent, 1, 0);
            let room = VVec::from_elem(0, LEN, GFP_KERNEL)?;
            let sent = map_single(dma, sent, ToDevice, Idle)?;
            let room = map_sg(dma, room, FromDevice, Idle)?;

            let (_, room) = Transfer::start((sent, room), |(sent, room)| {
                let mut sent: Pieces<'_, ToDevice, Idle> = sent.pieces();
                let mut data = [0; 512];
                for piece in room {
                    let piece: Piece<'_, FromDevice, Idle> = piece;
                    let mut parts = piece.pieces();
                    while let Some(to) = parts.cut(data.len()) {
                        let from = sent.cut(to.len()).ok_or(EINVAL)?;
                        check_eq!(from.len(), to.len());
                        let data = &mut data[..to.len()];
                        device_side::read(dma, from.address(), data)?;
                        device_side::write(dma, to.address(), data)?;
                    }
                }
                Ok(())
            })?
            .complete()?;
            check!(pattern::holds(&room.unmap(), 1, 0));
            Ok(())
        })
    }

    #[test]
    fn memory_that_is_lent_is_a_piece() -> Result {
        each_dma(ALL, |dma| {
            let mut room = KVec::from_elem(0u8, LEN, GFP_KERNEL)?;
            let options = MapOptions::new();
            with_mapped(dma, &mut room[..], FromDevice, Idle, options, |lent| {
                check_eq!(lent.piece().len(), LEN);
                device_side::fill_pieces(dma, lent.piece().pieces(), 2)
            })?;
            check!(pattern::holds(&room, 2, 0));
            Ok(())
        })
    }
}
