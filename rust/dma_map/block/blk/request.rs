// SPDX-License-Identifier: GPL-2.0

//! Requests that the driver owns.

use super::{
    ffi,
    operations::Operations,
    refused::Refused,
    shared::{
        Pdu,
        Shared, //
    }, //
};
use crate::generic::variance::InvariantIn;
use core::{
    marker::PhantomData,
    mem::{
        ManuallyDrop,
        MaybeUninit, //
    },
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    prelude::*,
    types::Opaque, //
};

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Read [`bytes`](RequestInfo::bytes) from [`sector`](RequestInfo::sector) on.
    Read,
    /// Write them.
    Write,
    /// Write the device's cache to the medium.
    Flush,
    /// The contents of the sectors are no longer needed.
    Discard,
    /// Write zeroes to the sectors.
    WriteZeroes,
    /// Something else, by the number of C's `enum req_op`. A disk with the options of this module does
    /// not get it.
    Other(u8),
}

/// What a request says of itself.
///
/// # Invariants
///
/// The request belongs to a disk whose operations are `T`, was started, and is not ended as long as it is
/// borrowed.
#[repr(transparent)]
pub struct RequestInfo<T> {
    rq: Opaque<bindings::request>,
    _operations: InvariantIn<T>,
}

impl<T: Operations> RequestInfo<T> {
    /// # Safety
    ///
    /// `rq` must be as the type invariants say during `'a`.
    #[inline(always)]
    pub(super) unsafe fn of<'a>(rq: NonNull<bindings::request>) -> &'a Self {
        // SAFETY: The type is a transparent wrapper of an `Opaque`, and the request is valid.
        unsafe { rq.cast().as_ref() }
    }

    /// Returns the C structure.
    #[inline(always)]
    pub(super) fn as_raw(&self) -> *mut bindings::request {
        self.rq.get()
    }

    #[inline(always)]
    pub(super) fn shared(&self) -> &Shared {
        // SAFETY: The request is started, so it has a hardware queue, whose `driver_data` the tag set has
        // set. The tag set exists as long as the disk.
        unsafe { &*(*(*self.as_raw()).mq_hctx).driver_data.cast::<Shared>() }
    }

    /// Gives the request to the device, with its command: it is kept in its slot.
    ///
    /// # Errors
    ///
    /// The command, if there is no such slot.
    ///
    /// # Safety
    ///
    /// `rq` must be this request, with its mapping initialised. The caller must own it, and gives it away
    /// if this succeeds.
    #[inline]
    pub(super) unsafe fn keep(
        &self,
        rq: NonNull<bindings::request>,
        command: T::Command,
    ) -> Result<(), T::Command> {
        // SAFETY: The operations of the request are `T` (type invariants), and the caller owns it.
        let pdu = unsafe { &mut *Pdu::<T>::of(rq).as_ptr() };

        pdu.command = MaybeUninit::new(command);
        // SAFETY: The caller owns the request, whose queue and tag these are, and whose command was
        // initialised above.
        if unsafe { self.shared().keep(self.queue(), self.tag(), rq) } {
            Ok(())
        } else {
            // SAFETY: Initialised above, and not given away.
            Err(unsafe { pdu.command.assume_init_read() })
        }
    }

    #[inline(always)]
    pub(super) fn flags(&self) -> u32 {
        // SAFETY: The request is valid, and C does not change this while the driver has it.
        unsafe { (*self.as_raw()).cmd_flags }
    }

    /// Returns what the request asks for.
    #[inline]
    pub fn operation(&self) -> Operation {
        // CAST: Masked.
        match (self.flags() & ffi::REQ_OP_MASK) as u8 {
            ffi::REQ_OP_READ => Operation::Read,
            ffi::REQ_OP_WRITE => Operation::Write,
            ffi::REQ_OP_FLUSH => Operation::Flush,
            ffi::REQ_OP_DISCARD => Operation::Discard,
            ffi::REQ_OP_WRITE_ZEROES => Operation::WriteZeroes,
            other => Operation::Other(other),
        }
    }

    /// Returns the first sector, in units of 512 bytes. A [`Flush`](Operation::Flush) has none: the number
    /// means nothing.
    ///
    /// C API: `blk_rq_pos()`.
    #[inline]
    pub fn sector(&self) -> u64 {
        // SAFETY: As in `flags`.
        unsafe { (*self.as_raw()).__sector }
    }

