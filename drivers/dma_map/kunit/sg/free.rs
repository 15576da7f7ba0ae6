// SPDX-License-Identifier: GPL-2.0

//! The drop of a mapping: what the engine is asked, where the buffer is freed, and what is left of
//! memory that must not be freed.

use super::*;
use crate::{
    c,
    context,
    device_side,
    engines::{
        Idle,
        Scripted, //
    },
    fixture::*, //
};
use core::mem::ManuallyDrop;
use dma_map::{
    direction::Carries,
    Bidirectional,
    DmaDevice,
    FromDevice,
    ToDevice, //
};
use kernel::{
    bindings,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
};

/// How many `Counted` have been dropped.
static DROPPED: Atomic<u32> = Atomic::new(0);

/// A byte that counts its drops.
#[derive(IntoBytes)]
#[repr(transparent)]
struct Counted(u8);

impl Drop for Counted {
    fn drop(&mut self) {
        DROPPED.add(1, Relaxed);
    }
}

/// A buffer of `len` bytes that count their drops.
fn counted(len: usize) -> Result<VVec<Counted>> {
    let mut buffer = VVec::with_capacity(len, GFP_KERNEL)?;
    for _ in 0..len {
        buffer.push(Counted(0), GFP_KERNEL)?;
    }
    Ok(buffer)
}

/// A buffer of one segment whose mapping is gone, and how to unmap it in spite of that.
struct Remains {
    buffer: ManuallyDrop<KVec<u8>>,
    segment: Segment,
}

