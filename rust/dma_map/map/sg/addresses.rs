// SPDX-License-Identifier: GPL-2.0

//! A mapping of which only the addresses are left.

use super::SgMapping;
use crate::{
    buf::buffer::SgBuffer,
    device::{
        split::Split,
        DmaDevice, //
    },
    direction::Direction,
    engine::{
        self,
        Engine, //
    },
    error::{
        Busy,
        MapError, //
    },
    generic::vec,
    gfp::Gfp,
    seg::{
        page_addresses::PageAddresses,
        segments::{
            Entries,
            Segment,
            SplitSegments, //
        },
    },
    state::Device,
    sys::{
        ffi,
        ledger, //
    },
};
use kernel::prelude::*;

/// A mapping in the device's hands that keeps what the device was told, and what unmapping takes.
///
/// For buffers that stay mapped for long. On machines where unmapping does nothing (no IOMMU, caches
/// that are coherent with DMA, no buffer bounced yet), the scatter-gather table is freed, and a list
/// of addresses and lengths, of half the size, takes its place. Elsewhere the table is what
/// unmapping takes, and stays. The driver sees the same type in both cases.
///
/// There is no way back to the `Cpu` state: [`unmap`](Self::unmap) is the end, and gives the buffer
/// back, or else the drop, which is that of [`SgMapping`].
///
/// C API: `dma_need_unmap()`, `dma_unmap_sgtable()`.
///
/// # Invariants
///
/// Either the mapping's table has its entries and `list` is empty, or the table is empty, needs no
/// unmapping and no sync, and `list` has the entries it had.
pub struct SgAddresses<'bound, B: SgBuffer, D: Direction, E: Engine> {
    mapping: SgMapping<'bound, B, D, Device<E>>,
    list: KVec<Segment>,
}

impl<'bound, B: SgBuffer, D: Direction, E: Engine> SgMapping<'bound, B, D, Device<E>> {
    /// Drops what the device does not need to know.
    ///
    /// Context: may sleep with [`Gfp::Kernel`], any otherwise.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, with the mapping, if there is no memory for the list.
    pub fn into_addresses(
        mut self,
        gfp: Gfp,
    ) -> Result<SgAddresses<'bound, B, D, E>, MapError<Self>> {
        let mut list = KVec::new();

        // SAFETY: The device is bound, and the mapping has been made.
        if !unsafe { ffi::need_unmap(self.parts.dev.as_raw()) } {
            // CAST: The number of entries is 32 bits.
            let count = self.parts.table().mapped() as usize;
            let reserved = vec::reserve(&mut list, count, gfp.flags());
            let filled = reserved.is_ok()
                && Entries::of(self.parts.table())
                    .all(|entry| vec::push_within_capacity(&mut list, entry).is_ok());
            if !filled {
                return Err(MapError {
                    error: ENOMEM,
                    buffer: self,
                });
            }
            // Nothing to give back: a kernel that debugs DMA does not come here.
            ledger::strike(self.parts.dev.as_raw(), || {
                let attrs = self.parts.options.attrs();
                self.parts.table().entry(D::RAW, attrs)
            });
            self.parts.free_table();
        }

        // INVARIANT: As it was, or copied and cleared above. Nothing was bounced for this mapping,
        // or the device would need unmapping; so it stays in sync whatever is bounced later.
        Ok(SgAddresses {
            mapping: self,
            list,
        })
    }
}

impl<'bound, B: SgBuffer, D: Direction, E: Engine> SgAddresses<'bound, B, D, E> {
    fn entries(&self) -> Entries<'_> {
        if self.list.is_empty() {
            Entries::of(self.mapping.parts.table())
        } else {
            Entries::List(self.list.iter())
        }
    }

    /// Returns what to tell the device, as [`SgMapping::segments`].
    #[inline]
    pub fn segments(&self) -> SplitSegments<'_> {
        SplitSegments::new(self.entries(), Split::of(self.device()))
    }

    /// Returns the mapping as a list of pages, as [`SgMapping::dma_pages`].
    pub fn dma_pages(&self, size: usize) -> Result<PageAddresses<'_>> {
        PageAddresses::new(self.entries(), size)
    }

    /// Who is asked before the buffer is unmapped.
    #[inline]
    pub(crate) fn engine(&self) -> &E {
        self.mapping.engine()
    }

    /// Returns the number of bytes that are mapped.
    #[inline]
    pub fn size(&self) -> usize {
        self.mapping.size()
    }

    /// Returns the device that the buffer is mapped for.
    #[inline]
    pub fn device(&self) -> DmaDevice<'bound> {
        self.mapping.device()
    }

    /// Unmaps the buffer when the device is done, and gives it back.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// [`Busy`] (`EBUSY`) with the handle if the engine is not idle.
    pub fn unmap(self) -> Result<B, Busy<Self>> {
        let Self { mapping, list } = self;

        if mapping.parts.table().is_empty() {
            if !engine::is_idle(mapping.engine()) {
                // INVARIANT: Nothing has changed.
                return Err(Busy(Self { mapping, list }));
            }
            // It needs no unmap, and must not have one: there is no table.
            return Ok(mapping.into_parts().0.buffer);
        }
        // INVARIANT: Nothing has changed.
        mapping
            .unmap()
            .map_err(|Busy(mapping)| Busy(Self { mapping, list }))
    }
}
