// SPDX-License-Identifier: GPL-2.0

//! The DMA of a network card with two rings of descriptors.

use core::marker::PhantomData;
use dma_map::{
    barrier,
    direction::{
        Carries,
        Direction, //
    },
    endian::Le,
    error::Busy,
    mapping::MapOptions,
    pci::BusMaster,
    state::{
        Device,
        Shared, //
    },
    DmaCoherent,
    DmaDevice,
    DmaLimits,
    DmaMapping,
    Engine,
    FromDevice,
    Gfp,
    Piece,
    ToDevice,
    Transfer, //
};
use kernel::{
    device::{
        Bound,
        Core, //
    },
    dma::DmaMask,
    io::{
        io_project,
        io_read,
        io_write,
        poll::read_poll_timeout,
        Io, //
    },
    pci,
    prelude::*,
    sync::Arc,
    time::{
        delay::udelay,
        Delta, //
    },
};

/// With two cycles for an address, and with one.
const WIDE: DmaLimits = DmaLimits::new(DmaMask::new::<64>());
const NARROW: DmaLimits = DmaLimits::new(DmaMask::new::<32>());

/// Descriptors in a ring, and bytes in a receive buffer.
const SLOTS: usize = 64;
const ROOM: usize = 1536;

/// Registers.
const STATISTICS: usize = 0x10;
const SEND_RING: usize = 0x20;
const COMMAND: usize = 0x37;
const POLL: usize = 0xd9;
const RECEIVE_RING: usize = 0xe4;

/// `COMMAND`: receiver and transmitter on; a reset, which clears this bit.
const RUN: u8 = 3 << 2;
const RESET: u8 = 1 << 4;

/// `STATISTICS`, below the address: write them there. Cleared when they are written.
const DUMP: u32 = 1 << 3;
/// `POLL`: there are packets to send.
const PACKETS: u8 = 1 << 6;

/// `Descriptor::status`: the card has it; the ring ends here; a packet begins, and ends here.
const OWN: u32 = 1 << 31;
const RING_END: u32 = 1 << 30;
const FIRST: u32 = 1 << 29;
const LAST: u32 = 1 << 28;

#[repr(C)]
#[derive(FromBytes, IntoBytes)]
struct Descriptor {
    status: Le<u32>,
    options: Le<u32>,
    address: Le<u64>,
}

/// Makes the token: with 64 address bits where the platform has them.
pub fn token<'bound>(pdev: &'bound pci::Device<Core<'_>>) -> Result<DmaDevice<'bound>> {
    DmaDevice::new(pdev, WIDE).or_else(|_| DmaDevice::new(pdev, NARROW))
}

/// The card: registers, and how its DMA ends. The engine of the rings' own memory.
pub struct Card<'bound> {
    // Dropped first: its drop ends the card's DMA.
    master: BusMaster<'bound>,
    bar: pci::Bar<'bound, 0x100>,
}

// SAFETY: The rings are in use until `quiesce()`, so the card is never idle before. Without bus mastering
// it has no access. `new()` makes the one `BusMaster`, after a reset, and nobody enables it again. The
// address of a ring goes to its own card.
unsafe impl Engine for Card<'_> {
    type Mark = Self;

    fn is_idle(&self) -> bool {
        false
    }

    fn quiesce(&self) -> Result {
        // Receiver and transmitter off.
        self.bar.write8(0, COMMAND);
        self.master.disable();
        // The read returns after all earlier writes of the card are in memory.
        let _ = self.bar.read8(COMMAND);
        Ok(())
    }
}

impl<'bound> Card<'bound> {
    /// Maps the registers, resets the card, and enables DMA.
    pub fn new(pdev: &'bound pci::Device<Bound>) -> Result<Arc<Self>> {
        let bar: pci::Bar<'bound, 0x100> = pdev.iomap_region_sized(1, c"network_ring")?;

        bar.write8(RESET, COMMAND);
        let command = || Ok(bar.read8(COMMAND));
        let (step, limit) = (Delta::from_millis(10), Delta::from_millis(10_000));
        read_poll_timeout(command, |command| command & RESET == 0, step, limit)?;
        let master = BusMaster::new(pdev);
        Ok(Arc::new(Self { master, bar }, GFP_KERNEL)?)
    }
}

/// A ring of descriptors, for buffers of direction `D`.
pub struct Ring<'bound, D> {
    card: Arc<Card<'bound>>,
    slots: DmaCoherent<'bound, [Descriptor], Shared<Arc<Card<'bound>>>>,
    _direction: PhantomData<D>,
}

