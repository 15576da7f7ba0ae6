// SPDX-License-Identifier: GPL-2.0

//! Quarantine of a mapped buffer.
//!
//! The device may still write to it: it cannot be stopped, or the mapping was leaked.

use super::*;
use crate::{
    context,
    device_side,
    engines::{
        Idle,
        Scripted, //
    },
    faults,
    fixture::*, //
};
use core::mem::ManuallyDrop;
use dma_map::{
    Bidirectional,
    DmaDevice,
    ToDevice, //
};
use kernel::bindings;

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

    /// Undoes the mapping, and returns the buffer, unless unbind will.
    fn free(self, probe: &Probe<'_, '_>) -> Option<KVec<u8>> {
        (!probe.gives_back()).then(|| self.free_now(probe.raw()))
    }

    /// Undoes the mapping, and returns the buffer.
    fn free_now(self, dev: *mut bindings::device) -> KVec<u8> {
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

#[kunit_tests(dma_map_sg_quarantine)]
mod tests {
    use super::*;

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
                let buffer = remains.free(probe);
                check!(buffer.is_none_or(|buffer| buffer.iter().all(|byte| *byte == 0xee)));
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
            remains.free(probe);
            Ok(())
        })
    }

    #[test]
    fn drop_that_cannot_be_put_off_is_a_quarantine() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let mut buffer = VVec::<u8>::sample(9000, 1)?;
            let (ptr, capacity) = (buffer.as_mut_ptr(), buffer.capacity());
            let mapping = SgMapping::map(dma, buffer, ToDevice, Idle, Gfp::Kernel)?;
            match faults::failing(1, || context::spinlocked(|| drop(mapping))) {
                None => skip(c"no fault injection"),
                Some(((), failed)) => {
                    check!(failed, "nothing was allocated to put the drop off");
                    check_eq!(dma.quarantined(), 9000);
                    // SAFETY: The buffer was leaked, and is unmapped.
                    let buffer = unsafe { VVec::from_raw_parts(ptr, 9000, capacity) };
                    check!(buffer.holds(1));
                }
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
            device_side::write(dma, remains.segment.address, &[0xee; 1000])?;
            check!(KVec::<u8>::sample(1000, 2)?.holds(2));
            Ok(())
        })?;
        check!(remains.free_now(raw).iter().all(|byte| *byte == 0xee));
        Ok(())
    }
}
