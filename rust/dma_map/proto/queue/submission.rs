// SPDX-License-Identifier: GPL-2.0

//! Submission queue: commands for the device, which fetches them in order.

use crate::{
    barrier,
    coherent::DmaCoherent,
    engine::{
        self,
        Engine, //
    },
    handle::Dma,
    proto::{
        descriptor_ring::window::{
            Capacity,
            Window, //
        },
        ring::{
            slot_of,
            Full, //
        },
        untrusted::Untrusted, //
    },
    state::Shared,
};
use kernel::{
    dma::DmaAddress,
    io::Io,
    prelude::*, //
};

/// Slots that the CPU fills with commands. One slot stays free, so that equal indices mean an empty queue.
///
/// The device tells its head, the slot that it fetches next, by an entry of another queue or by a
/// register. The slots own no memory: [`Commands`](super::Commands) does.
///
/// The calls have no lock inside, and do not allocate. Drop context: any.
///
/// # Examples
///
/// ```ignore,run
/// # #[repr(C)]
/// # #[derive(FromBytes, IntoBytes)]
/// # struct Command { opcode: u32 }
/// # const TAIL: usize = 0x10;
/// # let head = Untrusted::new(1);
/// let slots = DmaCoherent::<[Command]>::zeroed_slice(dma, 8, Gfp::Kernel)?;
/// let mut queue = SubmissionQueue::new(slots, engine)?;
///
/// queue.push(Command { opcode: 1 })?;
/// queue.publish(|tail| regs.try_write32(tail, TAIL))?;
/// # check(queue.room() == 6)?;
/// // A completion says how far the device is:
/// queue.reclaim(head)?;
/// # check(queue.room() == 7)?;
/// ```
pub struct SubmissionQueue<'bound, T, E: Engine> {
    slots: DmaCoherent<'bound, [T], Shared<E>>,
    window: Window,
}

impl<'bound, T, E> SubmissionQueue<'bound, T, E>
where
    T: FromBytes + IntoBytes,
    E: Engine,
{
    /// Makes an empty queue of `slots`, which are zeroed, and gives them to the device behind `engine`.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `EINVAL`: fewer than two slots, or more than
    /// [`MAX_LEN`](crate::descriptor_ring::window::MAX_LEN).
    pub fn new(mut slots: DmaCoherent<'bound, [T]>, engine: E) -> Result<Self> {
        let window = Window::new(slots.len(), Capacity::AllButOne).ok_or(EINVAL)?;

        for slot in slots.iter_mut() {
            slot.as_mut_bytes().fill(0);
        }
        Ok(Self {
            slots: slots.give(engine),
            window,
        })
    }

    /// Returns the address of the first slot.
    #[inline]
    pub fn dma_address(&self) -> DmaAddress {
        self.slots.dma_address()
    }

    /// Returns the engine.
    #[inline]
    pub fn engine(&self) -> &E {
        Dma::engine(&self.slots)
    }

    /// Returns the number of slots that can be filled, as of the last [`reclaim`](Self::reclaim).
    #[inline]
    pub fn room(&self) -> u32 {
        self.window.room()
    }

    /// Fills the next slot. [`publish`](Self::publish) gives it to the device.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// [`Full`] (`EBUSY`) with the value.
    #[inline]
    pub fn push(&mut self, command: T) -> Result<(), Full<T>> {
        let slot = self
            .window
            .vacant()
            .and_then(|place| slot_of(self.slots.view(), place.index as usize));

        match slot {
            Some(slot) => {
                slot.copy_write(command);
                self.window.fill();
                Ok(())
            }
            None => Err(Full(command)),
        }
    }

    /// Gives all filled slots to the device, after all earlier writes: calls `doorbell` with the tail, the
    /// index behind the last of them, which is less than the number of slots. The slots count as given also
    /// if `doorbell` fails: the next call tells of all of them.
    ///
    /// Context: that of `doorbell`.
    #[inline]
    pub fn publish<R>(&mut self, doorbell: impl FnOnce(u32) -> R) -> R {
        self.window.give();
        let tail = self.window.next().index;
        barrier::publish(|| doorbell(tail))
    }

    /// Takes back the slots before `head`, the slot that the device fetches next. Returns how many of them
    /// are new.
    ///
    /// `head` must be what the device told, and no older than that of the last call. With another one, the next
    /// commands overwrite slots that the device has not fetched: it would read an address that no handle has
    /// told, which the third point of [`Engine`] rules out.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `EBADMSG`: the device cannot be there. Nothing changes.
    #[inline]
    pub fn reclaim(&mut self, head: Untrusted<u32>) -> Result<u32> {
        let window = head.validate(|head| self.after(head))?;
        let before = self.room();

        self.accept(window);
        Ok(self.room().wrapping_sub(before))
    }

    /// Returns the slots in use if the device's head is `head`, which is checked.
    #[inline]
    pub(super) fn after(&self, head: u32) -> Result<Window> {
        let mut window = self.window;
        let new = window.report(head).map_err(|_| EBADMSG)?;

        window.retire(new);
        Ok(window)
    }

    /// Takes back the slots that are not in use any more by `window`, which is of [`after`](Self::after).
    #[inline]
    pub(super) fn accept(&mut self, window: Window) {
        // Writes to the slots come after the read of the head.
        barrier::full();
        self.window = window;
    }

    /// Stops the device unless it is idle, and makes the queue as new: all slots are zeroed, and the first
    /// one is next.
    ///
    /// Set the device's side of the queue up again before the next [`publish`](Self::publish), also if the
    /// engine was idle. Context: any.
    ///
    /// # Errors
    ///
    /// `EBUSY`: the device cannot be stopped. Nothing changes.
    pub fn cancel(&mut self) -> Result {
        if !engine::stop(self.engine()) {
            return Err(EBUSY);
        }
        self.reset();
        Ok(())
    }

    /// Makes the queue as new. The device was stopped.
    pub(super) fn reset(&mut self) {
        self.window.reset();
        for index in 0..self.slots.len() {
            if let Some(slot) = slot_of(self.slots.view(), index) {
                slot.copy_write(T::new_zeroed());
            }
        }
    }
}
