// SPDX-License-Identifier: GPL-2.0

//! Failures of `IovaMapping::map`: the buffer comes back with the error, and nothing stays linked.

use super::*;
use crate::{
    engines::{
        Idle,
        Scripted, //
    },
    faults, //
    fixture::*,
};
use core::ptr::NonNull;
use dma_map::{
    Bidirectional,
    DmaDevice,
    MapError,
    ToDevice, //
};
use kernel::{
    bindings,
    error::to_result, //
};

fn empty<B: Sample>(dma: DmaDevice<'_>) -> Result {
    let engine = Scripted::stuck();
    match IovaMapping::map(dma, B::sample(0, 0)?, Bidirectional, &engine, Gfp::Kernel) {
        Ok(_) => check!(false, "nothing was mapped"),
        Err(MapError { error, buffer }) => {
            check_eq!(error, EINVAL);
            check_eq!(buffer.len(), 0);
        }
    }
    check_eq!((engine.asked(), engine.stopped()), (0, 0));
    Ok(())
}

/// Lets each allocation of `map` fail in turn.
fn failing_allocations<B: Sample>(dma: DmaDevice<'_>) -> Result {
    for n in 1..100 {
        let buffer = B::sample(200_000, 0x33)?;
        let map = || IovaMapping::map(dma, buffer, ToDevice, Idle, Gfp::Nowait);
        let buffer = match faults::failing(n, map) {
            None => {
                skip(c"no fault injection");
                return Ok(());
            }
            Some((Err(MapError { error, buffer }), failed)) => {
                check!(failed, "{error:?}, although no allocation failed");
                check_eq!(error, ENOMEM);
                buffer
            }
            Some((Ok(mapping), failed)) => {
                check_segments(&mapping)?;
                let buffer = mapping.unmap()?;
                if !failed {
                    return Ok(());
                }
                buffer
            }
        };
        check!(buffer.holds(0x33), "the contents have changed");
    }
    Err(ELOOP)
}

/// A page that is in the way, at an address that the next mapping will get.
struct Obstacle {
    domain: NonNull<bindings::iommu_domain>,
    address: u64,
}

impl Obstacle {
    fn new(domain: NonNull<bindings::iommu_domain>, address: u64) -> Result<Self> {
        // SAFETY: The domain is that of a bound device. Nobody reads the page that is mapped: it
        // is the first of all.
        to_result(unsafe {
            bindings::iommu_map(
                domain.as_ptr(),
                address as c_ulong,
                0x1000,
                PAGE_SIZE,
                bindings::IOMMU_READ as c_int,
                bindings::GFP_KERNEL,
            )
        })?;
        Ok(Self { domain, address })
    }
}

impl Drop for Obstacle {
    fn drop(&mut self) {
        // SAFETY: Mapped by `new`.
        unsafe { bindings::iommu_unmap(self.domain.as_ptr(), self.address as c_ulong, PAGE_SIZE) };
    }
}

/// Returns the addresses of `pages` pages from `address` on that the device reaches.
fn reached(dma: DmaDevice<'_>, address: u64, pages: usize) -> usize {
    (0..pages)
        .filter(|page| {
            let at = address + (page * PAGE_SIZE) as u64;
            !c::dma_to_virt(dma.device(), at).is_null()
        })
        .count()
}

#[kunit_tests(dma_map_iova_failures)]
mod tests {
    use super::*;

    #[test]
    fn empty_buffers_are_einval_and_come_back() -> Result {
        each_dma(ALL, |dma| each_buffer!(empty(dma)))
    }

    #[test]
    fn allocations_that_fail_give_the_buffer_back() -> Result {
        each_dma(ALL, |dma| each_buffer!(failing_allocations(dma)))
    }

    #[test]
    fn memory_out_of_reach_is_eio_without_an_iommu() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(DmaLimits::new(DmaMask::new::<24>()))?;
            let buffer = VVec::<u8>::sample(70_000, 0x44)?;
            match IovaMapping::map(dma, buffer, ToDevice, Idle, Gfp::Kernel) {
                Ok(mapping) => {
                    check!(translated(probe));
                    check_segments(&mapping)?;
                }
                Err(MapError { error, buffer }) => {
                    check!(!translated(probe));
                    check_eq!(error, EIO);
                    check!(buffer.holds(0x44));
                }
            }
            Ok(())
        })
    }

    /// misuse: free-invalid-address
    #[test]
    fn link_that_fails_half_way_is_taken_back() -> Result {
        const PAGES: usize = 16;

        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let Some(domain) = c::dma_domain(probe.device()) else {
                return Ok(());
            };
            for at in [0, 1, 7, PAGES - 1] {
                // What was freed last is allocated next.
                let pages = PageList::sample(PAGES * PAGE_SIZE, 1)?;
                let mapping = map_iova(dma, pages, Bidirectional, Idle)?;
                let address = mapping.contiguous().ok_or(EINVAL)?;
                let pages = mapping.unmap()?;
                check_eq!(reached(dma, address, PAGES), 0);

                let obstacle = Obstacle::new(domain, address + (at * PAGE_SIZE) as u64)?;
                let pages = match IovaMapping::map(dma, pages, Bidirectional, Idle, Gfp::Kernel) {
                    Ok(mapping) => {
                        check!(false, "mapped at {:?}", mapping.contiguous());
                        mapping.unmap()?
                    }
                    Err(MapError { error, buffer }) => {
                        check_eq!(error, EIO);
                        buffer
                    }
                };
                check!(pages.holds(1), "the contents have changed");
                // The obstacle's page is left, and no other.
                check_eq!(reached(dma, address, PAGES), 1);
                drop(obstacle);

                // The addresses are free again.
                let mapping = map_iova(dma, pages, Bidirectional, Idle)?;
                check_eq!(mapping.contiguous(), Some(address));
                check!(finds(&mapping, 1)?);
            }
            Ok(())
        })
    }

    /// A part of no bytes is not linked, so that there is nothing to take back.
    #[test]
    fn link_that_fails_behind_an_empty_part_leaves_nothing() -> Result {
        const PAGES: usize = 4;

        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let Some(domain) = c::dma_domain(probe.device()) else {
                return Ok(());
            };
            for at in [0, 1, PAGES - 1] {
                let pages = PageList::sample(PAGES * PAGE_SIZE, 1)?;
                let pair = (VVec::<u8>::new(), pages);
                let mapping = map_iova(dma, pair, Bidirectional, Idle)?;
                let address = mapping.contiguous().ok_or(EINVAL)?;
                let pair = mapping.unmap()?;

                let obstacle = Obstacle::new(domain, address + (at * PAGE_SIZE) as u64)?;
                let pair = match IovaMapping::map(dma, pair, Bidirectional, Idle, Gfp::Kernel) {
                    Ok(_) => return Err(EINVAL),
                    Err(MapError { error, buffer }) => {
                        check_eq!(error, EIO);
                        buffer
                    }
                };
                check_eq!(reached(dma, address, PAGES), 1);
                drop(obstacle);

                let mapping = map_iova(dma, pair, Bidirectional, Idle)?;
                check_eq!(mapping.contiguous(), Some(address));
                check!(finds(&mapping, 1)?);
            }
            Ok(())
        })
    }
}
