// SPDX-License-Identifier: GPL-2.0

//! Address lists: mappings that keep only their DMA addresses.

use super::{
    backing::Sg,
    source::SgSource,
    SgMapping, //
};
use crate::{
    buf::buffer::release,
    device::{
        counts::Kind,
        split::Split,
        DmaDevice, //
    },
    direction::Direction,
    engine::Engine,
    error::MapError,
    generic::vec,
    gfp::Gfp,
    handle::{
        Backing,
        Dma,
        Several,
        Unmap, //
    },
    model::sync_attrs::UnmapAttrs,
    seg::{
        page_addresses::PageAddresses,
        segments::{
            Entries,
            Scattered,
            Segment,
            SplitSegments, //
        },
    },
    state::{
        Device,
        Lasting,
        State, //
    },
    sys::leak_tracking,
};
use kernel::prelude::*;

/// A mapping owned by the device that keeps its DMA addresses, and what unmapping needs.
///
/// For buffers that stay mapped for a long time. Where unmapping does nothing (no IOMMU, caches that are
/// coherent with DMA, no buffer bounced yet), a list of addresses and lengths, of half the size,
/// replaces the scatter-gather table. Elsewhere unmapping needs the table, which stays. The type is the
/// same in both cases.
///
/// The mapping cannot return to the `Cpu` state. [`unmap`](Dma::unmap) ends it and returns the buffer;
/// dropping it is as for [`SgMapping`].
///
/// C API: `dma_need_unmap()`, `dma_unmap_sgtable()`.
pub type SgAddresses<'bound, B, D, E> = Dma<Addresses<'bound, B>, D, Lasting<E>>;

/// A mapped buffer, with its table or with a list of the table's segments.
///
/// # Invariants
///
/// Either the table of `sg` has its entries and `list` is empty; or the table was freed, the mapping
/// needs no unmap and no sync, and `list` has the segments that the table had.
pub struct Addresses<'bound, B: SgSource> {
    sg: Sg<'bound, B>,
    list: KVec<Segment>,
}

impl<'bound, B: SgSource, D: Direction, E: Engine> SgMapping<'bound, B, D, Device<E>> {
    /// Reduces the mapping to its addresses.
    ///
    /// Context: may sleep with [`Gfp::Kernel`], any otherwise.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, with the mapping, if there is no memory for the list.
    pub fn into_addresses(self, gfp: Gfp) -> Result<SgAddresses<'bound, B, D, E>, MapError<Self>> {
        let mut list = KVec::new();

        let needs_unmap = self.backing.dev.needs_unmap();
        if !needs_unmap {
            let table = self.backing.table();
            let reserved = vec::reserve(&mut list, table.segments().len(), gfp.flags());
            let filled = reserved.is_ok()
                && Entries::Table(table.segments())
                    .all(|entry| vec::push_within_capacity(&mut list, entry).is_ok());
            if !filled {
                return Err(MapError {
                    error: ENOMEM,
                    buffer: self,
                });
            }
        }

        let (mut sg, state) = self.into_parts();
        if !needs_unmap {
            // With DMA debugging, every mapping needs an unmap, so this is not reached.
            leak_tracking::untrack(sg.dev.as_raw(), || {
                sg.table().entry(D::RAW, sg.options.attrs())
            });
            // SAFETY: The kernel has said that this mapping needs no unmap.
            unsafe { sg.buffer.free_table(&mut sg.own) };
        }
        // INVARIANT: The table is unchanged, or was copied and freed above. In the latter case the device
        // needs no unmap, so nothing was bounced for this mapping, and it stays in sync even if the
        // device bounces others later.
        let backing = Addresses { sg, list };
        // SAFETY: The memory still is mapped in direction `D`, and the device owns it.
        Ok(unsafe { Dma::from_parts(backing, state.lasting()) })
    }
}

impl<B: SgSource> Addresses<'_, B> {
    /// Returns the segments in the table or in the list.
    ///
    /// # Safety
    ///
    /// The value must not be dropped nor changed during `'a`.
    unsafe fn entries<'a>(&self) -> Entries<'a> {
        let (start, len) = (self.list.as_ptr(), self.list.len());

        // SAFETY: The table and the list are not changed or freed during `'a` (safety requirements of this
        // function). If the list is empty, the table has its entries (type invariants).
        unsafe {
            match len {
                0 => Entries::Table(self.sg.table().lent_segments()),
                _ => Entries::List(core::slice::from_raw_parts(start, len).iter()),
            }
        }
    }
}

impl<B: SgSource, D: Direction, E: Engine> SgAddresses<'_, B, D, E> {
    /// Returns the segments for the device, as [`SgMapping::segments`].
    #[inline]
    pub fn segments(&self) -> SplitSegments<'_> {
        // SAFETY: The handle is borrowed as long as the segments are, so the memory stays mapped.
        unsafe { Scattered::segments(&*self.backing) }
    }

    /// Returns the mapping as a list of pages, as [`SgMapping::dma_pages`].
    pub fn dma_pages(&self, size: usize) -> Result<PageAddresses<'_>> {
        // SAFETY: The handle is borrowed as long as the entries are, so it is not dropped or changed.
        PageAddresses::new(unsafe { self.backing.entries() }, size)
    }
}

// SAFETY: The memory stays where it is, as that of `sg` does; a list is other memory.
unsafe impl<'bound, B: SgSource> Backing for Addresses<'bound, B> {
    type Device = DmaDevice<'bound>;
    // Not used: the memory never is in the `Cpu` state, from which `give` starts.
    type Given<E: Engine> = Device<E>;
    type Shape = Several;
    const KIND: Kind = Kind::SG;

    #[inline]
    fn device(&self) -> DmaDevice<'bound> {
        self.sg.dev
    }

    #[inline]
    fn size(&self) -> usize {
        self.sg.size
    }

    unsafe fn release<D: Direction, S: State>(self) {
        // SAFETY: The memory is mapped in direction `D`, and the device is done (safety requirements of this
        // function).
        unsafe { release::<D, S, B::Memory, _>(self) };
    }

    fn quarantine(self) {
        self.sg.quarantine();
    }
}

// SAFETY: The memory stays where it is, as that of `sg` does; a list is other memory.
unsafe impl<B: SgSource> Unmap for Addresses<'_, B> {
    type Buffer = B;

    unsafe fn unmap<D: Direction>(self, end: UnmapAttrs) -> B {
        if self.sg.table().is_empty() {
            // No unmap is needed, nor possible: the table was freed.
            self.sg.buffer
        } else {
            // SAFETY: The memory is mapped in direction `D`, and the device is done (safety requirements of
            // this function).
            unsafe { self.sg.unmap::<D>(end) }
        }
    }
}

// SAFETY: The entries are those of the table, or those that it had, in a mapping that needs no unmap.
unsafe impl<B: SgSource> Scattered for Addresses<'_, B> {
    #[inline]
    unsafe fn segments<'a>(&self) -> SplitSegments<'a> {
        // SAFETY: The memory stays mapped during `'a` (safety requirements of this function), so the value
        // is not dropped or changed.
        SplitSegments::new(unsafe { self.entries() }, Split::of(self.sg.dev))
    }
}
