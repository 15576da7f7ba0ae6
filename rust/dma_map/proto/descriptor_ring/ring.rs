// SPDX-License-Identifier: GPL-2.0

//! The ring: slots, what they own, and the transitions of both.

use super::{
    sign,
    window::{
        Capacity,
        Window, //
    },
    Completes,
    CompletesTo,
    Progress,
    Protocol, //
};
use crate::{
    barrier,
    coherent::DmaCoherent,
    engine::{
        self,
        Engine, //
    },
    error::MapError,
    generic::{
        gfp::Gfp,
        variance::CrateToken,
        vec, //
    },
    handle::Dma,
    proto::{
        ring::slot_of,
        untrusted::Untrusted, //
    },
    state::Shared,
    transfer::{
        Handle,
        Post, //
    },
};
use kernel::{
    dma::DmaAddress,
    io::Io,
    prelude::*, //
};
use zerocopy::FromZeros;

/// The pieces of posted memory, of which a descriptor is made.
type PiecesOf<'a, H, E> = <<H as Post>::Posted<<E as Engine>::Mark> as Handle>::Pieces<'a>;

/// A slot that the device is done with.
#[must_use = "memory that is dropped is unmapped and freed"]
pub struct Completed<T, H> {
    /// The slot as the device left it.
    pub descriptor: Untrusted<T>,
    /// The number of bytes that the device says it has written ([`Protocol::length`]), which is at most
    /// the size of the memory.
    pub len: Option<usize>,
    /// The memory, which is the CPU's, in sync.
    pub memory: H,
}

/// What belongs to a slot.
struct Owner<S, M> {
    /// The sign to be written. After the device was done with the slot: the one that was read.
    sign: S,
    /// The memory while the slot is in use.
    memory: Option<M>,
}

/// The list of owners in a ring of `P`, whose engine has the mark of `E`.
type Owners<P, E, H> = KVec<Owner<<P as Protocol>::Sign, <H as Post>::Posted<<E as Engine>::Mark>>>;

/// A ring of slots that own the memory they describe; stopped and freed on drop.
///
/// The calls have no lock inside: a ring that an interrupt handler shares with others needs one. None
/// allocates.
///
/// Dropping a ring with slots in use stops the engine, and drops their memory. If the device cannot be
/// stopped, the memory is quarantined (see [`Engine::quiesce`]). A ring that is leaked leaks its memory,
/// and the device can do no harm. Drop context: any.
///
/// # Examples
///
/// ```ignore
/// # #[repr(C)]
/// # #[derive(FromBytes, IntoBytes)]
/// # struct Receive { address: Le<u64>, length: Le<u32>, status: Le<u32> }
/// # struct Rx;
/// # impl Protocol for Rx { type Slot = Receive; type Sign = Le<u32>; }
/// # const TAIL: usize = 0x10;
/// # fn example<E: Completes<Rx>>(
/// #     dma: DmaDevice<'_>,
/// #     engine: E,
/// #     regs: &pci::Bar<'_>,
/// #     pool: &MappedPool<'_, u8, FromDevice>,
/// #     handle: impl Fn(&[u8]),
/// # ) -> Result {
/// let slots = DmaCoherent::<[Receive]>::zeroed_slice(dma, 64, Gfp::Kernel)?;
/// let mut ring = DescriptorRing::<Rx, _, _>::new(slots, engine)?;
///
/// while ring.room() != 0 {
///     ring.post(pool.take()?, |room| {
///         Ok(Receive {
///             address: room.address().into(),
///             length: u32::try_from(room.len())?.into(),
///             status: 0.into(),
///         })
///     })?;
/// }
/// ring.publish(|tail| regs.try_write32(tail, TAIL))?;
///
/// // In the interrupt handler:
/// while let Some(packet) = ring.pop()? {
///     let len = packet.len.unwrap_or(0);
///     handle(packet.memory.as_slice().get(..len).ok_or(EBADMSG)?);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Invariants
///
/// - There are as many owners as slots. Those of the slots in use, by `window`, have memory, and no
///   others.
/// - No device but that of the slots' engine was told of the memory.
pub struct DescriptorRing<'bound, P: Protocol, E: Completes<P>, H: Post> {
    slots: DmaCoherent<'bound, [P::Slot], Shared<E>>,
    owners: Owners<P, E, H>,
    window: Window,
}

