// SPDX-License-Identifier: GPL-2.0

//! Range access: copies from and to a part of a mapping of any buffer.
//!
//! In the `Cpu` state they are plain copies. In the `Device` state, while the engine is idle, they
//! sync only the range that they access: reading a header syncs no more than the header.

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
    handle::{
        Backing as _,
        ForCpu,
        ForDevice,
        Receiver, //
    },
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
    /// For buffers that the CPU cannot access as a slice: lists, pages, user memory. User space can change
    /// its memory at any time, so check and use the copy. The time that this takes grows with `offset`.
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
        // SAFETY: In this state the CPU owns the memory, or user space does. It is initialised, and
        // free of padding in any direction (`IntoBytes`). While `self` is shared, no kernel code writes to
        // such elements (`Copied`).
        unsafe { self.backing.copy_out(offset, data) };
        Ok(())
    }
}

impl<B: SgSource, D: CpuWrites> SgMapping<'_, B, D, Cpu> {
    /// Copies `data` to the buffer, from `offset` on.
    ///
    /// For elements for which any bytes are valid, as for those that can cross in both directions.
    ///
    /// C API: `sg_pcopy_from_buffer()`. Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the range does not lie within the buffer; nothing is written then.
    pub fn write(&mut self, offset: usize, data: &[u8]) -> Result
    where
        Bidirectional: Carries<B::Element>,
    {
        self.backing.check(offset, data.len())?;
        // SAFETY: In this state the CPU owns the memory, the mapping is borrowed exclusively, and
        // any bytes are values of the element type (`FromBytes`).
        unsafe { self.backing.copy_in(offset, data) };
        Ok(())
    }
}

impl<B: SgSource, D: Direction, E: Engine> SgMapping<'_, B, D, Device<E>> {
    /// Syncs a range for the CPU, copies it to `data`, and syncs it for the device.
    ///
    /// The engine must be idle. The device keeps the mapping.
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
        self.synced(offset, data.len(), |sg| {
            // SAFETY: The range lies within the buffer. The device accesses nothing. If the driver starts
            // it meanwhile, the copy gets wrong data, but there is no reference to it. The memory is
            // initialised and free of padding.
            unsafe { sg.copy_out(offset, data) }
        })
    }

    /// Copies `data` to a range of the buffer, and syncs it for the device.
    ///
    /// The engine must be idle. The device keeps the mapping, and what it wrote elsewhere does not
    /// change.
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
        // SAFETY: The range lies within the buffer. The device accesses nothing, and any bytes are values of
        // the element type.
        self.synced(offset, data.len(), |sg| unsafe { sg.copy_in(offset, data) })
    }

    /// Syncs a range for the CPU, calls `copy` while the engine is idle, and syncs the range for the device.
    fn synced(&mut self, offset: usize, len: usize, copy: impl FnOnce(&Sg<'_, B>)) -> Result {
        let sg = &*self.backing;
        sg.check(offset, len)?;
        if !self.state().is_done() {
            return Err(EBUSY);
        }

        // SAFETY: `dev` is bound. The table is mapped for it in direction `D`, and the range, or each piece
        // of it, lies within it. The engine is idle, so the device accesses nothing.
        unsafe {
            sg.sync_range::<D, ForCpu>(offset, len);
            copy(sg);
            sg.sync_range::<D, ForDevice>(offset, len);
        }
        Ok(())
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
    /// The range must lie within the buffer. Its memory must be initialised, and no kernel code may write
    /// to it meanwhile.
    unsafe fn copy_out(&self, offset: usize, data: &mut [u8]) {
        // SAFETY: `data` is valid for writes; the table describes the buffer's memory (type
        // invariant of the mapping). The function maps high memory for the kernel itself.
        //
        // CAST: An offset in a buffer fits in `off_t`, which has the size of a pointer.
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
    /// The range must lie within the buffer. Its memory must be able to hold any bytes, and no kernel code
    /// may access it meanwhile.
    unsafe fn copy_in(&self, offset: usize, data: &[u8]) {
        // SAFETY: `data` is valid for reads, and the function does not write to it; the table describes
        // the buffer's memory (type invariant of the mapping).
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

    /// Syncs the pieces of a range for `R`, if the device needs it; or all of it: see [`SYNC_WHOLE`].
    ///
    /// # Safety
    ///
    /// The table must be mapped in direction `D`, and the range must lie within it. No device may access
    /// the memory, and no reference to it may exist.
    unsafe fn sync_range<D: Direction, R: Receiver>(&self, offset: usize, len: usize) {
        let dev = self.dev.as_raw();

        // SAFETY: The device is bound, and the table is mapped for it in direction `D`, without references
        // to its memory (safety requirements of this function). Each piece of the range lies within it.
        unsafe {
            if SYNC_WHOLE && B::Memory::USER {
                // A sync of the rest loses no data of user space.
                self.sync::<D, R>();
            } else if ffi::need_sync(dev) {
                for_each_piece(self.table(), offset, len, |address, len| {
                    (R::SYNC_SINGLE)(dev, address, len, D::RAW)
                });
            }
        }
    }
}

/// Whether a sync of a range of user memory syncs the whole mapping.
///
/// DMA debugging looks up the mapping of a range, and warns if it finds two. User space may pass one page
/// twice, which is not the driver's fault.
const SYNC_WHOLE: bool = cfg!(CONFIG_DMA_API_DEBUG);

/// Calls `f` with the DMA addresses and lengths of the pieces of a range that are contiguous both
/// in memory and for the device.
///
/// An IOMMU may join entries, so one DMA segment may be several pieces of memory. The functions that sync
/// take only what is contiguous in memory.
fn for_each_piece(table: &Table, offset: usize, len: usize, mut f: impl FnMut(DmaAddress, usize)) {
    let mut memory = table.lengths();
    let mut device = Entries::Table(table.segments());
    let (mut in_memory, mut in_device) = (0u32, Segment::EMPTY);
    let (mut skip, mut left) = (offset, len);

    while left != 0 {
        // Both lists cover the buffer, so they end together, and not before the range.
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

        // CAST: At most the length of both entries.
        in_memory = in_memory.wrapping_sub(step as u32);
        in_device.skip(step as u32);
    }
}
