// SPDX-License-Identifier: GPL-2.0
// error: E0308

//! A field of shared memory asks the engine that the memory is shared with.

use dma_map::{
    Bidirectional,
    DmaCoherent,
    Engine,
    Piece,
    Shared,
    Transfer, //
};
use kernel::{
    io::io_project,
    prelude::*, //
};

/// Two devices of one driver.
pub struct Copier;
pub struct Port;

// SAFETY: There is no device.
unsafe impl Engine for Copier {
    type Mark = Self;

    fn is_idle(&self) -> bool {
        true
    }

    fn quiesce(&self) -> Result {
        Ok(())
    }
}

// pass: fn program(piece: Piece<'_, Bidirectional, Copier>) -> Result {
fn program(piece: Piece<'_, Bidirectional, Port>) -> Result {
    let _ = piece.address();
    Ok(())
}

pub fn send(memory: &DmaCoherent<'_, [u64; 8], Shared<Copier>>) -> Result {
    drop(Transfer::start(memory, |all| {
        program(io_project!(all, [build: 3]).piece()?)
    })?);
    Ok(())
}
