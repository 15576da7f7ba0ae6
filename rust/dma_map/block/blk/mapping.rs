// SPDX-License-Identifier: GPL-2.0

//! The mapping of a request: what must be unmapped, in memory that no device reaches.

use super::{
    ffi,
    reserve::Reserve, //
};
use crate::{
    seg::segments::Segment,
    DmaDevice, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    prelude::*, //
};

/// How a request is mapped.
enum Form {
    /// In no way, or in one that needs no unmapping.
    Nothing,
    /// Into one range of IOVAs, of which so many bytes.
    Iova(bindings::dma_iova_state, u32),
    /// As one segment.
    One(Segment),
    /// As several, which are in a list of the reserve.
    List(NonNull<Segment>, u16),
}

/// The segments of a request that must be unmapped.
///
/// C's drivers read them back from the lists that the device got. These here are the library's own, so
/// that a device which changes its lists can't change what is unmapped.
///
/// # Invariants
///
/// - What `form` has is mapped for the device of the request's tag set, in the direction of its operation,
///   and is unmapped by [`unmap`](Self::unmap) only.
/// - A list is of the tag set's reserve, and has that many segments.
pub(super) struct Mapping {
    form: Form,
    /// How many bytes of the request the device reaches.
    bytes: u32,
}

/// Returns the direction of a request, by its operation.
///
/// # Safety
///
/// `rq` must be valid.
#[inline]
unsafe fn direction(rq: *mut bindings::request) -> bindings::dma_data_direction {
    // SAFETY: By the precondition of this function.
    if unsafe { (*rq).cmd_flags } & ffi::REQ_OP_MASK & 1 != 0 {
        bindings::dma_data_direction::DMA_TO_DEVICE
    } else {
        bindings::dma_data_direction::DMA_FROM_DEVICE
    }
}

impl Mapping {
    /// A request that is not mapped.
    #[inline(always)]
    pub(super) const fn none() -> Self {
        // INVARIANT: Nothing is mapped.
        Self {
            form: Form::Nothing,
            bytes: 0,
        }
    }

    /// Returns whether the device reaches anything.
    #[inline(always)]
    pub(super) fn is_some(&self) -> bool {
        self.bytes != 0
    }

    /// Returns how many bytes the device reaches.
    #[inline]
    pub(super) fn bytes(&self) -> u32 {
        self.bytes
    }

    /// Notes a range of IOVAs.
    ///
    /// # Safety
    ///
    /// `len` bytes must be linked, in the request's direction, and nothing was noted before.
    #[inline]
    pub(super) unsafe fn note_iova(&mut self, state: bindings::dma_iova_state, len: u32) {
        // INVARIANT: By the precondition of this function.
        self.form = Form::Iova(state, len);
        self.bytes = len;
    }

    /// Notes a segment that was mapped.
    ///
    /// # Errors
    ///
    /// The segment is unmapped again:
    ///
    /// - `ENOMEM`: no memory for a list.
    /// - `EIO`: more segments than a list has room for.
    ///
    /// # Safety
    ///
    /// The segment must be mapped for `dev`, in the direction of `rq`, and no range of IOVAs was noted.
    #[inline]
    pub(super) unsafe fn note(
        &mut self,
        dev: DmaDevice<'_>,
        rq: *mut bindings::request,
        reserve: &Reserve,
        segment: Segment,
    ) -> Result {
        if !dev.needs_unmap() {
            // INVARIANT: What is mapped so far needs no unmapping.
            self.bytes = self.bytes.saturating_add(segment.len);
            return Ok(());
        }

        // SAFETY: By the preconditions of this function.
        let result = unsafe { self.keep(reserve, segment) };
        match result {
            Ok(()) => self.bytes = self.bytes.saturating_add(segment.len),
            // SAFETY: It was mapped so (function precondition), and no device has the address.
            Err(_) => unsafe { unmap_segment(dev, segment, direction(rq)) },
        }
        result
    }

