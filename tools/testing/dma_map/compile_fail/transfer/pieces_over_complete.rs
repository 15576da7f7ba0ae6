// SPDX-License-Identifier: GPL-2.0
// error: E0505

//! The pieces are those of a transfer in flight.

use dma_map::{
    Device,
    Engine,
    SgMapping,
    ToDevice,
    Transfer, //
};
use kernel::prelude::*;

pub type Mapping<'bound, E> = SgMapping<'bound, VVec<u8>, ToDevice, Device<E>>;

pub fn send<E: Engine>(mapping: Mapping<'_, E>) -> Result<usize> {
    let transfer = Transfer::start(mapping, |_| Ok(()))?;
    let mut pieces = transfer.pieces();
    let _ = pieces.next();
    drop(transfer.complete()?);
    // pass: let left = 0;
    let left = pieces.count();
    Ok(left)
}
