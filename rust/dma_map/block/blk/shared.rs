// SPDX-License-Identifier: GPL-2.0

//! State that the requests of a tag set share: the slots of those that a device has, and the contents of
//! the gate.

use super::{
    mapping::Mapping,
    operations::Operations,
    reserve::Reserve, //
};
use crate::{
    generic::vec,
    gfp::Gfp, //
};
use core::{
    mem::MaybeUninit,
    ptr::{
        null_mut,
        NonNull, //
    },
    sync::atomic::{
        AtomicPtr,
        Ordering, //
    }, //
};
use kernel::{
    bindings,
    prelude::*, //
};

/// The slots of a tag set, and what its operations need.
///
/// `driver_data` of the tag set and of each hardware queue points to it.
///
/// # Invariants
///
/// - `slots` has `depth` elements for each of `queues` hardware queues.
/// - The request in a slot has the slot's queue and tag, was started and is not ended, and its command
///   ([`Pdu`]) is initialised. It has no other owner: who takes it out of the slot owns it.
/// - `contents` is the contents of a gate, an `F::Of` for the tag set's `F`. They exist while a disk of
///   the tag set is not removed.
/// - `binding` is the token of the gate's device, valid as long.
pub(super) struct Shared {
    slots: KVVec<AtomicPtr<bindings::request>>,
    reserve: Reserve,
    pub(super) queues: u32,
    pub(super) depth: u32,
    pub(super) poll_queues: u32,
    /// The first interrupt vector of the queues, if they are spread by those.
    pub(super) first_vector: Option<u32>,
    contents: *const c_void,
    binding: *const c_void,
}

// SAFETY: The pointers are to what is `Sync`: contents of a gate, and a token.
unsafe impl Send for Shared {}

// SAFETY: The pointers are to what is `Sync`, and the slots are atomic.
unsafe impl Sync for Shared {}

impl Shared {
    /// Makes the slots.
    ///
    /// # Safety
    ///
    /// `contents` and `binding` must be as the type invariants say.
    pub(super) unsafe fn new(
        (queues, poll_queues, depth): (u32, u32, u32),
        max_segments: u16,
        first_vector: Option<u32>,
        contents: *const c_void,
        binding: *const c_void,
    ) -> Result<Self> {
        let all = queues.checked_add(poll_queues).ok_or(EINVAL)?;
        let count = all.checked_mul(depth).ok_or(EINVAL)?;
        // CAST: To the wider type.
        let count = count as usize;
        let mut slots = KVVec::new();
        vec::reserve(&mut slots, count, Gfp::Kernel.flags())?;
        for _ in 0..count {
            vec::push_within_capacity(&mut slots, AtomicPtr::new(null_mut()))
                .map_err(|_| ENOMEM)?;
        }

        // INVARIANT: There are as many slots as needed, all empty; the rest is the caller's guarantee.
        Ok(Self {
            slots,
            reserve: Reserve::new(max_segments)?,
            queues: all,
            depth,
            poll_queues,
            first_vector,
            contents,
            binding,
        })
    }

    /// Returns the contents of the gate.
    #[inline(always)]
    pub(super) fn contents(&self) -> *const c_void {
        self.contents
    }

    /// Returns the token of the device, as a pointer.
    #[inline(always)]
    pub(super) fn binding(&self) -> *const c_void {
        self.binding
    }

    /// Returns the lists for the segments of requests.
    #[inline(always)]
    pub(super) fn reserve(&self) -> &Reserve {
        &self.reserve
    }

    #[inline]
    fn slot(&self, queue: u32, tag: u32) -> Option<&AtomicPtr<bindings::request>> {
        if queue >= self.queues || tag >= self.depth {
            return None;
        }
        // CAST: To the wider type.
        let first = (queue as usize).wrapping_mul(self.depth as usize);
        self.slots.get(first.wrapping_add(tag as usize))
    }

    /// Keeps a request for the device. `false` if there is no such slot.
    ///
    /// # Safety
    ///
    /// `rq` must have this queue and tag, was started and is not ended. The caller must own it, and
    /// gives it away if this returns `true`. Its command must be initialised.
    #[inline]
    pub(super) unsafe fn keep(&self, queue: u32, tag: u32, rq: NonNull<bindings::request>) -> bool {
        let Some(slot) = self.slot(queue, tag) else {
            return false;
        };
        // INVARIANT: By the preconditions. A tag has one request at a time, so the slot was empty.
        slot.store(rq.as_ptr(), Ordering::Release);
        true
    }

    /// Takes the request with this queue and tag. The caller owns it then.
    #[inline]
    pub(super) fn take(&self, queue: u32, tag: u32) -> Option<NonNull<bindings::request>> {
        NonNull::new(self.slot(queue, tag)?.swap(null_mut(), Ordering::Acquire))
    }

    /// Takes `rq` if it has this queue and tag. The caller owns it if this returns `true`.
    pub(super) fn take_exactly(&self, queue: u32, tag: u32, rq: *mut bindings::request) -> bool {
        self.slot(queue, tag).is_some_and(|slot| {
            slot.compare_exchange(rq, null_mut(), Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
        })
    }
}

/// The library's part of a request: the memory behind `struct request`.
///
/// # Invariants
///
/// `command` and `mapping` are initialised while the request is in a slot, in a
/// [`Claimed`](super::Claimed), or on its way to `complete`; `mapping` also while it is in a
/// [`MappedRequest`](super::MappedRequest).
pub(super) struct Pdu<T: Operations> {
    pub(super) command: MaybeUninit<T::Command>,
    pub(super) mapping: MaybeUninit<Mapping>,
    /// The status on the way to `complete`.
    pub(super) status: bindings::blk_status_t,
    /// How often the driver has [tried again](super::Request::retry). Initialised when it has.
    pub(super) retries: u8,
}

impl<T: Operations> Pdu<T> {
    /// The size for C. Evaluated where a tag set is made: the memory behind a request is aligned as the
    /// request is.
    pub(super) const SIZE: u32 = {
        assert!(
            align_of::<Self>() <= align_of::<bindings::request>(),
            "the alignment of the command is larger than that of a request"
        );
        // With its request it must fit what C allocates at once, 64 KiB. Else C allocates without end.
        assert!(size_of::<Self>() <= 1 << 15, "the command is too large");
        // CAST: Checked above.
        size_of::<Self>() as u32
    };

    /// Returns the part of a request.
    ///
    /// # Safety
    ///
    /// `rq` must be a request of a tag set whose operations are `T`.
    #[inline(always)]
    pub(super) unsafe fn of(rq: NonNull<bindings::request>) -> NonNull<Self> {
        // SAFETY: The tag set has asked C for the memory behind each request.
        unsafe { rq.add(1) }.cast()
    }

    /// Initialises the mapping of a request: none.
    ///
    /// # Safety
    ///
    /// As for [`of`](Self::of). The caller must own the request during `'a`. Its mapping is not initialised.
    #[inline(always)]
    pub(super) unsafe fn init_mapping<'a>(rq: NonNull<bindings::request>) -> &'a mut Mapping {
        // SAFETY: By the preconditions of this function.
        unsafe { (*Self::of(rq).as_ptr()).mapping.write(Mapping::none()) }
    }
}
