// SPDX-License-Identifier: GPL-2.0
// error: E0521

//! What the device is told of is told while the memory is the device's.

use dma_map::{
    Device,
    DmaMapping,
    Engine,
    ToDevice,
    Transfer, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = DmaMapping<'bound, KVec<u8>, ToDevice, Device<E>>;

pub fn send<E: Engine>(mapping: Mapping<'_, E>) -> Result {
    let mut kept = None;
    let transfer = Transfer::start(mapping, |piece| {
        // pass: kept = Some(piece.len());
        kept = Some(piece);
        Ok(())
    })?;
    transfer.complete()?;
    Ok(())
}
