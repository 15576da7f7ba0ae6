// SPDX-License-Identifier: GPL-2.0
// error: E0308

//! What is cut from a piece asks the engine that the piece does.

use dma_map::{
    Device,
    Engine,
    Piece,
    SgMapping,
    ToDevice,
    Transfer, //
};
use kernel::prelude::*;

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

pub type Mapping<'a, 'bound> = SgMapping<'bound, VVec<u8>, ToDevice, Device<&'a Copier>>;

// pass: fn program(piece: Piece<'_, ToDevice, Copier>) -> Result {
fn program(piece: Piece<'_, ToDevice, Port>) -> Result {
    let _ = piece.address();
    Ok(())
}

pub fn send(mapping: Mapping<'_, '_>) -> Result {
    let transfer = Transfer::start(mapping, |mut pieces| {
        let piece = pieces.cut(4096).ok_or(EINVAL)?.part(16..32)?;
        piece.pieces().try_for_each(|piece| program(piece))
    })?;
    drop(transfer);
    Ok(())
}
