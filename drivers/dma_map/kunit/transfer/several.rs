// SPDX-License-Identifier: GPL-2.0

//! Several handles in a transfer, and several transfers of a device.

use super::*;
use crate::engines::{
    Idle,
    Queue, //
};

/// A transfer of two buffers, which are not the same device's.
type Two<'b, 'e> = (Scattered<'b, &'e Scripted>, Single<'b, &'e Scripted>);

/// Starts a transfer of two buffers, for which the first device copies nothing and the second one
/// writes the pattern `seed`.
fn two<'b, 'e>(
    dma: DmaDevice<'b>,
    engines: (&'e Scripted, &'e Scripted),
    seed: u8,
) -> Result<Transfer<Two<'b, 'e>>> {
    let handles = (scattered(dma, engines.0, 1)?, single(dma, engines.1, 1)?);
    let transfer = Transfer::start(handles, |(source, destination)| {
        check!(device_side::finds_pieces(dma, source, 1)?);
        device_side::fill_pieces(dma, destination.pieces(), seed)
    });
    Ok(transfer?)
}

#[kunit_tests(dma_map_transfer_several)]
mod tests {
    use super::*;

    #[test]
    fn a_tuple_is_done_when_all_are() -> Result {
        each_dma(ALL, |dma| {
            let (first, second) = (Scripted::idle(), Scripted::busy());
            let transfer = two(dma, (&first, &second), 2)?;
            let transfer = refused(transfer.complete())?;
            second.finish();
            first.start();
            let transfer = refused(transfer.complete())?;
            first.finish();
            let (source, destination) = transfer.complete()?;
            check!(pattern::holds(&source.unmap(), 1, 0));
            check!(pattern::holds(&destination.unmap(), 2, 0));
            check_eq!((first.stopped(), second.stopped()), (0, 0));
            Ok(())
        })
    }

    #[test]
    fn one_that_does_not_stop_does_not_spare_the_others() -> Result {
        each_dma(ALL, |dma| {
            let (first, second) = (Scripted::stuck(), Scripted::busy());
            let transfer = two(dma, (&first, &second), 2)?;
            let transfer = refused(transfer.cancel())?;
            check_eq!((first.stopped(), second.stopped()), (1, 1));

            // Dropped, the one is quarantined and the other one freed.
            // SAFETY: The mapping is leaked below.
            let left = unsafe { twin(&transfer.handles().0) };
            drop(transfer);
            check_eq!((first.stopped(), second.stopped()), (2, 1));
            check_eq!(dma.quarantined(), LEN);
            first.finish();
            drop(ManuallyDrop::into_inner(left));

            let transfer = two(dma, (&second, &first), 2)?;
            transfer.complete()?;
            Ok(())
        })
    }

    #[test]
    fn tuples_arrays_and_options_hold_handles() -> Result {
        each_dma(ALL, |dma| {
            let fill = |piece: Piece<'_, Bidirectional, Idle>, seed| {
                device_side::fill_at(dma, piece.address(), piece.len(), seed)
            };
            let map = || single(dma, Idle, 0);

            let six = (map()?, map()?, map()?, map()?, map()?, map()?);
            let (a, b, c, d, e, f) = Transfer::start(six, |(a, b, c, d, e, f)| {
                for (piece, seed) in [a, b, c, d, e, f].into_iter().zip(1..) {
                    fill(piece, seed)?;
                }
                Ok(())
            })?
            .complete()?;
            for (mapping, seed) in [a, b, c, d, e, f].into_iter().zip(1..) {
                check!(pattern::holds(&mapping.unmap(), seed, 0));
            }

            let three = [map()?, map()?, map()?];
            let three = Transfer::start(three, |pieces| {
                pieces
                    .into_iter()
                    .zip(1..)
                    .try_for_each(|(piece, seed)| fill(piece, seed))
            })?
            .complete()?;
            for (mapping, seed) in three.into_iter().zip(1..) {
                check!(pattern::holds(&mapping.unmap(), seed, 0));
            }

            for handle in [None, Some(map()?)] {
                let (there, (one,)) = Transfer::start((handle, (map()?,)), |(there, (one,))| {
                    there.map_or(Ok(()), |piece| fill(piece, 3))?;
                    fill(one, 4)
                })?
                .complete()?;
                check!(there.is_none_or(|there| pattern::holds(&there.unmap(), 3, 0)));
                check!(pattern::holds(&one.unmap(), 4, 0));
            }
            Ok(())
        })
    }

    #[test]
    fn arrays_and_options_stop_each_engine() -> Result {
        each_dma(ALL, |dma| {
            let engines = [Scripted::busy(), Scripted::idle(), Scripted::busy()];
            let [a, b, c] = &engines;
            let map = |engine| single(dma, engine, 1);
            let handles = [map(a)?, map(b)?, map(c)?];
            let transfer = Transfer::start((handles, Some(map(c)?)), |_| Ok(()))?;
            check!(!transfer.is_idle());
            a.finish();
            check!(!transfer.is_idle());
            drop(transfer);
            check_eq!((a.stopped(), b.stopped(), c.stopped()), (0, 0, 1));

            let transfer = Transfer::start([Some(map(a)?), None], |_| Ok(()))?;
            a.start();
            let [there, none] = transfer.cancel()?;
            check!(there.is_some() && none.is_none());
            check_eq!(a.stopped(), 1);
            Ok(())
        })
    }

    #[test]
    fn stopping_one_of_two_on_an_engine_stops_both() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let (first, second) = (filled(dma, &engine, 1)?, filled(dma, &engine, 2)?);
            drop(first);
            check_eq!(engine.stopped(), 1);
            // The memory of the other one is what it was, and it comes back.
            check!(device_side::finds_pieces(dma, second.pieces(), 2)?);
            check!(pattern::holds(&second.complete()?.unmap(), 2, 0));
            check_eq!(engine.stopped(), 1);
            Ok(())
        })
    }

    #[test]
    fn commands_of_a_queue_are_done_one_by_one() -> Result {
        each_dma(ALL, |dma| {
            let queue = Queue::new();
            let start = |tag: u32| -> Result<_> {
                let command = queue.command(tag);
                let transfer = filled(dma, command, tag as u8)?;
                command.submit();
                Ok(transfer)
            };
            let (a, b, c) = (start(1)?, start(2)?, start(3)?);
            check_eq!(queue.pending(), 0b1110);

            queue.command(2).finish();
            check!(!a.is_idle() && b.is_idle() && !c.is_idle());
            check!(pattern::holds(&b.complete()?.unmap(), 2, 0));
            let a = refused(a.complete())?;
            // One that is dropped ends alone.
            drop(c);
            check_eq!(queue.pending(), 0b0010);
            check!(pattern::holds(&a.cancel()?.unmap(), 1, 0));
            check_eq!(queue.pending(), 0);
            Ok(())
        })
    }
}
