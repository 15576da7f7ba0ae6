// SPDX-License-Identifier: GPL-2.0

//! Drop of a single mapping.
//!
//! The free of the buffer, and the leak of a mapping.

use super::*;
use crate::{
    counted::{
        dropped,
        Counted, //
    },
    device_side,
    engines::Idle,
    fixture::*, //
};
use dma_map::{
    Bidirectional,
    ToDevice, //
};
use kernel::bindings;

const LEN: usize = 1000;

#[kunit_tests(dma_map_mapping_free)]
mod tests {
    use super::*;

    #[test]
    fn values_are_dropped_once() -> Result {
        each_dma(ALL, |dma| {
            let before = dropped();
            let map = || -> Result<_> {
                let value = Counted(KBox::new(0u8, GFP_KERNEL)?);
                map_single(dma, value, ToDevice, Idle)
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

    #[test]
    fn leaked_mapping_outlives_its_binding_without_harm() -> Result {
        // On the platform bus: on PCI, DMA debugging rightly complains of a leak at unbind.
        let dev = TestDevice::platform()?;
        let mut buffer = KVec::<u8>::sample(LEN, 1)?;
        let (ptr, len, capacity) = (buffer.as_mut_ptr(), buffer.len(), buffer.capacity());
        let (mut buffer, mut address) = (Some(buffer), 0);
        dev.bind(|probe| {
            let dma = probe.dma(ALL)?;
            let buffer = buffer.take().ok_or(EINVAL)?;
            let mapping = map_single(dma, buffer, Bidirectional, Idle)?;
            address = mapping.dma_address();
            core::mem::forget(mapping);
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })?;
        dev.unbind();

        dev.bind(|probe| {
            let dma = probe.dma(ALL)?;
            device_side::write(dma, address, &[0xee; LEN])?;
            check!(KVec::<u8>::sample(LEN, 2)?.holds(2));
            Ok(())
        })?;
        let both = bindings::dma_data_direction::DMA_BIDIRECTIONAL;
        // SAFETY: The mapping and the buffer that were leaked, which nobody uses.
        let buffer = unsafe {
            bindings::dma_unmap_phys(dev.raw(), address, LEN, both, 0);
            KVec::from_raw_parts(ptr, len, capacity)
        };
        check!(buffer.iter().all(|byte| *byte == 0xee));
        Ok(())
    }
}
