// SPDX-License-Identifier: GPL-2.0

//! Sources of scatter-gather mappings: a buffer, or one that keeps its table.

use crate::{
    buf::buffer::{
        check_lines,
        SgBuffer,
        SgSlice, //
    },
    device::{
        lines::Lines,
        DmaDevice, //
    },
    direction::Direction,
    model::sg_options::SgOptions,
    seg::table::Table,
    sys::leak_tracking, //
};
use kernel::{
    bindings,
    prelude::*, //
};

pub(super) mod private {
    use super::*;

    /// Access to the table of a source.
    pub trait TableSource {
        /// The part that the mapping keeps itself: the table, unless the source has it.
        type OwnTable: Send + Sync;

        /// Maps all of the memory.
        ///
        /// # Errors
        ///
        /// Those of [`SgMapping::map`](crate::SgMapping::map).
        ///
        /// # Safety
        ///
        /// The memory must not be mapped, and nothing may access it until it is synced or unmapped. It must
        /// be unmapped before the source gets another owner.
        unsafe fn map<D: Direction>(
            &mut self,
            dev: DmaDevice<'_>,
            options: SgOptions,
        ) -> Result<Self::OwnTable>;

        /// Returns the table, which describes all of the memory unless it was freed.
        fn table<'a>(&'a self, own: &'a Self::OwnTable) -> &'a Table;

        /// Frees the table.
        ///
        /// # Safety
        ///
        /// It must not be mapped, or need no unmap.
        unsafe fn free_table(&mut self, own: &mut Self::OwnTable);
    }
}

/// A source of scatter-gather mappings: an [`SgBuffer`], or a [`Prebuilt`](super::Prebuilt).
///
/// Implemented for these only.
pub trait SgSource: private::TableSource + Send + Sized + 'static {
    /// The memory.
    type Memory: SgBuffer<Element = Self::Element>;

    /// The type of the values in the memory.
    type Element;

    /// Returns the memory.
    fn memory(&self) -> &Self::Memory;

    /// Returns the elements, mutably.
    #[doc(hidden)]
    fn elements_mut(&mut self) -> &mut [Self::Element]
    where
        Self::Memory: SgSlice;
}

/// Returns the attributes for a table of a buffer `B`, in addition to those of the driver.
///
/// DMA debugging counts the mappings that start in one cache line, and warns of many. Two kinds are legal.
/// If DMA is coherent with the caches, neighbours may share a line ([`check_lines`]). And user space may
/// pass the same memory twice, to this device or to another one, which harms only its own data. What is
/// left is watched.
#[inline(always)]
pub(super) fn map_attrs<B: SgBuffer>(dev: DmaDevice<'_>) -> c_ulong {
    let mut attrs = bindings::DMA_ATTR_NO_WARN;
    if cfg!(CONFIG_DMA_API_DEBUG) && (B::USER || dev.cache_alignment() == 1) {
        attrs |= bindings::DMA_ATTR_DEBUGGING_IGNORE_CACHELINES;
    }
    // CAST: `unsigned long` has at least 32 bits.
    attrs as c_ulong
}

/// Checks a table before it is mapped.
///
/// # Errors
///
/// `EIO`: a piece must bounce, and cannot.
#[inline(always)]
pub(super) fn check_table<D: Direction>(
    dev: DmaDevice<'_>,
    table: &Table,
    attrs: c_ulong,
) -> Result {
    if let Some(lines) = Lines::written::<D>(dev) {
        lines.check_lengths(table.lengths())?;
    }
    // With cache maintenance, C bounces small pieces that the device writes, at any address.
    if cfg!(CONFIG_DMA_BOUNCE_UNALIGNED_KMALLOC) && !dev.constraints().settled {
        table.check_reach(dev, D::RAW, attrs)?;
    }
    Ok(())
}

impl<B: SgBuffer> private::TableSource for B {
    type OwnTable = Table;

    #[inline(always)]
    unsafe fn map<D: Direction>(
        &mut self,
        dev: DmaDevice<'_>,
        options: SgOptions,
    ) -> Result<Table> {
        check_lines::<D, B>(dev, self)?;

        let tracked = leak_tracking::ListNode::new()?;
        let mut table = Table::new(dev, self, options)?;
        let attrs = options.attrs() | map_attrs::<B>(dev);
        check_table::<D>(dev, &table, attrs)?;
        // SAFETY: The table describes memory that the buffer owns; it is not mapped, and nothing accesses
        // it (safety requirements of this function).
        unsafe { table.map(dev, D::RAW, attrs)? };
        // SAFETY: Mapped above with these arguments. What releases it untracks it first.
        unsafe { tracked.add(dev.as_raw(), || table.entry(D::RAW, options.attrs())) };
        Ok(table)
    }

    #[inline(always)]
    fn table<'a>(&'a self, own: &'a Table) -> &'a Table {
        own
    }

    unsafe fn free_table(&mut self, own: &mut Table) {
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
    fn elements_mut(&mut self) -> &mut [B::Element]
    where
        B: SgSlice,
    {
        self.as_mut_slice()
    }
}
