// SPDX-License-Identifier: GPL-2.0

//! C functions and constants of the block layer that the `kernel` crate lacks.

use core::mem::MaybeUninit;
use kernel::{
    bindings,
    prelude::*, //
};

// `block.c` asserts that these are C's. bindgen does not evaluate the casts in the headers.
pub(super) const REQ_OP_MASK: u32 = 0xff;
pub(super) const REQ_OP_READ: u8 = 0;
pub(super) const REQ_OP_WRITE: u8 = 1;
pub(super) const REQ_OP_FLUSH: u8 = 2;
pub(super) const REQ_OP_DISCARD: u8 = 3;
pub(super) const REQ_OP_WRITE_ZEROES: u8 = 9;
pub(super) const BLK_STS_OK: bindings::blk_status_t = 0;
pub(super) const BLK_STS_RESOURCE: bindings::blk_status_t = 9;
pub(super) const BLK_STS_IOERR: bindings::blk_status_t = 10;
/// The statuses within the block layer: to queue again in device mapper, and to submit again.
pub(super) const BLK_STS_DM_REQUEUE: bindings::blk_status_t = 11;
pub(super) const BLK_STS_AGAIN: bindings::blk_status_t = 12;
pub(super) const BLK_OPEN_WRITE: bindings::blk_mode_t = 1 << 1;
pub(super) const BLK_FEAT_WRITE_CACHE: u32 = 1 << 0;
pub(super) const BLK_FEAT_FUA: u32 = 1 << 1;
pub(super) const BLK_FEAT_ROTATIONAL: u32 = 1 << 2;

/// The bit of `cmd_flags` for a write that must be on the medium when it is completed.
pub(super) const REQ_FUA: u32 = 1 << bindings::req_flag_bits___REQ_FUA;
/// The bit for zeroes that must stay allocated.
pub(super) const REQ_NOUNMAP: u32 = 1 << bindings::req_flag_bits___REQ_NOUNMAP;
/// The bits for a request that is not tried again.
pub(super) const REQ_FAILFAST: u32 = 1 << bindings::req_flag_bits___REQ_FAILFAST_DEV
    | 1 << bindings::req_flag_bits___REQ_FAILFAST_TRANSPORT
    | 1 << bindings::req_flag_bits___REQ_FAILFAST_DRIVER;
/// The bit of `rq_flags` for a request with data of the driver's, which is not merged any more.
pub(super) const RQF_DONTPREP: u32 = 1 << bindings::rqf_flags___RQF_DONTPREP;
/// The bit for a request whose completion somebody polls for.
pub(super) const REQ_POLLED: u32 = 1 << bindings::req_flag_bits___REQ_POLLED;

/// C's `struct blk_dma_iter`. `block.c` asserts that the fields are at their places, and that there is
/// room for the rest.
#[repr(C, align(8))]
pub(super) struct DmaIter {
    pub(super) address: bindings::dma_addr_t,
    pub(super) len: u32,
    _rest: MaybeUninit<[u8; 128 - size_of::<bindings::dma_addr_t>() - 4]>,
}

