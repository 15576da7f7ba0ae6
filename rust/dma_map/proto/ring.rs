// SPDX-License-Identifier: GPL-2.0

//! Rings of slots that CPU and device share.
//!
//! One side fills slots and the other empties them, and each tells the other how far it is by a
//! counter ([`index`]). [`Producer`] is for a ring that the CPU fills, and [`Consumer`] for one that
//! it empties. Where the counters are differs from device to device, so that is a trait,
//! [`Counters`]: two words of memory, [`InMemory`], or registers of the driver.
//!
//! Counters are numbers here, and what a device sees of [`InMemory`] is little endian. What the
//! slots' bytes mean is between the driver and its device: [`endian`](crate::endian) has the types.
//!
//! What can be got wrong with a ring is not in the driver's hands:
//!
//! - The barrier between the slots and the counter that gives them away is in
//!   [`Producer::publish`], [`Consumer::poll`] and [`Consumer::release`].
//! - A slot that was not published can't be seen by the device's rules; one that was can't be
//!   written any more: there is no way to a slot but [`Producer::vacancy`].
//! - What the device writes is read once, into an [`Untrusted`] value. Its counter is checked: a
//!   device that claims what can't be gets `EBADMSG`, and never makes the CPU leave the ring.

pub mod index;

use self::index::{
    Emptying,
    Filling,
    Impossible, //
};
use super::{
    endian::Le,
    untrusted::Untrusted, //
};
use crate::{
    barrier,
    coherent::DmaCoherent,
    device::DmaDevice,
    engine::Engine,
    gfp::Gfp,
    state::Shared,
    view::CoherentView, //
};
use kernel::{
    dma::DmaAddress,
    io::{
        io_project,
        io_write,
        Io, //
    },
    prelude::*, //
};

/// Where the counters of a ring are.
///
/// The library calls this with the barriers in place, so an implementation is two accesses.
pub trait Counters {
    /// Tells the device how far the CPU is.
    fn tell(&self, counter: u32);

    /// Asks how far the device is. One read, of one value.
    fn ask(&self) -> Untrusted<u32>;
}

/// The memory of [`InMemory`]: the counters, each in a cache line of its own.
#[repr(C, align(64))]
#[derive(FromBytes, IntoBytes)]
struct Words {
    cpu: Le<u32>,
    _line: [u32; 15],
    device: Le<u32>,
    _rest: [u32; 15],
}

/// Counters in coherent memory: the CPU's in the first word, the device's 64 bytes behind it. Both are
/// little endian, as PCI devices have it; for another device, [`Counters`] is two accesses to words of
/// its own order ([`Be`](crate::endian::Be)).
pub struct InMemory<'bound, E: Engine> {
    words: DmaCoherent<'bound, Words, Shared<E>>,
}

impl<'bound, E: Engine> InMemory<'bound, E> {
    /// Where the device's counter is, in bytes from the CPU's.
    pub const DEVICE: usize = core::mem::offset_of!(Words, device);

    /// Allocates two counters of 0.
    ///
    /// # Errors
    ///
    /// Those of [`DmaCoherent::zeroed`]; `EINVAL` only if the driver has stated a `max_segment_size` below
    /// 128 bytes.
    pub fn new(dev: DmaDevice<'bound>, engine: E, gfp: Gfp) -> Result<Self> {
        Ok(Self {
            words: DmaCoherent::<Words>::zeroed(dev, gfp)?.give(engine),
        })
    }

    /// Returns the address of the CPU's counter, which the device reads.
    #[inline]
    pub fn dma_address(&self) -> DmaAddress {
        self.words.dma_address()
    }
}

impl<E: Engine> Counters for InMemory<'_, E> {
    #[inline]
    fn tell(&self, counter: u32) {
        io_write!(&self.words, .cpu, counter.into());
    }

    #[inline]
    fn ask(&self) -> Untrusted<u32> {
        io_project!(&self.words, .device)
            .once()
            .read()
            .map(u32::from)
    }
}

/// What [`Producer::push`] gives back when there is no room: the value.
#[derive(Debug)]
pub struct Full<T>(pub T);

impl<T> From<Full<T>> for Error {
    #[inline]
    fn from(_: Full<T>) -> Self {
        EBUSY
    }
}

impl From<Impossible> for Error {
    #[inline]
    fn from(_: Impossible) -> Self {
        EBADMSG
    }
}

/// A ring that the CPU fills and the device empties.
///
/// # Examples
///
/// ```ignore
/// # #[repr(C)]
/// # #[derive(FromBytes, IntoBytes)]
/// # struct Command { opcode: u32 }
/// # let command = Command { opcode: 1 };
/// let counters = InMemory::new(dma, engine.clone(), Gfp::Kernel)?;
/// let slots = DmaCoherent::<[Command]>::zeroed_slice(dma, 64, Gfp::Kernel)?;
/// let mut ring = Producer::new(slots.give(engine), counters)?;
///
/// ring.reclaim()?;
/// ring.push(command)?;
/// ring.publish();
/// ```
pub struct Producer<'bound, T, E: Engine, C> {
    slots: DmaCoherent<'bound, [T], Shared<E>>,
    counters: C,
    index: Filling,
}

