// SPDX-License-Identifier: GPL-2.0

//! Quarantine of a mapped buffer.
//!
//! Without memory to defer a drop, and beyond the binding.

use super::*;
use crate::{
    context,
    device_side,
    engines::Idle,
    faults,
    fixture::*, //
};
use dma_map::{
    Bidirectional,
    ToDevice, //
};
use kernel::bindings;

/// Undoes the mapping of one segment, of a buffer for both directions.
///
/// # Safety
///
/// It must have been leaked with its buffer.
unsafe fn unmap(dev: *mut bindings::device, buffer: *mut u8, segment: Segment) {
    let mut sg = bindings::scatterlist::default();
    let both = bindings::dma_data_direction::DMA_BIDIRECTIONAL;
    // SAFETY: By the safety requirements of this function the entry is the one that was mapped.
    unsafe {
        bindings::sg_init_one(&mut sg, buffer.cast(), segment.len);
        sg.dma_address = segment.address;
        #[cfg(CONFIG_NEED_SG_DMA_LENGTH)]
        {
            sg.dma_length = segment.len;
        }
        bindings::dma_unmap_sg_attrs(dev, &mut sg, 1, both, 0);
    }
}

#[kunit_tests(dma_map_sg_quarantine)]
mod tests {
    use super::*;

    #[test]
    fn drop_that_cannot_be_put_off_is_a_quarantine() -> Result {
        each_dma(ALL, |dma| {
            let mut buffer = VVec::<u8>::sample(9000, 1)?;
            let (ptr, capacity) = (buffer.as_mut_ptr(), buffer.capacity());
            let mapping = map_sg(dma, buffer, ToDevice, Idle)?;
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
        let mut buffer = KVec::<u8>::sample(1000, 1)?;
        let (ptr, len, capacity) = (buffer.as_mut_ptr(), buffer.len(), buffer.capacity());
        let (mut buffer, mut segment) = (Some(buffer), None);
        dev.bind(|probe| {
            let dma = probe.dma(ALL)?;
            let buffer = buffer.take().ok_or(EINVAL)?;
            let mapping = map_sg(dma, buffer, Bidirectional, Idle)?;
            segment = mapping.segments().next();
            check_eq!(mapping.segments().count(), 1);
            core::mem::forget(mapping);
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })?;
        dev.unbind();

        let segment = segment.ok_or(EINVAL)?;
        dev.bind(|probe| {
            let dma = probe.dma(ALL)?;
            device_side::write(dma, segment.address, &[0xee; 1000])?;
            check!(KVec::<u8>::sample(1000, 2)?.holds(2));
            Ok(())
        })?;
        // SAFETY: The mapping and the buffer that were leaked, which nobody uses.
        let buffer = unsafe {
            unmap(dev.raw(), ptr, segment);
            KVec::from_raw_parts(ptr, len, capacity)
        };
        check!(buffer.iter().all(|byte| *byte == 0xee));
        Ok(())
    }
}
