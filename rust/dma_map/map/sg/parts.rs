// SPDX-License-Identifier: GPL-2.0

//! What a mapping is made of, whatever its state.

use crate::{
    buf::buffer::SgBuffer,
    device::DmaDevice,
    direction::Direction,
    model::{
        map_options::MapOptions,
        sync_attrs::UnmapAttrs, //
    },
    seg::table::Table,
    sys::ledger, //
};
/// The buffer, and what unmapping takes.
pub(super) struct Parts<'bound, B> {
    pub(super) dev: DmaDevice<'bound>,
    /// The table, unless the buffer keeps it.
    pub(super) own_table: Table,
    /// What unmapping takes as mapping did.
    pub(super) options: MapOptions,
    /// The length of `buffer`, which is not asked while the device has it: to tell, a vector makes
    /// a reference to its elements.
    pub(super) size: usize,
    pub(super) buffer: B,
}

impl<B: SgBuffer> Parts<'_, B> {
    /// The table.
    #[inline(always)]
    pub(super) fn table(&self) -> &Table {
        self.buffer.kept_table().unwrap_or(&self.own_table)
    }

    /// Frees the table, which needs no unmap.
    pub(super) fn free_table(&mut self) {
        self.own_table.clear();
        self.buffer.free_kept_table();
    }

    /// Unmaps the table, and syncs it as `end` says.
    ///
    /// # Safety
    ///
    /// It must be mapped in direction `D`, and the device be done.
    #[inline(always)]
    pub(super) unsafe fn unmap<D: Direction>(&self, end: UnmapAttrs) {
        let options = self.options.attrs();

        ledger::strike(self.dev.as_raw(), || self.table().entry(D::RAW, options));
        // SAFETY: By the safety requirements of this function; `dev` is the one it was mapped for.
        unsafe { self.table().unmap(self.dev, D::RAW, options, end) };
    }
}
