// SPDX-License-Identifier: GPL-2.0

//! Constructors of coherent memory: what they return.

use super::*;
use crate::{
    context,
    engines::Idle,
    fixture::*, //
};
use kernel::{
    page::PAGE_SIZE,
    sizes::SZ_128K, //
};

/// Sizes around pages, slots of the bounce pool, and the limit of the plain constructors.
const SIZES: [usize; 12] = [
    1,
    2,
    2047,
    2049,
    PAGE_SIZE - 1,
    PAGE_SIZE,
    PAGE_SIZE + 1,
    3 * PAGE_SIZE + 17,
    65535,
    65536,
    65537,
    SZ_128K - 1,
];

/// As large as the plain constructors go.
type Largest = [u8; SZ_128K - 1];

/// Something that wants a page for itself.
#[derive(FromBytes, IntoBytes)]
#[repr(C, align(4096))]
struct Aligned([u8; 4096]);

#[kunit_tests(dma_map_coherent_alloc)]
mod tests {
    use super::*;

    #[test]
    fn zeroed_value_is_zero() -> Result {
        each_dma(ALL, |dma| {
            soil(dma, size_of::<Slot>())?;
            let slot = DmaCoherent::<Slot>::zeroed(dma, Gfp::Kernel)?;
            check_eq!(slot.size(), size_of::<Slot>());
            check_zero(slot.as_bytes())?;

            soil(dma, size_of::<Largest>())?;
            let largest = DmaCoherent::<Largest>::zeroed(dma, Gfp::Kernel)?;
            check_eq!(largest.size(), SZ_128K - 1);
            check_zero(&*largest)
        })
    }

    #[test]
    fn zeroed_slice_of_each_size_is_zero_and_writable() -> Result {
        each_dma(ALL, |dma| {
            for size in SIZES {
                soil(dma, size)?;
                let mut memory = DmaCoherent::<[u8]>::zeroed_slice(dma, size, Gfp::Kernel)?;
                check_eq!(memory.len(), size);
                check_eq!(memory.size(), size);
                check_zero(&memory)?;
                fill(&mut memory, 0x3c);
                check_holds(&memory, 0x3c)?;
            }
            Ok(())
        })
    }

    #[test]
    fn slice_of_larger_elements_counts_elements() -> Result {
        each_dma(ALL, |dma| {
            let slots = DmaCoherent::<[Slot]>::zeroed_slice(dma, 3, Gfp::Kernel)?;
            check_eq!(slots.len(), 3);
            check_eq!(slots.size(), 3 * size_of::<Slot>());

            let most = SZ_128K / 8 - 1;
            let words = DmaCoherent::<[u64]>::zeroed_slice(dma, most, Gfp::Kernel)?;
            check_eq!(words.size(), SZ_128K - 8);
            Ok(())
        })
    }

    #[test]
    fn large_is_zero_or_enomem() -> Result {
        each_dma(ALL, |dma| {
            for size in [SZ_128K - 1, SZ_128K, SZ_128K + 1, 1 << 20, 3 << 20] {
                match DmaCoherent::<[u8]>::zeroed_slice_large(dma, size, Gfp::Kernel) {
                    Ok(memory) => {
                        check_eq!(memory.len(), size);
                        check_zero(&memory)?;
                    }
                    Err(err) => check_eq!(err, ENOMEM),
                }
            }
            match DmaCoherent::<[u8; SZ_128K]>::zeroed_large(dma, Gfp::Kernel) {
                Ok(memory) => check_zero(&*memory),
                Err(err) => {
                    check_eq!(err, ENOMEM);
                    Ok(())
                }
            }
        })
    }

    #[test]
    fn new_moves_the_value_in() -> Result {
        each_dma(ALL, |dma| {
            let slot = DmaCoherent::new(dma, SLOT, Gfp::Kernel)?;
            check_eq!(*slot, SLOT);
            Ok(())
        })
    }

