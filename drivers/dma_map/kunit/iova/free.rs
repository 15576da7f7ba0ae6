// SPDX-License-Identifier: GPL-2.0

//! Drop of an IOVA mapping.
//!
//! The calls of the engine, the contexts in which it is legal, and what the device reaches afterwards.

use super::*;
use crate::{
    context,
    engines::{
        Idle,
        Scripted, //
    },
    fixture::*, //
};
use core::mem::ManuallyDrop;
use dma_map::{
    Bidirectional,
    DmaDevice,
    ToDevice, //
};
use kernel::sync::Arc;

fn map<B: Sample, E: Engine>(
    dma: DmaDevice<'_>,
    engine: E,
) -> Result<IovaMapping<'_, B, Bidirectional, Device<E>>> {
    let buffer = B::sample(3 * PAGE_SIZE + 1, 1)?;
    Ok(IovaMapping::map(
        dma,
        buffer,
        Bidirectional,
        engine,
        Gfp::Atomic,
    )?)
}

fn dropped<B: Sample>(dma: DmaDevice<'_>) -> Result {
    let engine = Scripted::idle();
    drop(map::<B, _>(dma, &engine)?);
    check_eq!(engine.stopped(), 0);
    drop(map::<B, _>(dma, &engine)?.complete()?);
    check_eq!(engine.stopped(), 0);

    let next = || {
        engine.start();
        map::<B, _>(dma, &engine)
    };
    drop(next()?);
    let mapping = next()?;
    context::spinlocked(|| drop(mapping));
    let mapping = next()?;
    context::irqs_off(|| drop(mapping));
    let mapping = next()?;
    context::hard_irq(|| drop(mapping))?;
    check_eq!(engine.stopped(), 4);
    check_eq!(dma.quarantined(), 0);
    Ok(())
}

fn quarantined<B: Sample>(dma: DmaDevice<'_>) -> Result {
    let engine = Scripted::stuck();
    let before = dma.quarantined();
    let mapping = map::<B, _>(dma, &engine)?;
    let size = mapping.size();
    // SAFETY: The mapping is quarantined: leaked.
    let twin = ManuallyDrop::new(unsafe { core::ptr::read(&mapping) });
    drop(mapping);
    check_eq!(engine.stopped(), 1);
    check_eq!(dma.quarantined(), before + size);

    // The device still writes, and nobody else finds it.
    fill(&twin, 2)?;
    for _ in 0..10 {
        drop(map::<B, _>(dma, Idle)?);
    }
    check!(finds(&twin, 2)?);

    // So that nothing is left when the suites are done.
    engine.finish();
    check!(ManuallyDrop::into_inner(twin).unmap()?.holds(2));
    Ok(())
}

#[kunit_tests(dma_map_iova_free)]
mod tests {
    use super::*;

    /// misuse: drop-with-irqs-off/IovaMapping
    #[test]
    fn busy_device_is_stopped_once_wherever_that_is() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            each_buffer!(dropped(dma));
            Ok(())
        })
    }

    #[test]
    fn stuck_device_keeps_buffer_and_addresses() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            each_buffer!(quarantined(dma));
            Ok(())
        })
    }

    #[test]
    fn nothing_is_linked_afterwards() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            // IOTLBs are flushed when addresses are unlinked, also where unmapping is lazy.
            for how in 0..3 {
                let mapping = map::<VVec<u8>, _>(dma, Idle)?;
                let Some(address) = mapping.contiguous() else {
                    check!(!translated(probe));
                    return Ok(());
                };
                device_side::write(dma, address, &[1])?;
                match how {
                    0 => drop(mapping),
                    1 => drop(mapping.unmap()?),
                    _ => drop(mapping.complete()?.unmap()),
                }
                for page in 0..4 {
                    let gone = address + page * PAGE_SIZE as u64;
                    check_err!(device_side::write(dma, gone, &[1]), EFAULT);
                }
            }
            Ok(())
        })
    }

    #[test]
    fn whole_rounds_work_in_atomic_context() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let mut first = Some(KVec::<u8>::sample(9000, 1)?);
            let mut second = Some(KVec::<u8>::sample(9000, 1)?);
            let round = |buffer: &mut Option<KVec<u8>>| {
                let buffer = buffer.take().ok_or(EINVAL)?;
                let mapping = IovaMapping::map(dma, buffer, ToDevice, Idle, Gfp::Atomic)?;
                check!(finds(&mapping, 1)?);
                let mapping = mapping.complete()?.give(Idle);
                check!(mapping.unmap()?.holds(1));
                Ok(())
            };
            context::spinlocked(|| round(&mut first))?;
            context::hard_irq(|| round(&mut second))?
        })
    }

    /// misuse: unbind-with-live-handles/IovaMapping
    #[test]
    fn driver_data_is_unmapped_at_unbind() -> Result {
        let engine = Arc::new(Scripted::busy(), GFP_KERNEL)?;
        each(|dev| {
            engine.start();
            let before = engine.stopped();
            let mut linked = None;
            dev.bind(|probe| {
                let mapping = map::<VVec<u8>, _>(probe.dma(ALL)?, engine.clone())?;
                linked = mapping.contiguous();
                probe.keep(mapping)
            })?;
            check_eq!(engine.stopped(), before);
            dev.unbind();
            check_eq!(engine.stopped(), before + 1);

            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                if let Some(address) = linked {
                    check_err!(device_side::write(dma, address, &[1]), EFAULT);
                }
                Ok(())
            })
        })
    }
}
