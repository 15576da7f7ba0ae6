// SPDX-License-Identifier: GPL-2.0

//! Start of a transfer, and a start that fails half way.

use super::*;

#[kunit_tests(dma_map_transfer_start)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_is_not_asked_at_the_start() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let transfer = filled(dma, &engine, 1)?;
            check_eq!((engine.asked(), engine.stopped()), (0, 0));
            engine.finish();
            drop(transfer);
            Ok(())
        })
    }

    #[test]
    fn error_stops_the_device_and_gives_the_memory_back() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let mapping = scattered(dma, &engine, 1)?;
            let failed = Transfer::start(mapping, |mut pieces| {
                // One of several commands was given when the next one fails.
                let piece = pieces.cut(4096).ok_or(EINVAL)?;
                device_side::fill_at(dma, piece.address(), piece.len(), 2)?;
                Err(ENOSPC)
            });
            let Err(failed) = failed else {
                return Err(EINVAL);
            };
            check_eq!(failed.error, ENOSPC);
            check_eq!(engine.stopped(), 1);

            // What the device had moved by then is there.
            let buffer = failed.handles?.unmap();
            check!(pattern::holds(&buffer[..1], 2, 0), "it was not synced");
            check!(pattern::holds(&buffer[LEN - 1..], 1, LEN - 1));
            Ok(())
        })
    }

    #[test]
    fn error_of_an_idle_device_stops_nothing() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::idle();
            let failed = Transfer::start(single(dma, &engine, 1)?, |_| Err(ENOSPC));
            check_eq!(engine.stopped(), 0);
            let handles = failed.err().ok_or(EINVAL)?.handles?;
            check!(pattern::holds(&handles.unmap(), 1, 0));
            Ok(())
        })
    }

    #[test]
    fn error_of_a_stuck_device_leaves_the_memory_in_flight() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::stuck();
            let failed = Transfer::start(scattered(dma, &engine, 1)?, |_| Err(ENOSPC));
            let Err(failed) = failed else {
                return Err(EINVAL);
            };
            check_eq!((failed.error, engine.stopped()), (ENOSPC, 1));
            check_eq!(dma.quarantined(), 0);

            let transfer = refused(failed.handles)?;
            device_side::fill_pieces(dma, transfer.pieces(), 2)?;
            engine.finish();
            check!(pattern::holds(&transfer.complete()?.unmap(), 2, 0));
            Ok(())
        })
    }

    #[test]
    fn error_of_a_stuck_device_that_is_passed_on_quarantines() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::stuck();
            let mapping = scattered(dma, &engine, 1)?;
            // SAFETY: The mapping is leaked below.
            let left = unsafe { twin(&mapping) };
            let attempt = || -> Result<Transfer<_>> {
                let transfer = Transfer::start(mapping, |_| Err(ENOSPC))?;
                Ok(transfer)
            };
            check_err!(attempt().map(|_| ()), ENOSPC);
            check_eq!(dma.quarantined(), LEN);

            device_side::fill(&left, 2)?;
            engine.finish();
            check!(pattern::holds(
                &ManuallyDrop::into_inner(left).unmap()?,
                2,
                0
            ));
            Ok(())
        })
    }

    #[test]
    fn programming_goes_on_with_the_transfer() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let transfer = Transfer::start(scattered(dma, &engine, 1)?, |_| Ok(()));
            let transfer = transfer?;
            for command in 0..3 {
                let mut pieces = transfer.pieces();
                pieces.skip_bytes(command * 100)?;
                let piece = pieces.cut(100).ok_or(EINVAL)?;
                device_side::write(dma, piece.address(), &[command as u8; 100][..piece.len()])?;
            }
            check_eq!(transfer.handles().size(), LEN);
            engine.finish();
            let buffer = transfer.complete()?.unmap();
            check_eq!((buffer[0], buffer[100], buffer[200]), (0, 1, 2));
            Ok(())
        })
    }
}
