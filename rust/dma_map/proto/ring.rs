// SPDX-License-Identifier: GPL-2.0

//! Rings of slots in shared memory.
//!
//! One side fills slots and the other empties them. Each tells the other its progress by a counter
//! ([`index`]). [`Producer`] is for a ring that the CPU fills, and [`Consumer`] for one that it empties.
//! The place of the counters depends on the device, so it is a trait, [`Counters`]: two words of memory
//! ([`InMemory`]), or registers of the driver.
//!
//! Counters are numbers here, and [`InMemory`] stores them in little endian. The driver and its device
//! define the contents of a slot; [`endian`](crate::endian) has types for it.
//!
//! The types rule out the usual mistakes:
//!
//! - The barrier between the slots and the counter that gives them away is in [`Producer::publish`],
//!   [`Consumer::poll`] and [`Consumer::release`].
//! - By the protocol, the device does not read a slot before it was published. The CPU cannot write it
//!   afterwards: [`Producer::vacancy`] is the only access to a slot.
//! - A value of the device is read once, into an [`Untrusted`] value. Its counter is checked: an
//!   impossible one is `EBADMSG`, and never makes the CPU leave the ring.

pub mod index;

use self::index::{
    BadCounter,
    Empties,
    Fills,
    Index,
    Side, //
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

/// The counters of a ring.
///
/// The library calls these functions with the barriers in place, so an implementation is two accesses.
pub trait Counters {
    /// Writes the CPU's counter, for the device.
    fn tell(&self, counter: u32);

    /// Reads the device's counter: one read, of one value.
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
/// little endian, as for PCI devices. For another device, [`Counters`] is two accesses to words in its
/// own byte order ([`Be`](crate::endian::Be)).
pub struct InMemory<'bound, E: Engine> {
    words: DmaCoherent<'bound, Words, Shared<E>>,
}

impl<'bound, E: Engine> InMemory<'bound, E> {
    /// The offset of the device's counter from the CPU's, in bytes.
    pub const DEVICE: usize = core::mem::offset_of!(Words, device);

    /// Allocates the counters, both 0.
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

/// The error of [`Producer::push`] on a full ring, with the value.
#[derive(Debug)]
pub struct Full<T>(pub T);

impl<T> From<Full<T>> for Error {
    #[inline]
    fn from(_: Full<T>) -> Self {
        EBUSY
    }
}

impl From<BadCounter> for Error {
    #[inline]
    fn from(_: BadCounter) -> Self {
        EBADMSG
    }
}

/// A ring of slots, of which the CPU is side `S`: a [`Producer`] or a [`Consumer`].
pub struct Ring<'bound, T, E: Engine, C, S> {
    slots: DmaCoherent<'bound, [T], Shared<E>>,
    counters: C,
    index: Index<S>,
}

impl<'bound, T, E, C, S> Ring<'bound, T, E, C, S>
where
    T: FromBytes + IntoBytes,
    E: Engine,
    C: Counters,
    S: Side,
{
    /// Makes an empty ring of `slots`. Both counters are 0.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the number of slots is not a power of two, or more than [`index::MAX_LEN`].
    pub fn new(slots: DmaCoherent<'bound, [T], Shared<E>>, counters: C) -> Result<Self> {
        let index = Index::new(slots.len()).ok_or(EINVAL)?;

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

    /// Returns the counters.
    #[inline]
    pub fn counters(&self) -> &C {
        &self.counters
    }
}

/// A ring that the CPU fills and the device empties.
///
/// # Examples
///
/// ```ignore,run
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
/// # check(ring.room() == 63)?;
/// ```
pub type Producer<'bound, T, E, C> = Ring<'bound, T, E, C, Fills>;

impl<T, E, C> Producer<'_, T, E, C>
where
    T: FromBytes + IntoBytes,
    E: Engine,
    C: Counters,
{
    /// Returns the number of slots that the CPU can fill, as of the last [`reclaim`](Self::reclaim).
    #[inline]
    pub fn room(&self) -> u32 {
        self.index.room()
    }

    /// Reads how many slots the device has emptied, and returns how many of them are new.
    ///
    /// Context: that of [`Counters::ask`].
    ///
    /// # Errors
    ///
    /// `EBADMSG`: the device claims more than were filled. Nothing changes.
    pub fn reclaim(&mut self) -> Result<u32> {
        let new = self
            .counters
            .ask()
            .validate(|tail| Ok(self.index.emptied(tail)?))?;

        // Writes to the slots come after the read of the device's counter.
        barrier::full();
        Ok(new)
    }

    /// Returns the next slot, to write it once, or `None` if the ring is full.
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

    /// Gives all filled slots to the device, after all earlier writes.
    ///
    /// Context: that of [`Counters::tell`].
    #[inline]
    pub fn publish(&mut self) {
        let counter = self.index.counter();
        barrier::publish(|| self.counters.tell(counter));
    }
}

/// A slot that the CPU owns, to be filled by one write.
///
/// Dropping it leaves the slot unchanged, and the next vacancy is the same slot.
#[must_use]
pub struct Vacancy<'a, T> {
    slot: CoherentView<'a, T>,
    index: &'a mut Index<Fills>,
}

impl<T: FromBytes + IntoBytes> Vacancy<'_, T> {
    /// Returns the address of the slot, for devices that are told each address.
    #[inline]
    pub fn dma_address(&self) -> DmaAddress {
        self.slot.dma_address()
    }

    /// Writes the slot. [`Producer::publish`] gives it to the device.
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
pub type Consumer<'bound, T, E, C> = Ring<'bound, T, E, C, Empties>;

impl<T, E, C> Consumer<'_, T, E, C>
where
    T: FromBytes + IntoBytes,
    E: Engine,
    C: Counters,
{
    /// Returns the number of slots that the CPU can empty, as of the last [`poll`](Self::poll).
    #[inline]
    pub fn available(&self) -> u32 {
        self.index.available()
    }

    /// Reads how many slots the device has filled, and returns how many of them are new.
    ///
    /// Context: that of [`Counters::ask`].
    ///
    /// # Errors
    ///
    /// `EBADMSG`: the device claims more than there was room for. Nothing changes.
    pub fn poll(&mut self) -> Result<u32> {
        let head = self.counters.ask();

        // Reads of the slots come after that of the counter.
        barrier::consume(|| head.validate(|head| Ok(self.index.filled(head)?)))
    }

    /// Empties the next slot: copies the device's data, once.
    ///
    /// Context: any.
    #[inline]
    pub fn pop(&mut self) -> Option<Untrusted<T>> {
        let slot = slot_of(self.slots.view(), self.index.next()?)?;
        let value = slot.once().read();

        self.index.advance();
        Some(value)
    }

    /// Gives all emptied slots back to the device, after all earlier reads.
    ///
    /// Context: that of [`Counters::tell`].
    #[inline]
    pub fn release(&mut self) {
        // Weaker barriers do not order a write after earlier reads.
        barrier::full();
        self.counters.tell(self.index.counter());
    }
}

/// Returns slot `index`. It exists, because an index is less than the number of slots.
#[inline]
pub(super) fn slot_of<T>(
    slots: CoherentView<'_, [T]>,
    index: usize,
) -> Option<CoherentView<'_, T>> {
    let slot = || -> Result<CoherentView<'_, T>> { Ok(io_project!(slots, [try: index])) };
    slot().ok()
}
