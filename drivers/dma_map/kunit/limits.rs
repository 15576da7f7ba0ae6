// SPDX-License-Identifier: GPL-2.0

//! [`DmaLimits`]: what is refused, and that a refusal changes nothing.

use crate::{
    c::{
        self,
        Readout, //
    },
    check::*,
    fixture::*, //
};
use dma_map::DmaLimits;
use kernel::{
    bindings,
    dma::DmaMask,
    page::PAGE_SIZE,
    prelude::*, //
};

const NONE: DmaMask = DmaMask::new::<0>();
const LINE: u32 = bindings::L1_CACHE_BYTES;
const PAGE_MASK: u64 = PAGE_SIZE as u64 - 1;

// The limits of a device are constants of its driver, and can be checked as such.
const _: () = assert!(ALL.max_segment_size(4096).check().is_ok());
const _: () = assert!(ALL.max_segment_size(0).check().is_err());

/// What `probe.dma(limits)` says, and whether the device was left as it was.
fn refused(probe: &Probe<'_, '_>, limits: DmaLimits, err: Error) -> Result {
    let before = Readout::of(probe.device()).without_syncs();
    check_err!(probe.dma(limits), err);
    check_eq!(Readout::of(probe.device()).without_syncs(), before);
    Ok(())
}

#[kunit_tests(dma_map_limits)]
mod tests {
    use super::*;

    #[test]
    fn plain_limits_are_valid() -> Result {
        ALL.check()
    }

    #[test]
    fn max_segment_size_is_a_cache_line_and_more() -> Result {
        for bytes in [LINE, LINE + 1, 4095, 4096, u32::MAX] {
            check!(
                ALL.max_segment_size(bytes).check().is_ok(),
                "{bytes} was refused"
            );
        }
        for bytes in [0, 1, LINE - 1] {
            check!(
                ALL.max_segment_size(bytes).check() == Err(EINVAL),
                "{bytes} was not refused"
            );
        }
        Ok(())
    }

    #[test]
    fn segment_boundary_is_a_mask_of_a_page_and_more() -> Result {
        for mask in [PAGE_MASK, 0x1fff, 0xffff, u32::MAX.into(), u64::MAX] {
            check!(
                ALL.segment_boundary(mask).check().is_ok(),
                "{mask:#x} was refused"
            );
        }
        for mask in [
            0,
            1,
            PAGE_MASK >> 1,
            PAGE_MASK - 1,
            PAGE_MASK + 1,
            0xfffe,
            0x1_0000,
            1 << 32,
            u64::MAX - 1,
        ] {
            check!(
                ALL.segment_boundary(mask).check() == Err(EINVAL),
                "{mask:#x} was not refused"
            );
        }
        Ok(())
    }

    #[test]
    fn min_align_mask_is_a_mask_within_a_page() -> Result {
        for mask in [0, 1, 3, 0x1ff, PAGE_MASK as u32 >> 1, PAGE_MASK as u32] {
            check!(
                ALL.min_align_mask(mask).check().is_ok(),
                "{mask:#x} was refused"
            );
        }
        for mask in [
            2,
            PAGE_MASK as u32 - 1,
            PAGE_MASK as u32 + 1,
            0x1fff,
            u32::MAX,
        ] {
            check!(
                ALL.min_align_mask(mask).check() == Err(EINVAL),
                "{mask:#x} was not refused"
            );
        }
        Ok(())
    }

    #[test]
    fn a_device_can_address_something() -> Result {
        check_err!(DmaLimits::new(NONE).check(), EINVAL);
        check_err!(ALL.coherent_mask(NONE).check(), EINVAL);
        DmaLimits::new(DmaMask::new::<1>()).check()
    }

    #[test]
    fn the_last_call_of_a_setter_counts() -> Result {
        ALL.max_segment_size(0).max_segment_size(LINE).check()?;
        let last = ALL.max_segment_size(LINE).max_segment_size(0);
        check_err!(last.check(), EINVAL);
        ALL.segment_boundary(0).segment_boundary(0xffff).check()?;
        ALL.min_align_mask(2).min_align_mask(0).check()
    }

    #[test]
    fn invalid_limits_are_einval_and_change_nothing() -> Result {
        each_probe(|probe| {
            refused(probe, DmaLimits::new(NONE), EINVAL)?;
            refused(probe, ALL.coherent_mask(NONE), EINVAL)?;
            refused(probe, ALL.max_segment_size(0), EINVAL)?;
            refused(probe, ALL.max_segment_size(LINE - 1), EINVAL)?;
            refused(probe, ALL.segment_boundary(PAGE_MASK - 1), EINVAL)?;
            refused(probe, ALL.min_align_mask(PAGE_MASK as u32 + 1), EINVAL)?;
            refused(probe, ALL.max_segment_size(512).min_align_mask(2), EINVAL)
        })
    }

    #[test]
    fn an_alignment_beyond_a_page_of_the_iommu_is_eio() -> Result {
        each_probe(|probe| {
            c::with_iommu_pages(probe.device(), 0x800, || {
                refused(probe, ALL.min_align_mask(0xfff), EIO)?;
                let dma = probe.dma(ALL.min_align_mask(0x7ff))?;
                check_eq!(dma.merge_boundary(), 0x7ff);
                check_eq!(dma.min_align_mask(), 0x7ff);
                Ok(())
            })
            .unwrap_or(Ok(()))
        })
    }

