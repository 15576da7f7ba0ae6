// SPDX-License-Identifier: GPL-2.0

//! Threads for a case: a work queue on a device of its own, and a wait for what they do.

use crate::{
    check::*,
    fixture::TestDevice, //
};
use dma_map::{
    workqueue::WorkQueue,
    DmaLimits, //
};
use kernel::{
    dma::DmaMask,
    prelude::*,
    sync::Arc,
    time::{
        delay::fsleep,
        Delta, //
    },
    workqueue::RawWorkItem, //
};

/// Sleeps until `done`, and returns whether it is. A minute is enough, also on a busy host.
pub(crate) fn wait_until(mut done: impl FnMut() -> bool) -> bool {
    for _ in 0..6000 {
        if done() {
            return true;
        }
        fsleep(Delta::from_millis(10));
    }
    done()
}

/// A work queue. Dropping it waits for the work.
pub(crate) struct Workers {
    queue: Arc<WorkQueue>,
    // Unbound on drop.
    _device: TestDevice,
}

impl Workers {
    /// Makes a work queue. Not within a probe.
    pub(crate) fn new() -> Result<Self> {
        let device = TestDevice::another()?;
        let mut queue = None;
        device.bind(|probe| {
            let dma = probe.dma(DmaLimits::new(DmaMask::new::<64>()))?;
            queue = Some(WorkQueue::new(dma, c"dma_map_kunit")?);
            Ok(())
        })?;

        Ok(Self {
            queue: queue.ok_or(EINVAL)?,
            _device: device,
        })
    }

    /// Enqueues work that is not enqueued.
    pub(crate) fn start<W>(&self, work: W) -> Result
    where
        W: RawWorkItem<0, EnqueueOutput = Result<(), W>> + Send + 'static,
    {
        check!(matches!(self.queue.enqueue(work), Ok(Ok(()))));
        Ok(())
    }
}
