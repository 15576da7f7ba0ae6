// SPDX-License-Identifier: GPL-2.0

//! [`DmaPages`] and [`DmaNoncontiguous`].

use crate::{
    c,
    check::*,
    context,
    device_side,
    engines::Idle,
    fixture::*,
    pattern, //
};
use dma_map::{
    noncoherent::{
        DmaBuffer,
        StreamingPages, //
    },
    Bidirectional,
    DmaDevice,
    DmaLimits,
    DmaNoncontiguous,
    DmaPages,
    FromDevice,
    Gfp,
    ToDevice, //
};
use kernel::{
    dma::DmaMask,
    page::PAGE_SIZE,
    prelude::*, //
};

const LENGTHS: [usize; 5] = [1, PAGE_SIZE, PAGE_SIZE + 1, 40_000, 65536];

fn fill(memory: &mut [u8], seed: u8) {
    pattern::fill(memory, seed, 0);
}

fn holds(memory: &[u8], seed: u8) -> bool {
    pattern::holds(memory, seed, 0)
}

/// Sends data to the device and back, through memory of either kind.
fn round_trip<'b, M: StreamingPages>(
    dma: DmaDevice<'b>,
    mut memory: DmaBuffer<'b, M, u8, Bidirectional>,
) -> Result {
    let len = memory.len();
    let mut data = KVVec::from_elem(0, len, GFP_KERNEL)?;

    check!(memory.as_slice().iter().all(|byte| *byte == 0));
    check_eq!(memory.size(), len);
    fill(memory.as_mut_slice(), 1);
    let memory = memory.give(Idle);
    device_side::read(dma, memory.dma_address(), &mut data)?;
    check!(holds(&data, 1), "the device finds what the CPU wrote");

    fill(&mut data, 2);
    device_side::write(dma, memory.dma_address(), &data)?;
    let memory = memory.complete()?;
    check!(
        holds(memory.as_slice(), 2),
        "the CPU finds what the device wrote"
    );

    let address = memory.give(Idle).dma_address();
    if c::strict_iommu(dma.device()) {
        check_err!(device_side::write(dma, address, &[1]), EFAULT);
    }
    Ok(())
}

#[kunit_tests(dma_map_noncoherent)]
mod tests {
    use super::*;

    #[test]
    fn data_goes_to_the_device_and_back() -> Result {
        each_dma(LARGE, |dma| {
            for len in LENGTHS {
                round_trip(dma, DmaPages::alloc(dma, len, Bidirectional, Gfp::Kernel)?)?;
                round_trip(dma, DmaNoncontiguous::alloc(dma, len, Bidirectional)?)?;
            }
            Ok(())
        })
    }

    /// C looks for the memory by the other mask.
    #[test]
    fn memory_beyond_the_streaming_mask_is_eio() -> Result {
        each_probe(|probe| {
            let limits = DmaLimits::new(DmaMask::new::<24>())
                .coherent_mask(DmaMask::new::<64>())
                .max_segment_size(1 << 20);
            let dma = probe.dma(limits)?;
            let mut refused = 0;
            for _ in 0..8 {
                match DmaPages::<u8, _>::alloc(dma, 8192, ToDevice, Gfp::Kernel) {
                    Ok(pages) => {
                        let pages = pages.give(Idle);
                        check!(pages.dma_address() + 8191 <= dma.mask());
                    }
                    Err(error) => {
                        check_eq!(error, EIO);
                        refused += 1;
                    }
                }
            }
            // An IOMMU's addresses go by the smaller one. Without, most memory is beyond 16 MiB.
            check!(refused > 0 || c::dma_domain(dma.device()).is_some());
            Ok(())
        })
    }

