// SPDX-License-Identifier: GPL-2.0

//! What the device is told of a scatter-gather mapping.

use super::table::{
    Split,
    Table, //
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    dma::DmaAddress, //
};

/// A piece of memory, as the device reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The DMA address of the first byte.
    pub address: DmaAddress,
    /// The number of bytes; not 0.
    pub len: u32,
}

/// The segments of a mapping, in order.
///
/// Each one honours the device's `max_segment_size` and `segment_boundary`, whatever an IOMMU has
/// joined, and together they are the mapped bytes exactly.
#[derive(Clone)]
pub struct Segments<'a> {
    sg: *mut bindings::scatterlist,
    /// Entries from `sg` on.
    left: u32,
    /// Bytes of `sg` that were handed out.
    done: u64,
    split: Split,
    _table: PhantomData<&'a Table>,
}

// SAFETY: Reads a table that is borrowed during `'a` and does not change meanwhile.
unsafe impl Send for Segments<'_> {}

impl<'a> Segments<'a> {
    /// Iterates over `table`, which must be mapped.
    #[inline]
    pub(super) fn new(table: &'a Table, split: Split) -> Self {
        Self {
            sg: table.sgl(),
            left: table.mapped(),
            done: 0,
            split,
            _table: PhantomData,
        }
    }
}

impl Iterator for Segments<'_> {
    type Item = Segment;

    #[inline]
    fn next(&mut self) -> Option<Segment> {
        if self.left == 0 {
            return None;
        }

        // SAFETY: `sg` is one of the `left` mapped entries of a table that is borrowed.
        let (address, len) = unsafe {
            (
                bindings::sg_dma_address(self.sg),
                u64::from(bindings::sg_dma_len(self.sg)),
            )
        };
        // Within an entry, whose addresses do not wrap.
        let address = address.wrapping_add(self.done as DmaAddress);
        #[allow(clippy::useless_conversion, reason = "`dma_addr_t` may be 32 bits")]
        let part = self
            .split
            .first(address.into(), len.wrapping_sub(self.done));

        self.done = self.done.wrapping_add(part);
        if self.done == len {
            self.done = 0;
            self.left = self.left.wrapping_sub(1);
            // SAFETY: As above; after the last entry the pointer is not used.
            self.sg = unsafe { bindings::sg_next(self.sg) };
        }

        Some(Segment {
            address,
            // CAST: A part of an entry, whose length is 32 bits.
            len: part as u32,
        })
    }
}
