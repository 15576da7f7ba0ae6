// SPDX-License-Identifier: GPL-2.0

//! The `struct blk_mq_ops` and the `struct block_device_operations` of a driver.

use super::{
    cpu_map::map_by,
    ffi, opener,
    operations::{
        Expired,
        Last,
        Operations, //
    },
    request::Request,
    requests::Requests,
    shared::{
        Pdu,
        Shared, //
    },
    started::{
        Claimed,
        TimedOut, //
    },
};
use crate::DmaDevice;
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    module::this_module,
    prelude::*, //
};

/// The tables of `T`.
///
/// The block layer calls the functions for tag sets and hardware queues of
/// [`TagSet`](super::TagSet), whose operations are `T`. Those that reach the contents are called while a
/// disk is not removed, and are over when its removal is.
pub(super) struct VTable<T: Operations>(PhantomData<T>);

/// Returns what C expects of an ioctl: a number from 0 on, or a negative errno.
fn number(result: Result<i32>) -> c_int {
    result.map_or_else(|error| error.to_errno(), |number| number.max(0))
}

/// Returns the contents of the gate.
///
/// # Safety
///
/// `shared` must be of a tag set whose operations are `T`, and a disk not be removed during `'a`.
unsafe fn contents<'a, T>(shared: &Shared) -> &'a T {
    // SAFETY: By the type invariants of `Shared` and the precondition of this function.
    unsafe { &*shared.contents().cast::<T>() }
}

/// Returns what the requests of a hardware queue share, and the queue's number.
///
/// # Safety
///
/// `hctx` must be a hardware queue of a tag set during `'a`.
unsafe fn queue<'a>(hctx: *mut bindings::blk_mq_hw_ctx) -> (&'a Shared, u32) {
    // SAFETY: `init_hctx` has set the pointer, and the tag set outlives the queue.
    unsafe { (&*(*hctx).driver_data.cast::<Shared>(), (*hctx).queue_num) }
}

impl<T: Operations> VTable<T> {
    /// # Safety
    ///
    /// See [`VTable`]. `data` must have a request that is not started.
    unsafe extern "C" fn queue_rq(
        hctx: *mut bindings::blk_mq_hw_ctx,
        data: *const bindings::blk_mq_queue_data,
    ) -> bindings::blk_status_t {
        // SAFETY: `data` is valid during the call (function precondition).
        let (rq, last) = unsafe { ((*data).rq, (*data).last) };
        // SAFETY: The block layer has given the request to the driver (function precondition). The
        // contents exist: the disk of the request is not removed before this call is over.
        let (contents, request) = unsafe {
            bindings::blk_mq_start_request(rq);
            (
                contents::<T>(queue(hctx).0),
                Request::from_raw(NonNull::new_unchecked(rq)),
            )
        };
        let last = if last { Last::Yes } else { Last::No };

        match contents.queue_rq(request, last) {
            Ok(()) => ffi::BLK_STS_OK,
            Err(refused) => refused.status(rq, hctx),
        }
    }

    /// # Safety
    ///
    /// See [`VTable`]. `list` must have requests of one disk that are not started, and that have tags.
    unsafe extern "C" fn queue_rqs(list: *mut bindings::rq_list) {
        // SAFETY: The list is valid during the call, and nobody else uses it (function precondition).
        let list = unsafe { &mut *list };
        let Some(first) = NonNull::new(list.head) else {
            return;
        };
        // SAFETY: The requests have hardware queues. The contents exist: the disk of the requests is not
        // removed before this call is over.
        let contents = unsafe { contents::<T>(queue((*first.as_ptr()).mq_hctx).0) };
        // SAFETY: By the precondition of this function. The block layer has given the requests to the
        // driver.
        contents.queue_rqs(&mut unsafe { Requests::new(list, (*first.as_ptr()).q) });
    }

    /// # Safety
    ///
    /// See [`VTable`].
    unsafe extern "C" fn commit_rqs(hctx: *mut bindings::blk_mq_hw_ctx) {
        // SAFETY: By the precondition of this function.
        let (contents, queue) = unsafe {
            let (shared, number) = queue(hctx);
            (contents::<T>(shared), number)
        };
        contents.commit_rqs(queue);
    }

    /// # Safety
    ///
    /// See [`VTable`].
    unsafe extern "C" fn poll(
        hctx: *mut bindings::blk_mq_hw_ctx,
        _batch: *mut bindings::io_comp_batch,
    ) -> c_int {
        // SAFETY: By the precondition of this function.
        let (contents, queue) = unsafe {
            let (shared, number) = queue(hctx);
            (contents::<T>(shared), number)
        };
        // CAST: A count of completions, of which C looks whether it is 0.
        contents.poll(queue).min(c_int::MAX as u32) as c_int
    }

    /// # Safety
    ///
    /// See [`VTable`]. `rq` must be a request that was started, which the caller holds.
    unsafe extern "C" fn timeout(rq: *mut bindings::request) -> bindings::blk_eh_timer_return {
        // SAFETY: The request is valid, and held during the call (function precondition). Its disk is not
        // removed before this call is over.
        let (contents, request) = unsafe {
            (
                contents::<T>(queue((*rq).mq_hctx).0),
                TimedOut::from_raw(NonNull::new_unchecked(rq)),
            )
        };
        match contents.timeout(request) {
            Expired::Done => bindings::blk_eh_timer_return_BLK_EH_DONE,
            Expired::Wait(_) => bindings::blk_eh_timer_return_BLK_EH_RESET_TIMER,
        }
    }