    /// Returns the number of bytes: of the data, or of the sectors that a request without data is for.
    ///
    /// C API: `blk_rq_bytes()`.
    #[inline]
    pub fn bytes(&self) -> u32 {
        // SAFETY: As in `flags`.
        unsafe { (*self.as_raw()).__data_len }
    }

    /// Returns the number of segments that the block layer counts: at least one if there is data. What a
    /// device gets may be fewer or more [pieces](super::RequestPieces).
    ///
    /// C API: `blk_rq_nr_phys_segments()`.
    #[inline]
    pub fn segments(&self) -> u32 {
        // SAFETY: As in `flags`.
        u32::from(unsafe { (*self.as_raw()).nr_phys_segments }).max(1)
    }

    /// Returns whether a segment but the first begins within a page of `mask + 1` bytes, or one but the last
    /// ends within one. A device that takes lists of whole pages needs another list then.
    ///
    /// C API: `req_phys_gap_mask()`.
    #[inline]
    pub fn has_gaps(&self, mask: u32) -> bool {
        // SAFETY: As in `flags`.
        let bit = u32::from(unsafe { (*self.as_raw()).phys_gap_bit });
        // The bit is the lowest one that is set in an address where two segments meet, plus 1. 0: there is
        // none.
        bit != 0 && mask.checked_shr(bit.wrapping_sub(1)).unwrap_or(0) != 0
    }

    /// Returns the tag, which no other request of this [`queue`](Self::queue) has: less than the depth of
    /// the tag set.
    #[inline]
    pub fn tag(&self) -> u32 {
        // SAFETY: As in `flags`.
        //
        // CAST: A request that was started has a tag, which is not negative.
        unsafe { (*self.as_raw()).tag as u32 }
    }

    /// Returns the number of the hardware queue.
    #[inline]
    pub fn queue(&self) -> u32 {
        // SAFETY: The request is valid, and has a hardware queue.
        unsafe { (*(*self.as_raw()).mq_hctx).queue_num }
    }

    /// Returns whether a write must be on the medium when it is completed (`REQ_FUA`).
    #[inline]
    pub fn is_fua(&self) -> bool {
        self.flags() & ffi::REQ_FUA != 0
    }

    /// Returns whether zeroes must stay allocated (`REQ_NOUNMAP`).
    #[inline]
    pub fn is_no_unmap(&self) -> bool {
        self.flags() & ffi::REQ_NOUNMAP != 0
    }

    /// Returns whether somebody polls for the completion (`REQ_POLLED`).
    #[inline]
    pub fn is_polled(&self) -> bool {
        self.flags() & ffi::REQ_POLLED != 0
    }

    /// Returns the driver's data of the disk.
    #[inline]
    pub fn disk(&self) -> &T::Disk {
        // SAFETY: `Disk::add` has set the pointer. The data exists until the disk is removed, which waits
        // for the request.
        unsafe { &*(*(*self.as_raw()).q).queuedata.cast::<T::Disk>() }
    }
}

/// A request that the driver owns, and that no device knows of. Its data is the CPU's.
///
/// A request that is dropped is ended with `EIO`.
///
/// # Invariants
///
/// `rq` belongs to a disk whose operations are `T`, was started and is not ended. It is in no slot, its
/// command is not initialised, and this value is its only owner.
#[must_use = "a request that is dropped fails with EIO"]
pub struct Request<T: Operations> {
    pub(super) rq: NonNull<bindings::request>,
    _operations: InvariantIn<T>,
}

// SAFETY: Any thread may end a request. What belongs to it, the driver's data of the disk, is `Sync`.
unsafe impl<T: Operations> Send for Request<T> {}

// SAFETY: The methods on a shared reference only read.
unsafe impl<T: Operations> Sync for Request<T> {}

impl<T: Operations> Request<T> {
    /// # Safety
    ///
    /// The type invariants must hold.
    #[inline(always)]
    pub(super) unsafe fn from_raw(rq: NonNull<bindings::request>) -> Self {
        // INVARIANT: By the precondition of this function.
        Self {
            rq,
            _operations: PhantomData,
        }
    }

