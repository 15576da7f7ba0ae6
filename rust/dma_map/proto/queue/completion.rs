// SPDX-License-Identifier: GPL-2.0

//! Completion queue: entries that only the device writes.

use super::Tagged;
use crate::{
    barrier,
    coherent::DmaCoherent,
    generic::gfp::Gfp,
    handle::Dma,
    proto::{
        descriptor_ring::{
            sign,
            window::{
                Place,
                Window, //
            },
            Completes,
            Progress,
            Protocol, //
        },
        ring::slot_of,
        untrusted::Untrusted, //
    },
    state::Shared,
};
use core::marker::PhantomData;
use kernel::{
    dma::DmaAddress,
    io::Io,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        UniqueArc, //
    }, //
};
use zerocopy::FromZeros;

/// The name of a completion queue and its table. No two have the same at any time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Name(i64);

impl Name {
    /// Returns a name that nobody has had.
    pub(super) fn new() -> Self {
        static NEXT: Atomic<i64> = Atomic::new(0);

        // The count does not wrap: 2^64 queues are never made.
        Self(NEXT.fetch_add(1, Relaxed))
    }
}

/// What an entry reports, read when it was popped.
#[derive(Clone, Copy)]
pub(super) struct Report {
    /// The tag of the command.
    pub(super) tag: u32,
    /// The head of the submission queue, if the entry tells it.
    pub(super) head: Option<u32>,
    /// The number of the entry in its queue: the first one has 1.
    pub(super) number: u64,
}

/// An entry of a [`CompletionQueue`]: what the device says about the command with its tag.
///
/// [`Commands::take`](super::Commands::take) consumes it.
///
/// # Invariants
///
/// `report` is what the device wrote in the entry.
#[must_use = "the memory of the command stays with the device"]
pub struct Completion<P: Tagged> {
    entry: P::Slot,
    report: Report,
    queue: Name,
    _protocol: PhantomData<fn() -> P>,
}

impl<P: Tagged> Completion<P> {
    /// Returns a part of the entry, for example the head of a submission queue.
    ///
    /// Context: any.
    #[inline]
    pub fn part<R>(&self, part: impl FnOnce(&P::Slot) -> R) -> Untrusted<R> {
        Untrusted::new(part(&self.entry))
    }

    /// Returns the report and the entry, if the queue has this name.
    #[inline]
    pub(super) fn of(self, queue: Name) -> Result<(Report, P::Slot)> {
        if self.queue != queue {
            return Err(EINVAL);
        }
        Ok((self.report, self.entry))
    }
}

/// The memory of the entries, which a queue and its table share.
pub(super) type Entries<'bound, P, E> = DmaCoherent<'bound, [<P as Protocol>::Slot], Shared<E>>;

/// Entries that only the device writes, in order, each with the phase of its lap.
///
/// The calls have no lock inside, and do not allocate. Drop context: any.
///
/// The entries stay the device's until both the queue and its table are dropped: as long as there is a
/// table, a command may be reported there. Whoever is dropped last stops the engine unless it is idle.
///
/// # Examples
///
/// ```ignore
/// # const HEAD: usize = 0x10;
/// # fn example<'b, P: Tagged, E: Completes<P>>(
/// #     queue: &mut CompletionQueue<'b, P, E>,
/// #     commands: &mut Commands<'b, P, E, MappedBuffer<'b, u8, FromDevice>>,
/// #     regs: &pci::Bar<'_>,
/// # ) -> Result {
/// while let Some(completion) = queue.pop()? {
///     let (entry, buffer) = commands.take(completion)?;
///     // ...
/// #   let _ = (entry, buffer);
/// }
/// queue.release(|head| regs.try_write32(head, HEAD))?;
/// # Ok(())
/// # }
/// ```
///
/// # Invariants
///
/// From [`new`](Self::new) on, nobody but the device has written to the entries, and `cancel` has zeroed
/// them.
pub struct CompletionQueue<'bound, P: Tagged, E: Completes<P>> {
    entries: Arc<Entries<'bound, P, E>>,
    len: u32,
    /// The number of entries that the device can fill without a new head.
    capacity: u32,
    head: Place,
    /// The number of entries that were taken since the device was told of the head.
    taken: u32,
    /// The number of entries that were ever taken.
    popped: u64,
    name: Name,
    /// Whether a table was made for the queue.
    claimed: bool,
}

