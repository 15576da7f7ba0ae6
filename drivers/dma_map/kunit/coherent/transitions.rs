// SPDX-License-Identifier: GPL-2.0

//! Transitions of coherent memory: `give`, `complete` and `cancel`.
//!
//! Ownership and data after each transition, and transitions while the device is busy.

use super::*;
use crate::{
    context,
    device_side,
    engines::{
        Idle,
        Scripted, //
    },
    fixture::*, //
};
use dma_map::{
    state::{
        Cpu,
        Device,
        Shared, //
    },
    Busy, //
};
use kernel::{
    io::io_read,
    str::CString,
    sync::Arc, //
};

#[kunit_tests(dma_map_coherent_transitions)]
mod tests {
    use super::*;

    #[test]
    fn what_the_cpu_wrote_is_there_for_the_device() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let mut memory = DmaCoherent::<[u8]>::zeroed_slice(dma, 9000, Gfp::Kernel)?;
            fill(&mut memory, 1);
            let memory = memory.give(Idle);

            let mut found = KVec::from_elem(0, 9000, GFP_KERNEL)?;
            device_side::read(dma, memory.dma_address(), &mut found)?;
            check_holds(&found, 1)
        })
    }

    #[test]
    fn what_the_device_wrote_is_there_for_the_cpu() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let memory = DmaCoherent::<[u8]>::zeroed_slice(dma, 9000, Gfp::Kernel)?.give(Idle);
            let mut data = KVec::from_elem(0, 9000, GFP_KERNEL)?;
            fill(&mut data, 2);
            device_side::write(dma, memory.dma_address(), &data)?;

            let mut memory = memory.complete()?;
            check_holds(&memory, 2)?;

            // And back.
            fill(&mut memory, 3);
            let memory = memory.give(Idle);
            device_side::read(dma, memory.dma_address(), &mut data)?;
            check_holds(&data, 3)
        })
    }

    #[test]
    fn address_stays_the_same() -> Result {
        each_probe(|probe| {
            let memory = DmaCoherent::<u64>::zeroed(probe.dma(ALL)?, Gfp::Kernel)?.give(Idle);
            let address = memory.dma_address();
            for _ in 0..3 {
                let again = DmaCoherent::<u64>::zeroed(memory.device(), Gfp::Kernel)?.give(Idle);
                check!(again.dma_address() != address);
            }
            let memory = memory.complete()?.give(Idle);
            check_eq!(memory.dma_address(), address);
            Ok(())
        })
    }

    #[test]
    fn busy_device_keeps_the_memory() -> Result {
        each_probe(|probe| {
            let engine = Scripted::busy();
            let memory = DmaCoherent::new(probe.dma(ALL)?, SLOT, Gfp::Kernel)?.give(&engine);
            let address = memory.dma_address();

            let Err(Busy(memory)) = memory.complete() else {
                check!(false, "complete() of a busy device is Ok");
                return Err(EINVAL);
            };
            check_eq!(memory.dma_address(), address);
            check_eq!(io_read!(&memory, .tail), SLOT.tail);
            check_eq!(engine.stopped(), 0);

            engine.finish();
            check_eq!(*memory.complete()?, SLOT);
            check_eq!(engine.stopped(), 0);
            Ok(())
        })
    }

    #[test]
    fn cancel_stops_a_busy_device() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let busy = Scripted::busy();
            let memory = DmaCoherent::new(dma, SLOT, Gfp::Kernel)?.give(&busy);
            check_eq!(*memory.cancel()?, SLOT);
            check_eq!(busy.stopped(), 1);

            let stuck = Scripted::stuck();
            let memory = DmaCoherent::new(dma, SLOT, Gfp::Kernel)?.give(&stuck);
            let Err(Busy(memory)) = memory.cancel() else {
                check!(false, "cancel() of a device that does not stop is Ok");
                return Err(EINVAL);
            };
            check_eq!(io_read!(&memory, .tail), SLOT.tail);
            stuck.finish();
            check_eq!(*memory.cancel()?, SLOT);
            check_eq!(stuck.stopped(), 1);
            Ok(())
        })
    }

    #[test]
    fn busy_is_ebusy_as_an_error() -> Result {
        check_eq!(Error::from(Busy(())), EBUSY);
        let text = CString::try_from_fmt(fmt!("{:?}", Busy(())))?;
        check_eq!(text.to_bytes(), b"Busy");
        Ok(())
    }

    #[test]
    fn complete_asks_the_engine_and_does_not_stop_it() -> Result {
        each_probe(|probe| {
            let engine = Scripted::idle();
            let memory = DmaCoherent::<u8>::zeroed(probe.dma(ALL)?, Gfp::Kernel)?.give(&engine);
            check_eq!(engine.asked(), 0);
            let memory = memory.complete()?;
            check_eq!(engine.asked(), 1);
            drop(memory);
            check_eq!(engine.asked(), 1);
            check_eq!(engine.stopped(), 0);
            Ok(())
        })
    }

    #[test]
    fn engine_is_dropped_with_the_state() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let engine = Arc::new(Scripted::idle(), GFP_KERNEL)?;
            let shared = DmaCoherent::<u8>::zeroed(dma, Gfp::Kernel)?.give(engine.clone());
            let memory = shared.complete()?;
            let shared = DmaCoherent::<u8>::zeroed(dma, Gfp::Kernel)?.give(engine.clone());
            drop(shared);
            // The last reference again, so that nothing of the above has one.
            check!(Arc::into_unique_or_drop(engine).is_some());
            drop(memory);
            Ok(())
        })
    }

    #[test]
    fn transitions_work_in_atomic_context() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let round = || -> Result<u64> {
                let memory = DmaCoherent::new(dma, SLOT, Gfp::Atomic)?.give(Idle);
                let seen = io_read!(&memory, .tail);
                check_eq!(*memory.complete()?, SLOT);
                Ok(seen)
            };
            check_eq!(context::spinlocked(round)?, SLOT.tail);
            let (seen, were_off) = context::irqs_off(round);
            check!(were_off);
            check_eq!(seen?, SLOT.tail);
            check_eq!(context::hard_irq(round)??, SLOT.tail);
            Ok(())
        })
    }

    #[test]
    fn handles_are_as_small_as_what_they_keep() -> Result {
        // Device, CPU address, DMA address, attributes; the length of a slice; the engine.
        const WORD: usize = size_of::<usize>();
        check_eq!(size_of::<Cpu>(), 0);
        check_eq!(size_of::<Device<u16>>(), 2);
        check_eq!(size_of::<Shared<Idle>>(), 0);
        check_eq!(size_of::<DmaCoherent<'_, Slot>>(), 4 * WORD);
        check_eq!(size_of::<DmaCoherent<'_, Slot, Shared<Idle>>>(), 4 * WORD);
        check_eq!(size_of::<DmaCoherent<'_, [Slot]>>(), 5 * WORD);
        check_eq!(
            size_of::<DmaCoherent<'_, Slot, Shared<Arc<Scripted>>>>(),
            5 * WORD
        );
        Ok(())
    }
}
