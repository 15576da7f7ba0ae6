// SPDX-License-Identifier: GPL-2.0

//! The card: its registers, how it is started and stopped, and what it promises about memory.
//!
//! It is Intel's 82574, as QEMU emulates it (`-device e1000e`). It takes frames from the slots of one ring,
//! and puts frames into those of another. Here it sends to itself: what it takes comes back.

use crate::rings::{
    Slot,
    ROOM,
    SLOTS, //
};
use dma_map::{
    descriptor_ring::Completes,
    pci::BusMaster,
    Engine, //
};
use kernel::{
    device::Bound,
    dma::DmaAddress,
    io::{
        poll::read_poll_timeout,
        Io, //
    },
    pci,
    prelude::*,
    time::Delta, //
};

const CONTROL: usize = 0x00;
const LINK_UP: u32 = 1 << 6;
const RESET: u32 = 1 << 26;

/// The interrupts that are raised, those to enable, and those to disable.
const CAUSES: usize = 0xc0;
const ENABLE: usize = 0xd0;
const DISABLE: usize = 0xd8;
const FRAME_SENT: u32 = 1 << 0;
const FRAME_RECEIVED: u32 = 1 << 7;

/// What the receiver does: it takes every frame that the card sends, without the checksum at its end.
const RECEIVER: usize = 0x100;
const LOOP_BACK: u32 = 1 << 6;
const ANY_ADDRESS: u32 = 1 << 3 | 1 << 4 | 1 << 15;
const BUFFERS_OF_2048: u32 = 0;
const STRIP_CHECKSUM: u32 = 1 << 26;

const SENDER: usize = 0x400;
/// In [`RECEIVER`] and in [`SENDER`].
const ON: u32 = 1 << 1;

/// The registers of the two rings: where a ring is, how many bytes it has, and the two indices.
pub(crate) const RECEIVE: usize = 0x2800;
pub(crate) const SEND: usize = 0x3800;
const ADDRESS_LOW: usize = 0x00;
const ADDRESS_HIGH: usize = 0x04;
const BYTES: usize = 0x08;
const HEAD: usize = 0x10;
const TAIL: usize = 0x18;

type Bar<'bound> = pci::Bar<'bound, { SEND + TAIL + 4 }>;

const _: () = assert!(ROOM == 2048, "as the receiver is told");

/// A card that is bound to this driver.
pub(crate) struct Card<'bound> {
    // Dropped first: its drop ends the card's DMA.
    master: BusMaster<'bound>,
    bar: Bar<'bound>,
}

// SAFETY:
// - `is_idle` never says so: a receiver that has buffers may write at any time.
// - Without bus mastering the card has no access. Nobody enables it again after `quiesce`.
// - The card learns of memory by `set_up`, which is given the slots of a ring, and by the descriptors in them,
//   which are made of pieces with this engine's mark. No room is smaller than the card is told.
// - `new` resets the card before it enables bus mastering, so there is no old command then.
unsafe impl Engine for Card<'_> {
    type Mark = Self;

    fn is_idle(&self) -> bool {
        false
    }

    fn quiesce(&self) -> Result {
        self.master.disable();
        // The read returns after all earlier writes of the card are in memory.
        let _ = self.bar.read32(CONTROL);
        Ok(())
    }
}

// SAFETY: The card fetches the slots from its head up to the tail, in order, and no others: it does not poll.
// When it has read a frame, or has written one, as a whole, it writes the slot back with the done bit, and
// does not use the memory again. Nothing cancels a ring but its drop.
unsafe impl Completes<Slot> for Card<'_> {}

impl<'bound> Card<'bound> {
    /// Maps the registers, resets the card, and enables DMA.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT`: the card does not end its reset; and those of mapping a BAR.
    pub(crate) fn new(pdev: &'bound pci::Device<Bound>) -> Result<Self> {
        let bar: Bar<'bound> = pdev.iomap_region_sized(0, c"dma_map_nic")?;

        bar.write32(RESET, CONTROL);
        let control = || Ok(bar.read32(CONTROL));
        let (step, limit) = (Delta::from_millis(1), Delta::from_millis(100));
        read_poll_timeout(control, |control| control & RESET == 0, step, limit)?;
        bar.write32(u32::MAX, DISABLE);
        Ok(Self {
            master: BusMaster::new(pdev),
            bar,
        })
    }

    /// Tells the card of a ring, which is empty.
    pub(crate) fn set_up<const RING: usize>(&self, address: DmaAddress) {
        // CAST: The two halves of the address.
        let (low, high) = (address as u32, (address >> 32) as u32);
        self.bar.write32(low, RING + ADDRESS_LOW);
        self.bar.write32(high, RING + ADDRESS_HIGH);
        // CAST: A small constant.
        self.bar
            .write32((SLOTS * size_of::<Slot>()) as u32, RING + BYTES);
        self.bar.write32(0, RING + HEAD);
        self.bar.write32(0, RING + TAIL);
    }

    /// Tells the card of the slots of a ring before `tail`.
    pub(crate) fn doorbell<const RING: usize>(&self, tail: u32) {
        self.bar.write32(tail, RING + TAIL);
    }

    /// Turns everything on, after the rings were set up.
    pub(crate) fn start(&self) {
        let receiver = LOOP_BACK | ANY_ADDRESS | BUFFERS_OF_2048 | STRIP_CHECKSUM;
        self.bar.write32(LINK_UP, CONTROL);
        self.bar.write32(receiver | ON, RECEIVER);
        self.bar.write32(ON, SENDER);
        self.bar.write32(FRAME_SENT | FRAME_RECEIVED, ENABLE);
    }

    /// Acknowledges what the card has raised. Returns whether there was anything.
    ///
    /// Context: hard IRQ.
    pub(crate) fn acknowledge(&self) -> bool {
        let causes = self.bar.read32(CAUSES);

        // The registers of a card that was pulled out read as all ones.
        if causes == u32::MAX || causes & (FRAME_SENT | FRAME_RECEIVED) == 0 {
            return false;
        }
        self.bar.write32(causes, CAUSES);
        true
    }

    /// Lets the card raise no more interrupts.
    pub(crate) fn silence(&self) {
        self.bar.write32(u32::MAX, DISABLE);
    }
}
