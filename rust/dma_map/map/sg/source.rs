// SPDX-License-Identifier: GPL-2.0

//! What is mapped by a table: a buffer, or one that keeps its table.

use crate::{
    buf::buffer::{
        check_lines,
        SgBuffer, //
    },
    device::{
        lines::Lines,
        DmaDevice, //
    },
    direction::Direction,
    generic::variance::Inside,
    model::sg_options::SgOptions,
    seg::table::Table,
    sys::ledger, //
};
use kernel::{
    bindings,
    prelude::*, //
};

pub(super) mod private {
    use super::*;

    /// How a source has its table.
    pub trait Tabled {
        /// What a mapping keeps beside the source: the table, unless the source has it.
        type Own: Send + Sync;

        /// Maps all of the memory.
        ///
        /// # Errors
        ///
        /// Those of [`SgMapping::map`](crate::SgMapping::map).
        ///
        /// # Safety
        ///
        /// The memory must not be mapped, and nobody access it until it is synced or unmapped. It must
        /// be unmapped before anybody else has the source.
        unsafe fn map<D: Direction>(
            &mut self,
            dev: DmaDevice<'_>,
            options: SgOptions,
        ) -> Result<Self::Own>;

        /// The table, which describes all of the memory; or it was freed.
        fn table<'a>(&'a self, own: &'a Self::Own) -> &'a Table;

        /// Frees the table, which must not be mapped.
        fn free_table(&mut self, own: &mut Self::Own);
    }
}

/// What a mapping by a table takes: each [`SgBuffer`], and [`Prebuilt`](super::Prebuilt).
///
/// Implemented for these only.
pub trait SgSource: private::Tabled + Send + Sized + 'static {
    /// The memory.
    type Memory: SgBuffer<Element = Self::Element>;

    /// What the memory holds.
    type Element;

    /// Returns the memory.
    fn memory(&self) -> &Self::Memory;

    /// The memory, to be written; not to be exchanged.
    #[doc(hidden)]
    fn memory_mut(&mut self, _: Inside) -> &mut Self::Memory;
}

/// The attributes that tables are mapped with, beside those that the driver asks for.
///
/// DMA debugging counts mappings that start in one cache line, and warns of many. There may be
/// as many as there is memory: neighbours, where DMA is coherent with the caches
/// ([`check_lines`]), some of them lent byte by byte; and user space may give the same memory
/// twice, to this device or to another one, and harms its own data only.
pub(super) const MAP_ATTRS: c_ulong =
    (bindings::DMA_ATTR_NO_WARN | bindings::DMA_ATTR_DEBUGGING_IGNORE_CACHELINES) as c_ulong;

/// Checks a table that is to be mapped.
///
/// # Errors
///
/// `EIO`: what must bounce cannot.
#[inline(always)]
pub(super) fn check_table<D: Direction>(
    dev: DmaDevice<'_>,
    table: &Table,
    attrs: c_ulong,
) -> Result {
    if let Some(lines) = Lines::written::<D>(dev) {
        lines.check_lengths(table.lengths())?;
    }
    // Where caches are maintained, C bounces small pieces that the device writes, wherever they are.
    if cfg!(CONFIG_DMA_BOUNCE_UNALIGNED_KMALLOC) && !dev.reach().settled() {
        table.check_reach(dev, D::RAW, attrs)?;
    }
    Ok(())
}

impl<B: SgBuffer> private::Tabled for B {
    type Own = Table;

    #[inline(always)]
    unsafe fn map<D: Direction>(
        &mut self,
        dev: DmaDevice<'_>,
        options: SgOptions,
    ) -> Result<Table> {
        check_lines::<D, B>(dev, self)?;

        let line = ledger::Line::new()?;
        let mut table = Table::new(dev, self, options)?;
        let attrs = options.attrs() | MAP_ATTRS;
        check_table::<D>(dev, &table, attrs)?;
        // SAFETY: The table describes memory that the buffer owns; by the safety requirements of this
        // function it is not mapped, and nobody accesses it.
        unsafe { table.map(dev, D::RAW, attrs)? };
        line.enter(dev.as_raw(), || table.entry(D::RAW, options.attrs()));
        Ok(table)
    }

    #[inline(always)]
    fn table<'a>(&'a self, own: &'a Table) -> &'a Table {
        own
    }

    fn free_table(&mut self, own: &mut Table) {
        own.clear();
    }
}

impl<B: SgBuffer> SgSource for B {
    type Memory = B;
    type Element = B::Element;

    #[inline(always)]
    fn memory(&self) -> &B {
        self
    }

    #[inline(always)]
    fn memory_mut(&mut self, _: Inside) -> &mut B {
        self
    }
}
