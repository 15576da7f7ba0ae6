// SPDX-License-Identifier: GPL-2.0

//! Options of a disk, and the limits of its queue.

use super::ffi;
use crate::DmaDevice;
use kernel::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

/// The size of a sector, in which the block layer counts.
const SECTOR: u32 = 512;

/// A boundary or a segment size below this does not work (`BLK_MIN_SEGMENT_SIZE`).
const MIN_SEGMENT: u32 = 4096;

/// What a disk is like.
///
/// What the device's DMA can do is not among the options: [`Disk::add`](super::Disk::add) takes it from
/// the device, with the limits that were set with its [`DmaDevice`].
#[derive(Clone, Copy, Debug)]
pub struct DiskOptions {
    sectors: u64,
    logical: u32,
    physical: u32,
    max_bytes: u32,
    virt_boundary: usize,
    dma_alignment: u32,
    features: u32,
    discard: (u32, u32),
    write_zeroes: u32,
    pub(super) access: Access,
}

/// Whether a disk can be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    ReadOnly,
    ReadWrite,
}

impl DiskOptions {
    /// A disk of `sectors` sectors of 512 bytes, whatever the size of its blocks: whole blocks.
    pub const fn new(sectors: u64) -> Self {
        Self {
            sectors,
            logical: SECTOR,
            physical: SECTOR,
            max_bytes: u32::MAX,
            virt_boundary: 0,
            dma_alignment: SECTOR - 1,
            features: 0,
            discard: (0, 0),
            write_zeroes: 0,
            access: Access::ReadWrite,
        }
    }

    /// Sets the size of a block, in bytes: a power of two from 512 to the size of a page. All requests
    /// consist of whole blocks.
    pub const fn logical_block_size(mut self, bytes: u32) -> Self {
        self.logical = bytes;
        self
    }

    /// Sets the size up to which the device writes without reading, in bytes: a power of two.
    pub const fn physical_block_size(mut self, bytes: u32) -> Self {
        self.physical = bytes;
        self
    }

    /// Sets how many bytes a command can transfer. The DMA limits apply, too.
    pub const fn max_bytes(mut self, bytes: u32) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets, as a mask, the boundary at which all segments but the first begin, and all but the last end.
    pub const fn virt_boundary(mut self, mask: usize) -> Self {
        self.virt_boundary = mask;
        self
    }

    /// Sets, as a mask, the alignment of the data in memory; 511 unless it is set. The block layer takes 0
    /// for 511. A device that is not coherent needs whole cache lines, whatever is set.
    pub const fn dma_alignment(mut self, mask: u32) -> Self {
        self.dma_alignment = mask;
        self
    }

    /// The device has a volatile cache: the driver gets [`Flush`](super::Operation::Flush).
    pub const fn write_cache(mut self) -> Self {
        self.features |= ffi::BLK_FEAT_WRITE_CACHE;
        self
    }

    /// The device has a volatile cache, and can write past it: the driver also gets writes with
    /// [`is_fua`](super::RequestInfo::is_fua).
    pub const fn fua(mut self) -> Self {
        self.features |= ffi::BLK_FEAT_WRITE_CACHE | ffi::BLK_FEAT_FUA;
        self
    }

    /// The medium rotates.
    pub const fn rotational(mut self) -> Self {
        self.features |= ffi::BLK_FEAT_ROTATIONAL;
        self
    }

    /// The driver takes [`Discard`](super::Operation::Discard) of up to `sectors` sectors, in units of
    /// `granularity` bytes: a power of two, at least a block. Each is one range, at least a unit.
    pub const fn discard(mut self, sectors: u32, granularity: u32) -> Self {
        self.discard = (sectors, granularity);
        self
    }

    /// The driver takes [`WriteZeroes`](super::Operation::WriteZeroes) of up to `sectors` sectors, at
    /// least a block.
    pub const fn write_zeroes(mut self, sectors: u32) -> Self {
        self.write_zeroes = sectors;
        self
    }

