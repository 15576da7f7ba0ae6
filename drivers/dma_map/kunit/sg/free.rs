// SPDX-License-Identifier: GPL-2.0

//! Drop of a scatter-gather mapping: calls of the engine, and the free of the buffer.

use super::*;
use crate::{
    c,
    context,
    counted::{
        dropped,
        Counted, //
    },
    device_side,
    engines::{
        Idle,
        Scripted, //
    },
    fixture::*, //
};
use dma_map::{
    direction::Carries,
    Bidirectional,
    DmaDevice,
    FromDevice,
    ToDevice, //
};
use kernel::sync::Arc;

/// A buffer of `len` bytes that counts its drops.
fn counted(len: usize) -> Result<Counted<VVec<u8>>> {
    Ok(Counted(VVec::sample(len, 1)?))
}

fn stopped_if_busy<B: Sample, D: Carries<u8>>(dma: DmaDevice<'_>, direction: D) -> Result {
    for (engine, stopped) in [(Scripted::idle(), 0), (Scripted::busy(), 1)] {
        let buffer = B::sample(9000, 1)?;
        let mapping = SgMapping::map(dma, buffer, direction, &engine, Gfp::Kernel)?;
        let first = mapping.segments().next().ok_or(EINVAL)?;
        drop(mapping);
        check_eq!(engine.stopped(), stopped);
        check_eq!(dma.quarantined(), 0);
        if c::strict_iommu(dma.device()) {
            check_err!(device_side::write(dma, first.address, &[1]), EFAULT);
        }
    }
    Ok(())
}

fn each_direction<B: Sample>(dma: DmaDevice<'_>) -> Result {
    stopped_if_busy::<B, _>(dma, ToDevice)?;
    stopped_if_busy::<B, _>(dma, FromDevice)?;
    stopped_if_busy::<B, _>(dma, Bidirectional)
}

/// Drops a mapping of each kind, in both states, where freeing memory may be illegal.
fn in_atomic_context<B: Sample>(dma: DmaDevice<'_>) -> Result {
    let map = || -> Result<_> {
        let buffer = B::sample(9000, 1)?;
        Ok(SgMapping::map(
            dma,
            buffer,
            Bidirectional,
            Idle,
            Gfp::Kernel,
        )?)
    };

    let mapping = map()?;
    context::spinlocked(|| drop(mapping));
    let mapping = map()?;
    let ((), were_off) = context::irqs_off(|| drop(mapping));
    check!(were_off);
    let mapping = map()?;
    context::hard_irq(|| drop(mapping))?;

    let mapping = map()?.complete()?;
    context::spinlocked(|| drop(mapping));
    let mapping = map()?.complete()?;
    context::irqs_off(|| drop(mapping));
    let mapping = map()?.complete()?;
    context::hard_irq(|| drop(mapping))?;

    check_eq!(dma.quarantined(), 0);
    Ok(())
}

#[kunit_tests(dma_map_sg_free)]
mod tests {
    use super::*;

    #[test]
    fn busy_device_is_stopped_once() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            each_buffer!(each_direction(dma));
            Ok(())
        })
    }

    /// misuse: drop-with-irqs-off/SgMapping
    #[test]
    fn drop_works_in_atomic_context() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            each_buffer!(in_atomic_context(dma));

            // A `KVVec` of vmalloc memory.
            let buffer = KVVec::from_elem(7u8, 5 << 20, GFP_KERNEL)?;
            let mapping = SgMapping::map(dma, buffer, ToDevice, Idle, Gfp::Kernel)?;
            context::hard_irq(|| drop(mapping))
        })
    }

    #[test]
    fn buffers_are_dropped_once() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let before = dropped();
            let map = || -> Result<_> {
                Ok(SgMapping::map(
                    dma,
                    counted(10)?,
                    ToDevice,
                    Idle,
                    Gfp::Kernel,
                )?)
            };
            let dropped = || dropped() - before;

            let mapping = map()?;
            check_eq!(dropped(), 0);
            drop(mapping);
            check_eq!(dropped(), 1);
            drop(map()?.complete()?);
            check_eq!(dropped(), 2);
            let buffer = map()?.complete()?.give(Idle).unmap()?;
            check_eq!(dropped(), 2);
            drop(buffer);
            check_eq!(dropped(), 3);
            drop(map()?.complete()?.unmap());
            check_eq!(dropped(), 4);
            Ok(())
        })
    }

    /// misuse: pending-at-release
    #[test]
    fn what_was_put_off_is_dropped_before_unbind_ends() -> Result {
        each(|dev| {
            let before = dropped();
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                for _ in 0..200 {
                    let mapping = SgMapping::map(dma, counted(3)?, ToDevice, Idle, Gfp::Kernel)?;
                    context::irqs_off(|| drop(mapping));
                }
                Ok(())
            })?;
            dev.unbind();
            check_eq!(dropped(), before + 200);
            Ok(())
        })
    }

    #[test]
    fn what_was_put_off_is_dropped_when_probe_fails() -> Result {
        each(|dev| {
            let before = dropped();
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                for _ in 0..200 {
                    let mapping = SgMapping::map(dma, counted(3)?, ToDevice, Idle, Gfp::Kernel)?;
                    context::irqs_off(|| drop(mapping));
                }
                probe.fail_probe();
                Ok(())
            })?;
            check_eq!(dropped(), before + 200);
            Ok(())
        })
    }

    /// misuse: unbind-with-live-handles/SgMapping
    #[test]
    fn driver_data_is_unmapped_at_unbind() -> Result {
        let engine = Arc::new(Scripted::busy(), GFP_KERNEL)?;
        each(|dev| {
            engine.start();
            let before = engine.stopped();
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                let map = || -> Result<_> {
                    let buffer = VVec::<u8>::sample(9000, 1)?;
                    Ok(SgMapping::map(
                        dma,
                        buffer,
                        FromDevice,
                        engine.clone(),
                        Gfp::Kernel,
                    )?)
                };
                engine.finish();
                probe.keep(map()?.complete()?)?;
                engine.start();
                probe.keep(map()?)
            })?;
            check_eq!(engine.stopped(), before);
            dev.unbind();
            check_eq!(engine.stopped(), before + 1);
            Ok(())
        })
    }
}
