// SPDX-License-Identifier: GPL-2.0
// error: E0451

//! A completion comes out of a queue that the device has written.

use core::marker::PhantomData;
use dma_map::queue::{
    Completion,
    Tagged, //
};

pub struct Mine<T, P> {
    pub entry: T,
    pub _protocol: PhantomData<fn() -> P>,
}

pub fn make<P: Tagged>(entry: P::Slot) -> Option<Completion<P>> {
    // pass: let _ = Mine::<P::Slot, P> { entry, _protocol: PhantomData };
    let _ = Completion::<P> { entry, queue: todo!(), _protocol: PhantomData };
    None
}
