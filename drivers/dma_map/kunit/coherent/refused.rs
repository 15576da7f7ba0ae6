// SPDX-License-Identifier: GPL-2.0

//! Constructors of coherent memory: what they refuse, and that a refusal leaves nothing behind.

use super::*;
use crate::{
    c,
    faults,
    fixture::*, //
};
use kernel::{
    page::PAGE_SIZE,
    sizes::SZ_128K, //
};

#[kunit_tests(dma_map_coherent_refused)]
mod tests {
    use super::*;

    #[test]
    fn length_0_is_einval() -> Result {
        each_dma(ALL, |dma| {
            check_err!(
                DmaCoherent::<[u8]>::zeroed_slice(dma, 0, Gfp::Kernel),
                EINVAL
            );
            check_err!(
                DmaCoherent::<[u64]>::zeroed_slice_large(dma, 0, Gfp::Kernel),
                EINVAL
            );
            check_err!(
                DmaCoherent::<[u16]>::from_slice(dma, &[], Gfp::Kernel),
                EINVAL
            );
            Ok(())
        })
    }

    #[test]
    fn plain_slice_of_128_kib_is_einval() -> Result {
        each_dma(ALL, |dma| {
            for size in [SZ_128K, SZ_128K + 1, 2 * SZ_128K] {
                check_err!(
                    DmaCoherent::<[u8]>::zeroed_slice(dma, size, Gfp::Kernel),
                    EINVAL
                );
            }
            for len in [SZ_128K / 8, SZ_128K / 8 + 1] {
                check_err!(
                    DmaCoherent::<[u64]>::zeroed_slice(dma, len, Gfp::Kernel),
                    EINVAL
                );
            }
            let large = KVVec::from_elem(0u8, SZ_128K, GFP_KERNEL)?;
            check_err!(DmaCoherent::from_slice(dma, &large, Gfp::Kernel), EINVAL);
            DmaCoherent::from_slice(dma, &large[1..], Gfp::Kernel).map(|_| ())
        })
    }

    #[test]
    fn size_that_overflows_is_einval() -> Result {
        each_dma(ALL, |dma| {
            for len in [usize::MAX, usize::MAX / 8 + 1, usize::MAX / 8 + 2] {
                check_err!(
                    DmaCoherent::<[u64]>::zeroed_slice(dma, len, Gfp::Kernel),
                    EINVAL
                );
                check_err!(
                    DmaCoherent::<[u64]>::zeroed_slice_large(dma, len, Gfp::Kernel),
                    EINVAL
                );
            }
            Ok(())
        })
    }

    #[test]
    fn size_beyond_any_object_is_einval() -> Result {
        each_dma(ALL, |dma| {
            for len in [isize::MAX as usize, isize::MAX as usize + 1, usize::MAX] {
                check_err!(
                    DmaCoherent::<[u8]>::zeroed_slice_large(dma, len, Gfp::Kernel),
                    EINVAL
                );
            }
            Ok(())
        })
    }

    #[test]
    fn more_than_there_is_is_enomem_and_says_nothing() -> Result {
        each_dma(ALL, |dma| {
            for shift in [33, 36, 40, 43, 44, 45, 56, 62] {
                for gfp in [Gfp::Kernel, Gfp::Atomic, Gfp::Nowait] {
                    check_err!(
                        DmaCoherent::<[u8]>::zeroed_slice_large(dma, 1 << shift, gfp),
                        ENOMEM
                    );
                }
            }
            Ok(())
        })
    }

    #[test]
    fn nearly_all_memory_is_enomem_and_kills_nobody() -> Result {
        each_dma(ALL, |dma| {
            let all = c::total_memory();
            for size in [all - all / 16, all, all + 1] {
                check_err!(
                    DmaCoherent::<[u8]>::zeroed_slice_large(dma, size, Gfp::Kernel),
                    ENOMEM
                );
            }
            Ok(())
        })
    }

    #[test]
    fn failing_init_gives_its_error_and_frees() -> Result {
        each_dma(ALL, |dma| {
            for _ in 0..64 {
                let init = pin_init::init!(Slot {
                    sequence: 1,
                    len: 2,
                    status: 3,
                    data: Err::<[u8; 8], Error>(EDOM)?,
                    tail: 4,
                }? Error);
                check_err!(DmaCoherent::<Slot>::init(dma, init, Gfp::Kernel), EDOM);
            }
            Ok(())
        })
    }

    #[test]
    fn each_allocation_that_fails_is_enomem() -> Result {
        each_dma(ALL, |dma| {
            for n in 1..20 {
                let alloc = || DmaCoherent::<[u8]>::zeroed_slice(dma, 2 * PAGE_SIZE, Gfp::Nowait);
                match faults::failing(n, alloc) {
                    None => {
                        skip(c"no fault injection");
                        return Ok(());
                    }
                    Some((Err(err), true)) => check_eq!(err, ENOMEM),
                    // The C API tried again, with success.
                    Some((Ok(_), true)) => (),
                    Some((result, false)) => {
                        check!(n > 1, "nothing was allocated");
                        return result.map(|_| ());
                    }
                }
            }
            Err(ELOOP)
        })
    }
}
