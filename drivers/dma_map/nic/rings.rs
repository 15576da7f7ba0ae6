// SPDX-License-Identifier: GPL-2.0

//! The two rings of a bound card: what is in a slot, how a frame gets in, and how one comes out.

use crate::card::{
    Card,
    RECEIVE,
    SEND, //
};
use dma_map::{
    descriptor_ring::{
        Capacity,
        Completed,
        DescriptorRing,
        Lap,
        Progress,
        Protocol, //
    },
    endian::Le,
    gate::{
        Guarded,
        Scope, //
    },
    irq::{
        Interrupt,
        VectorOptions,
        Vectors, //
    },
    mapped_pool::MappedPoolOptions,
    mapping::MapOptions,
    wait::{
        WaitOptions,
        WaitQueue, //
    },
    Cpu,
    DmaCoherent,
    DmaDevice,
    DmaMapping,
    FromDevice,
    Gfp,
    MappedBuffer,
    MappedPool,
    ToDevice, //
};
use kernel::{
    device::Bound,
    dma::DmaAddress,
    irq::{
        IrqReturn,
        ThreadedHandler,
        ThreadedIrqReturn, //
    },
    new_spinlock,
    pci::{
        self,
        IrqType, //
    },
    prelude::*,
    sync::{
        Arc,
        SpinLock, //
    }, //
};

/// How many slots a ring has. All but one can be in use.
pub(crate) const SLOTS: usize = 64;

/// The room for a frame that arrives, in bytes.
pub(crate) const ROOM: usize = 2048;

/// A slot of either ring. The card writes it back when it is done.
#[derive(FromBytes, IntoBytes)]
#[repr(C)]
pub(crate) struct Slot {
    address: Le<u64>,
    length: Le<u16>,
    /// What to do with a frame to send; of one that has arrived, a checksum.
    command: Le<u16>,
    status: u8,
    errors: u8,
    special: Le<u16>,
}

/// Bits of the command: the slot has the end of a frame, the card appends the checksum, and it writes the
/// slot back.
const COMMAND: u16 = 1 << 8 | 1 << 9 | 1 << 11;

/// Bits of the status: the card is done with the slot, and the slot has the end of a frame.
const DONE: u8 = 1 << 0;
const END_OF_FRAME: u8 = 1 << 1;

impl Slot {
    fn new(address: DmaAddress, len: usize) -> Result<Self> {
        Ok(Self {
            address: address.into(),
            length: u16::try_from(len)?.into(),
            command: COMMAND.into(),
            status: 0,
            errors: 0,
            special: 0.into(),
        })
    }
}

impl Protocol for Slot {
    type Slot = Self;
    type Sign = u8;
    const SIGN: usize = core::mem::offset_of!(Self, status);
    // If the indices are equal, the card takes the ring for empty.
    const CAPACITY: Capacity = Capacity::AllButOne;

    fn progress(status: u8, _: Lap) -> Progress {
        if status & DONE != 0 {
            Progress::Done
        } else {
            Progress::Pending
        }
    }

    fn length(slot: &Self) -> Option<usize> {
        Some(slot.length.get().into())
    }
}

/// A frame to send: memory that is mapped for it alone.
type Frame<'bound> = DmaMapping<'bound, KVec<u8>, ToDevice, Cpu>;

/// Room for a frame: memory that stays mapped, and goes round.
type Room<'bound> = MappedBuffer<'bound, u8, FromDevice>;

type Ring<'bound, H> = DescriptorRing<'bound, Slot, Arc<Card<'bound>>, H>;

/// A bound card with its rings.
#[pin_data]
pub(crate) struct Rings<'bound> {
    #[pin]
    send: SpinLock<Ring<'bound, Frame<'bound>>>,
    #[pin]
    receive: SpinLock<Ring<'bound, Room<'bound>>>,
    /// Those who wait for a frame, or for a slot.
    #[pin]
    waiting: WaitQueue,
    card: Arc<Card<'bound>>,
    dma: DmaDevice<'bound>,
}

impl<'bound> Rings<'bound> {
    fn new(pdev: &'bound pci::Device<Bound>, dma: DmaDevice<'bound>) -> Result<Arc<Self>> {
        let card = Arc::new(Card::new(pdev)?, GFP_KERNEL)?;
        let send = DmaCoherent::zeroed_slice(dma, SLOTS, Gfp::Kernel)?;
        let send = DescriptorRing::new(send, card.clone())?;
        let receive = DmaCoherent::zeroed_slice(dma, SLOTS, Gfp::Kernel)?;
        let receive = DescriptorRing::new(receive, card.clone())?;

        let rings = try_pin_init!(Self {
            send <- new_spinlock!(send, "dma_map_nic::send"),
            receive <- new_spinlock!(receive, "dma_map_nic::receive"),
            waiting <- WaitQueue::new(),
            card,
            dma,
        });
        Arc::pin_init(rings, GFP_KERNEL)
    }