impl<'bound, T, E, C> Producer<'bound, T, E, C>
where
    T: FromBytes + IntoBytes,
    E: Engine,
    C: Counters,
{
    /// Makes an empty ring of `slots`; both counters are 0.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the number of slots is not a power of two, or more than [`index::MAX_LEN`].
    pub fn new(slots: DmaCoherent<'bound, [T], Shared<E>>, counters: C) -> Result<Self> {
        let index = Filling::new(slots.len()).ok_or(EINVAL)?;

        Ok(Self {
            slots,
            counters,
            index,
        })
    }

    /// Returns the address of the first slot.
    #[inline]
    pub fn dma_address(&self) -> DmaAddress {
        self.slots.dma_address()
    }

    /// Returns where the counters are.
    #[inline]
    pub fn counters(&self) -> &C {
        &self.counters
    }

    /// Returns how many slots can be filled, as far as is known.
    #[inline]
    pub fn room(&self) -> u32 {
        self.index.room()
    }

    /// Asks the device how many slots it has emptied, and returns how many are new.
    ///
    /// Context: any, if the counters' is.
    ///
    /// # Errors
    ///
    /// `EBADMSG`: more than were filled. Nothing changes.
    pub fn reclaim(&mut self) -> Result<u32> {
        let new = self
            .counters
            .ask()
            .validate(|tail| Ok(self.index.emptied(tail)?))?;

        // The slots are written again after the device was seen to be done with them.
        barrier::full();
        Ok(new)
    }

    /// Returns the next slot, to be written once; `None` if the ring is full.
    ///
    /// Context: any.
    #[inline]
    pub fn vacancy(&mut self) -> Option<Vacancy<'_, T>> {
        let slot = self.index.next()?;

        Some(Vacancy {
            slot: slot_of(self.slots.view(), slot)?,
            index: &mut self.index,
        })
    }

    /// Fills the next slot.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// [`Full`] (`EBUSY`) with the value.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), Full<T>> {
        match self.vacancy() {
            Some(vacancy) => {
                vacancy.fill(value);
                Ok(())
            }
            None => Err(Full(value)),
        }
    }

    /// Gives all filled slots to the device, after everything that was written before.
    ///
    /// Context: any, if the counters' is.
    #[inline]
    pub fn publish(&mut self) {
        let counter = self.index.counter();
        barrier::publish(|| self.counters.tell(counter));
    }
}

/// A slot that is the CPU's, to be filled by one write.
///
/// Dropping it leaves the slot as it was, and the next one is the same.
#[must_use]
pub struct Vacancy<'a, T> {
    slot: CoherentView<'a, T>,
    index: &'a mut Filling,
}

impl<T: FromBytes + IntoBytes> Vacancy<'_, T> {
    /// Returns the address of the slot, for devices that are told of it.
    #[inline]
    pub fn dma_address(&self) -> DmaAddress {
        self.slot.dma_address()
    }

    /// Writes the slot. The device gets it by [`Producer::publish`].
    #[inline]
    pub fn fill(self, value: T) {
        self.slot.copy_write(value);
        self.index.advance();
    }
}

/// A ring that the device fills and the CPU empties.
///
/// # Examples
///
/// ```ignore
/// # #[repr(C)]
/// # #[derive(FromBytes, IntoBytes)]
/// # struct Completion { command: u32 }
/// # fn example<E: Engine, C: Counters>(
/// #     ring: &mut Consumer<'_, Completion, E, C>,
/// #     commands: &[u32],
/// # ) -> Result {
/// ring.poll()?;
/// while let Some(completion) = ring.pop() {
///     let command = completion.map(|c| c.command).index(commands.len())?;
///     // ...
/// }
/// ring.release();
/// # Ok(())
/// # }
/// ```
pub struct Consumer<'bound, T, E: Engine, C> {
    slots: DmaCoherent<'bound, [T], Shared<E>>,
    counters: C,
    index: Emptying,
}

impl<'bound, T, E, C> Consumer<'bound, T, E, C>
where
    T: FromBytes + IntoBytes,
    E: Engine,
    C: Counters,
{
    /// Makes an empty ring of `slots`; both counters are 0.
    ///
    /// # Errors
    ///
    /// As [`Producer::new`].
    pub fn new(slots: DmaCoherent<'bound, [T], Shared<E>>, counters: C) -> Result<Self> {
        let index = Emptying::new(slots.len()).ok_or(EINVAL)?;

        Ok(Self {
            slots,
            counters,
            index,
        })
    }

    /// Returns the address of the first slot.
    #[inline]
    pub fn dma_address(&self) -> DmaAddress {
        self.slots.dma_address()
    }

    /// Returns where the counters are.
    #[inline]
    pub fn counters(&self) -> &C {
        &self.counters
    }

    /// Returns how many slots can be emptied, as far as is known.
    #[inline]
    pub fn available(&self) -> u32 {
        self.index.available()
    }

    /// Asks the device how many slots it has filled, and returns how many are new.
    ///
    /// Context: any, if the counters' is.
    ///
    /// # Errors
    ///
    /// `EBADMSG`: more than there was room for. Nothing changes.
    pub fn poll(&mut self) -> Result<u32> {
        let head = self.counters.ask();

        // What is in the slots is read after the counter.
        barrier::consume(|| head.validate(|head| Ok(self.index.filled(head)?)))
    }

    /// Empties the next slot: copies out what the device wrote, once.
    ///
    /// Context: any.
    #[inline]
    pub fn pop(&mut self) -> Option<Untrusted<T>> {
        let slot = slot_of(self.slots.view(), self.index.next()?)?;
        let value = slot.once().read();

        self.index.advance();
        Some(value)
    }

    /// Gives all emptied slots back to the device, after everything that was read before.
    ///
    /// Context: any, if the counters' is.
    #[inline]
    pub fn release(&mut self) {
        // A write after reads: weaker barriers do not order that.
        barrier::full();
        self.counters.tell(self.index.counter());
    }
}

/// Returns slot `index`, which is one: an index is less than the number of slots.
#[inline]
fn slot_of<T>(slots: CoherentView<'_, [T]>, index: usize) -> Option<CoherentView<'_, T>> {
    let slot = || -> Result<CoherentView<'_, T>> { Ok(io_project!(slots, [try: index])) };
    slot().ok()
}