// SAFETY: The declarations are those of `block.h` and `linux/blk-mq-dma.h`.
#[allow(improper_ctypes, reason = "C knows the layout of bindgen's types")]
unsafe extern "C" {
    /// Maps the first segment of a request, or all of it into one range of IOVAs. `false`: no segment.
    ///
    /// # Safety
    ///
    /// `rq` must be a read or a write that is started and not ended, `dev` a bound device. `state` and
    /// `iter` must be valid for writes.
    #[link_name = "blk_rq_dma_map_iter_start"]
    pub(super) fn map_first(
        rq: *mut bindings::request,
        dev: *mut bindings::device,
        state: *mut bindings::dma_iova_state,
        iter: *mut DmaIter,
    ) -> bool;

    /// Maps the next segment. `false`: no segment.
    ///
    /// # Safety
    ///
    /// As for [`map_first`], which has returned `true` for `iter`.
    #[link_name = "blk_rq_dma_map_iter_next"]
    pub(super) fn map_next(
        rq: *mut bindings::request,
        dev: *mut bindings::device,
        iter: *mut DmaIter,
    ) -> bool;

    /// Adds a request that has not failed to a batch. `false`: it is not, and must be ended alone.
    ///
    /// # Safety
    ///
    /// `rq` must be started and not ended. The caller must own it, and gives it away if this returns `true`.
    #[link_name = "dma_map_helper_add_to_batch"]
    pub(super) fn add_to_batch(
        rq: *mut bindings::request,
        batch: &mut bindings::io_comp_batch,
    ) -> bool;

    /// Maps the data of a request that is contiguous. `-EAGAIN`: it is not; `-ENOMEM`: it can't be mapped.
    ///
    /// # Safety
    ///
    /// `rq` must be a read or a write with data that is started and not ended, `dev` a bound device with a
    /// mask.
    #[link_name = "dma_map_helper_map_one"]
    pub(super) fn map_one(
        rq: *mut bindings::request,
        dev: *mut bindings::device,
        address: &mut bindings::dma_addr_t,
    ) -> c_int;

    /// Returns why there is no segment: 0 at the end of the data, or a negative errno; the latter also
    /// for memory of another device.
    ///
    /// # Safety
    ///
    /// [`map_first`] must have been called with `iter`.
    #[link_name = "dma_map_helper_check_iter"]
    pub(super) fn check_iter(iter: *const DmaIter) -> c_int;

    /// Returns whether C warns of data that lies beyond `limit`, and does not map it.
    ///
    /// # Safety
    ///
    /// `rq` must be a read or a write that is not ended, `dev` a bound device with a mask.
    #[link_name = "dma_map_helper_rq_refused"]
    pub(super) fn rq_refused(
        rq: *mut bindings::request,
        dev: *mut bindings::device,
        limit: u64,
    ) -> bool;

    /// Returns whether data that C did not map can never be mapped.
    ///
    /// # Safety
    ///
    /// As for [`rq_refused`].
    #[link_name = "dma_map_helper_rq_never"]
    pub(super) fn rq_never(rq: *mut bindings::request, dev: *mut bindings::device) -> bool;

    /// Makes a mempool of pieces of `size` bytes, of which one is always there; NULL if there is no
    /// memory.
    #[link_name = "dma_map_helper_create_reserve"]
    pub(super) safe fn create_reserve(size: usize) -> *mut bindings::mempool;

    /// Copies the first `len` bytes behind `offset` of a request's data to `to`.
    ///
    /// # Safety
    ///
    /// `rq` must be a read or a write that is not ended, with that many bytes of data. `to` must be valid
    /// for writes of `len` bytes.
    #[link_name = "dma_map_helper_copy_from_rq"]
    pub(super) fn copy_from_rq(rq: *mut bindings::request, offset: u32, to: *mut u8, len: u32);

    /// Copies `len` bytes from `from` to a request's data, behind `offset`.
    ///
    /// # Safety
    ///
    /// As for [`copy_from_rq`]; `from` must be valid for reads of `len` bytes. The driver must own the
    /// data.
    #[link_name = "dma_map_helper_copy_to_rq"]
    pub(super) fn copy_to_rq(rq: *mut bindings::request, offset: u32, from: *const u8, len: u32);
}

/// Returns the status for the block layer.
#[inline]
pub(super) fn status(result: Result) -> bindings::blk_status_t {
    match result {
        Ok(()) => BLK_STS_OK,
        Err(error) => {
            // SAFETY: No preconditions; the function looks up a number.
            match unsafe { bindings::errno_to_blk_status(error.to_errno()) } {
                BLK_STS_DM_REQUEUE | BLK_STS_AGAIN => BLK_STS_IOERR,
                status => status,
            }
        }
    }
}
