// SPDX-License-Identifier: GPL-2.0

//! Failures of `map` and `map_cpu`: the buffer comes back with the error, as it was.

use super::*;
use crate::{
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
    MapError,
    ToDevice, //
};

/// Maps a buffer that cannot be mapped, in both ways, and checks what comes back.
fn comes_back<B, D>(dma: DmaDevice<'_>, buffer: B, direction: D, err: Error) -> Result<B>
where
    B: Contiguous,
    D: Carries<B::Element>,
{
    let place = core::ptr::from_ref(buffer.contents()).cast::<u8>();
    let len = buffer.len();

    let buffer = match DmaMapping::map(dma, buffer, direction, Idle, PLAIN) {
        Err(MapError { error, buffer }) if error == err => buffer,
        Err(MapError { error, .. }) => return Err(error),
        Ok(_) => return Err(EEXIST),
    };
    match DmaMapping::map_cpu(dma, buffer, direction, PLAIN) {
        Ok(_) => Err(EEXIST),
        Err(MapError { error, buffer }) => {
            check_eq!(error, err);
            check_eq!(buffer.len(), len);
            let now = core::ptr::from_ref(buffer.contents()).cast::<u8>();
            check!(core::ptr::eq(now, place));
            Ok(buffer)
        }
    }
}

fn each_direction<B>(dma: DmaDevice<'_>, make: fn() -> Result<B>, err: Error) -> Result
where
    B: Contiguous<Element = u8>,
{
    comes_back(dma, make()?, ToDevice, err)?;
    comes_back(dma, make()?, FromDevice, err)?;
    comes_back(dma, make()?, Bidirectional, err)?;
    Ok(())
}

#[kunit_tests(dma_map_mapping_failures)]
mod tests {
    use super::*;

    #[test]
    fn empty_buffers_are_einval_and_come_back() -> Result {
        each_dma(ALL, |dma| {
            each_direction(dma, || Ok(KVec::<u8>::new()), EINVAL)?;
            each_direction(dma, || Ok(KVVec::<u8>::new()), EINVAL)?;
            each_direction(
                dma,
                || Ok(KVec::<u8>::with_capacity(9, GFP_KERNEL)?),
                EINVAL,
            )?;

            comes_back(dma, KBox::new([0u8; 0], GFP_KERNEL)?, ToDevice, EINVAL)?;
            comes_back(dma, KBox::new((), GFP_KERNEL)?, ToDevice, EINVAL)?;
            let nothing = KVec::from_elem([0u8; 0], 1000, GFP_KERNEL)?;
            check_eq!(comes_back(dma, nothing, FromDevice, EINVAL)?.len(), 1000);
            Ok(())
        })
    }

    /// misuse: map-vmalloc
    #[test]
    fn vmalloc_memory_is_einval_and_comes_back() -> Result {
        each_dma(ALL.max_segment_size(u32::MAX), |dma| {
            // More than kmalloc() has.
            let make = || KVVec::<u8>::sample(5 << 20, 1);
            check!(!make()?.is_contiguous());
            check!(comes_back(dma, make()?, ToDevice, EINVAL)?.holds(1));
            each_direction(dma, || KVVec::<u8>::sample(5 << 20, 1), EINVAL)
        })
    }

    /// misuse: segment-too-long
    #[test]
    fn more_than_a_segment_is_einval_and_comes_back() -> Result {
        each(|dev| {
            dev.bind(|probe| {
                let dma = probe.dma(ALL)?;
                check_eq!(dma.max_segment_size(), 65536);
                each_direction(dma, || KVec::<u8>::sample(65537, 1), EINVAL)
            })?;
            for max in [511, 512, 513] {
                dev.bind(|probe| {
                    let dma = probe.dma(ALL.max_segment_size(max))?;
                    let fits = KVec::<u8>::sample(max as usize, 1)?;
                    check_segment(&map_single(dma, fits, ToDevice, Idle)?)?;
                    let beyond = KVec::<u8>::sample(max as usize + 1, 1)?;
                    check!(comes_back(dma, beyond, ToDevice, EINVAL)?.holds(1));
                    Ok(())
                })?;
            }
            // More than one bounce buffer has room for.
            dev.bind(|probe| {
                let dma = probe.dma(ALL.max_segment_size(u32::MAX))?;
                let large = Pages::sample(1 << 20, 1)?;
                match DmaMapping::map(dma, large, Bidirectional, Idle, PLAIN) {
                    Ok(mapping) => check!(mapping.unmap()?.holds(1)),
                    Err(MapError { error, buffer }) => {
                        check_eq!(error, EIO);
                        check!(buffer.holds(1));
                    }
                }
                Ok(())
            })
        })
    }

    /// misuse: segment-across-boundary
    #[test]
    fn memory_across_a_boundary_is_einval_and_comes_back() -> Result {
        each_probe(|probe| {
            let limits = ALL.segment_boundary(0xfff).max_segment_size(u32::MAX);
            let dma = probe.dma(limits)?;
            let page = Pages::sample(PAGE_SIZE, 1)?;
            let mapping = map_single(dma, page, Bidirectional, Idle)?;
            check_segment(&mapping)?;
            check!(mapping.unmap()?.holds(1));

            let pages = || Pages::sample(2 * PAGE_SIZE, 1);
            check!(comes_back(dma, pages()?, Bidirectional, EINVAL)?.holds(1));
            each_direction(dma, || Pages::sample(2 * PAGE_SIZE, 1), EINVAL)
        })
    }

    /// misuse: free-invalid-address
    #[test]
    fn memory_out_of_reach_is_eio_and_comes_back() -> Result {
        // No mask of this size reaches what is allocated now, nor a bounce pool. Only an IOMMU
        // helps, which platform devices do not have here.
        each_probe(|probe| {
            let dma = probe.dma(DmaLimits::new(DmaMask::new::<24>()))?;
            for len in [1, PAGE_SIZE, 60_000] {
                let buffer = KVec::<u8>::sample(len, 0x44)?;
                match DmaMapping::map(dma, buffer, ToDevice, Idle, PLAIN) {
                    Ok(mapping) => {
                        check!(probe.pci().is_some(), "{len} bytes were mapped");
                        check_segment(&mapping)?;
                        check!(mapping.unmap()?.holds(0x44));
                    }
                    Err(MapError { error, buffer }) => {
                        check_eq!(error, EIO);
                        check!(comes_back(dma, buffer, FromDevice, EIO)?.holds(0x44));
                    }
                }
            }
            Ok(())
        })
    }

    /// misuse: free-invalid-address
    #[test]
    fn failed_map_asks_nothing_of_the_engine() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::stuck();
            let failed = DmaMapping::map(dma, KVec::<u8>::new(), ToDevice, &engine, PLAIN);
            check_err!(failed.map(|_| ()), EINVAL);
            check_eq!((engine.asked(), engine.stopped()), (0, 0));
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }

    #[test]
    fn many_mappings_at_once_or_the_buffer_back() -> Result {
        const SIZE: usize = 64 << 10;

        each_probe(|probe| {
            let dma = probe.dma(DmaLimits::new(DmaMask::new::<32>()))?;
            let mut all = KVec::new();
            // More than the bounce pool of a small machine, and less than it can do without.
            let count = (c::total_memory() / 10 / SIZE).min(1200);
            let mut refused = 0;
            for _ in 0..count {
                let buffer = Pages::sample(SIZE, 0x55)?;
                match DmaMapping::map(dma, buffer, Bidirectional, Idle, PLAIN) {
                    Ok(mapping) => all.push(mapping, GFP_KERNEL)?,
                    // There are none on this machine, and the next one may be within reach.
                    Err(MapError { error, buffer }) if !c::bounce_pool(probe.device()) => {
                        check_eq!(error, EIO);
                        check!(c::must_bounce(probe.device(), buffer.contents()));
                        check!(buffer.holds(0x55));
                        refused += 1;
                    }
                    Err(MapError { error, buffer }) => {
                        // Bounce buffers are used up.
                        check_eq!(error, ENOMEM);
                        check!(buffer.holds(0x55));
                        break;
                    }
                }
            }
            check!(all.len() > 1 || refused == count);
            while let Some(mapping) = all.pop() {
                check!(mapping.unmap()?.holds(0x55));
            }
            Ok(())
        })
    }
}
