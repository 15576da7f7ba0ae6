// SPDX-License-Identifier: GPL-2.0

//! The C structure of a tag set, with what it points to.

use super::{
    queues::{
        Link,
        Queues, //
    },
    shared::Shared, //
};
use crate::{
    generic::errno::to_result,
    gfp::Gfp,
    sys::{
        deferral::Job,
        ffi::may_sleep, //
    },
};
use core::{
    mem::ManuallyDrop,
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    error::from_err_ptr,
    prelude::*,
    static_lock_class,
    types::Opaque, //
};

/// The operations of a tag set that is being freed: none, because the driver's may be unloaded.
static NONE: bindings::blk_mq_ops = pin_init::zeroed();

/// A tag set of C.
///
/// Not generic, so that the code is in this module.
///
/// # Invariants
///
/// `raw` is not initialised while its `tags` are NULL. Otherwise it is a tag set, whose `driver_data` is
/// `shared`.
#[pin_data(PinnedDrop)]
pub(super) struct Set {
    raw: Opaque<bindings::blk_mq_tag_set>,
    pub(super) shared: Shared,
    #[pin]
    queues: Queues,
}

// SAFETY: Any thread may free a tag set. The commands of its requests are `Send`.
unsafe impl Send for Set {}

// SAFETY: C locks what it changes in a tag set. The rest is `Sync`.
unsafe impl Sync for Set {}

impl Set {
    /// Returns the C structure.
    #[inline]
    pub(super) fn as_raw(&self) -> *mut bindings::blk_mq_tag_set {
        self.raw.get()
    }

    /// Makes a disk, and its queue. Waits until the tag set's first disk has no requests.
    ///
    /// # Errors
    ///
    /// Those of C.
    ///
    /// # Safety
    ///
    /// The tag set must be made. `data` must be valid as long as the disk.
    pub(super) unsafe fn alloc_disk(
        &self,
        limits: &mut bindings::queue_limits,
        data: *mut c_void,
    ) -> Result<*mut bindings::gendisk> {
        let class = static_lock_class!().as_ptr();

        // SAFETY: By the preconditions of this function.
        from_err_ptr(unsafe { bindings::__blk_mq_alloc_disk(self.as_raw(), limits, data, class) })
    }

    /// Makes the queue of a disk one of those that are quiesced, before the disk is added.
    ///
    /// # Safety
    ///
    /// As for [`Queues::add`]. The queue must be one of this tag set.
    pub(super) unsafe fn add_queue(&self, link: NonNull<Link>) {
        // SAFETY: By the preconditions of this function.
        unsafe { self.queues.add(link) };
    }

    /// Undoes [`add_queue`](Self::add_queue), if it was called.
    pub(super) fn remove_queue(&self, link: NonNull<Link>) {
        self.queues.remove(link);
    }

    /// Quiesces all queues.
    pub(super) fn stop_queues(&self) -> Quiesced<'_> {
        self.queues.stop();
        // SAFETY: The tag set is made: whoever has a `TagSet` has one for which `new` has succeeded.
        unsafe { bindings::blk_mq_wait_quiesce_done(self.as_raw()) };

        // INVARIANT: Quiesced above.
        Quiesced { set: self }
    }
}

#[pinned_drop]
impl PinnedDrop for Set {
    fn drop(self: Pin<&mut Self>) {
        let raw = self.as_raw();

        // SAFETY: The tag set was made if it has tags (type invariants). Its disks hold references to it,
        // so there are none.
        unsafe {
            if !(*raw).tags.is_null() {
                bindings::blk_mq_free_tag_set(raw);
            }
        }
    }
}

/// A tag set that stops new requests from reaching the driver, until this is dropped.
///
/// A value that is leaked stops them for good: a disk with requests that wait can't be removed.
///
/// C API: `blk_mq_unquiesce_queue()` of each disk. Drop context: any.
///
/// # Invariants
///
/// `set` is quiesced once for this value.
#[must_use = "requests reach the driver again when it is dropped"]
pub struct Quiesced<'a> {
    set: &'a Set,
}

impl Drop for Quiesced<'_> {
    fn drop(&mut self) {
        // It was quiesced for this value (type invariants).
        self.set.queues.start();
    }
}

/// The owner of a [`Set`]. It may be dropped in any context.
pub(super) struct SetBox {
    set: ManuallyDrop<Pin<KBox<Set>>>,
    job: ManuallyDrop<Pin<KBox<Job>>>,
}

// SAFETY: Nobody reaches the job on a shared reference.
unsafe impl Sync for SetBox {}

impl SetBox {
    /// Makes a tag set, whose fields are those of `fields`.
    ///
    /// # Safety
    ///
    /// `fields` must be valid for C. The operations must work with `shared` as the `driver_data`.
    #[inline(never)]
    pub(super) unsafe fn new(fields: bindings::blk_mq_tag_set, shared: Shared) -> Result<Self> {
        // Made here, so that the drop needs no memory.
        let job = Job::new(Gfp::Kernel)?;
        // INVARIANT: The tags are NULL, and there is no queue.
        let set = KBox::pin_init(
            pin_init!(Set {
                raw: Opaque::new(fields),
                shared,
                queues <- Queues::new(),
            }),
            Gfp::Kernel.flags(),
        )?;

        let raw = set.as_raw();
        // SAFETY: Nobody else has the value yet. It is not moved any more.
        unsafe { (*raw).driver_data = (&raw const set.shared).cast_mut().cast() };
        // SAFETY: The fields are set (function precondition). C sets the tags if it succeeds, and else
        // leaves NULL.
        to_result(unsafe { bindings::blk_mq_alloc_tag_set(raw) })?;

        Ok(Self {
            set: ManuallyDrop::new(set),
            job: ManuallyDrop::new(job),
        })
    }
}

impl Deref for SetBox {
    type Target = Set;

    #[inline(always)]
    fn deref(&self) -> &Set {
        &self.set
    }
}

/// Frees a tag set.
///
/// # Safety
///
/// `set` must come from [`KBox::into_raw`], and is not used again.
#[inline(never)]
unsafe fn free(set: NonNull<c_void>) {
    // SAFETY: By the precondition of this function. The value was pinned, and is dropped in its place.
    drop(unsafe { Pin::new_unchecked(KBox::from_raw(set.as_ptr().cast::<Set>())) });
}

impl Drop for SetBox {
    fn drop(&mut self) {
        // SAFETY: The values are taken once, here.
        let (set, job) = unsafe {
            (
                ManuallyDrop::take(&mut self.set),
                ManuallyDrop::take(&mut self.job),
            )
        };
        if may_sleep() {
            return drop(set);
        }
        // The driver may be unloaded before the job runs.
        //
        // SAFETY: Nobody else has the tag set. It has no disk, so nobody calls its operations.
        unsafe { (*set.as_raw()).ops = &NONE };
        // SAFETY: The value stays in its place.
        let set = KBox::into_raw(unsafe { Pin::into_inner_unchecked(set) });
        // SAFETY: A box is not NULL. What `free` drops is this module's code and memory only.
        unsafe { job.queue(None, free, NonNull::new_unchecked(set.cast())) };
    }
}