impl<'bound, D: Direction> Ring<'bound, D> {
    /// Allocates a ring. All of its descriptors are the CPU's.
    pub fn new(dma: DmaDevice<'bound>, card: Arc<Card<'bound>>) -> Result<Arc<Self>> {
        let slots = DmaCoherent::<[Descriptor]>::zeroed_slice(dma, SLOTS, Gfp::Kernel)?;
        let ring = Self {
            slots: slots.give(card.clone()),
            card,
            _direction: PhantomData,
        };
        Ok(Arc::new(ring, GFP_KERNEL)?)
    }

    /// Gives descriptor `index` to the card, with the memory of `piece`.
    fn arm(&self, index: usize, piece: Piece<'_, D, Self>, flags: u32) -> Result {
        let end = if index == SLOTS - 1 { RING_END } else { 0 };
        let status = OWN | end | flags | u32::try_from(piece.len())?;

        io_write!(&self.slots, [try: index].options, 0.into());
        io_write!(&self.slots, [try: index].address, piece.address().into());
        // After the writes above, as `wmb()` does in C.
        barrier::publish(|| {
            io_write!(&self.slots, [try: index].status, status.into());
            Ok(())
        })
    }

    /// Tells the card where the ring is.
    fn tell(&self, register: usize) -> Result {
        let address = self.slots.dma_address();
        let bar = &self.card.bar;
        bar.try_write32((address >> 32) as u32, register + 4)?;
        bar.try_write32(address as u32, register)
    }

    fn is_done(&self, index: usize) -> Result<bool> {
        Ok(io_read!(&self.slots, [try: index].status).get() & OWN == 0)
    }

    /// Returns the length of the packet in descriptor `index`, without its checksum.
    fn packet_len(&self, index: usize) -> Result<usize> {
        let status = io_project!(&self.slots, [try: index].status).once().read();
        status
            .map(|status| (status.get() & 0x1fff).wrapping_sub(4))
            .length(ROOM)
    }
}

/// The engine of one buffer: its descriptor.
struct Slot<'bound, D> {
    ring: Arc<Ring<'bound, D>>,
    index: usize,
}

// SAFETY: The card clears `OWN` in a descriptor after its last access to the buffer, and does not use the
// buffer before `arm()` sets it again. `quiesce()` is that of the card. Only `arm()` writes an address,
// that of a piece of this ring, to the descriptor whose number its engine has.
unsafe impl<'bound, D: Direction> Engine for Slot<'bound, D> {
    type Mark = Ring<'bound, D>;

    fn is_idle(&self) -> bool {
        self.ring.is_done(self.index).unwrap_or(false)
    }

    fn quiesce(&self) -> Result {
        self.ring.card.quiesce()
    }
}

/// A buffer that is mapped for a descriptor, and one that the card was told of.
type Mapped<'bound, D> = DmaMapping<'bound, KVec<u8>, D, Device<Slot<'bound, D>>>;
type Armed<'bound, D> = Transfer<Mapped<'bound, D>>;

impl<'bound, D: Carries<u8>> Ring<'bound, D> {
    /// Maps `buffer` for descriptor `index`.
    fn map(self: &Arc<Self>, index: usize, buffer: KVec<u8>, to: D) -> Result<Mapped<'bound, D>> {
        let ring = self.clone();
        let (dma, slot) = (self.slots.device(), Slot { ring, index });
        Ok(DmaMapping::map(dma, buffer, to, slot, MapOptions::new())?)
    }
}

/// The receive ring, and its buffers.
pub struct Receiver<'bound> {
    ring: Arc<Ring<'bound, FromDevice>>,
    rooms: KVec<Option<Armed<'bound, FromDevice>>>,
    tail: usize,
}

impl<'bound> Receiver<'bound> {
    /// Fills all of `ring`, which is empty.
    pub fn new(ring: Arc<Ring<'bound, FromDevice>>) -> Result<Self> {
        let mut rooms = KVec::with_capacity(SLOTS, GFP_KERNEL)?;

        for index in 0..SLOTS {
            let room = ring.map(index, KVec::from_elem(0, ROOM, GFP_KERNEL)?, FromDevice)?;
            let room = Transfer::start(room, |piece| ring.arm(index, piece, 0))?;
            rooms.push(Some(room), GFP_KERNEL)?;
        }
        Ok(Self {
            ring,
            rooms,
            tail: 0,
        })
    }

    /// Delivers up to `budget` packets. Returns how many there were, with those that were dropped.
    pub fn poll(&mut self, budget: usize, mut deliver: impl FnMut(&[u8])) -> Result<usize> {
        for done in 0..budget {
            let index = self.tail;
            let place = self.rooms.get_mut(index).ok_or(EINVAL)?;
            let packet = match place.take().map(Transfer::complete) {
                Some(Ok(packet)) => packet,
                // The card still has it.
                Some(Err(Busy(room))) => {
                    *place = Some(room);
                    return Ok(done);
                }
                None => return Ok(done),
            };

            // A length beyond the buffer is `EBADMSG`, and the packet is dropped.
            if let Ok(len) = self.ring.packet_len(index) {
                deliver(packet.contents().get(..len).unwrap_or_default());
            }
            let ring = self.ring.clone();
            let room = packet.give(Slot { ring, index });
            let room = Transfer::start(room, |piece| self.ring.arm(index, piece, 0))?;
            *place = Some(room);
            self.tail = (index + 1) % SLOTS;
        }
        Ok(budget)
    }
}

