// SPDX-License-Identifier: GPL-2.0

//! Options of coherent memory.
//!
//! Memory with options is used as memory without them, and is freed with its attributes. Also memory
//! without a kernel mapping, and the pages behind memory.

use super::*;
use crate::{
    c,
    context,
    device_side,
    engines::Idle,
    fixture::*, //
};
use dma_map::{
    CoherentHandle,
    CoherentOptions, //
};
use kernel::{
    page::PAGE_SIZE,
    sizes::SZ_128K, //
};

const PLAIN: CoherentOptions = CoherentOptions::new(Gfp::Kernel);

const OPTIONS: [CoherentOptions; 7] = [
    PLAIN,
    PLAIN.write_combine(),
    PLAIN.force_contiguous(),
    PLAIN.single_pages(),
    PLAIN.privileged(),
    PLAIN.write_combine().force_contiguous().single_pages(),
    CoherentOptions::new(Gfp::Atomic).write_combine(),
];

#[kunit_tests(dma_map_coherent_options)]
mod tests {
    use super::*;

    #[test]
    fn memory_with_options_is_zero_and_reached_by_the_device() -> Result {
        each_dma(ALL, |dma| {
            for options in OPTIONS {
                for size in [1, PAGE_SIZE, 3 * PAGE_SIZE + 5] {
                    soil(dma, size)?;
                    let mut memory = DmaCoherent::<[u8]>::zeroed_slice(dma, size, options)?;
                    check_zero(&memory)?;
                    fill(&mut memory, 0x21);
                    let memory = memory.give(Idle);
                    let mut found = KVec::from_elem(0, size, GFP_KERNEL)?;
                    device_side::read(dma, memory.dma_address(), &mut found)?;
                    check_holds(&found, 0x21)?;
                    device_side::write(dma, memory.dma_address(), &[7])?;
                    check_eq!(memory.complete()?[0], 7);
                }
            }
            Ok(())
        })
    }

    #[test]
    fn every_constructor_takes_options() -> Result {
        each_dma(ALL, |dma| {
            for options in OPTIONS {
                check_eq!(*DmaCoherent::new(dma, SLOT, options)?, SLOT);
                check_zero(DmaCoherent::<Slot>::zeroed(dma, options)?.as_bytes())?;
                check_zero(DmaCoherent::<Slot>::zeroed_large(dma, options)?.as_bytes())?;
                check_eq!(DmaCoherent::from_slice(dma, &[SLOT], options)?[..], [SLOT]);
                let large = DmaCoherent::<[u8]>::zeroed_slice_large(dma, 5000, options)?;
                check_zero(&large)?;
            }
            Ok(())
        })
    }

    /// misuse: free-different-attributes
    #[test]
    fn memory_with_options_is_freed_in_any_context() -> Result {
        each_dma(ALL, |dma| {
            for options in OPTIONS {
                let alloc = || DmaCoherent::<[u8]>::zeroed_slice(dma, 9000, options);
                let (one, two) = (alloc()?, alloc()?);
                context::spinlocked(|| drop(one));
                context::irqs_off(|| drop(two));
            }
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }

    #[test]
    fn memory_without_a_mapping_is_the_devices() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            for options in OPTIONS {
                for size in [1, PAGE_SIZE + 1, SZ_128K - 1] {
                    let memory = CoherentHandle::alloc(dma, size, Idle, options)?;
                    check_eq!(memory.size(), size);
                    check!(core::ptr::eq(memory.device().device(), probe.device()));
                    let address = memory.dma_address();
                    let last = address + size as u64 - 1;
                    device_side::write(dma, address, &[0x5a])?;
                    device_side::write(dma, last, &[0xa5])?;
                    let mut byte = [0];
                    device_side::read(dma, last, &mut byte)?;
                    check_eq!(byte[0], 0xa5);
                    drop(memory);
                    if c::strict_iommu(probe.device()) {
                        check_err!(device_side::write(dma, address, &[1]), EFAULT);
                    }
                }
            }
            Ok(())
        })
    }

    #[test]
    fn memory_without_a_mapping_has_the_same_limits() -> Result {
        each_dma(ALL, |dma| {
            check_err!(CoherentHandle::alloc(dma, 0, Idle, Gfp::Kernel), EINVAL);
            check_err!(CoherentHandle::alloc_large(dma, 0, Idle, PLAIN), EINVAL);
            check_err!(CoherentHandle::alloc(dma, SZ_128K, Idle, PLAIN), EINVAL);
            let huge = isize::MAX as usize - 1;
            check_err!(CoherentHandle::alloc_large(dma, huge, Idle, PLAIN), ENOMEM);
            match CoherentHandle::alloc_large(dma, 1 << 20, Idle, PLAIN) {
                Ok(memory) => check_eq!(memory.size(), 1 << 20),
                Err(err) => check_eq!(err, ENOMEM),
            }
            Ok(())
        })
    }

    #[test]
    fn pages_are_those_that_the_device_reaches() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            for options in OPTIONS {
                for size in [1, PAGE_SIZE, 5 * PAGE_SIZE + 1] {
                    let memory = DmaCoherent::<[u8]>::zeroed_slice(dma, size, options)?;
                    let memory = memory.give(Idle);
                    let mut done = 0;
                    for run in memory.pages()?.runs() {
                        for offset in (0..run.len).step_by(PAGE_SIZE) {
                            let at = memory.dma_address() + (done + offset) as u64;
                            let phys = c::dma_to_phys(probe.device(), at);
                            check_eq!(phys, run.start + offset as u64);
                            if done + offset + PAGE_SIZE >= size {
                                break;
                            }
                        }
                        done += run.len;
                    }
                    check!(done >= size, "{done} of {size} bytes");
                }
            }
            Ok(())
        })
    }
}
