// SPDX-License-Identifier: GPL-2.0

//! Reasons for a failed mapping: temporary (`ENOMEM`) or permanent (`EIO`).
//!
//! C returns `DMA_MAPPING_ERROR` for all causes, or different errnos for the same cause. So mapping
//! functions call these checks, in the rare case in which they are needed:
//!
//! - before the mapping, where C would not only fail but print a `WARNING`: [`check`], [`check_table`];
//! - after C has failed, to tell the two apart: [`reason`], [`reason_of_table`],
//!   [`reason_of_allocation`].
//!
//! They apply the rules of `kernel/dma/swiotlb.c` and `drivers/iommu/dma-iommu.c`, in `bounce.c`. The
//! table of causes is in the crate root's documentation.

use super::DmaDevice;
use crate::{
    generic::errno::from_errno,
    sys::chunk::Chunk, //
};
use kernel::{
    bindings,
    prelude::*, //
};

type Direction = bindings::dma_data_direction;
type PhysAddr = bindings::phys_addr_t;

extern "C" {
    // In `bounce.c`. C structs are opaque pointers here, as in `ffi.rs`. All of these take a device
    // that is bound and has a mask. They only look at numbers, but for the two that walk a table.
    fn dma_map_helper_iova_fits(dev: *mut c_void, mask: u64, size: u64) -> bool;
    fn dma_map_helper_must_bounce(dev: *mut c_void, phys: PhysAddr, size: usize) -> bool;
    fn dma_map_helper_never(
        dev: *mut c_void,
        phys: PhysAddr,
        size: usize,
        dir: Direction,
        attrs: c_ulong,
    ) -> bool;
    fn dma_map_helper_refused(
        dev: *mut c_void,
        phys: PhysAddr,
        size: usize,
        dir: Direction,
        attrs: c_ulong,
    ) -> bool;
    fn dma_map_helper_table_never(
        dev: *mut c_void,
        sgl: *mut c_void,
        nents: c_int,
        dir: Direction,
        attrs: c_ulong,
        error: c_int,
    ) -> bool;
    fn dma_map_helper_table_refused(
        dev: *mut c_void,
        sgl: *mut c_void,
        nents: c_int,
        dir: Direction,
        attrs: c_ulong,
    ) -> bool;
}

/// Returns whether a piece beyond the limit must be bounced because of its place.
pub(crate) fn must_bounce(dev: DmaDevice<'_>, chunk: Chunk) -> bool {
    // SAFETY: `dev` is bound, and a device whose limits were applied has a mask.
    //
    // CAST: Not more than `max_segment_size`, which is 32 bits.
    unsafe { dma_map_helper_must_bounce(dev.as_raw().cast(), chunk.phys, chunk.len as usize) }
}

/// Checks a piece that lies beyond [`Constraints::limit`], up to which mappings need no check.
///
/// The result may be outdated when C maps the piece: the kernel may allocate another bounce pool
/// meanwhile.
///
/// # Errors
///
/// `EIO`: the piece cannot be mapped in place, and bouncing is not allowed, there is no bounce pool, or
/// the device does not reach a bounce buffer that it could get.
///
/// [`Constraints::limit`]: crate::device::constraints::Constraints::limit
#[cold]
#[inline(never)]
pub(crate) fn check(
    dev: DmaDevice<'_>,
    chunk: Chunk,
    direction: Direction,
    attrs: c_ulong,
) -> Result {
    let dev = dev.as_raw().cast();

    // SAFETY: `dev` is bound, and a device whose limits were applied has a mask.
    //
    // CAST: Not more than `max_segment_size`, which is 32 bits.
    match unsafe { dma_map_helper_refused(dev, chunk.phys, chunk.len as usize, direction, attrs) } {
        true => Err(EIO),
        false => Ok(()),
    }
}

/// Checks the entries of a table; see [`check`].
///
/// # Errors
///
/// Those of `check`.
///
/// # Safety
///
/// The table must describe pages.
#[cold]
#[inline(never)]
pub(crate) unsafe fn check_table(
    dev: DmaDevice<'_>,
    sgt: bindings::sg_table,
    direction: Direction,
    attrs: c_ulong,
) -> Result {
    let (dev, sgl) = (dev.as_raw().cast(), sgt.sgl.cast());

    // SAFETY: `dev` is bound, and has a mask. The table describes pages (function precondition).
    //
    // CAST: The C API counts in `int`.
    match unsafe {
        dma_map_helper_table_refused(dev, sgl, sgt.orig_nents as c_int, direction, attrs)
    } {
        true => Err(EIO),
        false => Ok(()),
    }
}

/// Returns the reason why a piece was not mapped, for `error`: C gives none for its `ENOMEM`.
#[cold]
#[inline(never)]
pub(crate) fn reason(
    dev: DmaDevice<'_>,
    chunk: Chunk,
    direction: Direction,
    attrs: c_ulong,
    error: Error,
) -> Error {
    if error != ENOMEM {
        return error;
    }
    let dev = dev.as_raw().cast();

    // SAFETY: `dev` is bound, and a device whose limits were applied has a mask.
    //
    // CAST: Not more than `max_segment_size`, which is 32 bits.
    match unsafe { dma_map_helper_never(dev, chunk.phys, chunk.len as usize, direction, attrs) } {
        true => EIO,
        false => ENOMEM,
    }
}

/// Returns the reason why C did not map a table, for which it returned `errno`.
///
/// # Safety
///
/// The table must describe pages.
#[cold]
#[inline(never)]
pub(crate) unsafe fn reason_of_table(
    dev: DmaDevice<'_>,
    sgt: bindings::sg_table,
    direction: Direction,
    attrs: c_ulong,
    errno: c_int,
) -> Error {
    // The only cause with an errno of its own.
    if from_errno(errno) == EOPNOTSUPP {
        return EOPNOTSUPP;
    }
    let (dev, sgl) = (dev.as_raw().cast(), sgt.sgl.cast());

    // SAFETY: `dev` is bound, and has a mask. The table describes pages (function precondition).
    //
    // CAST: The C API counts in `int`.
    match unsafe {
        dma_map_helper_table_never(dev, sgl, sgt.orig_nents as c_int, direction, attrs, errno)
    } {
        true => EIO,
        false => ENOMEM,
    }
}

/// Returns the reason why C did not allocate `size` bytes, not 0, at addresses within `mask`.
///
/// The page allocator gives no reason. A lack of memory is temporary: memory may be freed or
/// hotplugged.
#[cold]
#[inline(never)]
pub(crate) fn reason_of_allocation(dev: DmaDevice<'_>, mask: u64, size: usize) -> Error {
    // SAFETY: `dev` is bound, and the helper looks at numbers only.
    match unsafe { dma_map_helper_iova_fits(dev.as_raw().cast(), mask, size as u64) } {
        true => ENOMEM,
        false => EIO,
    }
}
