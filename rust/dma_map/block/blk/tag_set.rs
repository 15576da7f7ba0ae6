// SPDX-License-Identifier: GPL-2.0

//! Tag sets: the requests of a device, and its hardware queues.

use super::{
    batch::Batch,
    operations::Operations,
    set::{
        Quiesced,
        Set,
        SetBox, //
    },
    shared::Shared,
    started::Claimed,
    vtable::VTable, //
};
use crate::{
    gate::{
        Gate,
        Guarded, //
    },
    gfp::Gfp,
    DmaDevice, //
};
use kernel::{
    bindings,
    cpu::nr_cpu_ids,
    prelude::*,
    sync::{
        rcu,
        Arc, //
    },
    time::msecs_to_jiffies,
    types::ForLt, //
};

/// The options of a [`TagSet`].
#[derive(Clone, Copy, Debug)]
pub struct TagSetOptions {
    queues: u32,
    depth: u32,
    poll_queues: u32,
    timeout_ms: u32,
    first_vector: Option<u32>,
    max_segments: u16,
}

impl TagSetOptions {
    /// `queues` hardware queues, of `depth` requests each.
    ///
    /// The tags of a queue are less than `depth`. There are not more queues than CPUs.
    pub const fn new(queues: u32, depth: u32) -> Self {
        Self {
            queues,
            depth,
            poll_queues: 0,
            timeout_ms: 0,
            first_vector: None,
            max_segments: 128,
        }
    }

    /// Adds queues for callers that poll for their completions
    /// ([`Operations::poll`]). They have the numbers after the others. There are not more than CPUs.
    pub const fn poll_queues(mut self, queues: u32) -> Self {
        self.poll_queues = queues;
        self
    }

    /// Sets the time after which [`Operations::timeout`] is called, in milliseconds; 30 seconds unless it
    /// is set.
    pub const fn timeout_ms(mut self, timeout: u32) -> Self {
        self.timeout_ms = timeout;
        self
    }

    /// Sets how many segments the data of a request can have; 128 unless it is set.
    ///
    /// Behind an IOMMU a segment of the block layer may be longer than the device's, and is cut: there may
    /// be more pieces.
    pub const fn max_segments(mut self, segments: u16) -> Self {
        self.max_segments = segments;
        self
    }

    /// Gives each CPU the queue whose interrupt it gets. `vector` is that of the first queue.
    ///
    /// The vectors are the device's [`irq::Vectors`](crate::irq::Vectors), and their CPUs the
    /// [affinity](crate::irq::Vectors::affinity) that they have when the tag set is made. The driver allocates
    /// them with [`spread`](crate::irq::VectorOptions::spread), with `vector` as the number of those that are
    /// left out first. If not each queue has a vector with CPUs, the CPUs are spread evenly over the queues.
    ///
    /// C API: `blk_mq_map_hw_queues()`.
    pub const fn interrupt_affinity(mut self, vector: u32) -> Self {
        self.first_vector = Some(vector);
        self
    }
}

/// The requests and hardware queues of a device, which several disks may share.
///
/// Drop context: any.
///
/// # Invariants
///
/// - The tag set was made, with the operations of `F::Of` and room for the part of each request.
/// - The contents and the token of its `shared` are those of `gate`, whose tag set this is.
pub struct TagSet<F: ForLt + 'static> {
    set: SetBox,
    gate: Arc<Gate<F>>,
}

