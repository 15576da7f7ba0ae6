// SPDX-License-Identifier: GPL-2.0

//! Worker that takes requests from the queue to the device, one at a time.

use crate::{
    mailbox::MailboxLt,
    queue::{
        Queue,
        Request,
        Response, //
    }, //
};
use dma_map::{
    gate::Gate,
    miscdevice::Wait, //
};
use kernel::{
    impl_has_work,
    mm::virt::VmaNew,
    prelude::*,
    sync::{
        Arc,
        ArcBorrow, //
    },
    workqueue::{
        new_work,
        Work,
        WorkItem, //
    }, //
};

/// A device, as open files see it, whether it is still bound or not.
#[pin_data]
pub(crate) struct Server {
    queue: Arc<Queue>,
    gate: Arc<Gate<MailboxLt>>,
    #[pin]
    work: Work<Server>,
}

impl_has_work! {
    impl HasWork<Self> for Server { self.work }
}

impl Server {
    /// Allocates a server, which runs the requests in `queue` on the device behind `gate`.
    pub(crate) fn new(queue: Arc<Queue>, gate: Arc<Gate<MailboxLt>>) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                queue,
                gate,
                work <- new_work!("dma_map_edu::Server"),
            }),
            GFP_KERNEL,
        )
    }

    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Maps the memory of the mailbox.
    ///
    /// # Errors
    ///
    /// `ENODEV` if the device is gone, and those of [`Mmap::mmap`](dma_map::Mmap::mmap).
    pub(crate) fn mmap(&self, vma: &VmaNew) -> Result {
        let inside = self.gate.try_access().ok_or(ENODEV)?;
        inside.with(|mailbox| mailbox.memory().mmap(vma))
    }

    /// Queues `request`, and starts the worker.
    ///
    /// # Errors
    ///
    /// Those of [`Queue::push`].
    pub(crate) fn submit(self: ArcBorrow<'_, Self>, request: Request, wait: Wait) -> Result {
        self.queue.push(request, wait)?;

        // If the device was unbound meanwhile, `Queue::close()` has answered the request. Work that is
        // enqueued already will find the request.
        if let Some(inside) = self.gate.try_access() {
            inside.with(|mailbox| {
                let _ = mailbox.worker().enqueue(Arc::from(self));
            });
        }
        Ok(())
    }
}

impl WorkItem for Server {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        while let Some(request) = this.queue.pop() {
            let mut response = Response::to(&request);

            match this.gate.try_access() {
                Some(inside) => response = inside.with(|mailbox| mailbox.execute(request)),
                None => response.fail(ENODEV),
            }
            this.queue.deliver(response);
        }
    }
}