impl<'bound, P: Protocol, E: Completes<P>, H: Post> DescriptorRing<'bound, P, E, H> {
    /// Makes an empty ring of `slots`, which are zeroed, and gives them to the device behind `engine`.
    ///
    /// Context: may sleep.
    ///
    /// # Errors
    ///
    /// - `EINVAL`: no slot could be in use, because there is none, or one and [`Protocol::CAPACITY`] is
    ///   all but one; or there are more than [`MAX_LEN`](super::window::MAX_LEN).
    /// - `ENOMEM`: no memory for the list of owners.
    pub fn new(mut slots: DmaCoherent<'bound, [P::Slot]>, engine: E) -> Result<Self> {
        let len = slots.len();
        let window = Window::new(len, P::CAPACITY).ok_or(EINVAL)?;

        let mut owners = vec::with_capacity(len, Gfp::Kernel.flags())?;
        for slot in slots.iter_mut() {
            slot.as_mut_bytes().fill(0);
            let owner = Owner {
                sign: P::Sign::new_zeroed(),
                memory: None,
            };
            vec::push_within_capacity(&mut owners, owner).map_err(|_| ENOMEM)?;
        }
        // INVARIANT: There is an owner for each slot, and none has memory.
        Ok(Self {
            slots: slots.give(engine),
            owners,
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

    /// Returns the number of slots.
    #[inline]
    #[expect(
        clippy::len_without_is_empty,
        reason = "never without slots, by the invariants"
    )]
    pub fn len(&self) -> usize {
        self.owners.len()
    }

    /// Returns the number of slots that can be filled.
    #[inline]
    pub fn room(&self) -> u32 {
        self.window.room()
    }

    /// Returns the number of slots that own memory.
    #[inline]
    pub fn used(&self) -> u32 {
        self.window.used()
    }

    /// Fills the next slot with the descriptor that `describe` makes of the memory's pieces. The slot owns
    /// the memory from here on. The device gets both with the next [`publish`](Self::publish).
    ///
    /// The memory must be mapped for the ring's device, as [`Completes`] requires.
    ///
    /// Context: any, if `describe` does not sleep. Syncs the memory for the device.
    ///
    /// # Errors
    ///
    /// The memory comes back with each of them:
    ///
    /// - `EBUSY`: the ring is full.
    /// - `EINVAL`: the descriptor's sign is not one of a slot that is [`Pending`](Progress::Pending).
    /// - The error of `describe`.
    #[inline]
    pub fn post(
        &mut self,
        memory: H,
        describe: impl for<'a> FnOnce(PiecesOf<'a, H, E>) -> Result<P::Slot>,
    ) -> Result<(), MapError<H>> {
        let vacant = self.window.vacant().and_then(|place| {
            let index = place.index as usize;
            let slot = slot_of(self.slots.view(), index)?;
            Some((slot, self.owners.get_mut(index)?, place))
        });
        let Some((slot, owner, place)) = vacant else {
            return Err(MapError {
                error: EBUSY,
                buffer: memory,
            });
        };

        let memory = memory.post(CrateToken(()));
        // SAFETY: The memory was posted, and is not taken out of this state while the pieces are borrowed:
        // `describe` does not know how long they live.
        let descriptor = describe(unsafe { memory.pieces() }).and_then(|mut descriptor| {
            let given = P::given(sign::replace::<P>(&mut descriptor, owner.sign), place);
            if P::progress(given, place.lap) == Progress::Pending {
                Ok((descriptor, given))
            } else {
                Err(EINVAL)
            }
        });
        match descriptor {
            Ok((descriptor, given)) => {
                // With the sign that was read when the slot ended, or zeroes in a new ring: it does not give
                // the slot away (safety requirements of `Completes`), so the device does not begin yet.
                slot.copy_write(descriptor);
                // INVARIANT: The slot is in use, and has the memory.
                *owner = Owner {
                    sign: given,
                    memory: Some(memory),
                };
                self.window.fill();
                Ok(())
            }
            Err(error) => Err(MapError {
                error,
                // SAFETY: No device was told of the memory: only a descriptor tells it (safety
                // requirements of `Completes`), and none was written.
                buffer: unsafe { memory.finish() },
            }),
        }
    }

    /// Gives all filled slots to the device, after all earlier writes, and then calls `doorbell` with the
    /// index behind the last of them, which is less than the number of slots.
    ///
    /// The sign of the oldest slot is written last, behind another barrier, so that a device that polls for it
    /// finds the others. The slots count as given also if `doorbell` fails: the next call tells of all of them.
    ///
    /// Context: that of `doorbell`.
    #[inline]
    pub fn publish<R>(&mut self, doorbell: impl FnOnce(u32) -> R) -> R {
        if const { sign::exists::<P>() } {
            let filled = self.window.not_given();
            let (oldest, several) = (filled.start, filled.end.wrapping_sub(filled.start) > 1);

            barrier::publish(|| ());
            for count in filled.rev() {
                if several && count == oldest {
                    // A device that finds this sign finds those that were written before it.
                    barrier::publish(|| ());
                }
                let index = self.window.place(count).index as usize;
                let slot = slot_of(self.slots.view(), index);
                if let (Some(slot), Some(owner)) = (slot, self.owners.get(index)) {
                    sign::write::<P>(slot, owner.sign);
                }
            }
        }
        self.window.give();
        let next = self.window.next().index;
        barrier::publish(|| doorbell(next))
    }