impl<F> TagSet<F>
where
    F: ForLt + 'static,
    for<'x> F::Of<'x>: Operations,
{
    /// Makes a tag set for the contents of `gate`.
    ///
    /// C API: `blk_mq_alloc_tag_set()`. Context: may sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: no queue, no tag, no segment, more than 10240 tags, or poll queues without
    ///   [`Operations::poll`].
    /// - `EBUSY`: there is another tag set for `gate`. [`Operations::engine`] speaks of one request for
    ///   each queue and tag.
    /// - `ENODEV`: the gate is closed.
    /// - `ENOMEM`.
    pub fn new(gate: &Arc<Gate<F>>, options: TagSetOptions) -> Result<Arc<Self>>
    where
        for<'x> F::Of<'x>: Guarded + Send + Sync,
    {
        let TagSetOptions {
            queues,
            depth,
            poll_queues,
            timeout_ms,
            first_vector,
            max_segments,
        } = options;
        if queues == 0 || max_segments == 0 || depth == 0 || depth > bindings::BLK_MQ_MAX_DEPTH {
            return Err(EINVAL);
        }
        if poll_queues != 0 && !<F::Of<'static> as Operations>::HAS_POLL {
            return Err(EINVAL);
        }
        // C does so only without poll queues. More would have no CPU, and cost much memory.
        let (queues, poll_queues) = (queues.min(nr_cpu_ids()), poll_queues.min(nr_cpu_ids()));

        // While the gate is entered, the device is bound.
        let inside = gate.try_access().ok_or(ENODEV)?;
        let binding = gate.binding();
        // SAFETY: The contents exist until the gate closes, and the token as long. Disks of this tag set
        // are removed before.
        let shared = unsafe {
            Shared::new(
                (queues, poll_queues, depth),
                max_segments,
                first_vector,
                inside.as_ptr().cast(),
                binding,
            )
        }?;

        let fields = bindings::blk_mq_tag_set {
            ops: &VTable::<F::Of<'static>>::OPS,
            nr_maps: if poll_queues == 0 { 1 } else { 3 },
            nr_hw_queues: shared.queues,
            queue_depth: depth,
            cmd_size: VTable::<F::Of<'static>>::PDU,
            // SAFETY: The token is of the gate that is entered.
            numa_node: unsafe { DmaDevice::from_binding(binding) }.numa_node(),
            // CAST: From 2^31 ms on it is `MAX_JIFFY_OFFSET`, of which 32 bits are left: 49 days or more.
            timeout: msecs_to_jiffies(timeout_ms) as c_uint,
            ..pin_init::zeroed()
        };
        // SAFETY: The fields are set, and the operations are those of the contents.
        let set = unsafe { SetBox::new(fields, shared) }?;
        // From here on the drop gives it back.
        if !gate.claim_engines() {
            return Err(EBUSY);
        }
        drop(inside);

        // INVARIANT: Made above, for this gate, which has no other.
        let this = Self {
            set,
            gate: gate.clone(),
        };
        Ok(Arc::new(this, Gfp::Kernel.flags())?)
    }

    /// Takes the request that a device has, by the queue and the tag that the device says it has
    /// completed. Calls `f` with it.
    ///
    /// `f` does not know the lifetime of the contents. So it can pass the request and its command on to
    /// the contents only, and not return them.
    ///
    /// Returns `None` if the device has no such request: out of range, not started, or taken already.
    ///
    /// Context: any. `f` runs under the RCU read lock, so it must not sleep.
    #[inline]
    pub fn take<R>(
        &self,
        queue: u32,
        tag: u32,
        f: impl for<'x> FnOnce(Claimed<F::Of<'x>>) -> R,
    ) -> Option<R> {
        // `f` may end the last request of a disk, and go on with its command, which may borrow from the
        // binding. The removal of the disk waits for RCU readers after the end of the last request.
        let _reading = rcu::read_lock();
        let rq = self.set.shared.take(queue, tag)?;

        // SAFETY: The request was in its slot: it has no other owner, and its command is initialised. The
        // operations of the tag set are those of the contents.
        Some(f(unsafe { Claimed::<F::Of<'static>>::from_raw(rq) }))
    }

    /// Calls `f` with a batch, which takes requests as [`take`](Self::take) does, and ends those together
    /// that were [completed](Batch::complete) when `f` returns. For handlers that find several completions.
    ///
    /// What `f` can do with a request is the same as in [`take`](Self::take).
    ///
    /// C API: `blk_mq_end_request_batch()`. Context: any. `f` runs under the RCU read lock, so it must not
    /// sleep.
    #[inline]
    pub fn batch<R>(&self, f: impl for<'x> FnOnce(&mut Batch<'_, F::Of<'x>>) -> R) -> R {
        // As in `take`. Dropped after the batch.
        let _reading = rcu::read_lock();
        // SAFETY: The operations of the tag set are those of the contents. The RCU read lock is held.
        let mut batch = unsafe { Batch::<F::Of<'static>>::new(&self.set.shared) };

        f(&mut batch)
    }

    /// Takes all requests that a device has, stops it unless it is done with them, and ends them with
    /// `error`. Returns how many there were.
    ///
    /// For a device that is gone, or that was reset. If it cannot be stopped, the data is quarantined, see
    /// [`Claimed`].
    ///
    /// Context: any.
    pub fn cancel(&self, error: Error) -> usize {
        let mut count = 0usize;

        for queue in 0..self.set.shared.queues {
            for tag in 0..self.set.shared.depth {
                // What can't be stopped is quarantined by the drop.
                let result = self.take(queue, tag, |request| request.cancel(error).map_err(drop));
                if result.is_some() {
                    count = count.wrapping_add(1);
                }
            }
        }
        count
    }

    /// Stops new requests from reaching the driver until the value is dropped, and waits until no
    /// [`queue_rq`](Operations::queue_rq) runs. This also holds for disks that are added meanwhile.
    ///
    /// Until it is dropped, the thread must not wait for what may need a request of these disks:
    ///
    /// - [`Disk::add`](super::Disk::add), and the drop of a [`Disk`](super::Disk);
    /// - memory, unless it is allocated in [`without_io`](crate::gfp::without_io): [`Gfp::Kernel`] waits for
    ///   memory that is freed by writing to a disk.
    ///
    /// C API: `blk_mq_quiesce_queue_nowait()` of each disk, `blk_mq_wait_quiesce_done()`. Context: may sleep;
    /// not within an operation.
    pub fn quiesce(&self) -> Quiesced<'_> {
        self.set.stop_queues()
    }
}

impl<F: ForLt + 'static> TagSet<F> {
    /// Returns the tag set of C, with what it points to.
    pub(super) fn set(&self) -> &Set {
        &self.set
    }

    /// Returns how many segments the data of a request can have.
    pub(super) fn max_segments(&self) -> u16 {
        self.set.shared.reserve().capacity()
    }

    /// Returns the gate.
    pub(super) fn gate(&self) -> &Arc<Gate<F>> {
        &self.gate
    }
}

impl<F: ForLt + 'static> Drop for TagSet<F> {
    fn drop(&mut self) {
        // There is no disk, so no request asks for an engine.
        self.gate.release_engines();
    }
}