    /// Keeps a segment.
    ///
    /// # Safety
    ///
    /// As for [`note`](Self::note).
    unsafe fn keep(&mut self, reserve: &Reserve, segment: Segment) -> Result {
        let (list, count) = match &self.form {
            Form::Nothing => {
                // INVARIANT: Mapped by the precondition of this function.
                self.form = Form::One(segment);
                return Ok(());
            }
            // Not reached, by the precondition of this function.
            Form::Iova(..) => return Err(EIO),
            Form::One(first) => {
                let list = reserve.take().ok_or(ENOMEM)?;
                // SAFETY: A list has room for one segment at least.
                unsafe { list.write(*first) };
                (list, 1)
            }
            Form::List(list, count) => (*list, *count),
        };
        // INVARIANT: A list of the reserve, with the segments written so far.
        self.form = Form::List(list, count);
        if count >= reserve.capacity() {
            return Err(EIO);
        }
        // SAFETY: The list has room for `capacity` segments, and this one is less than that.
        unsafe { list.add(count.into()).write(segment) };
        // INVARIANT: One segment more.
        self.form = Form::List(list, count.wrapping_add(1));
        Ok(())
    }

    /// Unmaps everything, which syncs the data for the CPU.
    ///
    /// Context: any.
    ///
    /// # Safety
    ///
    /// `rq`, `dev` and `reserve` must be those that the mapping was made with, and the device be done. The
    /// value is not used again.
    #[inline]
    pub(super) unsafe fn unmap(
        &self,
        dev: DmaDevice<'_>,
        rq: *mut bindings::request,
        reserve: &Reserve,
    ) {
        if !matches!(self.form, Form::Nothing) {
            // SAFETY: By the preconditions of this function.
            unsafe { self.unmap_all(dev, rq, reserve) };
        }
    }

    /// # Safety
    ///
    /// As for [`unmap`](Self::unmap).
    unsafe fn unmap_all(&self, dev: DmaDevice<'_>, rq: *mut bindings::request, reserve: &Reserve) {
        // SAFETY: The request is valid (function precondition).
        let direction = unsafe { direction(rq) };

        match self.form {
            Form::Nothing => {}
            Form::Iova(state, len) => {
                // SAFETY: The range is linked (type invariants), and the device is done.
                unsafe { destroy(dev, state, len, direction) }
            }
            Form::One(segment) => {
                // SAFETY: The segment is mapped (type invariants), and the device is done.
                unsafe { unmap_segment(dev, segment, direction) }
            }
            Form::List(list, count) => {
                for i in 0..count {
                    // SAFETY: The list has `count` segments, which are mapped (type invariants), and the
                    // device is done.
                    unsafe { unmap_segment(dev, list.add(i.into()).read(), direction) };
                }
                // SAFETY: The list is of this reserve (type invariants), and is not used again.
                unsafe { reserve.put(list) };
            }
        }
    }
}

/// Unmaps a segment.
///
/// # Safety
///
/// It must be mapped for `dev` in this direction, and the device be done.
#[inline]
unsafe fn unmap_segment(
    dev: DmaDevice<'_>,
    segment: Segment,
    direction: bindings::dma_data_direction,
) {
    // CAST: To the wider type.
    let len = segment.len as usize;
    // SAFETY: By the preconditions of this function.
    unsafe { bindings::dma_unmap_phys(dev.as_raw(), segment.address, len, direction, 0) };
}

/// Unlinks a range of IOVAs.
///
/// # Safety
///
/// `len` bytes must be linked for `dev` in this direction, and the device be done.
#[inline]
unsafe fn destroy(
    dev: DmaDevice<'_>,
    mut state: bindings::dma_iova_state,
    len: u32,
    direction: bindings::dma_data_direction,
) {
    #[cfg(CONFIG_IOMMU_DMA)]
    // SAFETY: By the preconditions of this function.
    //
    // CAST: To the wider type.
    unsafe {
        bindings::dma_iova_destroy(dev.as_raw(), &mut state, len as usize, direction, 0)
    };
    // Without an IOMMU there is no range.
    #[cfg(not(CONFIG_IOMMU_DMA))]
    let _ = (dev, &mut state, len, direction);
}