/// The transmit ring, and what is being sent.
pub struct Sender<'bound> {
    ring: Arc<Ring<'bound, ToDevice>>,
    sent: KVec<Option<Armed<'bound, ToDevice>>>,
    head: usize,
    tail: usize,
}

impl<'bound> Sender<'bound> {
    /// Makes a sender of `ring`, which is empty.
    pub fn new(ring: Arc<Ring<'bound, ToDevice>>) -> Result<Self> {
        let mut sent = KVec::with_capacity(SLOTS, GFP_KERNEL)?;

        for _ in 0..SLOTS {
            sent.push(None, GFP_KERNEL)?;
        }
        let (head, tail) = (0, 0);
        Ok(Self {
            ring,
            sent,
            head,
            tail,
        })
    }

    /// Sends a packet that consists of `parts`. `EBUSY`: the ring is full.
    pub fn send(&mut self, parts: KVec<KVec<u8>>) -> Result {
        let count = parts.len();
        if count > (self.tail + SLOTS - 1 - self.head) % SLOTS {
            return Err(EBUSY);
        }

        // All parts are mapped before the card is told of any. On an error, those that were are unmapped.
        let mut mapped = KVec::with_capacity(count, GFP_ATOMIC)?;
        for (part, index) in parts.into_iter().zip(self.head..) {
            mapped.push(self.ring.map(index % SLOTS, part, ToDevice)?, GFP_ATOMIC)?;
        }

        // The first descriptor comes last: the card starts with it.
        let mut flags = LAST;
        while let Some(part) = mapped.pop() {
            let index = (self.head + mapped.len()) % SLOTS;
            if mapped.is_empty() {
                flags |= FIRST;
            }
            let part = Transfer::start(part, |piece| self.ring.arm(index, piece, flags))?;
            *self.sent.get_mut(index).ok_or(EINVAL)? = Some(part);
            flags = 0;
        }
        self.head = (self.head + count) % SLOTS;
        self.ring.card.bar.write8(PACKETS, POLL);
        Ok(())
    }

    /// Unmaps and frees what was sent. Returns how many descriptors are free again.
    pub fn reclaim(&mut self) -> Result<usize> {
        let mut count = 0;

        while self.tail != self.head {
            let place = self.sent.get_mut(self.tail).ok_or(EINVAL)?;
            if let Some(Err(Busy(part))) = place.take().map(Transfer::complete) {
                *place = Some(part);
                break;
            }
            self.tail = (self.tail + 1) % SLOTS;
            count += 1;
        }
        Ok(count)
    }
}

/// Lets the card run.
pub fn start(receiver: &Receiver<'_>, sender: &Sender<'_>) -> Result {
    receiver.ring.tell(RECEIVE_RING)?;
    sender.ring.tell(SEND_RING)?;
    receiver.ring.card.bar.write8(RUN, COMMAND);
    Ok(())
}

/// The engine of the statistics, which has a command of its own.
struct Dump<'bound>(Arc<Card<'bound>>);

// SAFETY: The card clears `DUMP` after its last write of the statistics, and dumps nothing by itself. A
// card that is gone reads as all ones. `quiesce()` is that of the card. Only `packets_sent()` tells it of
// an address, that of the transfer.
unsafe impl Engine for Dump<'_> {
    type Mark = Self;

    fn is_idle(&self) -> bool {
        self.0.bar.read32(STATISTICS) & DUMP == 0
    }

    fn quiesce(&self) -> Result {
        self.0.quiesce()
    }
}

/// Returns how many packets were sent, as the card counts them. They are the first of 64 bytes.
pub fn packets_sent<'bound>(dma: DmaDevice<'bound>, card: &Arc<Card<'bound>>) -> Result<u64> {
    let room = DmaCoherent::<[Le<u64>]>::zeroed_slice(dma, 8, Gfp::Kernel)?;

    let dump = Transfer::start(room.give(Dump(card.clone())), |room| {
        let address = room.piece()?.address();
        card.bar.write32((address >> 32) as u32, STATISTICS + 4);
        card.bar.write32(address as u32 | DUMP, STATISTICS);
        Ok(())
    })?;
    for _ in 0..1000 {
        if dump.is_idle() {
            break;
        }
        udelay(Delta::from_micros(10));
    }
    // `EBUSY` if the card is not done. The drop of the transfer then stops it, and frees the memory.
    let counts = dump.complete()?;
    counts.first().map(|sent| sent.get()).ok_or(EINVAL)
}
