// SPDX-License-Identifier: GPL-2.0

//! [`Pages`]: zeroed and contiguous, and `ENOMEM` for more than the machine has.

use super::*;
use crate::{
    context,
    faults,
    fixture::skip, //
};

#[kunit_tests(dma_map_mapping_pages)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_zeroed_and_can_be_written() -> Result {
        for gfp in [Gfp::Kernel, Gfp::Atomic, Gfp::Nowait] {
            for order in [0, 1, 2, 5] {
                let mut pages = Pages::zeroed(order, gfp)?;
                check_eq!(pages.order(), order);
                check_eq!(pages.len(), PAGE_SIZE << order);
                check!(pages.iter().all(|byte| *byte == 0));
                check_eq!(pages.as_ptr().addr() % PAGE_SIZE, 0);
                write(&mut pages, 1);
                check!(holds(&pages, 1) && pages.holds(1));
            }
        }
        Ok(())
    }

    #[test]
    fn orders_that_do_not_exist_are_enomem() -> Result {
        for gfp in [Gfp::Kernel, Gfp::Atomic] {
            for order in [11, 12, 30, 31, 32, 51, 52, 53, 63, 64, 65, u32::MAX] {
                check_err!(Pages::zeroed(order, gfp).map(|_| ()), ENOMEM);
            }
        }
        Ok(())
    }

    #[test]
    fn allocation_that_fails_is_enomem() -> Result {
        match faults::failing(1, || Pages::zeroed(1, Gfp::Nowait)) {
            None => skip(c"no fault injection"),
            Some((result, failed)) => {
                check!(failed);
                check_err!(result.map(|_| ()), ENOMEM);
            }
        }
        Ok(())
    }

    #[test]
    fn pages_are_made_and_dropped_in_atomic_context() -> Result {
        context::each_atomic(&mut || Pages::zeroed(2, Gfp::Atomic).map(drop))
    }
}
