// SPDX-License-Identifier: GPL-2.0

//! Size, alignment and boundary of a pool's blocks.

use crate::{
    device::constraints::Constraints,
    direction::assert_no_destructor, //
};
use kernel::{
    dma::DmaAddress,
    page::PAGE_SIZE,
    prelude::*,
    sizes::SZ_128K, //
};

/// The list entry that the C code keeps in a free block: the minimum size of a block.
#[repr(C)]
struct FreeBlock {
    _next: *mut c_void,
    _dma: DmaAddress,
}

/// A layout that `dma_pool_create()` accepts.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    /// Bytes of a block, before the alignment rounds it up.
    pub(super) size: usize,
    /// A power of two, at most a page.
    pub(super) align: usize,
    /// A power of two, whose multiples a block does not cross, or 0 for none.
    pub(super) boundary: usize,
}

impl Layout {
    /// Makes the layout of blocks for a `T`, for which [`assert_element`] holds.
    ///
    /// # Errors
    ///
    /// `EINVAL`: see [`DmaPool::try_with`](super::DmaPool::try_with).
    pub(super) const fn new<T>(align: usize, boundary: usize) -> Result<Self> {
        // The DMA API aligns to pages at most.
        if !align.is_power_of_two() || align > PAGE_SIZE {
            return Err(EINVAL);
        }

        let align = larger(align, align_of::<T>());
        // Rounds up as the C code does. The sum is below 128 KiB and two pages, so it does not wrap.
        let mask = align.wrapping_sub(1);
        let block = larger(size_of::<T>(), size_of::<FreeBlock>()).wrapping_add(mask) & !mask;
        if block >= SZ_128K {
            return Err(EINVAL);
        }
        if boundary != 0 && (!boundary.is_power_of_two() || boundary < block) {
            return Err(EINVAL);
        }

        Ok(Self {
            size: size_of::<T>(),
            align,
            boundary,
        })
    }

    /// Adds the segment limits that the driver has stated.
    ///
    /// # Errors
    ///
    /// `EINVAL`: a block is beyond them.
    pub(super) fn within(mut self, constraints: &Constraints) -> Result<Self> {
        if !constraints.takes_coherent(self.size) {
            return Err(EINVAL);
        }
        // A block still fits: it is rounded up to at most a page, and a boundary is at least one.
        match usize::try_from(constraints.stated_boundary()) {
            Ok(stated @ 1..) if self.boundary == 0 || stated < self.boundary => {
                self.boundary = stated;
            }
            // No boundary was stated, or it is at the end of the address space.
            _ => {}
        }
        Ok(self)
    }

    /// Like [`new`](Self::new), evaluated by the compiler.
    pub(super) const fn constant<T>(align: usize, boundary: usize) -> Self {
        assert_element::<T>();
        match Self::new::<T>(align, boundary) {
            Ok(layout) => layout,
            // The callers evaluate it in `const` blocks, so this is a compiler error, and no code.
            Err(_) => panic!("no pool of blocks with this alignment and boundary"),
        }
    }
}

/// Checks a block type at compile time.
pub(super) const fn assert_element<T>() {
    assert!(size_of::<T>() > 0, "a pool of blocks without size");
    assert!(
        size_of::<T>() < SZ_128K,
        "blocks of 128 KiB and more: use `DmaCoherent::zeroed_large`"
    );
    assert!(align_of::<T>() <= PAGE_SIZE, "alignment beyond a page");
    assert_no_destructor::<T>();
}

const fn larger(a: usize, b: usize) -> usize {
    if a > b {
        a
    } else {
        b
    }
}
