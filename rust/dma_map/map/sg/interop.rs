// SPDX-License-Identifier: GPL-2.0

//! Interoperation with the `kernel` crate's scatter-gather tables.
//!
//! C header: [`include/linux/scatterlist.h`](srctree/include/linux/scatterlist.h)
//!
//! `Documentation/dma_map/interop.rst` lists what can be converted, and what cannot and why.

use super::{
    source::SgSource,
    SgMapping, //
};
use crate::{
    device::{
        split::Split,
        DmaDevice, //
    },
    direction::Direction,
    engine::Engine,
    seg::{
        page_addresses::PageAddresses,
        segments::{
            Entries,
            Segments,
            SplitSegments, //
        },
    },
    state::Device, //
};
use kernel::{
    bindings,
    prelude::*,
    scatterlist::SGTable, //
};

impl<B: SgSource, D: Direction, E: Engine> SgMapping<'_, B, D, Device<E>> {
    /// Returns the mapped table, for functions of the `kernel` crate.
    ///
    /// Its mapped entries are the [`segments`](Self::segments).
    ///
    /// Context: any.
    #[inline]
    pub fn as_sg_table(&self) -> &SGTable {
        // SAFETY: The table is valid, mapped, and not changed while `self` is borrowed; the type
        // only reads.
        unsafe { SGTable::from_raw(self.backing.table().as_const_ptr().cast_mut()) }
    }

    /// Returns the mapping as a list of pages of `size` bytes; see [`PageAddresses`].
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `size` is not a power of two, or if the mapping has a gap within a page.
    pub fn dma_pages(&self, size: usize) -> Result<PageAddresses<'_>> {
        PageAddresses::new(Entries::Table(self.segments()), size)
    }
}

impl<'a> SplitSegments<'a> {
    /// Returns the segments of a table that other code has mapped, split by the limits of `dev`.
    ///
    /// The type does not tell for which device the table is mapped, nor for how long: the driver must
    /// know. The segments are plain numbers, as those of [`SGTable::iter`] are.
    ///
    /// Context: any.
    pub fn of_sg_table(table: &'a SGTable, dev: DmaDevice<'_>) -> Self {
        // `SGTable` is a transparent wrapper of `struct sg_table` in an `Opaque`.
        let table: *const bindings::sg_table = core::ptr::from_ref(table).cast();

        // SAFETY: The type says that the table is valid and does not change during `'a`. It has no entries
        // if it has no list.
        let segments = unsafe {
            let (sgl, count) = ((*table).sgl, (*table).nents);
            Segments::new(sgl, if sgl.is_null() { 0 } else { count })
        };
        Self::new(Entries::Table(segments), Split::of(dev))
    }
}
