// SPDX-License-Identifier: GPL-2.0

//! Forms of progress: a done bit, one that says whose the slot is, generations, and an index.

use dma_map::{
    descriptor_ring::{
        Capacity,
        Lap,
        Place,
        Progress,
        Protocol, //
    },
    endian::Le, //
};
use kernel::{
    dma::DmaAddress,
    prelude::*, //
};

/// A slot of all forms. The sign of those that have one is in the second word.
#[derive(Clone, Copy, Debug, Default, PartialEq, FromBytes, IntoBytes)]
#[repr(C)]
pub(super) struct Slot {
    pub(super) len: Le<u32>,
    pub(super) status: Le<u32>,
    pub(super) address: Le<u64>,
}

pub(super) const STATUS: usize = core::mem::offset_of!(Slot, status);

impl Slot {
    pub(super) fn new(address: DmaAddress, len: usize) -> Result<Self> {
        Ok(Self {
            len: u32::try_from(len)?.into(),
            status: MARK.into(),
            address: address.into(),
        })
    }
}

/// What a descriptor says in `status` beside the sign, so that a sign that replaces it shows.
pub(super) const MARK: u32 = 0x1200;
pub(super) const DONE: u32 = 1;
pub(super) const OWN: u32 = 1 << 31;
pub(super) const GENERATION: u32 = 1 << 30;

fn length(slot: &Slot) -> Option<usize> {
    usize::try_from(slot.len.get()).ok()
}

/// A form, as the device sees it.
pub(super) trait Form: Protocol<Slot = Slot> + Sized {
    /// Returns whether the device may use a slot with this status in this lap.
    fn is_given(status: u32, lap: Lap) -> bool;

    /// Returns the status that says that the device is done.
    fn done(status: u32) -> u32;
}

/// A done bit, which the descriptor clears. The doorbell tells how many slots there are.
pub(super) struct DoneBit;

impl Protocol for DoneBit {
    type Slot = Slot;
    type Sign = Le<u32>;
    const SIGN: usize = STATUS;
    const CAPACITY: Capacity = Capacity::AllButOne;

    fn progress(status: Le<u32>, _: Lap) -> Progress {
        if status.get() & DONE != 0 {
            Progress::Done
        } else {
            Progress::Pending
        }
    }

    fn length(slot: &Slot) -> Option<usize> {
        length(slot)
    }
}

impl Form for DoneBit {
    fn is_given(status: u32, _: Lap) -> bool {
        status & DONE == 0
    }

    fn done(status: u32) -> u32 {
        status | DONE
    }
}

/// A bit that the CPU sets and the device clears; the device polls for it.
pub(super) struct OwnBit;

impl Protocol for OwnBit {
    type Slot = Slot;
    type Sign = Le<u32>;
    const SIGN: usize = STATUS;

    fn given(status: Le<u32>, _: Place) -> Le<u32> {
        (status.get() | OWN).into()
    }

    fn progress(status: Le<u32>, _: Lap) -> Progress {
        if status.get() & OWN == 0 {
            Progress::Done
        } else {
            Progress::Pending
        }
    }

    fn length(slot: &Slot) -> Option<usize> {
        length(slot)
    }
}

impl Form for OwnBit {
    fn is_given(status: u32, _: Lap) -> bool {
        status & OWN != 0
    }

    fn done(status: u32) -> u32 {
        status & !OWN
    }
}

/// A generation that turns with each lap, and a done bit beside it.
pub(super) struct Generations;

impl Generations {
    fn of(lap: Lap) -> u32 {
        if lap.phase() {
            GENERATION
        } else {
            0
        }
    }
}

impl Protocol for Generations {
    type Slot = Slot;
    type Sign = Le<u32>;
    const SIGN: usize = STATUS;

    fn given(status: Le<u32>, place: Place) -> Le<u32> {
        (status.get() | Self::of(place.lap)).into()
    }

    fn progress(status: Le<u32>, lap: Lap) -> Progress {
        if status.get() & GENERATION != Self::of(lap) {
            return Progress::Impossible;
        }
        if status.get() & DONE != 0 {
            Progress::Done
        } else {
            Progress::Pending
        }
    }

    fn length(slot: &Slot) -> Option<usize> {
        length(slot)
    }
}

impl Form for Generations {
    fn is_given(status: u32, lap: Lap) -> bool {
        status & GENERATION == Self::of(lap) && status & DONE == 0
    }

    fn done(status: u32) -> u32 {
        status | DONE
    }
}

/// An index in a register, and no sign.
pub(super) struct ByIndex;

impl Protocol for ByIndex {
    type Slot = Slot;
    type Sign = ();
    const CAPACITY: Capacity = Capacity::AllButOne;

    fn length(slot: &Slot) -> Option<usize> {
        length(slot)
    }
}

impl Form for ByIndex {
    fn is_given(_: u32, _: Lap) -> bool {
        true
    }

    fn done(status: u32) -> u32 {
        status
    }
}
