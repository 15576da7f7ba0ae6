// SPDX-License-Identifier: GPL-2.0

//! Waiting until a transfer is done.

use super::{
    Handle,
    Transfer,
    WaitError, //
};
use crate::generic::wait::{
    WaitOptions,
    WaitQueue, //
};

impl<H: Handle> Transfer<H> {
    /// Sleeps until the device is done, and returns the handles, as [`complete`](Self::complete) does.
    ///
    /// The engines are asked first, after each wake-up of `queue`, and once more when the time is up. A
    /// wake-up is a hint only: it may be that of another transfer. Several threads can wait on one queue. If
    /// the queue has [ended](WaitQueue::end), they are not asked.
    ///
    /// C API: `wait_event_timeout()` and its variants. Context: may sleep.
    ///
    /// # Errors
    ///
    /// [`WaitError`] with the transfer, and one of the errors of [`WaitQueue::wait`]: `ETIMEDOUT`,
    /// `ERESTARTSYS`, `ENODEV`.
    ///
    /// # Examples
    ///
    /// ```ignore,run
    /// # use dma_map::wait::{Deadline, WaitOptions, WaitQueue};
    /// # use kernel::time::Delta;
    /// # fn example<E: Engine>(
    /// #     dma: DmaDevice<'_>,
    /// #     room: KVec<u8>,
    /// #     engine: E,
    /// #     queue: &WaitQueue,
    /// #     go: impl for<'a> FnOnce(Piece<'a, FromDevice, E::Mark>) -> Result,
    /// # ) -> Result<KVec<u8>> {
    /// let room = DmaMapping::map(dma, room, FromDevice, engine, MapOptions::new())?;
    /// let transfer = Transfer::start(room, |room| go(room))?;
    ///
    /// // On an error the device is stopped, and then the memory is unmapped.
    /// let second = WaitOptions::new(Deadline::after(Delta::from_secs(1)));
    /// let room = transfer.wait(queue, second.killable())?;
    /// Ok(room.unmap())
    /// # }
    /// # pub fn run(dma: DmaDevice<'_>, engine: Device, _regs: &pci::Bar<'_>) -> Result {
    /// #     let queue = KBox::pin_init(WaitQueue::new(), GFP_KERNEL)?;
    /// #     let room = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
    /// #     check(example(dma, room, engine, &queue, |_| Ok(()))?.len() == 512)?;
    /// #     queue.end();
    /// #     let room = KVec::from_elem(0u8, 512, GFP_KERNEL)?;
    /// #     let ended = example(dma, room, engine, &queue, |_| Ok(()));
    /// #     check(matches!(ended, Err(err) if err == ENODEV))
    /// # }
    /// ```
    pub fn wait(self, queue: &WaitQueue, options: WaitOptions) -> Result<H::Done, WaitError<H>> {
        match queue.wait(options, || self.handles.is_done()) {
            // SAFETY: The wait ends without an error when the condition holds: the engines are idle.
            Ok(()) => Ok(unsafe { self.into_handles().finish() }),
            Err(error) => Err(WaitError {
                error,
                transfer: self,
            }),
        }
    }
}