    /// The disk is marked as read-only (`bdev_read_only()`).
    pub const fn read_only(mut self) -> Self {
        self.access = Access::ReadOnly;
        self
    }

    /// Returns the number of sectors.
    pub(super) fn sectors(&self) -> u64 {
        self.sectors
    }

    /// Returns whether so many sectors are whole blocks.
    pub(super) fn are_blocks(&self, sectors: u64) -> bool {
        let block = u64::from((self.logical / SECTOR).max(1));
        // A power of two, or `limits` refuses it.
        sectors & block.wrapping_sub(1) == 0
    }

    /// Returns whether C splits what is larger than the limits of discard and of write zeroes. Where a limit
    /// rounds down to nothing, C does not split at all.
    fn can_split(&self) -> bool {
        let (sectors, granularity) = self.discard;
        let holds = |sectors: u32, bytes: u32| sectors >= bytes / SECTOR;
        let unit = granularity.max(self.physical);
        let discard = granularity.is_power_of_two()
            && granularity >= self.logical
            // C counts bytes in 32 bits, and needs one unit in them.
            && unit <= 1 << 30
            && holds(sectors, unit);

        (sectors == 0 || discard)
            && (self.write_zeroes == 0 || holds(self.write_zeroes, self.logical))
    }

    /// Returns the limits of the queue, for requests that `dev` can map, of up to `max_segments`
    /// segments.
    ///
    /// # Errors
    ///
    /// `EINVAL`: C would warn of them, or would not keep them.
    pub(super) fn limits(
        &self,
        dev: DmaDevice<'_>,
        max_segments: u16,
    ) -> Result<bindings::queue_limits> {
        // CAST: A page is at most 64 KiB.
        let page = PAGE_SIZE as u32;
        let whole = |size: u32| size.is_power_of_two() && size >= SECTOR;
        // CAST: Limited to 32 bits.
        let bytes = dev
            .max_mapping_size()
            .min(dev.opt_mapping_size())
            .min(self.max_bytes as usize) as u32;
        // Behind an IOMMU, memory that is contiguous must stay one segment of the block layer: C links
        // segments into one range of IOVAs, and warns of one that begins within a page of the IOMMU, as
        // the second part of a buffer does that is not aligned. The pieces keep the limits nonetheless.
        let (segment, boundary) = match dev.merge_boundary() {
            // CAST: Limited to the number of bits that C has.
            0 => (
                // Whole pages, so that what is cut keeps the alignment of the data.
                dev.max_segment_size() & !(MIN_SEGMENT - 1),
                dev.segment_boundary().min(c_ulong::MAX as u64) as c_ulong,
            ),
            _ => (u32::MAX, c_ulong::MAX),
        };
        // CAST: A cache line is at most a page. It is 1 for a device that is coherent.
        let alignment = self.dma_alignment | (dev.cache_alignment() as u32).wrapping_sub(1);

        if !whole(self.logical)
            || self.logical > page
            || !whole(self.physical)
            || bytes < page
            || dev.max_segment_size() < MIN_SEGMENT
            || u64::from(MIN_SEGMENT - 1) > dev.segment_boundary()
            || alignment > page
            || !self.are_blocks(self.sectors)
            || !self.can_split()
        {
            return Err(EINVAL);
        }

        Ok(bindings::queue_limits {
            features: self.features,
            logical_block_size: self.logical,
            physical_block_size: self.physical.max(self.logical),
            max_hw_sectors: bytes / SECTOR,
            max_segments,
            max_segment_size: segment,
            seg_boundary_mask: boundary,
            virt_boundary_mask: self.virt_boundary as c_ulong,
            dma_alignment: alignment,
            max_hw_discard_sectors: self.discard.0,
            max_user_discard_sectors: c_uint::MAX,
            discard_granularity: self.discard.1,
            max_discard_segments: 1,
            max_write_zeroes_sectors: self.write_zeroes,
            max_hw_wzeroes_unmap_sectors: 0,
            max_user_wzeroes_unmap_sectors: c_uint::MAX,
            ..pin_init::zeroed()
        })
    }
}
