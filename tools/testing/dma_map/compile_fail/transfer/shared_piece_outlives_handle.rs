// SPDX-License-Identifier: GPL-2.0
// error: E0505

//! A part of shared memory is a piece as long as the memory is shared.

use dma_map::{
    DmaCoherent,
    Engine,
    Shared,
    Transfer, //
};
use kernel::{
    io::io_project,
    prelude::*, //
};

pub fn reset<E: Engine>(memory: DmaCoherent<'_, [u32], Shared<E>>) -> Result<u64> {
    let transfer = Transfer::start(memory, |_| Ok(()))?;
    let piece = io_project!(transfer.pieces(), [try: 1]).piece()?;
    let address = piece.address();
    drop(transfer.complete()?);
    // pass: Ok(address)
    Ok(piece.address())
}
