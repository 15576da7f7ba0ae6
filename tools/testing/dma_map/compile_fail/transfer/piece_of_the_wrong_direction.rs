// SPDX-License-Identifier: GPL-2.0
// error: E0277

//! A device reads what was mapped for reading.

use dma_map::{
    direction::CpuWrites,
    Device,
    DmaMapping,
    Engine,
    FromDevice,
    Piece,
    ToDevice,
    Transfer, //
};
use kernel::prelude::*;

// pass: pub type Way = ToDevice;
pub type Way = FromDevice;
pub type Other = (FromDevice, ToDevice);

fn gather<D: CpuWrites, E>(piece: Piece<'_, D, E>) -> Result {
    let _ = piece.address();
    Ok(())
}

pub fn send<E: Engine>(mapping: DmaMapping<'_, KVec<u8>, Way, Device<E>>) -> Result {
    drop(Transfer::start(mapping, |piece| gather(piece))?);
    Ok(())
}
