// SPDX-License-Identifier: GPL-2.0

//! Copies from and to a part of a mapping, whatever its buffer is made of.
//!
//! In the `Cpu` state they are plain copies. In the `Device` state, while the engine is idle, they
//! sync the range that they touch, and nothing else: a look at the header of what has arrived costs
//! the header.

use super::{
    source::SgSource,
    Sg,
    SgMapping, //
};
use crate::{
    buf::buffer::SgBuffer,
    direction::{
        Bidirectional,
        Carries,
        Copied,
        CpuReads,
        CpuWrites,
        Direction, //
    },
    engine::Engine,
    handle::Backing as _,
    seg::{
        segments::{
            Entries,
            Segment, //
        },
        table::Table, //
    },
    state::{
        private::State as _,
        Cpu,
        Device, //
    },
    sys::ffi, //
};
use kernel::{
    bindings,
    dma::DmaAddress,
    prelude::*, //
};

impl<B: SgSource, D: CpuReads> SgMapping<'_, B, D, Cpu> {
    /// Copies bytes of the buffer, from `offset` on, to `data`.
    ///
    /// The way to buffers that are no slice for the CPU: lists, pages, user memory. For what user
    /// space can change, a copy is what to check and to use. Takes longer the larger the `offset`.
    ///
    /// C API: `sg_pcopy_to_buffer()`. Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the range does not lie within the buffer; `data` is not changed then.
    pub fn read(&self, offset: usize, data: &mut [u8]) -> Result
    where
        B::Element: Copied,
    {
        self.backing.check(offset, data.len())?;
        // SAFETY: In this state the memory is the CPU's, or user space's. It is initialised, and
        // free of padding in any direction (`IntoBytes`). While `self` is shared, nobody in the kernel
        // writes to such elements.
        unsafe { self.backing.copy_out(offset, data) };
        Ok(())
    }
}

impl<B: SgSource, D: CpuWrites> SgMapping<'_, B, D, Cpu> {
    /// Copies `data` to the buffer, from `offset` on.
    ///
    /// For elements of which any bytes are a value, as those are that can go both ways. C API:
    /// `sg_pcopy_from_buffer()`. Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the range does not lie within the buffer; nothing is written then.
    pub fn write(&mut self, offset: usize, data: &[u8]) -> Result
    where
        Bidirectional: Carries<B::Element>,
    {
        self.backing.check(offset, data.len())?;
        // SAFETY: In this state the memory is the CPU's, the mapping is borrowed exclusively, and
        // any bytes are values of the element type (`FromBytes`).
        unsafe { self.backing.copy_in(offset, data) };
        Ok(())
    }
}

impl<B: SgSource, D: Direction, E: Engine> SgMapping<'_, B, D, Device<E>> {
    /// Syncs a range for the CPU, copies it to `data`, and gives it back to the device.
    ///
    /// The device must be done for the moment. The mapping stays its own, as it is.
    ///
    /// C API: `dma_sync_single_range_for_cpu()`, `dma_sync_single_range_for_device()`, for each
    /// contiguous piece of the range. Context: any.
    ///
    /// # Errors
    ///
    /// `data` is not changed after each of them:
    ///
    /// - `EBUSY`: the engine is not idle.
    /// - `EINVAL`: the range does not lie within the buffer.
    pub fn sync_read(&mut self, offset: usize, data: &mut [u8]) -> Result
    where
        D: CpuReads,
    {
        self.idle_range(offset, data.len())?;
        // SAFETY: The table is mapped in direction `D`, and the range lies within it. The engine is
        // idle, so the device accesses nothing: a driver that starts it meanwhile gets wrong data,
        // as the copy is not made by reference. The memory is initialised and free of padding.
        unsafe {
            self.backing.sync_range_for_cpu::<D>(offset, data.len());
            self.backing.copy_out(offset, data);
            self.backing.sync_range_for_device::<D>(offset, data.len());
        }
        Ok(())
    }

    /// Copies `data` to a range of the buffer, and syncs it for the device.
    ///
    /// The device must be done for the moment. The mapping stays its own; what it wrote elsewhere
    /// is not touched.
    ///
    /// C API: as [`sync_read`](Self::sync_read). Context: any.
    ///
    /// # Errors
    ///
    /// Nothing is written after each of them:
    ///
    /// - `EBUSY`: the engine is not idle.
    /// - `EINVAL`: the range does not lie within the buffer.
    pub fn sync_write(&mut self, offset: usize, data: &[u8]) -> Result
    where
        D: CpuWrites,
        Bidirectional: Carries<B::Element>,
    {
        self.idle_range(offset, data.len())?;
        // SAFETY: As in `sync_read`; any bytes are values of the element type.
        unsafe {
            self.backing.sync_range_for_cpu::<D>(offset, data.len());
            self.backing.copy_in(offset, data);
            self.backing.sync_range_for_device::<D>(offset, data.len());
        }
        Ok(())
    }

    fn idle_range(&self, offset: usize, len: usize) -> Result {
        self.backing.check(offset, len)?;
        if self.state().is_done() {
            Ok(())
        } else {
            Err(EBUSY)
        }
    }
}

