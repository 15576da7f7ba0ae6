// SPDX-License-Identifier: GPL-2.0

//! Disks of a controller: what their requests lead to, and the work that recovers from errors.

use crate::{
    block::Namespace,
    device::DeviceLt,
    io::Size,
    module_parameters,
    protocol::describe::SEGMENTS_MAX, //
};
use dma_map::{
    blk::{
        TagSet,
        TagSetOptions, //
    },
    gate::Gate,
    workqueue::WorkQueue, //
};
use kernel::{
    impl_has_work,
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Mutex, //
    },
    workqueue::{
        new_work,
        Work,
        WorkItem, //
    }, //
};

/// What all disks of a controller share.
#[pin_data]
pub(crate) struct Disks {
    pub(crate) tags: Arc<TagSet<DeviceLt>>,
    gate: Arc<Gate<DeviceLt>>,
    workers: Arc<WorkQueue>,
    #[pin]
    namespaces: Mutex<KVec<Arc<Namespace>>>,
    /// Whether somebody wants the controller to be reset.
    wants_reset: Atomic<bool>,
    #[pin]
    work: Work<Disks>,
}

impl_has_work! {
    impl HasWork<Self> for Disks { self.work }
}

impl Disks {
    /// Makes the tag set of the device in `gate`, with as many queues and tags as `size` says. `vector` is that
    /// of the first queue.
    ///
    /// # Errors
    ///
    /// Those of [`TagSet::new`].
    pub(crate) fn new(
        gate: &Arc<Gate<DeviceLt>>,
        workers: Arc<WorkQueue>,
        size: Size,
        vector: u32,
    ) -> Result<Arc<Self>> {
        let seconds = module_parameters::io_timeout.value();
        let options = TagSetOptions::new(size.queues, size.depth)
            .poll_queues(size.poll_queues)
            .interrupt_affinity(vector)
            .timeout_ms(seconds.clamp(1, 3600).saturating_mul(1000))
            .max_segments(SEGMENTS_MAX);

        Arc::pin_init(
            try_pin_init!(Self {
                tags: TagSet::new(gate, options)?,
                gate: gate.clone(),
                workers,
                namespaces <- new_mutex!(KVec::new(), "dma_map_nvme::Disks"),
                wants_reset: Atomic::new(false),
                work <- new_work!("dma_map_nvme::Disks"),
            }),
            GFP_KERNEL,
        )
    }

    /// Enters a namespace that becomes a disk.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn add(&self, namespace: &Arc<Namespace>) -> Result {
        Ok(self.namespaces.lock().push(namespace.clone(), GFP_KERNEL)?)
    }

    /// Calls `f` with each namespace.
    pub(crate) fn each(&self, f: impl FnMut(&Arc<Namespace>)) {
        self.namespaces.lock().iter().for_each(f);
    }

    /// Has the work look after the controller soon.
    ///
    /// Context: any.
    pub(crate) fn tend_later(self: &Arc<Self>) {
        // It is enqueued already, or the binding is over.
        let _ = self.workers.enqueue(self.clone());
    }

    /// Has the work reset the controller soon.
    ///
    /// Context: any.
    pub(crate) fn reset_later(self: &Arc<Self>) {
        self.wants_reset.store(true, Relaxed);
        self.tend_later();
    }

    /// Returns whether somebody wants the controller to be reset.
    pub(crate) fn wants_reset(&self) -> bool {
        self.wants_reset.load(Relaxed)
    }

    /// Returns whether somebody wants the controller to be reset, once.
    pub(crate) fn take_wants_reset(&self) -> bool {
        self.wants_reset.xchg(false, kernel::sync::atomic::Full)
    }
}

impl WorkItem for Disks {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        if let Some(inside) = this.gate.try_access() {
            inside.with(|device| device.tend(&this));
        }
    }
}
