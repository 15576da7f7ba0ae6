// SPDX-License-Identifier: GPL-2.0

//! [`DmaDevice`]: one set-up per binding, and the values that can be read from a device.

use crate::{
    c::{
        self,
        Readout, //
    },
    check::*,
    faults,
    fixture::*, //
};
use dma_map::{
    DmaDevice,
    DmaLimits, //
};
use kernel::{
    dma::DmaMask,
    prelude::*, //
};

const LOW: DmaLimits = DmaLimits::new(DmaMask::new::<32>());

/// What the library reads out.
fn readout(dma: DmaDevice<'_>) -> Readout {
    Readout {
        mask: dma.mask(),
        coherent_mask: dma.coherent_mask(),
        required_mask: dma.required_mask(),
        addressing_limited: dma.addressing_limited(),
        max_mapping_size: dma.max_mapping_size(),
        opt_mapping_size: dma.opt_mapping_size(),
        merge_boundary: dma.merge_boundary(),
        max_segment_size: dma.max_segment_size(),
        segment_boundary: dma.segment_boundary(),
        min_align_mask: dma.min_align_mask(),
        needs_sync: dma.needs_sync(),
    }
}

#[kunit_tests(dma_map_device)]
mod tests {
    use super::*;

    /// misuse: two-tokens
    #[test]
    fn a_second_set_up_is_ebusy_and_changes_nothing() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(LOW.max_segment_size(512))?;
            let before = Readout::of(probe.device());
            check_err!(probe.dma(ALL), EBUSY);
            check_err!(probe.dma(LOW.max_segment_size(512)), EBUSY);
            check_eq!(Readout::of(probe.device()), before);
            check_eq!(dma.max_segment_size(), 512);
            Ok(())
        })
    }

    #[test]
    fn after_a_failed_set_up_another_one_works() -> Result {
        each_probe(|probe| {
            for _ in 0..3 {
                check_err!(probe.dma(ALL.max_segment_size(0)), EINVAL);
            }
            probe.dma(ALL)?;
            check_err!(probe.dma(ALL.max_segment_size(0)), EBUSY);
            Ok(())
        })
    }

    #[test]
    fn each_binding_has_its_own_set_up() -> Result {
        each(|dev| {
            for limits in [LOW, ALL, LOW] {
                dev.bind(|probe| probe.dma(limits).map(|_| ()))?;
                dev.unbind();
            }
            Ok(())
        })
    }

    /// misuse: two-tokens
    #[test]
    fn a_set_up_in_unbind_is_enodev() -> Result {
        each(|dev| {
            // As the first one of the binding, and as the second one.
            for in_probe in [None, Some(ALL), None] {
                dev.bind(|probe| {
                    probe.dma_in_unbind(LOW);
                    in_probe.map_or(Ok(()), |limits| probe.dma(limits).map(|_| ()))
                })?;
                dev.unbind();
                check_eq!(late(), Some(Err(ENODEV)));
            }
            dev.bind(|probe| probe.dma(ALL).map(|_| ()))
        })
    }

    #[test]
    fn a_failed_probe_ends_its_set_up() -> Result {
        each(|dev| {
            for _ in 0..2 {
                dev.bind(|probe| {
                    probe.dma(ALL)?;
                    probe.fail_probe();
                    Ok(())
                })?;
            }
            Ok(())
        })
    }

    #[test]
    fn segment_limits_end_with_the_binding() -> Result {
        each(|dev| {
            let mut default = None;
            dev.bind(|probe| {
                default = Some(Readout::of(probe.device()));
                let odd = LOW.max_segment_size(512).segment_boundary(0xfff);
                probe.dma(odd.min_align_mask(0xff)).map(|_| ())
            })?;
            let default = default.ok_or(EINVAL)?;

            dev.bind(|probe| {
                let dma = probe.dma(LOW)?;
                check_eq!(dma.max_segment_size(), default.max_segment_size);
                check_eq!(dma.segment_boundary(), default.segment_boundary);
                check_eq!(dma.min_align_mask(), default.min_align_mask);
                Ok(())
            })
        })
    }

    #[test]
    fn segment_limits_end_with_a_failed_set_up() -> Result {
        TestDevice::platform()?.bind(|probe| {
            let before = Readout::of(probe.device()).without_syncs();
            let odd = ALL.max_segment_size(512).coherent_mask(DmaMask::new::<1>());
            check_err!(probe.dma(odd), EIO);
            check_eq!(Readout::of(probe.device()).without_syncs(), before);
            Ok(())
        })
    }

    #[test]
    fn readouts_are_those_of_c() -> Result {
        let odd = LOW.max_segment_size(4097).segment_boundary(0xffff);
        each(|dev| {
            for limits in [
                ALL,
                LOW,
                ALL.coherent_mask(DmaMask::new::<32>()),
                DmaLimits::new(DmaMask::new::<28>()),
                odd,
                odd.min_align_mask(0xfff),
                ALL.segment_boundary(u64::MAX).max_segment_size(u32::MAX),
                ALL.max_segment_size(64),
            ] {
                dev.bind(|probe| {
                    let dma = probe.dma(limits)?;
                    check_eq!(readout(dma), Readout::of(probe.device()));
                    Ok(())
                })?;
            }
            Ok(())
        })
    }

    #[test]
    fn cache_alignment_is_that_of_c() -> Result {
        each_dma(ALL, |dma| {
            let align = dma.cache_alignment();
            check_eq!(align, usize::try_from(c::cache_alignment())?);
            check!(align.is_power_of_two());
            Ok(())
        })
    }

    #[test]
    fn the_token_is_of_the_device_and_can_be_copied() -> Result {
        each_probe(|probe| {
            let dma = probe.dma(ALL)?;
            let copy = dma;
            check!(core::ptr::eq(dma.device(), probe.device()));
            check!(core::ptr::eq(copy.device(), dma.device()));
            probe.keep(copy)
        })
    }

    #[test]
    fn set_up_without_memory_is_enomem_and_can_be_repeated() -> Result {
        each(|dev| {
            for n in 1..100 {
                let mut failed = false;
                // Each in a binding of its own: a set-up may succeed although an allocation failed.
                dev.bind(|probe| {
                    match faults::failing(n, || probe.dma(ALL)) {
                        None => {
                            skip(c"no fault injection");
                            return Ok(());
                        }
                        Some((Ok(_), false)) if n == 1 => skip(c"failslab spares GFP_KERNEL"),
                        Some((Ok(_), any)) => failed = any,
                        Some((Err(err), any)) => {
                            check_eq!((err, any), (ENOMEM, true));
                            failed = true;
                            probe.dma(ALL)?;
                        }
                    }
                    check_err!(probe.dma(ALL), EBUSY);
                    Ok(())
                })?;
                dev.unbind();
                if !failed {
                    return Ok(());
                }
            }
            Err(ELOOP)
        })
    }

    #[test]
    fn nothing_is_quarantined_at_first() -> Result {
        each_dma(ALL, |dma| {
            check_eq!(dma.quarantined(), 0);
            Ok(())
        })
    }
}