impl<B: SgSource> Sg<'_, B> {
    /// Checks that a range lies within the buffer.
    fn check(&self, offset: usize, len: usize) -> Result {
        match offset.checked_add(len) {
            Some(end) if end <= self.size => Ok(()),
            _ => Err(EINVAL),
        }
    }

    /// Copies from the memory to `data`.
    ///
    /// # Safety
    ///
    /// The range lies within the buffer, whose memory is initialised and written by nobody in the
    /// kernel.
    unsafe fn copy_out(&self, offset: usize, data: &mut [u8]) {
        // SAFETY: `data` is valid for writes; the table describes the buffer's memory (type
        // invariant of the mapping). The function maps what is not mapped for the kernel.
        //
        // CAST: A buffer's length fits in the type, which has the size of a pointer.
        unsafe {
            bindings::sg_pcopy_to_buffer(
                self.table().sgl(),
                self.table().entries() as c_uint,
                data.as_mut_ptr().cast(),
                data.len(),
                offset as bindings::off_t,
            )
        };
    }

    /// Copies from `data` to the memory.
    ///
    /// # Safety
    ///
    /// The range lies within the buffer, whose memory nobody in the kernel accesses, and which may
    /// hold any bytes.
    unsafe fn copy_in(&self, offset: usize, data: &[u8]) {
        // SAFETY: As in `copy_out`; the function does not write to `data`.
        unsafe {
            bindings::sg_pcopy_from_buffer(
                self.table().sgl(),
                self.table().entries() as c_uint,
                data.as_ptr().cast(),
                data.len(),
                offset as bindings::off_t,
            )
        };
    }

    /// Calls `sync` with the pieces of a range, unless the device needs none; or syncs `all`.
    ///
    /// # Safety
    ///
    /// The table is mapped, and the range lies within it.
    unsafe fn sync_range(
        &self,
        (offset, len): (usize, usize),
        all: impl FnOnce(&Self),
        sync: impl Fn(*mut bindings::device, DmaAddress, usize),
    ) {
        let dev = self.dev.as_raw();

        if SYNC_WHOLE && B::Memory::USER {
            // What user space has is not lost by a sync of the rest.
            return all(self);
        }
        // SAFETY: The device is bound.
        if unsafe { ffi::need_sync(dev) } {
            for_each_piece(self.table(), offset, len, |address, len| {
                sync(dev, address, len)
            });
        }
    }

    /// Syncs a range for the CPU.
    ///
    /// # Safety
    ///
    /// The table is mapped in direction `D`, and the range lies within it.
    unsafe fn sync_range_for_cpu<D: Direction>(&self, offset: usize, len: usize) {
        // SAFETY: All or a part of what was mapped, by the safety requirements of this function.
        unsafe {
            self.sync_range(
                (offset, len),
                |this| this.sync_for_cpu::<D>(),
                |dev, at, len| bindings::__dma_sync_single_for_cpu(dev, at, len, D::RAW),
            )
        };
    }

    /// Syncs a range for the device.
    ///
    /// # Safety
    ///
    /// The table is mapped in direction `D`, and the range lies within it.
    unsafe fn sync_range_for_device<D: Direction>(&self, offset: usize, len: usize) {
        // SAFETY: All or a part of what was mapped, by the safety requirements of this function.
        unsafe {
            self.sync_range(
                (offset, len),
                |this| this.sync_for_device::<D>(),
                |dev, at, len| bindings::__dma_sync_single_for_device(dev, at, len, D::RAW),
            )
        };
    }
}

/// Whether a range of user memory is synced with all that is mapped.
///
/// DMA debugging looks for the mapping that a range is in, and complains of two. User space may give
/// one page twice; that it does is not the driver's fault.
const SYNC_WHOLE: bool = cfg!(CONFIG_DMA_API_DEBUG);

/// Calls `f` with the DMA addresses and lengths of the pieces of a range that are contiguous both
/// in memory and for the device.
///
/// An IOMMU joins entries, so what is one for the device may be many in memory, and the functions
/// that sync take only what is contiguous there.
fn for_each_piece(table: &Table, offset: usize, len: usize, mut f: impl FnMut(DmaAddress, usize)) {
    let mut memory = table.lengths();
    let mut device = Entries::of(table);
    let (mut in_memory, mut in_device) = (0u32, Segment::NOTHING);
    let (mut skip, mut left) = (offset, len);

    while left != 0 {
        // Both lists are as long as the buffer, so they end together, and not before the range.
        if in_memory == 0 {
            let Some(next) = memory.next() else { return };
            in_memory = next;
        }
        if in_device.len == 0 {
            let Some(next) = device.next() else { return };
            in_device = next;
        }

        let step = in_memory.min(in_device.len) as usize;
        let (step, used) = if skip != 0 {
            (step.min(skip), false)
        } else {
            (step.min(left), true)
        };
        if used {
            f(in_device.address, step);
            left = left.wrapping_sub(step);
        } else {
            skip = skip.wrapping_sub(step);
        }

        // CAST: Not more than the entries have.
        in_memory = in_memory.wrapping_sub(step as u32);
        in_device.take(step as u32);
    }
}