impl Remains {
    /// Maps a buffer, loses the handle by `lose`, and keeps what is needed to undo that.
    fn of<E: Engine>(
        dma: DmaDevice<'_>,
        engine: E,
        lose: impl FnOnce(SgMapping<'_, KVec<u8>, Bidirectional, Device<E>>) -> Result,
    ) -> Result<Self> {
        let mut buffer = KVec::<u8>::sample(1000, 1)?;
        let (ptr, len, capacity) = (buffer.as_mut_ptr(), buffer.len(), buffer.capacity());
        let mapping = SgMapping::map(dma, buffer, Bidirectional, engine, Gfp::Kernel)?;
        let segment = mapping.segments().next().ok_or(EINVAL)?;
        check_eq!(segment.len as usize, mapping.size());
        lose(mapping)?;

        Ok(Self {
            // SAFETY: The buffer was leaked with its mapping. Nobody uses it until the mapping is
            // undone.
            buffer: ManuallyDrop::new(unsafe { KVec::from_raw_parts(ptr, len, capacity) }),
            segment,
        })
    }

    /// Undoes the mapping, and frees the buffer.
    fn free(self, dev: *mut bindings::device) -> KVec<u8> {
        let mut sg = bindings::scatterlist::default();
        // SAFETY: The entry is the one that was mapped, which `Bidirectional` buffers of one
        // segment have.
        unsafe {
            let len = self.segment.len;
            bindings::sg_init_one(&mut sg, self.buffer.as_ptr().cast(), len);
            sg.dma_address = self.segment.address;
            #[cfg(CONFIG_NEED_SG_DMA_LENGTH)]
            {
                sg.dma_length = len;
            }
            let both = bindings::dma_data_direction::DMA_BIDIRECTIONAL;
            bindings::dma_unmap_sg_attrs(dev, &mut sg, 1, both, 0);
        }
        ManuallyDrop::into_inner(self.buffer)
    }
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

    #[test]
    fn drop_works_in_atomic_context() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            each_buffer!(in_atomic_context(dma));

            // A `KVVec` of vmalloc memory.
            let buffer = KVVec::<u8>::sample(5 << 20, 1)?;
            let mapping = SgMapping::map(dma, buffer, ToDevice, Idle, Gfp::Kernel)?;
            context::hard_irq(|| drop(mapping))
        })
    }

    #[test]
    fn elements_are_dropped_once() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let before = DROPPED.load(Relaxed);
            let map = || -> Result<_> {
                Ok(SgMapping::map(
                    dma,
                    counted(10)?,
                    ToDevice,
                    Idle,
                    Gfp::Kernel,
                )?)
            };
            let dropped = || DROPPED.load(Relaxed) - before;

            let mapping = map()?;
            check_eq!(dropped(), 0);
            drop(mapping);
            check_eq!(dropped(), 10);
            drop(map()?.complete()?);
            check_eq!(dropped(), 20);
            let buffer = map()?.complete()?.give(Idle).unmap()?;
            check_eq!(dropped(), 20);
            drop(buffer);
            check_eq!(dropped(), 30);
            drop(map()?.complete()?.unmap());
            check_eq!(dropped(), 40);
            Ok(())
        })
    }

    #[test]
    fn what_was_put_off_is_dropped_before_unbind_ends() -> Result {
        each(|dev| {
            let before = DROPPED.load(Relaxed);
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                for _ in 0..200 {
                    let mapping = SgMapping::map(dma, counted(3)?, ToDevice, Idle, Gfp::Kernel)?;
                    context::irqs_off(|| drop(mapping));
                }
                Ok(())
            })?;
            dev.unbind();
            check_eq!(DROPPED.load(Relaxed), before + 600);
            Ok(())
        })
    }

    #[test]
    fn what_was_put_off_is_dropped_when_probe_fails() -> Result {
        each(|dev| {
            let before = DROPPED.load(Relaxed);
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                for _ in 0..200 {
                    let mapping = SgMapping::map(dma, counted(3)?, ToDevice, Idle, Gfp::Kernel)?;
                    context::irqs_off(|| drop(mapping));
                }
                probe.fail_probe();
                Ok(())
            })?;
            check_eq!(DROPPED.load(Relaxed), before + 600);
            Ok(())
        })
    }

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

    #[test]
    fn stuck_device_quarantines_buffer_and_mapping() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let engine = Scripted::stuck();
            for n in 1..4 {
                let remains = Remains::of(dma, &engine, |mapping| {
                    match n {
                        1 => drop(mapping),
                        2 => context::spinlocked(|| drop(mapping)),
                        _ => context::hard_irq(|| drop(mapping))?,
                    }
                    Ok(())
                })?;
                check_eq!(engine.stopped(), n);
                check_eq!(dma.quarantined(), 1000 * n as usize);

                // The device still writes, and it writes to this buffer and no other.
                device_side::write(dma, remains.segment.address, &[0xee; 1000])?;
                for _ in 0..20 {
                    check!(KVec::<u8>::sample(1000, 2)?.holds(2));
                }
                let mut seen = [0; 1000];
                device_side::read(dma, remains.segment.address, &mut seen)?;
                check!(
                    seen.iter().all(|byte| *byte == 0xee),
                    "the memory is in use again"
                );
                check!(remains.free(probe.raw()).iter().all(|byte| *byte == 0xee));
            }
            Ok(())
        })
    }

    #[test]
    fn quarantine_counts_what_was_mapped() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let engine = Scripted::stuck();
            let remains = Remains::of(dma, &engine, |mapping| {
                check!(mapping.size() == 1000);
                drop(mapping);
                Ok(())
            })?;
            check_eq!(dma.quarantined(), 1000);

            // The CPU's mappings are not the stuck device's.
            let buffer = VVec::<u8>::sample(9000, 1)?;
            let mapping = SgMapping::map(dma, buffer, ToDevice, Idle, Gfp::Kernel)?;
            drop(mapping.complete()?);
            check_eq!(dma.quarantined(), 1000);
            remains.free(probe.raw());
            Ok(())
        })
    }

    #[test]
    fn leaked_mapping_outlives_its_binding_without_harm() -> Result {
        // On the platform bus: on PCI, DMA debugging rightly complains of a leak at unbind.
        let dev = TestDevice::platform()?;
        let mut left = None;
        dev.bind(|probe| {
            let dma = probe.dma(ALL)?;
            let remains = Remains::of(dma, Idle, |mapping| {
                core::mem::forget(mapping);
                Ok(())
            })?;
            left = Some((remains, probe.raw()));
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })?;
        dev.unbind();

        let (remains, raw) = left.ok_or(EINVAL)?;
        dev.bind(|probe| {
            let dma = probe.dma(ALL)?;
            device_side::write(dma, remains.segment.address, &[0xee; 1000])?;
            check!(KVec::<u8>::sample(1000, 2)?.holds(2));
            Ok(())
        })?;
        check!(remains.free(raw).iter().all(|byte| *byte == 0xee));
        Ok(())
    }
}