    #[test]
    fn init_initialises_in_place() -> Result {
        each_dma(ALL, |dma| {
            let init = pin_init::init!(Slot {
                sequence: SLOT.sequence,
                len: SLOT.len,
                status: SLOT.status,
                data: SLOT.data,
                tail: SLOT.tail,
            });
            check_eq!(*DmaCoherent::init(dma, init, Gfp::Kernel)?, SLOT);

            let slot = DmaCoherent::<Slot>::init(dma, Ok::<_, Error>(SLOT), Gfp::Kernel)?;
            check_eq!(*slot, SLOT);
            Ok(())
        })
    }

    #[test]
    fn from_slice_copies() -> Result {
        each_dma(ALL, |dma| {
            let one = DmaCoherent::from_slice(dma, &[SLOT], Gfp::Kernel)?;
            check_eq!(one[..], [SLOT]);

            let bytes = b"a few bytes";
            let copy = DmaCoherent::from_slice(dma, bytes, Gfp::Kernel)?;
            check_eq!(copy[..], bytes[..]);
            Ok(())
        })
    }

    #[test]
    fn memory_is_aligned_for_the_type_and_to_pages() -> Result {
        each_dma(ALL, |dma| {
            let aligned = DmaCoherent::<Aligned>::zeroed(dma, Gfp::Kernel)?;
            check_eq!((&raw const *aligned).addr() % PAGE_SIZE, 0);
            let shared = aligned.give(Idle);
            check_eq!(shared.dma_address() as usize % PAGE_SIZE, 0);

            let byte = DmaCoherent::<u8>::zeroed(dma, Gfp::Kernel)?.give(Idle);
            check_eq!(byte.dma_address() as usize % PAGE_SIZE, 0);
            Ok(())
        })
    }

    #[test]
    fn handles_do_not_overlap() -> Result {
        each_dma(ALL, |dma| {
            let mut all = KVec::new();
            for size in SIZES {
                let memory = DmaCoherent::<[u8]>::zeroed_slice(dma, size, Gfp::Kernel)?;
                all.push(memory.give(Idle), GFP_KERNEL)?;
            }
            for (i, a) in all.iter().enumerate() {
                for b in all.iter().skip(i + 1) {
                    let apart = a.dma_address() + a.size() as u64 <= b.dma_address()
                        || b.dma_address() + b.size() as u64 <= a.dma_address();
                    check!(apart, "{} and {} bytes overlap", a.size(), b.size());
                }
            }
            Ok(())
        })
    }

    #[test]
    fn memory_is_within_the_coherent_mask() -> Result {
        each(|dev| {
            for bits in [24, 28, 32, 64] {
                dev.bind(|probe| {
                    let mask = DmaMask::try_new(bits)?;
                    let dma = probe.dma(ALL.coherent_mask(mask))?;
                    for size in SIZES {
                        let memory = DmaCoherent::<[u8]>::zeroed_slice(dma, size, Gfp::Kernel)?;
                        let last = memory.give(Idle).dma_address() + size as u64 - 1;
                        check!(last <= mask.value(), "{last:#x} is beyond {bits} bits");
                    }
                    Ok(())
                })?;
            }
            Ok(())
        })
    }

    #[test]
    fn no_sleeping_flags_work_in_atomic_context() -> Result {
        each_dma(ALL, |dma| {
            let alloc = |gfp| DmaCoherent::<[u8]>::zeroed_slice(dma, 2 * PAGE_SIZE, gfp);
            for gfp in [Gfp::Atomic, Gfp::Nowait] {
                let locked = context::spinlocked(|| alloc(gfp))?;
                check_zero(&locked)?;
                let (off, were_off) = context::irqs_off(|| alloc(gfp));
                check!(were_off);
                check_zero(&off?)?;
                check_zero(&context::hard_irq(|| alloc(gfp))??)?;
            }
            Ok(())
        })
    }

    #[test]
    fn the_handle_knows_its_device() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let memory = DmaCoherent::<u32>::zeroed(dma, Gfp::Kernel)?;
            check!(core::ptr::eq(memory.device().device(), probe.device()));
            let memory = memory.give(Idle);
            check!(core::ptr::eq(memory.device().device(), probe.device()));
            Ok(())
        })
    }
}