    #[test]
    fn one_way_directions_work() -> Result {
        each_dma(LARGE, |dma| {
            let mut to = DmaPages::<u32, _>::alloc(dma, 100, ToDevice, Gfp::Kernel)?;
            to.as_mut_slice()[99] = 0x0403_0201;
            let to = to.give(Idle);
            let mut found = [0; 4];
            device_side::read(dma, to.dma_address() + 396, &mut found)?;
            check_eq!(found, [1, 2, 3, 4]);

            let from = DmaNoncontiguous::<u32, _>::alloc(dma, 100, FromDevice)?.give(Idle);
            device_side::write(dma, from.dma_address() + 396, &[1, 2, 3, 4])?;
            let from = from.complete()?;
            check_eq!(from.as_slice()[99], 0x0403_0201);
            check_eq!(from.as_slice()[98], 0);
            Ok(())
        })
    }

    #[test]
    fn more_than_a_segment_is_einval() -> Result {
        each(|dev| {
            for limits in [
                LARGE.max_segment_size(8192),
                LARGE.segment_boundary(0x1fff),
                LARGE.max_segment_size(8191 + 4096).segment_boundary(0x1fff),
            ] {
                dev.bind(|probe| {
                    let dma = probe.dma(limits)?;
                    for len in [8193, 12288, 1 << 20, usize::MAX] {
                        check_err!(
                            DmaPages::<u8, _>::alloc(dma, len, ToDevice, Gfp::Kernel),
                            EINVAL
                        );
                        check_err!(
                            DmaNoncontiguous::<u8, _>::alloc(dma, len, FromDevice),
                            EINVAL
                        );
                    }
                    for len in [4096, 4097, 8192] {
                        let pages = DmaPages::<u8, _>::alloc(dma, len, ToDevice, Gfp::Kernel)?;
                        let first = pages.give(Idle).dma_address();
                        check_eq!((first ^ (first + len as u64 - 1)) & !0x1fff, 0);
                        DmaNoncontiguous::<u8, _>::alloc(dma, len, FromDevice)?;
                    }
                    Ok(())
                })?;
            }
            Ok(())
        })
    }

    #[test]
    fn no_elements_and_too_many_are_refused() -> Result {
        each_dma(LARGE.max_segment_size(u32::MAX), |dma| {
            for len in [0, usize::MAX / 8 + 1, usize::MAX] {
                check_err!(
                    DmaPages::<u64, _>::alloc(dma, len, ToDevice, Gfp::Kernel),
                    EINVAL
                );
                check_err!(
                    DmaNoncontiguous::<u64, _>::alloc(dma, len, ToDevice),
                    EINVAL
                );
            }
            // More than there is: the limits allow 4 GiB.
            let len = c::total_memory() + PAGE_SIZE;
            if len < u32::MAX as usize - PAGE_SIZE {
                check_err!(
                    DmaPages::<u8, _>::alloc(dma, len, ToDevice, Gfp::Kernel),
                    ENOMEM
                );
                check_err!(DmaNoncontiguous::<u8, _>::alloc(dma, len, ToDevice), ENOMEM);
            }
            Ok(())
        })
    }

    #[test]
    fn beyond_the_largest_page_order_it_takes_an_iommu() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(LARGE.max_segment_size(u32::MAX))?;
            let len = 8 << 20;
            check_err!(
                DmaPages::<u8, _>::alloc(dma, len, ToDevice, Gfp::Kernel),
                ENOMEM
            );
            match DmaNoncontiguous::alloc(dma, len, Bidirectional) {
                Ok(memory) => round_trip(dma, memory),
                Err(err) => {
                    check!(!c::strict_iommu(probe.device()));
                    check_eq!(err, ENOMEM);
                    Ok(())
                }
            }
        })
    }

    #[test]
    fn pages_are_allocated_in_atomic_context() -> Result {
        each_dma(LARGE, |dma| {
            for gfp in [Gfp::Atomic, Gfp::Nowait] {
                let alloc = || DmaPages::alloc(dma, 5000, Bidirectional, gfp);
                round_trip(dma, context::spinlocked(alloc)?)?;
                round_trip(dma, context::irqs_off(alloc).0?)?;
            }
            Ok(())
        })
    }
}
