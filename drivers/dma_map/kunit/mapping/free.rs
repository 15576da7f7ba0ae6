// SPDX-License-Identifier: GPL-2.0

//! Drop of a single mapping.
//!
//! The calls of the engine, where the buffer is freed, and the leak of memory that must not be freed.

use super::*;
use crate::{
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
    dma::DmaAddress,
    sync::Arc, //
};

const LEN: usize = 1000;

/// A buffer whose mapping is gone, and how to unmap it in spite of that.
struct Remains {
    buffer: ManuallyDrop<KVec<u8>>,
    address: DmaAddress,
}

impl Remains {
    /// Maps a buffer, loses the handle by `lose`, and keeps what is needed to undo that.
    fn of<E: Engine>(
        dma: DmaDevice<'_>,
        engine: E,
        lose: impl FnOnce(DmaMapping<'_, KVec<u8>, Bidirectional, Device<E>>) -> Result,
    ) -> Result<Self> {
        let mut buffer = KVec::<u8>::sample(LEN, 1)?;
        let (ptr, len, capacity) = (buffer.as_mut_ptr(), buffer.len(), buffer.capacity());
        let mapping = DmaMapping::map(dma, buffer, Bidirectional, engine, PLAIN)?;
        let address = mapping.dma_address();
        lose(mapping)?;

        Ok(Self {
            // SAFETY: The buffer was leaked with its mapping. Nobody uses it until the mapping is
            // undone.
            buffer: ManuallyDrop::new(unsafe { KVec::from_raw_parts(ptr, len, capacity) }),
            address,
        })
    }

    /// Undoes the mapping, and returns the buffer, unless unbind will.
    fn free(self, probe: &Probe<'_, '_>) -> Option<KVec<u8>> {
        (!probe.gives_back()).then(|| self.free_now(probe.raw()))
    }

    /// Undoes the mapping, and returns the buffer.
    fn free_now(self, dev: *mut bindings::device) -> KVec<u8> {
        let both = bindings::dma_data_direction::DMA_BIDIRECTIONAL;
        // SAFETY: The mapping that was leaked, with what it was mapped with.
        unsafe { bindings::dma_unmap_phys(dev, self.address, LEN, both, 0) };
        ManuallyDrop::into_inner(self.buffer)
    }
}

fn stopped_if_busy<B: Flat, D: Carries<u8>>(dma: DmaDevice<'_>, direction: D) -> Result {
    for (engine, stopped) in [(Scripted::idle(), 0), (Scripted::busy(), 1)] {
        let buffer = B::sample(9000, 1)?;
        let mapping = DmaMapping::map(dma, buffer, direction, &engine, PLAIN)?;
        let address = mapping.dma_address();
        drop(mapping);
        check_eq!(engine.stopped(), stopped);
        check_eq!(dma.quarantined(), 0);
        if c::strict_iommu(dma.device()) {
            check_err!(device_side::write(dma, address, &[1]), EFAULT);
        }
    }
    Ok(())
}

fn each_direction<B: Flat>(dma: DmaDevice<'_>) -> Result {
    stopped_if_busy::<B, _>(dma, ToDevice)?;
    stopped_if_busy::<B, _>(dma, FromDevice)?;
    stopped_if_busy::<B, _>(dma, Bidirectional)
}

/// Drops a mapping of each kind, in each state, where freeing memory may be illegal.
fn in_atomic_context<B: Flat>(dma: DmaDevice<'_>) -> Result {
    let map = || -> Result<_> {
        let buffer = B::sample(9000, 1)?;
        Ok(DmaMapping::map(dma, buffer, Bidirectional, Idle, PLAIN)?)
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
    let mapping = map()?.complete_range(1..2)?;
    context::irqs_off(|| drop(mapping));
    let mapping = map()?.complete()?;
    context::hard_irq(|| drop(mapping))?;

    check_eq!(dma.quarantined(), 0);
    Ok(())
}

#[kunit_tests(dma_map_mapping_free)]
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

    /// misuse: drop-with-irqs-off/DmaMapping
    #[test]
    fn drop_works_in_atomic_context() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            each_buffer!(in_atomic_context(dma));
            Ok(())
        })
    }

    #[test]
    fn values_are_dropped_once() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let before = dropped();
            let map = || -> Result<_> {
                let value = Counted(KBox::new(0u8, GFP_KERNEL)?);
                Ok(DmaMapping::map(dma, value, ToDevice, Idle, PLAIN)?)
            };
            let dropped = || dropped() - before;

            let mapping = map()?;
            check_eq!(dropped(), 0);
            drop(mapping);
            check_eq!(dropped(), 1);
            drop(map()?.complete()?);
            check_eq!(dropped(), 2);
            drop(map()?.complete_range(0..1)?);
            check_eq!(dropped(), 3);
            let value = map()?.complete()?.give(Idle).unmap()?;
            check_eq!(dropped(), 3);
            drop(value);
            check_eq!(dropped(), 4);
            drop(map()?.complete()?.unmap());
            check_eq!(dropped(), 5);
            Ok(())
        })
    }

    /// misuse: unbind-with-live-handles/DmaMapping
    #[test]
    fn driver_data_is_unmapped_at_unbind() -> Result {
        let engine = Arc::new(Scripted::busy(), GFP_KERNEL)?;
        each(|dev| {
            let before = engine.stopped();
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                let map = || -> Result<_> {
                    let buffer = KVec::<u8>::sample(9000, 1)?;
                    let engine = engine.clone();
                    Ok(DmaMapping::map(dma, buffer, FromDevice, engine, PLAIN)?)
                };
                engine.finish();
                probe.keep(map()?.complete()?)?;
                probe.keep(map()?.complete_range(0..10)?)?;
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
                check_eq!(dma.quarantined(), LEN * n as usize);

                // The device still writes, and it writes to this buffer and no other.
                device_side::write(dma, remains.address, &[0xee; LEN])?;
                for _ in 0..20 {
                    check!(KVec::<u8>::sample(LEN, 2)?.holds(2));
                }
                let mut seen = KVec::from_elem(0, LEN, GFP_KERNEL)?;
                device_side::read(dma, remains.address, &mut seen)?;
                check!(
                    seen.iter().all(|byte| *byte == 0xee),
                    "the memory is in use again"
                );
                let buffer = remains.free(probe);
                check!(buffer.is_none_or(|buffer| buffer.iter().all(|byte| *byte == 0xee)));
            }
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
            device_side::write(dma, remains.address, &[0xee; LEN])?;
            check!(KVec::<u8>::sample(LEN, 2)?.holds(2));
            Ok(())
        })?;
        check!(remains.free_now(raw).iter().all(|byte| *byte == 0xee));
        Ok(())
    }
}
