// SPDX-License-Identifier: GPL-2.0
// error: E0308

//! Memory that is lent to one device is not told to another one.

use dma_map::{
    engine::AlwaysStops,
    mapping::with_mapped,
    DmaDevice,
    Engine,
    MapOptions,
    Piece,
    ToDevice, //
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

impl AlwaysStops for Copier {}

// pass: fn program(piece: Piece<'_, ToDevice, Copier>) -> Result {
fn program(piece: Piece<'_, ToDevice, Port>) -> Result {
    let _ = piece.address();
    Ok(())
}

pub fn send(dma: DmaDevice<'_>, data: &[u8], copier: &Copier) -> Result {
    with_mapped(dma, data, ToDevice, copier, MapOptions::new(), |lent| {
        program(lent.piece())
    })
}