    /// Starts the card, with room for as many frames as its ring takes.
    fn start(&self) -> Result {
        let options = MappedPoolOptions::new(SLOTS);
        let pool = MappedPool::new(self.dma, c"dma_map_nic", ROOM, FromDevice, options)?;

        self.card.set_up::<SEND>(self.send.lock().dma_address());
        self.card
            .set_up::<RECEIVE>(self.receive.lock().dma_address());
        self.card.start();
        for _ in 1..SLOTS {
            self.give_room(pool.take()?)?;
        }
        Ok(())
    }

    /// Gives the card room for a frame.
    fn give_room(&self, room: Room<'bound>) -> Result {
        let mut ring = self.receive.lock();

        ring.post(room, |room| Slot::new(room.address(), room.len()))?;
        ring.publish(|tail| self.card.doorbell::<RECEIVE>(tail));
        Ok(())
    }

    /// Sends a frame, when a slot is vacant. The slot owns it until the card has read it.
    ///
    /// # Errors
    ///
    /// Those of [`WaitQueue::wait`], and of mapping the frame.
    pub(crate) fn send(&self, frame: KVec<u8>, options: WaitOptions) -> Result {
        let frame = DmaMapping::map_cpu(self.dma, frame, ToDevice, MapOptions::new())?;

        let mut ring = self.waiting.wait_some(options, || {
            let ring = self.send.lock();
            (ring.room() != 0).then_some(ring)
        })?;
        ring.post(frame, |frame| Slot::new(frame.address(), frame.len()))?;
        ring.publish(|tail| self.card.doorbell::<SEND>(tail));
        Ok(())
    }

    /// Calls `take` with the next frame that arrives, or that has arrived.
    ///
    /// # Errors
    ///
    /// - `EBADMSG`: the card says what cannot be.
    /// - `EIO`: the frame is damaged.
    /// - Those of [`WaitQueue::wait`].
    pub(crate) fn receive<R>(
        &self,
        options: WaitOptions,
        take: impl FnOnce(&[u8]) -> Result<R>,
    ) -> Result<R> {
        let arrived = || self.receive.lock().pop().transpose();
        let Completed {
            descriptor,
            len,
            memory,
        } = self.waiting.wait_some(options, arrived)??;

        let result = descriptor.validate(|slot| {
            if slot.status & END_OF_FRAME == 0 || slot.errors != 0 {
                return Err(EIO);
            }
            // The ring has checked the length.
            let frame = len.and_then(|len| memory.as_slice().get(..len));
            take(frame.ok_or(EIO)?)
        });
        self.give_room(memory)?;
        result
    }

    /// Frees the frames that the card has sent.
    fn reclaim(&self) {
        let mut ring = self.send.lock();

        // Memory that the card reports wrongly stays out, until the ring ends.
        while let Ok(Some(done)) = ring.pop() {
            drop(done.memory);
        }
    }
}

/// What the card's interrupt calls.
struct Handler<'bound>(Arc<Rings<'bound>>);

impl ThreadedHandler for Handler<'_> {
    fn handle(&self) -> ThreadedIrqReturn {
        if self.0.card.acknowledge() {
            ThreadedIrqReturn::WakeThread
        } else {
            ThreadedIrqReturn::None
        }
    }

    fn handle_threaded(&self) -> IrqReturn {
        self.0.reclaim();
        self.0.waiting.wake_all();
        IrqReturn::Handled
    }
}

/// What ends with the binding.
pub(crate) struct Nic<'bound> {
    // Dropped first: the handler uses the rings.
    _interrupt: Interrupt<'bound, Handler<'bound>>,
    pub(crate) rings: Arc<Rings<'bound>>,
}

impl<'bound> Nic<'bound> {
    pub(crate) fn new(
        pdev: &'bound pci::Device<Bound>,
        scope: Scope<'bound>,
    ) -> Result<Pin<KBox<Self>>> {
        let rings = Rings::new(pdev, scope.dma())?;
        // With MSI-X the card would have to be told which vector is for what.
        let options = VectorOptions::new(1, 1).without(IrqType::MsiX);
        let vectors = Vectors::alloc(scope, options)?;
        let interrupt = vectors.request_threaded(0, fmt!("dma_map_nic"), Handler(rings.clone()))?;
        rings.start()?;

        let nic = Self {
            _interrupt: interrupt,
            rings,
        };
        Ok(KBox::pin(nic, GFP_KERNEL)?)
    }
}

impl Guarded for Nic<'_> {
    fn shutdown(&self) {
        self.rings.card.silence();
        self.rings.waiting.end();
    }
}
