// SPDX-License-Identifier: GPL-2.0

//! Fault injection: allocations that fail on demand.

use crate::{
    check::*,
    fixture::skip, //
};
use kernel::prelude::*;

/// Runs `f`, in which the `n`th allocation fails (from 1), and returns whether there were so many.
///
/// Left alone, the kernel spares allocations that may sleep, and fails those that do not reclaim
/// ([`Gfp::Nowait`](dma_map::Gfp), [`Gfp::Atomic`](dma_map::Gfp)); the guest of the harness tells
/// it to spare none (`N` in debugfs' `failslab/ignore-gfp-wait`). Of pages only two and more fail.
///
/// `None` if the kernel was built without fault injection. May sleep; `f` stays on its CPU.
#[cfg(all(CONFIG_FAILSLAB, CONFIG_FAIL_PAGE_ALLOC))]
pub(crate) fn failing<R>(n: u32, f: impl FnOnce() -> R) -> Option<(R, bool)> {
    extern "C" {
        fn dma_map_kunit_end_fail_nth() -> c_uint;
        fn dma_map_kunit_set_fail_nth(n: c_uint);
    }

    // SAFETY: Cases run in threads, which may sleep here, and what begins is ended below.
    unsafe { dma_map_kunit_set_fail_nth(n) };
    let result = f();
    // SAFETY: It began above, in this thread.
    let left = unsafe { dma_map_kunit_end_fail_nth() };

    Some((result, left == 0))
}

/// The kernel has no fault injection.
#[cfg(not(all(CONFIG_FAILSLAB, CONFIG_FAIL_PAGE_ALLOC)))]
pub(crate) fn failing<R>(_n: u32, _f: impl FnOnce() -> R) -> Option<(R, bool)> {
    None
}

/// Runs `f` with each of its allocations failing in turn, until none is left to fail, and checks
/// that it is `ENOMEM` each time.
///
/// The case is skipped if none fails, as on a kernel that spares allocations that may sleep.
pub(crate) fn each_is_enomem<R>(mut f: impl FnMut() -> Result<R>) -> Result {
    for n in 1..100 {
        match failing(n, &mut f) {
            None => {
                skip(c"no fault injection");
                return Ok(());
            }
            Some((result, false)) => {
                if n == 1 {
                    skip(c"failslab spares GFP_KERNEL");
                }
                return result.map(|_| ());
            }
            // The kernel had another way to get the memory.
            Some((Ok(_), true)) => (),
            Some((Err(err), true)) => check_eq!(err, ENOMEM),
        }
    }
    Err(ELOOP)
}
