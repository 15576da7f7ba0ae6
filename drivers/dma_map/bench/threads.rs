// SPDX-License-Identifier: GPL-2.0

//! Timing of an operation, in one thread or in several at once.

use crate::operation::Prepared;
use kernel::{
    error::to_result,
    prelude::*, //
};

/// The time from the common start to the last end.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct Span {
    /// By the CPU's counter (`get_cycles()`).
    pub(crate) cycles: u64,
    /// By the clock (`ktime_get_ns()`).
    pub(crate) ns: u64,
}

extern "C" {
    fn dma_map_bench_run(
        threads: c_uint,
        run: unsafe extern "C" fn(*mut c_void) -> c_int,
        args: *const *mut c_void,
        span: *mut Span,
    ) -> c_int;
}

/// The work of one thread.
struct Part<'a, 's> {
    prepared: &'a mut (dyn Prepared + 's),
    loops: usize,
}

/// Runs a thread's part.
///
/// # Safety
///
/// `arg` must point to a `Part` that nothing else uses meanwhile.
unsafe extern "C" fn run_part(arg: *mut c_void) -> c_int {
    // SAFETY: `arg` points to a `Part` that nothing else uses (safety requirements of this function).
    let part = unsafe { &mut *arg.cast::<Part<'_, '_>>() };

    match part.prepared.run(part.loops) {
        Ok(()) => 0,
        Err(err) => err.to_errno(),
    }
}

/// Runs each of `all` in a thread of its own, or the only one in this thread.
///
/// # Errors
///
/// Those of the operation, and of starting threads.
pub(crate) fn run(all: &mut [KBox<dyn Prepared + '_>], loops: usize) -> Result<Span> {
    let mut parts = KVec::with_capacity(all.len(), GFP_KERNEL)?;
    for prepared in all {
        let prepared = &mut **prepared;
        parts.push(Part { prepared, loops }, GFP_KERNEL)?;
    }
    let mut args = KVec::with_capacity(parts.len(), GFP_KERNEL)?;
    for part in parts.iter_mut() {
        args.push(core::ptr::from_mut(part).cast(), GFP_KERNEL)?;
    }

    let mut span = Span::default();
    // SAFETY: There are as many arguments as threads, at least one. Each is a part of its own, and
    // nothing else uses `parts` meanwhile; a `Prepared` is `Send`. All threads are gone when the
    // function returns.
    to_result(unsafe {
        dma_map_bench_run(
            u32::try_from(args.len())?,
            run_part,
            args.as_ptr(),
            &mut span,
        )
    })?;
    Ok(span)
}