    /// # Safety
    ///
    /// See [`VTable`]. `rq` must be a request that [`Claimed::complete`] has given away.
    unsafe extern "C" fn complete(rq: *mut bindings::request) {
        // SAFETY: By the precondition of this function: nobody else owns it, and it has a status.
        unsafe { Claimed::<T>::completed(NonNull::new_unchecked(rq)) };
    }

    /// # Safety
    ///
    /// `data` must be the `driver_data` of the tag set.
    unsafe extern "C" fn init_hctx(
        hctx: *mut bindings::blk_mq_hw_ctx,
        data: *mut c_void,
        _number: c_uint,
    ) -> c_int {
        // SAFETY: The queue is being set up, and the field belongs to the driver.
        unsafe { (*hctx).driver_data = data };
        0
    }

    /// Spreads the CPUs over the queues.
    ///
    /// # Safety
    ///
    /// `set` must be a tag set whose `driver_data` is a [`Shared`].
    unsafe extern "C" fn map_queues(set: *mut bindings::blk_mq_tag_set) {
        // SAFETY: By the precondition of this function. The token's device is bound while a tag set is
        // made.
        unsafe {
            let shared = &*(*set).driver_data.cast::<Shared>();
            let queues = (*set)
                .nr_hw_queues
                .saturating_sub(shared.poll_queues)
                .max(1);
            let [normal, read, poll] = &mut (*set).map;

            normal.nr_queues = queues;
            let dma = DmaDevice::from_binding(shared.binding());
            // `blk_mq_map_queues()` sleeps, so it is not within `with_masks`.
            let by_vectors = shared.first_vector.is_some_and(|first| {
                dma.binding()
                    .interrupts()
                    .with_masks(|masks| masks.is_some_and(|masks| map_by(normal, masks, first)))
            });
            if !by_vectors {
                bindings::blk_mq_map_queues(normal);
            }
            if shared.poll_queues != 0 {
                // Reads have no queues of their own.
                read.nr_queues = 0;
                poll.nr_queues = shared.poll_queues;
                poll.queue_offset = queues;
                bindings::blk_mq_map_queues(poll);
            }
        }
    }

    /// The operations of a tag set.
    pub(super) const OPS: bindings::blk_mq_ops = bindings::blk_mq_ops {
        queue_rq: Some(Self::queue_rq),
        queue_rqs: if T::HAS_QUEUE_RQS {
            Some(Self::queue_rqs)
        } else {
            None
        },
        commit_rqs: if T::HAS_COMMIT_RQS {
            Some(Self::commit_rqs)
        } else {
            None
        },
        poll: if T::HAS_POLL { Some(Self::poll) } else { None },
        timeout: Some(Self::timeout),
        complete: Some(Self::complete),
        init_hctx: Some(Self::init_hctx),
        map_queues: Some(Self::map_queues),
        ..pin_init::zeroed()
    };

    /// # Safety
    ///
    /// `bdev` must be open during the call, of a disk whose operations are `T`.
    unsafe extern "C" fn ioctl(
        bdev: *mut bindings::block_device,
        mode: bindings::blk_mode_t,
        cmd: c_uint,
        arg: c_ulong,
    ) -> c_int {
        // SAFETY: By the precondition of this function.
        match unsafe { opener::opened::<T>(bdev, mode) } {
            Some((disk, opener)) => number(T::ioctl(&disk, opener, cmd, arg)),
            None => ENODEV.to_errno(),
        }
    }

    /// # Safety
    ///
    /// As for [`ioctl`](Self::ioctl).
    #[cfg(CONFIG_COMPAT)]
    unsafe extern "C" fn compat_ioctl(
        bdev: *mut bindings::block_device,
        mode: bindings::blk_mode_t,
        cmd: c_uint,
        arg: c_ulong,
    ) -> c_int {
        // SAFETY: By the precondition of this function.
        match unsafe { opener::opened::<T>(bdev, mode) } {
            Some((disk, opener)) => number(T::compat_ioctl(&disk, opener, cmd, arg)),
            None => ENODEV.to_errno(),
        }
    }

    /// The operations of a disk. An open block device pins the module that implements `T`, not this one.
    pub(super) const DISK: bindings::block_device_operations = bindings::block_device_operations {
        owner: this_module::<T::OwnerModule>().as_ptr(),
        ioctl: if T::HAS_IOCTL {
            Some(Self::ioctl)
        } else {
            None
        },
        #[cfg(CONFIG_COMPAT)]
        compat_ioctl: if T::HAS_COMPAT_IOCTL {
            Some(Self::compat_ioctl)
        } else if T::HAS_IOCTL {
            Some(bindings::blkdev_compat_ptr_ioctl)
        } else {
            None
        },
        ..pin_init::zeroed()
    };

    /// The size of a request's part.
    pub(super) const PDU: u32 = Pdu::<T>::SIZE;
}