    /// Gives up the ownership.
    #[inline(always)]
    pub(super) fn into_raw(self) -> NonNull<bindings::request> {
        ManuallyDrop::new(self).rq
    }

    /// Ends the request.
    ///
    /// The error is what the caller of `read()` or `write()` gets, if it is one of those in C's
    /// `errno_to_blk_status()`: `EOPNOTSUPP`, `ETIMEDOUT`, `ENOSPC`, `ENOLINK`, `EREMOTEIO`, `ENODATA`,
    /// `EILSEQ`, `ENOMEM`, `ENODEV`, `EINVAL` and a few more. Any other is `EIO`.
    ///
    /// C API: `blk_mq_end_request()`. Context: any.
    #[inline]
    pub fn end(self, result: Result) {
        let rq = self.into_raw();
        // SAFETY: This was the only owner of a request that is not ended (type invariants).
        unsafe { bindings::blk_mq_end_request(rq.as_ptr(), ffi::status(result)) };
    }

    /// Refuses the request: the block layer queues it again, soon. For
    /// [`queue_rq`](Operations::queue_rq), when the driver has no room.
    #[inline]
    pub fn refuse(self) -> Refused<T> {
        // SAFETY: The value is not used again, and the new one has its invariants.
        unsafe { Refused::from_raw(self.into_raw()) }
    }

    /// Gives the request to the device: from here on its completion can
    /// [take](super::TagSet::take) it.
    ///
    /// The driver tells the device afterwards, by the [tag](RequestInfo::tag). What can fail comes before
    /// this.
    ///
    /// Context: any.
    #[inline]
    pub fn start(self, command: T::Command) {
        let this = ManuallyDrop::new(self);

        // SAFETY: The operations of the request are `T`, and this is its only owner (type invariants).
        unsafe { Pdu::<T>::init_mapping(this.rq) };
        // SAFETY: This was the only owner of the request, and its mapping is initialised.
        if let Err(command) = unsafe { this.keep(this.rq, command) } {
            // Not reached, because C numbers queues and tags within the limits of the tag set. The request
            // must not be lost.
            drop(command);
            drop(ManuallyDrop::into_inner(this));
        }
    }

    /// Checks that the request has the data of `operation` at this place.
    #[inline]
    fn check(&self, operation: Operation, offset: u32, len: usize) -> Result<u32> {
        let len = u32::try_from(len).map_err(|_| EINVAL)?;
        let end = offset.checked_add(len).ok_or(EINVAL)?;

        if self.operation() == operation && end <= self.bytes() {
            Ok(len)
        } else {
            Err(EINVAL)
        }
    }

    /// Copies data of a write to `to`, from `offset` on.
    ///
    /// Processes may change the data meanwhile, so it is copied once, and never a reference.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL`: the request is no write, or has less data.
    #[inline]
    pub fn copy_to(&self, offset: u32, to: &mut [u8]) -> Result {
        let len = self.check(Operation::Write, offset, to.len())?;
        // SAFETY: A write that is not ended (type invariants), with that much data.
        unsafe { ffi::copy_from_rq(self.as_raw(), offset, to.as_mut_ptr(), len) };
        Ok(())
    }

    /// Copies `from` to the data of a read, from `offset` on.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL`: the request is no read, or has less data.
    #[inline]
    pub fn copy_from(&mut self, offset: u32, from: &[u8]) -> Result {
        let len = self.check(Operation::Read, offset, from.len())?;
        // SAFETY: A read that is not ended (type invariants), with that much data, which is the CPU's.
        unsafe { ffi::copy_to_rq(self.as_raw(), offset, from.as_ptr(), len) };
        Ok(())
    }
}

impl<T: Operations> Deref for Request<T> {
    type Target = RequestInfo<T>;

    #[inline(always)]
    fn deref(&self) -> &RequestInfo<T> {
        // SAFETY: By the type invariants, as long as `self` is borrowed.
        unsafe { RequestInfo::of(self.rq) }
    }
}

impl<T: Operations> Drop for Request<T> {
    fn drop(&mut self) {
        // SAFETY: This is the only owner, and is not used again.
        unsafe { Self::from_raw(self.rq) }.end(Err(EIO));
    }
}
