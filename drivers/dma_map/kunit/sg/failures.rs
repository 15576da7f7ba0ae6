// SPDX-License-Identifier: GPL-2.0

//! Failures of `SgMapping::map`: the buffer comes back with the error, as it was.

use super::*;
use crate::{
    c,
    engines::{
        Idle,
        Scripted, //
    },
    faults,
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
use kernel::str::CString;

/// Maps a buffer that cannot be mapped, and checks what comes back.
fn comes_back<B, D>(dma: DmaDevice<'_>, buffer: B, direction: D, err: Error) -> Result<B>
where
    B: SgBuffer,
    D: Carries<B::Element>,
{
    let len = buffer.len();
    match SgMapping::map(dma, buffer, direction, Idle, Gfp::Kernel) {
        Ok(_) => {
            check!(false, "{len} bytes were mapped");
            Err(EINVAL)
        }
        Err(MapError { error, buffer }) => {
            check_eq!(error, err);
            check_eq!(buffer.len(), len);
            Ok(buffer)
        }
    }
}

fn each_direction<B>(dma: DmaDevice<'_>, make: fn() -> Result<B>, err: Error) -> Result
where
    B: SgBuffer<Element = u8>,
{
    comes_back(dma, make()?, ToDevice, err)?;
    comes_back(dma, make()?, FromDevice, err)?;
    comes_back(dma, make()?, Bidirectional, err)?;
    Ok(())
}

/// Lets each allocation of `map` fail in turn.
fn failing_allocations<B: Sample>(dma: DmaDevice<'_>) -> Result {
    for n in 1..100 {
        let buffer = B::sample(30_000, 0x33)?;
        let identity = buffer.identity();
        // A direction in which the device writes: DMA debugging allocates too.
        let map = || SgMapping::map(dma, buffer, Bidirectional, Idle, Gfp::Nowait);

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
                check!(n > 1, "no allocation failed");
                check_segments(&mapping)?;
                let buffer = mapping.unmap()?;
                if !failed {
                    return Ok(());
                }
                buffer
            }
        };
        check_eq!(buffer.identity(), identity);
        check!(buffer.holds(0x33), "the contents have changed");
    }
    Err(ELOOP)
}

#[kunit_tests(dma_map_sg_failures)]
mod tests {
    use super::*;

    #[test]
    fn empty_buffers_are_einval_and_come_back() -> Result {
        each_dma(ALL, |dma| {
            each_direction(dma, || Ok(KVec::new()), EINVAL)?;
            each_direction(dma, || Ok(VVec::new()), EINVAL)?;
            each_direction(dma, || Ok(KVVec::new()), EINVAL)?;
            each_direction(dma, || PageList::zeroed(0, Gfp::Kernel), EINVAL)
        })
    }

    /// misuse: capacity-beyond-length
    #[test]
    fn capacity_without_contents_is_einval_and_comes_back() -> Result {
        each_dma(ALL, |dma| {
            let buffer = VVec::<u8>::with_capacity(5000, GFP_KERNEL)?;
            let (place, capacity) = (buffer.as_ptr(), buffer.capacity());
            let buffer = comes_back(dma, buffer, Bidirectional, EINVAL)?;
            check_eq!(buffer.as_ptr(), place);
            check_eq!(buffer.capacity(), capacity);
            Ok(())
        })
    }

    #[test]
    fn elements_without_size_are_einval_and_come_back() -> Result {
        each_dma(ALL, |dma| {
            let nothing = KVec::from_elem([0u8; 0], 1000, GFP_KERNEL)?;
            let nothing = comes_back(dma, nothing, Bidirectional, EINVAL)?;
            check_eq!(nothing.as_slice().len(), 1000);
            Ok(())
        })
    }

    /// misuse: free-invalid-address
    #[test]
    fn memory_out_of_reach_is_eio_and_comes_back() -> Result {
        // No mask of this size reaches what is allocated now, nor a bounce pool. Only an IOMMU
        // helps, which platform devices do not have here.
        let low = DmaMask::new::<24>();
        each_probe(|probe| {
            let dma = probe.dma(DmaLimits::new(low))?;
            for len in [1, PAGE_SIZE, 70_000] {
                let buffer = VVec::<u8>::sample(len, 0x44)?;
                let place = buffer.as_ptr();
                let buffer = match SgMapping::map(dma, buffer, ToDevice, Idle, Gfp::Kernel) {
                    Ok(mapping) => {
                        check!(probe.pci().is_some(), "{len} bytes were mapped");
                        check_segments(&mapping)?;
                        mapping.unmap()?
                    }
                    Err(MapError { error, buffer }) => {
                        check_eq!(error, EIO);
                        buffer
                    }
                };
                check_eq!(buffer.as_ptr(), place);
                check!(buffer.holds(0x44));
            }
            Ok(())
        })
    }

    #[test]
    fn allocations_that_fail_give_the_buffer_back() -> Result {
        // Segments of 512 bytes, so that the table takes several allocations.
        each_dma(ALL.max_segment_size(512), |dma| {
            each_buffer!(failing_allocations(dma))
        })
    }

    #[test]
    fn failed_map_asks_nothing_of_the_engine() -> Result {
        each_dma(ALL, |dma| {
            let engine = Scripted::stuck();
            let nothing = KVec::<u8>::new();
            let failed = SgMapping::map(dma, nothing, ToDevice, &engine, Gfp::Kernel);
            check_err!(failed.map(|_| ()), EINVAL);
            check_eq!((engine.asked(), engine.stopped()), (0, 0));
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }

    #[test]
    fn map_error_is_its_error() -> Result {
        let failed = MapError {
            error: EIO,
            buffer: (),
        };
        let text = CString::try_from_fmt(fmt!("{failed:?}"))?;
        // How an error is shown depends on the kernel's configuration.
        check!(text.to_bytes().starts_with(b"MapError { error: "));
        check!(text.to_bytes().ends_with(b", .. }"));
        check_eq!(Error::from(failed), EIO);
        Ok(())
    }

    #[test]
    fn many_mappings_at_once_or_the_buffer_back() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(DmaLimits::new(DmaMask::new::<32>()))?;
            let mut all = KVec::new();
            let mut refused = 0;
            for _ in 0..20 {
                let buffer = VVec::from_elem(0x55u8, 1 << 20, GFP_KERNEL)?;
                match SgMapping::map(dma, buffer, Bidirectional, Idle, Gfp::Kernel) {
                    Ok(mapping) => all.push(mapping, GFP_KERNEL)?,
                    Err(MapError { error, buffer }) => {
                        check_eq!(buffer.len(), 1 << 20);
                        check!(buffer.iter().all(|byte| *byte == 0x55));
                        // Bounce buffers are used up, or there are none on this machine.
                        if c::bounce_pool(probe.device()) {
                            check_eq!(error, ENOMEM);
                            break;
                        }
                        check_eq!(error, EIO);
                        refused += 1;
                    }
                }
            }
            check!(all.len() > 1 || refused == 20);
            while let Some(mapping) = all.pop() {
                check!(mapping.unmap()?.iter().all(|byte| *byte == 0x55));
            }
            Ok(())
        })
    }
}
