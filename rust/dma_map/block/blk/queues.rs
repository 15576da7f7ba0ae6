// SPDX-License-Identifier: GPL-2.0

//! Queues of a tag set's disks, and how often they are quiesced.
//!
//! C has a list of them, too. But an end of quiescing must meet exactly the queues that its beginning has met,
//! while disks come and go. A lock that is held while C adds a queue is not for that: C waits for the requests
//! of the disks that there are, which may need the quiescing.

use core::ptr::{
    null_mut,
    NonNull, //
};
use kernel::{
    bindings,
    new_spinlock_irq,
    prelude::*,
    sync::SpinLockIrq, //
};

/// The entry of a queue in the list.
pub(super) struct Link {
    queue: *mut bindings::request_queue,
    next: *mut Link,
}

impl Link {
    /// Returns an entry that is on no list.
    pub(super) fn new(queue: *mut bindings::request_queue) -> Self {
        Self {
            queue,
            next: null_mut(),
        }
    }
}

/// # Invariants
///
/// - The entries behind `first` are valid, and so are their queues. They belong to the lock.
/// - Each queue is quiesced `quiesced` times for this list.
struct List {
    first: *mut Link,
    quiesced: u32,
}

// SAFETY: The entries belong to the lock (type invariants). C locks what it changes in a queue.
unsafe impl Send for List {}

impl List {
    fn each(&self, mut f: impl FnMut(*mut bindings::request_queue)) {
        let mut at = self.first;
        while let Some(link) = NonNull::new(at) {
            // SAFETY: The entry is valid (type invariants).
            let link = unsafe { link.as_ref() };
            f(link.queue);
            at = link.next;
        }
    }
}

/// The queues of a tag set.
#[pin_data]
pub(super) struct Queues {
    #[pin]
    list: SpinLockIrq<List>,
}

impl Queues {
    /// Returns no queues.
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            // INVARIANT: No entry.
            list <- new_spinlock_irq!(
                List {
                    first: null_mut(),
                    quiesced: 0,
                },
                "dma_map::TagSet"
            ),
        })
    }

    /// Adds a queue, which is quiesced as often as the others.
    ///
    /// Context: any.
    ///
    /// # Safety
    ///
    /// `link` must be on no list. It and its queue must be valid until it is [removed](Self::remove), and nobody
    /// else may access it. No request reaches the driver on this queue yet.
    pub(super) unsafe fn add(&self, link: NonNull<Link>) {
        let mut list = self.list.lock();

        // SAFETY: The entry and its queue are valid, and only this function has the entry.
        unsafe {
            let link = &mut *link.as_ptr();
            for _ in 0..list.quiesced {
                bindings::blk_mq_quiesce_queue_nowait(link.queue);
            }
            link.next = list.first;
        }
        // INVARIANT: It is valid until it is removed, and quiesced as often.
        list.first = link.as_ptr();
    }

    /// Removes a queue, if it is on the list. It stays as it is: nobody ends its quiescing.
    ///
    /// Context: any.
    pub(super) fn remove(&self, link: NonNull<Link>) {
        let mut list = self.list.lock();
        let mut at: *mut *mut Link = &raw mut list.first;

        // SAFETY: `at` is a link of the list: the first one, or that of an entry, which are valid (type
        // invariants) and belong to the lock.
        unsafe {
            while !(*at).is_null() {
                if *at == link.as_ptr() {
                    *at = (*link.as_ptr()).next;
                    return;
                }
                at = &raw mut (**at).next;
            }
        }
    }

    /// Quiesces all queues once more, and does not wait for what runs.
    ///
    /// Context: any.
    pub(super) fn stop(&self) {
        let mut list = self.list.lock();

        // INVARIANT: Each is quiesced below.
        list.quiesced = list.quiesced.saturating_add(1);
        // SAFETY: The queues are valid (type invariants of the list).
        list.each(|queue| unsafe { bindings::blk_mq_quiesce_queue_nowait(queue) });
    }

    /// Ends one quiescing of all queues.
    ///
    /// Context: any.
    pub(super) fn start(&self) {
        let mut list = self.list.lock();

        // INVARIANT: Each is quiesced once less below.
        list.quiesced = list.quiesced.saturating_sub(1);
        // SAFETY: The queues are valid, and each is quiesced at least once: the caller has a quiescing to end.
        list.each(|queue| unsafe { bindings::blk_mq_unquiesce_queue(queue) });
    }
}