    #[test]
    fn each_limit_reaches_the_device() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(
                DmaLimits::new(DmaMask::new::<64>())
                    .coherent_mask(DmaMask::new::<32>())
                    .max_segment_size(12345)
                    .segment_boundary(0xf_ffff)
                    .min_align_mask(0x1ff),
            )?;
            let seen = Readout::of(dma.device());
            check_eq!(seen.mask, u64::MAX);
            check_eq!(seen.coherent_mask, u32::MAX.into());
            check_eq!(seen.max_segment_size, 12345);
            check_eq!(seen.segment_boundary, 0xf_ffff);
            check_eq!(seen.min_align_mask, 0x1ff);
            Ok(())
        })
    }

    #[test]
    fn masks_are_supported_or_eio_as_in_c() -> Result {
        each(|dev| {
            for bits in [
                1, 11, 12, 13, 22, 23, 24, 25, 28, 31, 32, 33, 39, 48, 63, 64,
            ] {
                dev.bind(|probe| {
                    let mask = DmaMask::try_new(bits)?;
                    let before = Readout::of(probe.device());
                    // SAFETY: The device is being probed, and nothing is mapped.
                    let c = unsafe { bindings::dma_set_mask(probe.raw(), mask.value()) };
                    // SAFETY: The device is being probed, and has a mask. The value is the one from before.
                    unsafe { *(*probe.raw()).dma_mask = before.mask };

                    if c != 0 {
                        check_eq!(c, EIO.to_errno());
                        return refused(probe, DmaLimits::new(mask), EIO);
                    }
                    let dma = probe.dma(DmaLimits::new(mask))?;
                    check_eq!(dma.mask(), mask.value());
                    check_eq!(dma.coherent_mask(), mask.value());
                    Ok(())
                })?;
            }
            Ok(())
        })
    }

    #[test]
    fn a_coherent_mask_that_fails_takes_the_streaming_mask_back() -> Result {
        // Without an IOMMU, one bit is too few.
        TestDevice::platform()?.bind(|probe| {
            refused(probe, ALL.coherent_mask(DmaMask::new::<1>()), EIO)?;
            check!(Readout::of(probe.device()).mask != u64::MAX);
            let dma = probe.dma(ALL)?;
            check_eq!(dma.mask(), u64::MAX);
            Ok(())
        })
    }

    #[test]
    fn a_device_with_one_field_for_both_masks_gets_the_smaller() -> Result {
        let dev = TestDevice::platform()?;
        for (streaming, coherent) in [(32, 64), (64, 32), (28, 28)] {
            dev.bind(|probe| {
                let raw = probe.raw();
                // SAFETY: The device is being probed; the pointer is put back below.
                let mask = unsafe {
                    let both = &raw mut (*raw).coherent_dma_mask;
                    (&raw mut (*raw).dma_mask).replace(both)
                };
                let limits = DmaLimits::new(DmaMask::try_new(streaming)?);
                let result = probe.dma(limits.coherent_mask(DmaMask::try_new(coherent)?));
                let seen = result.map(|dma| (dma.mask(), dma.coherent_mask()));
                // SAFETY: The device is being probed. The pointer is the one from before.
                unsafe { (*raw).dma_mask = mask };

                let smaller = DmaMask::try_new(streaming.min(coherent))?.value();
                check_eq!(seen?, (smaller, smaller));
                Ok(())
            })?;
        }
        Ok(())
    }

    #[test]
    fn a_bus_without_segment_limits_is_eio() -> Result {
        TestDevice::platform()?.bind(|probe| {
            let raw = probe.raw();
            // SAFETY: The device is being probed; the pointer is put back below.
            let parms = unsafe { (&raw mut (*raw).dma_parms).replace(core::ptr::null_mut()) };

            let result = || -> Result {
                refused(probe, ALL.max_segment_size(4096), EIO)?;
                refused(probe, ALL.segment_boundary(0xffff), EIO)?;
                refused(probe, ALL.min_align_mask(0xfff), EIO)?;

                let dma = probe.dma(ALL)?;
                check_eq!(dma.max_segment_size(), 64 * 1024);
                check_eq!(dma.segment_boundary(), c_ulong::MAX as u64);
                check_eq!(dma.min_align_mask(), 0);
                Ok(())
            }();

            // SAFETY: The device is being probed. The pointer is the one from before.
            unsafe { (*raw).dma_parms = parms };
            result
        })
    }

    #[test]
    fn a_device_without_a_mask_is_eio() -> Result {
        TestDevice::platform()?.bind(|probe| {
            let raw = probe.raw();
            // SAFETY: The device is being probed; the pointer is put back below.
            let mask = unsafe { (&raw mut (*raw).dma_mask).replace(core::ptr::null_mut()) };
            let result = probe.dma(ALL);
            // SAFETY: The device is being probed. The pointer is the one from before.
            unsafe { (*raw).dma_mask = mask };

            check_err!(result, EIO);
            probe.dma(ALL).map(|_| ())
        })
    }
}
