// SPDX-License-Identifier: GPL-2.0
// error: E0505
// misuse: reference-into-shared

//! A view ends before the CPU has the block to itself.

use dma_map::{
    pool::PoolRef,
    CoherentView,
    Engine,
    PoolBlock,
    Shared, //
};

fn used<T>(_: CoherentView<'_, T>) {}

pub fn reclaim<P: PoolRef, E: Engine>(block: PoolBlock<P, Shared<E>>) {
    let view = block.view();
    let address = view.dma_address();
    let _ = block.complete();
    // pass: let _ = used::<u8>;
    used(view);
    let _ = address;
}
