// SPDX-License-Identifier: GPL-2.0

//! Backing of scatter-gather mappings: a buffer with its mapped table.

use super::source::SgSource;
use crate::{
    buf::buffer::release,
    device::{
        counts::Kind,
        split::Split,
        DmaDevice, //
    },
    direction::Direction,
    engine::Engine,
    handle::{
        Backing,
        Receiver,
        Several,
        Unmap, //
    },
    model::{
        map_options::MapOptions,
        sync_attrs::UnmapAttrs, //
    },
    seg::{
        segments::{
            Entries,
            Scattered,
            SplitSegments, //
        },
        table::Table, //
    },
    state::{
        Device,
        State, //
    },
    sys::{
        ffi,
        leak_tracking, //
    },
};

/// A buffer that is mapped by a scatter-gather table.
///
/// # Invariants
///
/// The table, which is `own` or the buffer's, describes all of `buffer`, and is mapped for `dev` with
/// `options`.
pub struct Sg<'bound, B: SgSource> {
    pub(super) dev: DmaDevice<'bound>,
    /// The table, unless the buffer keeps it.
    pub(super) own: B::OwnTable,
    /// The mapping's options, which unmapping needs again.
    pub(super) options: MapOptions,
    /// The length of `buffer`. `buffer.len()` is not called while the device owns the memory: a vector
    /// would make a reference to its elements.
    pub(super) size: usize,
    /// Accessed in the `Cpu` state only, and never replaced.
    pub(in crate::map) buffer: B,
}

impl<B: SgSource> Sg<'_, B> {
    /// Returns the table.
    #[inline(always)]
    pub(super) fn table(&self) -> &Table {
        self.buffer.table(&self.own)
    }
}

// SAFETY: The table and the chunks of a buffer stay where they are (safety requirements of `SgBuffer`).
unsafe impl<'bound, B: SgSource> Backing for Sg<'bound, B> {
    type Device = DmaDevice<'bound>;
    type Given<E: Engine> = Device<E>;
    type Shape = Several;
    const KIND: Kind = Kind::SG;

    #[inline]
    fn device(&self) -> DmaDevice<'bound> {
        self.dev
    }

    #[inline]
    fn size(&self) -> usize {
        self.size
    }

    #[inline]
    unsafe fn sync<D: Direction, R: Receiver>(&self) {
        let (dev, table) = (self.dev.as_raw(), self.table());

        // SAFETY: `dev` is bound. The table is mapped for it (type invariants) in direction `D` (safety
        // requirements of this function).
        unsafe {
            if ffi::need_sync(dev) {
                (R::SYNC_SG)(dev, table.sgl(), table.entries(), D::RAW);
            }
        }
    }

    unsafe fn release<D: Direction, S: State>(self) {
        // SAFETY: The table is mapped in direction `D`, and the device is done (safety requirements of this
        // function).
        unsafe { release::<D, S, B::Memory, _>(self) };
    }
}

// SAFETY: The table and the chunks of a buffer stay where they are (safety requirements of `SgBuffer`).
unsafe impl<B: SgSource> Unmap for Sg<'_, B> {
    type Buffer = B;

    #[inline]
    unsafe fn unmap<D: Direction>(self, end: UnmapAttrs) -> B {
        let options = self.options.attrs();

        leak_tracking::untrack(self.dev.as_raw(), || self.table().entry(D::RAW, options));
        // SAFETY: The table is mapped for `dev` (type invariants), in direction `D`, and the device is done
        // (safety requirements of this function).
        unsafe { self.table().unmap(self.dev, D::RAW, options, end) };
        self.buffer
    }
}

// SAFETY: The segments are those of the table that is mapped.
unsafe impl<B: SgSource> Scattered for Sg<'_, B> {
    #[inline]
    unsafe fn segments<'a>(&self) -> SplitSegments<'a> {
        // SAFETY: The table stays mapped during `'a` (safety requirements of this function), and does not
        // change while it is mapped.
        let entries = Entries::Table(unsafe { self.table().lent_segments() });
        // The entries are within the device's limits: mapping checked that.
        SplitSegments::new(entries, Split::NONE)
    }
}
