// SPDX-License-Identifier: GPL-2.0

//! Layout and number of buffers.

use super::MappedPoolOptions;
use crate::{
    device::DmaDevice,
    direction::assert_no_destructor,
    sys::ffi, //
};
use kernel::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

/// A cache line, the smallest distance of two buffers: two CPUs do not share one.
const LINE: usize = bindings::L1_CACHE_BYTES as usize;

/// The layout of a pool's buffers. Buffers that are smaller than a page share pages.
///
/// # Invariants
///
/// - `per_chunk` buffers of `size` bytes, at least one, `stride` bytes apart, fit into `chunk_size`
///   bytes, which are whole pages. A buffer is one segment within the device's limits.
/// - The machine has enough memory for `max` buffers, at least one.
/// - `node` is online.
pub(super) struct Layout {
    pub(super) size: usize,
    pub(super) stride: usize,
    pub(super) per_chunk: usize,
    pub(super) chunk_size: usize,
    /// The maximum number of chunks.
    pub(super) chunks: usize,
    pub(super) max: usize,
    pub(super) prefill: usize,
    /// The number of buffers in the cache of a CPU.
    pub(super) capacity: usize,
    pub(super) node: Option<u32>,
}

impl Layout {
    /// Computes the layout of buffers of `len` elements.
    ///
    /// # Errors
    ///
    /// Those of [`MappedPool::new`](super::MappedPool::new) that concern its arguments.
    pub(super) fn new<T>(
        dev: DmaDevice<'_>,
        len: usize,
        options: MappedPoolOptions,
    ) -> Result<Self> {
        const {
            assert!(size_of::<T>() > 0, "DMA memory for a type without size");
            assert!(align_of::<T>() <= PAGE_SIZE, "alignment beyond a page");
            assert_no_destructor::<T>();
        };

        let size = len.checked_mul(size_of::<T>()).ok_or(EINVAL)?;
        if size == 0
            || size as u64 > dev.max_segment_size().into()
            || (size as u64).wrapping_sub(1) > dev.segment_boundary()
            || options.max == 0
            || options.node.is_some_and(|node| {
                c_int::try_from(node).map_or(true, |node| !ffi::node_online(node))
            })
        {
            return Err(EINVAL);
        }

        // All three are powers of two.
        let align = align_of::<T>().max(LINE).max(dev.cache_alignment());
        let stride = size.checked_next_multiple_of(align).ok_or(EINVAL)?;
        let chunk_size = stride.checked_next_multiple_of(PAGE_SIZE).ok_or(EINVAL)?;
        let per_chunk = chunk_size.checked_div(stride).ok_or(EINVAL)?;

        // Rounded up; neither is 0.
        let chunks = options.max.wrapping_sub(1).checked_div(per_chunk);
        let chunks = chunks.map_or(1, |all| all.wrapping_add(1));
        let pages = chunks.checked_mul(chunk_size.div_ceil(PAGE_SIZE));
        if pages.is_none_or(|pages| pages > ffi::total_pages()) {
            return Err(ENOMEM);
        }

        // At most half of the buffers are in the caches.
        let cpus = kernel::cpu::nr_cpu_ids() as usize;
        let share = (options.max / 2).checked_div(cpus).unwrap_or(0);
        // INVARIANT: Checked above.
        Ok(Self {
            size,
            stride,
            per_chunk,
            chunk_size,
            chunks,
            max: options.max,
            prefill: options.prefill.min(options.max),
            capacity: options.cache.min(share),
            node: options.node,
        })
    }
}
