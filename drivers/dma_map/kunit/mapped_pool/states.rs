// SPDX-License-Identifier: GPL-2.0

//! Transfers of pool buffers, and their contents.

use super::*;
use crate::{
    engines::{
        Idle,
        Scripted, //
    },
    fixture::*, //
};
use dma_map::{
    FromDevice,
    ToDevice,
    Transfer, //
};

#[kunit_tests(dma_map_mapped_pool_states)]
mod tests {
    use super::*;

    #[test]
    fn transfer_of_buffers() -> Result {
        each_dma(LARGE, |dma| {
            let options = MappedPoolOptions::new(2);
            let to = MappedPool::<u8, _>::new(dma, c"to", 3000, ToDevice, options)?;
            let from = MappedPool::<u8, _>::new(dma, c"from", 3000, FromDevice, options)?;
            for seed in 1..5 {
                let mut source = to.take()?;
                write(&mut source, seed);
                let handles = (source.give(Idle), from.take()?.give(Idle));
                let transfer = Transfer::start(handles, |(source, answer)| {
                    check_eq!((source.len(), answer.len()), (3000, 3000));
                    check!(device_side::finds_pieces(dma, source.pieces(), seed)?);
                    device_side::fill_pieces(dma, answer.pieces(), !seed)
                })?;
                let (_, answer) = transfer.complete()?;
                check!(holds(&answer, !seed));
            }
            check_eq!(to.stats().in_use + from.stats().in_use, 0);
            Ok(())
        })
    }

    #[test]
    fn transfer_that_does_not_start_gives_the_buffer_back() -> Result {
        each_dma(LARGE, |dma| {
            let pool = pool(dma, 100, MappedPoolOptions::new(1))?;
            let engine = Scripted::busy();
            let failed = match Transfer::start(pool.take()?.give(&engine), |_| Err(EIO)) {
                Ok(_) => return Err(EINVAL),
                Err(failed) => failed,
            };
            check_eq!(failed.error, EIO);
            check_eq!(engine.stopped(), 1);
            drop(failed.handles?);
            check_eq!(pool.stats().in_use, 0);
            Ok(())
        })
    }

    #[test]
    fn ranges_are_copied() -> Result {
        each_dma(LARGE, |dma| {
            let pool = MappedPool::<u16, _>::new(
                dma,
                c"words",
                10,
                Bidirectional,
                MappedPoolOptions::new(1),
            )?;
            let mut buffer = pool.take()?;
            buffer.write(8, &[0x0201, 0x0403])?;
            let buffer = buffer.give(Idle);
            let mut bytes = [0; 4];
            device_side::read(dma, buffer.dma_address() + 16, &mut bytes)?;
            check_eq!(bytes, [1, 2, 3, 4]);
            device_side::write(dma, buffer.dma_address() + 2, &[5, 6])?;

            let buffer = buffer.complete()?;
            let mut words = [0; 2];
            buffer.read(0, &mut words)?;
            check_eq!(words, [0, 0x0605]);
            buffer.read(10, &mut [])?;
            Ok(())
        })
    }

    #[test]
    fn range_beyond_the_buffer_is_einval() -> Result {
        each_dma(LARGE, |dma| {
            let pool = pool(dma, 10, MappedPoolOptions::new(1))?;
            let mut buffer = pool.take()?;
            for start in [9, 10, 11, usize::MAX] {
                let mut bytes = [7; 2];
                check_err!(buffer.read(start, &mut bytes), EINVAL);
                check_eq!(bytes, [7; 2]);
                check_err!(buffer.write(start, &bytes), EINVAL);
            }
            check!(buffer.as_slice().iter().all(|byte| *byte == 0));
            Ok(())
        })
    }
}