    /// Reads the device's index ([`CompletesTo::index`]), and returns how many slots it newly reports.
    ///
    /// Context: that of [`CompletesTo::index`].
    ///
    /// # Errors
    ///
    /// `EBADMSG`: the index is none of a slot that the device has. Nothing changes.
    pub fn poll(&mut self) -> Result<u32>
    where
        E: CompletesTo<P>,
    {
        const {
            assert!(!sign::exists::<P>(), "the sign reports, and no index");
            assert!(
                matches!(P::CAPACITY, Capacity::AllButOne),
                "an index cannot report a full ring"
            );
        }
        let index = Dma::engine(&self.slots).index();

        // Reads of the slots and of the memory come after that of the index.
        barrier::consume(|| index.validate(|index| self.window.report(index).map_err(|_| EBADMSG)))
    }

    /// Takes the memory of the oldest slot, if the device has reported it.
    ///
    /// Context: any. Syncs the memory for the CPU.
    ///
    /// # Errors
    ///
    /// `EBADMSG`: the slot's sign is none that the device can write there, or its length is more than the
    /// memory has. Nothing changes: the device may still use the memory. A driver that goes on
    /// [cancels](Self::cancel) the ring.
    #[inline]
    pub fn pop(&mut self) -> Result<Option<Completed<P::Slot, H>>> {
        let Some(place) = self.window.oldest() else {
            return Ok(None);
        };
        let index = place.index as usize;
        let slot = slot_of(self.slots.view(), index);
        let (Some(slot), Some(owner)) = (slot, self.owners.get_mut(index)) else {
            return Ok(None);
        };

        let (progress, sign) = if const { sign::exists::<P>() } {
            sign::read::<P>(slot, place.lap)
        } else {
            let progress = match self.window.done() {
                0 => Progress::Pending,
                _ => Progress::Done,
            };
            (progress, owner.sign)
        };
        match progress {
            Progress::Pending => return Ok(None),
            Progress::Done => {}
            Progress::Impossible => return Err(EBADMSG),
        }

        let mut descriptor = slot.copy_read();
        // The sign that was judged is the one that the driver gets.
        sign::replace::<P>(&mut descriptor, sign);
        let len = P::length(&descriptor);
        let size = owner.memory.as_ref().map_or(0, H::size);
        if len.is_some_and(|len| len > size) {
            return Err(EBADMSG);
        }
        let Some(memory) = owner.memory.take() else {
            return Ok(None);
        };
        // INVARIANT: The slot is not in use any more, and has no memory.
        owner.sign = sign;
        self.window.retire(1);
        Ok(Some(Completed {
            descriptor: Untrusted::new(descriptor),
            len,
            // SAFETY: The slot was given, and the device has reported it: so it is done with this memory
            // (safety requirements of `Completes`). No other device was told of it (type invariants).
            memory: unsafe { memory.finish() },
        }))
    }

    /// Stops the device unless it is idle, and calls `each` with the memory of each slot in use, from the
    /// oldest on. Afterwards the ring is as new: all slots are zeroed, and the first one is next.
    ///
    /// How much the device has moved is not known. Set the device's side of the ring up again before the next
    /// [`publish`](Self::publish), also if the engine was idle: [`Completes`] requires it. Context: any, if
    /// `each` does not sleep.
    ///
    /// # Errors
    ///
    /// `EBUSY`: the device cannot be stopped. Nothing changes.
    pub fn cancel(&mut self, mut each: impl FnMut(H)) -> Result {
        let first = self.window.place(0).index as usize;
        // There is a first slot, so this does not fail. It comes before anything changes.
        let (newer, older) = self.owners.split_at_mut_checked(first).ok_or(EINVAL)?;
        if !engine::stop(Dma::engine(&self.slots)) {
            return Err(EBUSY);
        }
        self.window.reset();
        for index in 0..self.slots.len() {
            if let Some(slot) = slot_of(self.slots.view(), index) {
                slot.copy_write(P::Slot::new_zeroed());
            }
        }
        for owner in Iterator::chain(older.iter_mut(), newer) {
            owner.sign = P::Sign::new_zeroed();
            // INVARIANT: No slot is in use, and none has memory.
            if let Some(memory) = owner.memory.take() {
                // SAFETY: The engine is idle or was stopped, after the device was told of the memory. No other
                // device was told of it (type invariants).
                each(unsafe { memory.finish() });
            }
        }
        Ok(())
    }
}

impl<P: Protocol, E: Completes<P>, H: Post> Drop for DescriptorRing<'_, P, E, H> {
    fn drop(&mut self) {
        // Memory is posted, so the device is stopped first. If that fails, what is posted is quarantined
        // when it is dropped.
        if self.window.used() != 0 {
            let _ = self.cancel(drop);
        }
    }
}
