// SPDX-License-Identifier: GPL-2.0
// error: E0616

//! A completion comes out of a queue that the device has written.

use core::marker::PhantomData;
use dma_map::queue::{
    Completion,
    Tagged, //
};

pub struct Mine<P: Tagged> {
    pub entry: P::Slot,
    pub _protocol: PhantomData<fn() -> P>,
}

pub fn change<P: Tagged>(other: &mut Completion<P>, mine: &mut Mine<P>, entry: P::Slot) {
    let _ = (&other, &mine);
    // pass: mine.entry = entry;
    other.entry = entry;
}
