// SPDX-License-Identifier: GPL-2.0

//! Drop of a handle: calls of the engine, legal contexts, and quarantine.

use super::*;

/// Each kind of handle, and in each direction if that matters.
const EVERY: [&[Kind]; 8] = [
    MAPPINGS, LINKED, MEMORY, POOLED, ADDRESSES, UNMAPPED, WINDOWS, ONE_WAY,
];

/// What the drop of a handle in the CPU's state does.
const RETURNING: [&[Kind]; 4] = [MAPPINGS, LINKED, MEMORY, POOLED];

/// What is quarantined as it is. A buffer of a [`MappedPool`](dma_map::MappedPool) ends with its pool
/// then, and a list of addresses is freed.
const QUARANTINED: [&[Kind]; 5] = [MAPPINGS, LINKED, MEMORY, UNMAPPED, WINDOWS];

#[kunit_tests(dma_map_protocol_drops)]
mod tests {
    use super::*;

    #[test]
    fn idle_device_is_not_stopped() -> Result {
        each_kind(&EVERY, Scripted::idle, &mut |case| {
            let mut handle = case.make()?;
            check_eq!(case.engine.asked(), 0);
            handle.release();
            check!(case.engine.asked() > 0);
            check_eq!((case.engine.stopped(), case.engine.turns()), (0, 0));
            check_eq!((handle.outstanding(), case.dma.quarantined()), (0, 0));
            Ok(())
        })
    }

    /// misuse: drop-with-irqs-off/SgMapping, drop-with-irqs-off/DmaMapping
    /// misuse: drop-with-irqs-off/IovaMapping, drop-with-irqs-off/DmaCoherent
    /// misuse: drop-with-irqs-off/CoherentHandle, drop-with-irqs-off/PoolBlock
    /// misuse: drop-with-irqs-off/DmaPages, drop-with-irqs-off/DmaNoncontiguous
    /// misuse: drop-with-irqs-off/MappedBuffer, drop-with-irqs-off/SgAddresses
    /// misuse: drop-with-irqs-off/MmioMapping
    #[test]
    fn busy_device_is_stopped_once_wherever_that_is() -> Result {
        each_kind(&EVERY, Scripted::busy, &mut |case| {
            let engine = &case.engine;
            let mut handles = case.several(4)?;
            let mut next = handles.iter_mut();
            let mut drop_next = || {
                engine.start();
                next.next().ok_or(EINVAL)?.release();
                Ok(())
            };
            drop_next()?;
            check_eq!(engine.stopped(), 1);
            context::each_atomic(&mut drop_next)?;
            check_eq!((engine.stopped(), engine.turns()), (4, 0));
            check!(handles.iter().all(|handle| handle.outstanding() == 0));
            check_eq!(case.dma.quarantined(), 0);
            Ok(())
        })
    }

    #[test]
    fn memory_of_the_cpu_is_dropped_anywhere() -> Result {
        each_kind(&RETURNING, Scripted::idle, &mut |case| {
            let mut handles = case.several(4)?;
            for handle in handles.iter_mut() {
                handle.complete()?;
            }
            case.engine.start();
            let mut next = handles.iter_mut();
            let mut drop_next = || {
                next.next().ok_or(EINVAL)?.release();
                Ok(())
            };
            drop_next()?;
            context::each_atomic(&mut drop_next)?;
            check_eq!((case.engine.asked(), case.engine.stopped()), (4, 0));
            check!(handles.iter().all(|handle| handle.outstanding() == 0));
            check_eq!(case.dma.quarantined(), 0);
            Ok(())
        })
    }

    #[test]
    fn dropped_memory_is_out_of_the_devices_reach() -> Result {
        each_kind(&EVERY, Scripted::busy, &mut |case| {
            let handle = case.make()?;
            let address = first(&*handle)?.address;
            check!(c::dma_to_phys(case.probe.device(), address) != 0);
            // With its pool.
            drop(handle);
            check!(is_gone(case.probe.device(), address));
            Ok(())
        })
    }

    #[test]
    fn stuck_device_keeps_its_memory_wherever_that_is() -> Result {
        each_kind(&QUARANTINED, Scripted::stuck, &mut |case| {
            let (dma, engine) = (case.dma, &case.engine);
            let mut handles = case.several(4)?;
            let size = handles.first().ok_or(EINVAL)?.size();
            let before = dma.quarantined();
            let mut next = handles.iter_mut();
            let mut quarantine_next = || {
                core::mem::forget(Turn::of(engine));
                // SAFETY: The device can't be stopped, and a turn was leaked.
                unsafe { next.next().ok_or(EINVAL)?.quarantine() };
                Ok(())
            };
            quarantine_next()?;
            check_eq!((engine.stopped(), dma.quarantined()), (1, before + size));
            context::each_atomic(&mut quarantine_next)?;
            check_eq!(
                (engine.stopped(), dma.quarantined()),
                (4, before + 4 * size)
            );
            check_eq!(engine.turns(), 4);

            // The device still reaches it, and nobody else finds it.
            for handle in &handles {
                let address = first(&**handle)?.address;
                check!(c::dma_to_phys(dma.device(), address) != 0);
            }
            if case.kind.is_memory {
                for handle in &handles {
                    case.fill(&**handle, 0xee)?;
                }
                let idle = Arc::new(Scripted::idle(), GFP_KERNEL)?;
                for _ in 0..10 {
                    drop(case.make_for(&idle)?);
                }
                for handle in &handles {
                    check!(case.finds(&**handle, 0xee)?, "the memory is in use again");
                }
            }

            // So that nothing is left when the suites are done.
            engine.finish();
            for handle in handles.iter_mut() {
                if handle.unmap().is_ok() && case.kind.is_memory {
                    check!(handle.holds(0xee));
                }
                handle.release();
                check_eq!(handle.outstanding(), 0);
            }
            // The memory of the CPU is not the stuck device's.
            check_eq!(dma.quarantined(), before + 4 * size);
            Ok(())
        })
    }
}
