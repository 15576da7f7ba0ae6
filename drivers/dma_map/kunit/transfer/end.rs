// SPDX-License-Identifier: GPL-2.0

//! End of a transfer: completed, cancelled, dropped, leaked.

use super::*;
use crate::engines::Late;
use kernel::sync::atomic::{
    Atomic,
    Relaxed, //
};

/// An engine that notes, when it is stopped, whether the device still reaches an address.
struct Watching<'b> {
    dma: DmaDevice<'b>,
    address: Atomic<u64>,
    reached: Atomic<bool>,
}

// SAFETY: There is no device but the case, which writes while the address is mapped, if it is.
unsafe impl Engine for Watching<'_> {
    type Mark = Self;

    fn is_idle(&self) -> bool {
        false
    }

    fn quiesce(&self) -> Result {
        let address = self.address.load(Relaxed);
        let written = device_side::write(self.dma, address, &[1]);
        self.reached.store(written.is_ok(), Relaxed);
        Ok(())
    }
}

#[kunit_tests(dma_map_transfer_end)]
mod tests {
    use super::*;

    #[test]
    fn complete_gives_what_the_device_wrote() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::idle();
            let done = filled(dma, &engine, 1)?.complete()?;
            check!(pattern::holds(done.as_slice(), 1, 0), "it was not synced");
            check_eq!((engine.asked(), engine.stopped()), (1, 0));
            check!(pattern::holds(&done.unmap(), 1, 0));
            Ok(())
        })
    }

    #[test]
    fn complete_of_a_busy_device_is_refused() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let transfer = filled(dma, &engine, 1)?;
            let address = first(&transfer)?;
            check!(!transfer.is_idle());
            let transfer = refused(transfer.complete())?;
            check_eq!(first(&transfer)?, address);
            check_eq!(engine.stopped(), 0);

            // It is the device's still: what it writes arrives in the end.
            device_side::fill_pieces(dma, transfer.pieces(), 2)?;
            engine.finish();
            check!(transfer.is_idle());
            check!(pattern::holds(&transfer.complete()?.unmap(), 2, 0));
            check_err!(
                filled(dma, Scripted::busy(), 1)?.complete().map(|_| ()),
                EBUSY
            );
            Ok(())
        })
    }

    #[test]
    fn cancel_stops_the_device_and_syncs() -> Result {
        each_dma(ALL, |dma| {
            for (engine, stopped) in [(Scripted::idle(), 0), (Scripted::busy(), 1)] {
                let done = filled(dma, &engine, 1)?.cancel()?;
                check_eq!(engine.stopped(), stopped);
                check!(pattern::holds(done.as_slice(), 1, 0), "it was not synced");
                // Asked by `cancel()` alone: what came back is the CPU's.
                drop(done);
                check_eq!(engine.asked(), 1);
            }
            Ok(())
        })
    }

    #[test]
    fn cancel_of_a_device_that_stops_late_can_be_repeated() -> Result {
        each_dma(ALL, |dma| {
            let engine = Late::new(2);
            let transfer = filled(dma, &engine, 1)?;
            let transfer = refused(transfer.cancel())?;
            let transfer = refused(transfer.cancel())?;
            check!(pattern::holds(&transfer.cancel()?.unmap(), 1, 0));

            // An error that is passed on is a last try.
            let engine = Late::new(1);
            check_err!(filled(dma, &engine, 1)?.cancel().map(|_| ()), EBUSY);
            check_eq!(dma.quarantined(), 0);
            check!(engine.is_idle());
            Ok(())
        })
    }

    #[test]
    fn cancel_of_a_stuck_device_that_is_passed_on_quarantines() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::stuck();
            let transfer = filled(dma, &engine, 1)?;
            // SAFETY: The mapping is leaked below.
            let left = unsafe { twin(transfer.handles()) };
            check_err!(transfer.cancel().map(|_| ()), EBUSY);
            check_eq!((engine.stopped(), dma.quarantined()), (2, LEN));
            device_side::fill(&left, 2)?;
            engine.finish();
            let buffer = ManuallyDrop::into_inner(left).unmap()?;
            check!(pattern::holds(&buffer, 2, 0));
            Ok(())
        })
    }

    #[test]
    fn drop_in_flight_stops_once_then_unmaps() -> Result {
        each_dma(ALL, |dma| {
            let engine = Watching {
                dma,
                address: Atomic::new(0),
                reached: Atomic::new(false),
            };
            let transfer = filled(dma, &engine, 1)?;
            let address = first(&transfer)?;
            engine.address.store(address, Relaxed);
            drop(transfer);
            check!(
                engine.reached.load(Relaxed),
                "unmapped before it was stopped"
            );
            if c::strict_iommu(dma.device()) {
                check_err!(device_side::write(dma, address, &[1]), EFAULT);
            }

            let engine = Scripted::busy();
            drop(filled(dma, &engine, 1)?);
            check_eq!((engine.asked(), engine.stopped()), (1, 1));
            let engine = Scripted::idle();
            drop(filled(dma, &engine, 1)?);
            check_eq!((engine.asked(), engine.stopped()), (1, 0));
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }

    #[test]
    fn drop_of_a_stuck_device_quarantines() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::stuck();
            let transfer = filled(dma, &engine, 1)?;
            // SAFETY: The mapping is leaked below.
            let left = unsafe { twin(transfer.handles()) };
            drop(transfer);
            check_eq!((engine.stopped(), dma.quarantined()), (1, LEN));

            // Nobody else has the memory: what the device writes is in no other buffer.
            let other = filled(dma, Scripted::idle(), 3)?.complete()?;
            device_side::fill(&left, 2)?;
            check!(pattern::holds(other.as_slice(), 3, 0));
            engine.finish();
            let buffer = ManuallyDrop::into_inner(left).unmap()?;
            check!(pattern::holds(&buffer, 2, 0));
            Ok(())
        })
    }

    #[test]
    fn leaked_transfer_leaks_its_memory() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let transfer = filled(dma, &engine, 1)?;
            // SAFETY: The mapping is leaked below.
            let left = unsafe { twin(transfer.handles()) };
            core::mem::forget(transfer);
            check_eq!((engine.asked(), engine.stopped()), (0, 0));

            let other = filled(dma, Scripted::idle(), 3)?.complete()?;
            device_side::fill(&left, 2)?;
            check!(pattern::holds(other.as_slice(), 3, 0));
            engine.finish();
            let buffer = ManuallyDrop::into_inner(left).unmap()?;
            check!(pattern::holds(&buffer, 2, 0));
            Ok(())
        })
    }

    #[test]
    fn leaked_transfer_of_a_borrowed_handle_leaves_it_the_devices() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let mapping = scattered(dma, &engine, 1)?;
            let started =
                Transfer::start(&mapping, |pieces| device_side::fill_pieces(dma, pieces, 2));
            core::mem::forget(started?);
            check_eq!(engine.stopped(), 0);

            // The handle asks by itself.
            let mapping = refused(mapping.unmap())?;
            engine.finish();
            check!(pattern::holds(&mapping.unmap()?, 2, 0));
            Ok(())
        })
    }

    #[test]
    fn drop_of_a_borrowing_transfer_stops_and_leaves_the_handle() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::busy();
            let mapping = scattered(dma, &engine, 1)?;
            let fill = |seed| {
                Transfer::start(&mapping, move |pieces| {
                    device_side::fill_pieces(dma, pieces, seed)
                })
            };
            drop(fill(2)?);
            check_eq!(engine.stopped(), 1);

            // It can be used for the next one.
            let again = fill(3)?.complete()?;
            check!(core::ptr::eq(again, &mapping));
            engine.start();
            check_err!(fill(4)?.complete().map(|_| ()), EBUSY);
            check_eq!(engine.stopped(), 2);
            check!(pattern::holds(&mapping.unmap()?, 4, 0));
            Ok(())
        })
    }
}
