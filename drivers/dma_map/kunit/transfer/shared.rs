// SPDX-License-Identifier: GPL-2.0

//! [`SharedPiece`]: fields and elements of shared memory that a device is told of.

use super::*;
use crate::engines::Idle;
use dma_map::{
    DmaPool,
    PoolBlock, //
};
use kernel::io::{
    io_project,
    io_write, //
};

/// An entry of a table that leads a device to its data.
#[repr(C)]
#[derive(FromBytes, IntoBytes)]
struct Entry {
    address: u64,
    len: u64,
}

/// A message in memory that both sides see.
#[repr(C)]
#[derive(FromBytes, IntoBytes)]
struct Message {
    before: [u8; 8],
    data: [u8; 100],
    after: [u8; 20],
}

fn unharmed(message: &Message) -> bool {
    message.before == [0; 8] && message.after == [0; 20]
}

/// A device that goes by a table of `entries` at `table`, and fills what it is led to.
fn walk(dma: DmaDevice<'_>, table: Piece<'_, Bidirectional, Idle>, seed: u8) -> Result<usize> {
    let mut entry = [0; size_of::<Entry>()];
    let mut done = 0;
    for at in (0..table.len()).step_by(entry.len()) {
        device_side::read(dma, table.address() + at as u64, &mut entry)?;
        let number = |half: Option<&[u8; 8]>| half.copied().map(u64::from_ne_bytes).ok_or(EINVAL);
        let (address, len) = (number(entry.first_chunk())?, number(entry.last_chunk())?);
        let len = len as usize;
        let mut data = KVec::from_elem(0, len, GFP_KERNEL)?;
        pattern::fill(&mut data, seed, done);
        device_side::write(dma, address, &data)?;
        done += len;
    }
    Ok(done)
}

#[kunit_tests(dma_map_transfer_shared)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_elements_are_pieces() -> Result {
        each_dma(ALL, |dma| {
            let memory = DmaCoherent::<[Message]>::zeroed_slice(dma, 5, Gfp::Kernel)?.give(Idle);
            let start = memory.dma_address();

            let memory = Transfer::start(memory, |all| {
                for i in 0..5usize {
                    let data = io_project!(all, [try: i].data).piece()?;
                    check_eq!(data.len(), 100);
                    check_eq!(data.address(), start + 128 * i as u64 + 8);
                    device_side::fill_at(dma, data.address(), data.len(), i as u8)?;
                }
                Ok(())
            })?
            .complete()?;
            for (message, seed) in memory.iter().zip(0..) {
                check!(pattern::holds(&message.data, seed, 0) && unharmed(message));
            }
            Ok(())
        })
    }

    #[test]
    fn blocks_of_pools_have_fields_too() -> Result {
        each_dma(ALL, |dma| {
            let pool = DmaPool::<Message>::new(dma, c"shared")?;
            let block = PoolBlock::zeroed(&pool, Gfp::Kernel)?.give(Idle);
            let block = Transfer::start(block, |all| {
                let data = io_project!(all, .data).piece()?;
                device_side::fill_at(dma, data.address(), data.len(), 3)
            })?
            .complete()?;
            check!(pattern::holds(&block.data, 3, 0) && unharmed(&block));
            Ok(())
        })
    }

    #[test]
    fn a_table_leads_the_device_to_the_data() -> Result {
        each_dma(ALL.max_segment_size(4096), |dma| {
            let table = DmaCoherent::<[Entry]>::zeroed_slice(dma, 16, Gfp::Kernel)?.give(Idle);
            let buffer = scattered(dma, Idle, 1)?;

            let transfer = Transfer::start((table, buffer), |(table, pieces)| {
                let mut used = 0;
                for piece in pieces {
                    io_write!(table.view(), [try: used].address, piece.address());
                    io_write!(table.view(), [try: used].len, piece.len() as u64);
                    used += 1;
                }
                let table = io_project!(table, [try: ..used]).piece()?;
                check_eq!(table.len(), used * size_of::<Entry>());
                check_eq!(walk(dma, table, 2)?, LEN);
                Ok(())
            })?;
            let (_, buffer) = transfer.complete()?;
            check!(pattern::holds(buffer.as_slice(), 2, 0));
            Ok(())
        })
    }

    #[test]
    fn a_part_is_within_the_memory_and_not_empty() -> Result {
        each_dma(ALL, |dma| {
            let memory = DmaCoherent::<[u8]>::zeroed_slice(dma, 100, Gfp::Kernel)?.give(Idle);
            Transfer::start(&memory, |all| {
                let piece = all.piece()?;
                check_eq!((piece.address(), piece.len()), (memory.dma_address(), 100));
                check_eq!((all.address(), all.size()), (memory.dma_address(), 100));
                check_eq!(io_project!(all, [try: 10..30]).piece()?.len(), 20);
                check_err!(io_project!(all, [try: 10..10]).piece().map(|_| ()), EINVAL);
                let beyond = || Ok::<_, Error>(io_project!(all, [try: 10..101]).piece()?.len());
                check_err!(beyond(), ERANGE);
                Ok(())
            })?
            .complete()?;
            Ok(())
        })
    }
}
