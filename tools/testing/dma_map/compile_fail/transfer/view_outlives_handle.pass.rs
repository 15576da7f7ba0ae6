// SPDX-License-Identifier: GPL-2.0
// error: E0505

//! A part of shared memory is a piece as long as the memory is shared.

use dma_map::{
    DmaCoherent,
    Engine,
    Piece,
    Shared, //
};
use kernel::prelude::*;

pub fn reset<E: Engine>(memory: DmaCoherent<'_, [u32], Shared<E>>) -> Result<u64> {
    let piece = Piece::of_view(memory.view(), 4)?;
    let address = piece.address();
    drop(memory.reclaim()?);
    Ok(address)
}
