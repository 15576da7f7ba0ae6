// SPDX-License-Identifier: GPL-2.0
// error: E0308

//! A device is told of memory whose handle asks its engine.

use dma_map::{
    Device,
    DmaMapping,
    Engine,
    Piece,
    ToDevice,
    Transfer, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
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

pub type Mapping<'bound> = DmaMapping<'bound, KVec<u8>, ToDevice, Device<Arc<Copier>>>;

// pass: fn program(piece: Piece<'_, ToDevice, Copier>) -> Result {
fn program(piece: Piece<'_, ToDevice, Port>) -> Result {
    let _ = piece.address();
    Ok(())
}

pub fn send(mapping: Mapping<'_>) -> Result {
    drop(Transfer::start(mapping, |piece| program(piece))?);
    Ok(())
}