impl<'bound, P: Tagged, E: Completes<P>> CompletionQueue<'bound, P, E> {
    /// Makes an empty queue of `entries`, which are zeroed, and gives them to the device behind `engine`.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: no entry could be in use, because there is none, or one and [`Protocol::CAPACITY`] is
    ///   all but one; or there are more than [`MAX_LEN`](crate::descriptor_ring::window::MAX_LEN).
    /// - `ENOMEM`: no memory for what the queue and its table share.
    pub fn new(mut entries: DmaCoherent<'bound, [P::Slot]>, engine: E) -> Result<Self> {
        const {
            assert!(sign::exists::<P>(), "the entries have a phase");
        }
        let len = entries.len();
        let window = Window::new(len, P::CAPACITY).ok_or(EINVAL)?;

        // Old bytes must not look like a completion.
        for entry in entries.iter_mut() {
            entry.as_mut_bytes().fill(0);
        }
        // Allocated first: a drop of entries that were given would stop the engine.
        let place = UniqueArc::new_uninit(Gfp::Kernel.flags())?;
        // INVARIANT: The entries are zeroed, and from here on the device's.
        Ok(Self {
            entries: place.write(entries.give(engine)).into(),
            // CAST: At most `MAX_LEN`, or there would be no window.
            len: len as u32,
            capacity: window.room(),
            head: Place::FIRST,
            taken: 0,
            popped: 0,
            name: Name::new(),
            claimed: false,
        })
    }

    /// Returns the name of the queue, which changes when the queue is reset.
    #[inline]
    pub(super) fn name(&self) -> Name {
        self.name
    }

    /// Returns whether the queue has a table, or had one.
    #[inline]
    pub(super) fn is_claimed(&self) -> bool {
        self.claimed
    }

    /// Claims the queue for a table, which keeps the entries as long as it may tell the device of commands.
    pub(super) fn claim(&mut self) -> (Name, Arc<Entries<'bound, P, E>>) {
        self.claimed = true;
        // Entries that were taken before there was a table are of no command of it.
        self.name = Name::new();
        (self.name, self.entries.clone())
    }

    /// Returns the address of the first entry.
    #[inline]
    pub fn dma_address(&self) -> DmaAddress {
        self.entries.dma_address()
    }

    /// Returns the engine.
    #[inline]
    pub fn engine(&self) -> &E {
        Dma::engine(&self.entries)
    }

    /// Takes the next entry, if the device has written it: copies it, once. `None` also if as many entries
    /// were taken as the device can write without a new head: [`release`](Self::release) them first.
    ///
    /// Context: any.
    ///
    /// # Errors
    ///
    /// `EBADMSG`: the entry's sign is none that the device can write there. Nothing changes.
    #[inline]
    pub fn pop(&mut self) -> Result<Option<Completion<P>>> {
        if self.taken >= self.capacity {
            return Ok(None);
        }
        let Some(slot) = slot_of(self.entries.view(), self.head.index as usize) else {
            return Ok(None);
        };
        let (progress, sign) = sign::read::<P>(slot, self.head.lap);
        match progress {
            Progress::Pending => return Ok(None),
            Progress::Done => {}
            Progress::Impossible => return Err(EBADMSG),
        }

        let mut entry = slot.copy_read();
        // The sign that was judged is the one that the driver gets.
        sign::replace::<P>(&mut entry, sign);
        self.head = self.head.after(self.len);
        self.taken = self.taken.wrapping_add(1);
        // At most one each nanosecond: 64 bits do not wrap.
        self.popped = self.popped.wrapping_add(1);
        // INVARIANT: The report is read here, and not in `take`. A slot may have interior mutability, so
        // a closure of `part` could change the entry until then.
        let report = Report {
            tag: P::tag(&entry),
            head: P::head(&entry),
            number: self.popped,
        };
        Ok(Some(Completion {
            entry,
            report,
            queue: self.name,
            _protocol: PhantomData,
        }))
    }

    /// Gives all entries that were taken back to the device, after all earlier reads: calls `doorbell` with
    /// the head, the entry to be taken next, which is less than the number of entries. They count as given
    /// back also if `doorbell` fails: the next call tells of all of them.
    ///
    /// Context: that of `doorbell`.
    #[inline]
    pub fn release<R>(&mut self, doorbell: impl FnOnce(u32) -> R) -> R {
        self.taken = 0;
        // Weaker barriers do not order a write after earlier reads.
        barrier::full();
        doorbell(self.head.index)
    }

    /// Makes the queue as new. The device was stopped.
    pub(super) fn reset(&mut self) {
        for index in 0..self.entries.len() {
            if let Some(slot) = slot_of(self.entries.view(), index) {
                // INVARIANT: The entries are zeroed.
                slot.copy_write(P::Slot::new_zeroed());
            }
        }
        (self.head, self.taken) = (Place::FIRST, 0);
        self.name = Name::new();
    }
}
