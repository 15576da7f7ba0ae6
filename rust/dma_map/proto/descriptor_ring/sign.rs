// SPDX-License-Identifier: GPL-2.0

//! Sign of a slot: the word by which CPU and device tell each other whose the slot is.
//!
//! It is one access wherever the library reads or writes it. The rest of the slot is read after it,
//! behind a read barrier, and written before it, ahead of a write barrier.

use super::{
    window::Lap,
    Protocol, //
};
use crate::{
    endian::{
        Be,
        Le, //
    },
    view::{
        CoherentBackend,
        CoherentView, //
    },
};
use kernel::{
    io::{
        Io,
        IoBackend, //
    },
    prelude::*, //
};

mod private {
    pub trait Sealed {}
}

/// A word that is read and written by one access: an integer of up to the size of a register, in the
/// CPU's byte order, [`Le`] or [`Be`]. `()` stands for no word.
pub trait Sign: private::Sealed + Copy + FromBytes + IntoBytes {}

macro_rules! sign {
    ($($word:ty),*) => { $(
        impl private::Sealed for $word {}
        impl Sign for $word {}
    )* };
}

sign!((), u8, u16, u32, Le<u16>, Le<u32>, Be<u16>, Be<u32>);
#[cfg(CONFIG_64BIT)]
sign!(u64, Le<u64>, Be<u64>);

/// What a sign says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The device has the slot, or has not filled it yet.
    Pending,
    /// The device is done with the slot.
    Done,
    /// No honest device writes this.
    Impossible,
}

/// Returns whether the slots of `P` have a sign.
#[inline(always)]
pub(in crate::proto) const fn exists<P: Protocol>() -> bool {
    size_of::<P::Sign>() != 0
}

/// Returns the sign of a slot.
#[inline(always)]
fn of<P: Protocol>(slot: CoherentView<'_, P::Slot>) -> CoherentView<'_, P::Sign> {
    const {
        let (offset, size) = (P::SIGN, size_of::<P::Sign>());
        assert!(size <= size_of::<P::Slot>(), "the sign is in the slot");
        assert!(
            offset <= size_of::<P::Slot>() - size,
            "the sign is in the slot"
        );
        assert!(
            offset % align_of::<P::Sign>() == 0 && align_of::<P::Slot>() >= align_of::<P::Sign>(),
            "the sign is aligned"
        );
    }
    let sign = CoherentBackend::as_ptr(slot)
        .wrapping_byte_add(P::SIGN)
        .cast();

    // SAFETY: The sign lies within the slot and is aligned (checked above, at build time). Any bytes are a
    // sign.
    unsafe { CoherentBackend::project_view(slot, sign) }
}

/// Reads the sign of a slot, and judges it. If it says that the device is done, what is read from here
/// on is what the device left.
#[inline(always)]
pub(in crate::proto) fn read<P: Protocol>(
    slot: CoherentView<'_, P::Slot>,
    lap: Lap,
) -> (Progress, P::Sign) {
    let sign = of::<P>(slot).copy_read();
    let progress = P::progress(sign, lap);

    if progress == Progress::Done {
        crate::barrier::consume(|| ());
    }
    (progress, sign)
}

/// Writes the sign of a slot. The caller has a write barrier before it.
#[inline(always)]
pub(in crate::proto) fn write<P: Protocol>(slot: CoherentView<'_, P::Slot>, sign: P::Sign) {
    of::<P>(slot).copy_write(sign);
}

/// Replaces the sign in a copy of a slot, and returns the one that was there.
#[inline(always)]
pub(in crate::proto) fn replace<P: Protocol>(slot: &mut P::Slot, sign: P::Sign) -> P::Sign {
    const {
        let size = size_of::<P::Sign>();
        assert!(size <= size_of::<P::Slot>(), "the sign is in the slot");
        assert!(
            P::SIGN <= size_of::<P::Slot>() - size,
            "the sign is in the slot"
        );
    }
    let place = core::ptr::from_mut(slot)
        .wrapping_byte_add(P::SIGN)
        .cast::<P::Sign>();

    // SAFETY: The sign lies within the slot (checked above, at build time), which is borrowed exclusively.
    // Any bytes are a sign, a sign has no padding, and any bytes are a slot.
    unsafe {
        let old = place.read_unaligned();
        place.write_unaligned(sign);
        old
    }
}
