// SPDX-License-Identifier: GPL-2.0

//! A mapping of which only the addresses are left.

use super::{
    parts::Sg,
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
    error::MapError,
    generic::vec,
    gfp::Gfp,
    handle::{
        Backing,
        Dma,
        Several,
        Unmap, //
    },
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
/// There is no way back to the `Cpu` state: [`unmap`](Dma::unmap) is the end, and gives the buffer
/// back, or else the drop, which is that of [`SgMapping`].
///
/// C API: `dma_need_unmap()`, `dma_unmap_sgtable()`.
pub type SgAddresses<'bound, B, D, E> = Dma<Addresses<'bound, B>, D, Lasting<E>>;

/// A buffer that is mapped, by a table or by a list of what a table had.
///
/// # Invariants
///
/// Either the table of `sg` has its entries and `list` is empty; or the table is empty, needs no
/// unmapping and no sync, and `list` has the entries it had.
pub struct Addresses<'bound, B: SgSource> {
    sg: Sg<'bound, B>,
    list: KVec<Segment>,
}

impl<'bound, B: SgSource, D: Direction, E: Engine> SgMapping<'bound, B, D, Device<E>> {
    /// Drops what the device does not need to know.
    ///
    /// Context: may sleep with [`Gfp::Kernel`], any otherwise.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, with the mapping, if there is no memory for the list.
    pub fn into_addresses(self, gfp: Gfp) -> Result<SgAddresses<'bound, B, D, E>, MapError<Self>> {
        let mut list = KVec::new();

        // SAFETY: The device is bound, and the mapping has been made.
        let needs_unmap = unsafe { ffi::need_unmap(self.backing.dev.as_raw()) };
        if !needs_unmap {
            let table = self.backing.table();
            // CAST: The number of entries is 32 bits.
            let count = table.mapped() as usize;
            let reserved = vec::reserve(&mut list, count, gfp.flags());
            let filled = reserved.is_ok()
                && Entries::of(table)
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
            // Nothing to give back: a kernel that debugs DMA does not come here.
            ledger::strike(sg.dev.as_raw(), || {
                sg.table().entry(D::RAW, sg.options.attrs())
            });
            sg.free_table();
        }
        // INVARIANT: As it was, or copied and cleared above. Nothing was bounced for this mapping,
        // or the device would need unmapping; so it stays in sync whatever is bounced later.
        let backing = Addresses { sg, list };
        // SAFETY: Mapped as before, and the device's.
        Ok(unsafe { Dma::from_parts(backing, state.lasting()) })
    }
}

impl<B: SgSource> Addresses<'_, B> {
    /// The entries of the table or of the list.
    ///
    /// # Safety
    ///
    /// The value must not be dropped nor changed during `'a`.
    unsafe fn entries<'a>(&self) -> Entries<'a> {
        let (start, len) = (self.list.as_ptr(), self.list.len());

        // SAFETY: By the safety requirements of this function.
        unsafe {
            match len {
                0 => Entries::of_raw(self.sg.table()),
                _ => Entries::List(core::slice::from_raw_parts(start, len).iter()),
            }
        }
    }
}

impl<B: SgSource, D: Direction, E: Engine> SgAddresses<'_, B, D, E> {
    /// Returns what to tell the device, as [`SgMapping::segments`].
    #[inline]
    pub fn segments(&self) -> SplitSegments<'_> {
        // SAFETY: The handle is borrowed for that long.
        unsafe { Scattered::segments(&*self.backing) }
    }

    /// Returns the mapping as a list of pages, as [`SgMapping::dma_pages`].
    pub fn dma_pages(&self, size: usize) -> Result<PageAddresses<'_>> {
        // SAFETY: As above.
        PageAddresses::new(unsafe { self.backing.entries() }, size)
    }
}

// SAFETY: As for `Sg`; a list has memory of its own.
unsafe impl<'bound, B: SgSource> Backing for Addresses<'bound, B> {
    type Device = DmaDevice<'bound>;
    // Nobody gives it: it is not the CPU's.
    type Given<E: Engine> = Device<E>;
    type Shape = Several;

    #[inline]
    fn device(&self) -> DmaDevice<'bound> {
        self.sg.dev
    }

    #[inline]
    fn size(&self) -> usize {
        self.sg.size
    }

    unsafe fn release<D: Direction, S: State>(self) {
        if self.sg.table().is_empty() {
            // It needs no unmap, and must not have one: there is no table.
            self.sg.free();
        } else {
            // SAFETY: By the safety requirements of this function.
            unsafe { self.sg.release::<D, S>() };
        }
    }

    fn quarantine(self) {
        self.sg.quarantine();
    }
}

// SAFETY: As above.
unsafe impl<B: SgSource> Unmap for Addresses<'_, B> {
    type Buffer = B;

    unsafe fn unmap<D: Direction, S: State>(self) -> B {
        if self.sg.table().is_empty() {
            // As in `release`.
            self.sg.buffer
        } else {
            // SAFETY: By the safety requirements of this function.
            unsafe { self.sg.unmap::<D, S>() }
        }
    }
}

// SAFETY: The entries are those of the table that was mapped, and need no unmap, or still is.
unsafe impl<B: SgSource> Scattered for Addresses<'_, B> {
    #[inline]
    unsafe fn segments<'a>(&self) -> SplitSegments<'a> {
        // SAFETY: By the safety requirements of this function.
        SplitSegments::new(unsafe { self.entries() }, Split::of(self.sg.dev))
    }
}
