// SPDX-License-Identifier: GPL-2.0

//! States of coherent memory: what each side finds after a transition, and what a handle keeps.

use super::*;
use crate::{
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
    str::CString,
    sync::Arc, //
};

#[kunit_tests(dma_map_coherent_transitions)]
mod tests {
    use super::*;

    #[test]
    fn what_the_device_wrote_is_there_for_the_cpu() -> Result {
        each_dma(ALL, |dma| {
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
        each_dma(ALL, |dma| {
            let memory = DmaCoherent::<u64>::zeroed(dma, Gfp::Kernel)?.give(Idle);
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
    fn busy_is_ebusy_as_an_error() -> Result {
        check_eq!(Error::from(Busy(())), EBUSY);
        let text = CString::try_from_fmt(fmt!("{:?}", Busy(())))?;
        check_eq!(text.to_bytes(), b"Busy");
        Ok(())
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
